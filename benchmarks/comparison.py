"""Whether comparisons find what is there, and claim nothing where nothing is.

    python benchmarks/comparison.py swap STORE A B        # labels swapped at random per user: nothing there
    python benchmarks/comparison.py planted STORE A       # A against itself with 5 % of its vectors shuffled
    python benchmarks/comparison.py recipe STORE A+B+...  # seeds of one recipe dealt to two sides
    python benchmarks/comparison.py seeds STORE A N       # train N seeds of A's recipe (into a copy!)

`swap` and `recipe` count how often a comparison of equals finds a difference at 5 %: in the main metric
alone, and in any metric after Holm. `recipe` sets beside it what a test over users alone would have said of
the same sides (--sides 1: of single models). `planted` prints the comparison. All but `seeds` only read.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from guided_store.catalogue import leave_one_out, load_sequences
from guided_store.comparison import (
    Candidate,
    compare_accuracy,
    judge_versions,
    parse_candidates,
    tables,
    verdicts,
)
from guided_store.encoders import EncoderConfig, TrainingConfig, load_encoder, read_manifest, train
from guided_store.evaluation import Cases, EncodedScorer, Judgement, Paired, average_seeds, compare, judge
from guided_store.store import Store
from guided_store.store import open as open_store
from guided_store.versions import get_version, load_embedding

ALPHA = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("swap", "planted", "recipe", "seeds"))
    parser.add_argument("store", type=Path)
    parser.add_argument("versions", nargs="+")
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--share", type=float, default=0.05, help="of the vectors that `planted` shuffles")
    parser.add_argument("--sides", default="1,2,3", help="seeds a side for `recipe`")
    parser.add_argument("--epochs", type=int, help="for `seeds`; by default as the version was trained")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with open_store(given.store, write=given.what == "seeds") as store:
        cases = Cases(leave_one_out(load_sequences(store)))
        start = time.perf_counter()
        sides = [int(side) for side in given.sides.split(",")]
        if given.what == "swap":
            swap(store, cases, given.versions, given.repetitions, given.seed)
        elif given.what == "planted":
            planted(store, cases, given.versions[0], given.share, given.seed)
        elif given.what == "recipe":
            recipe(store, cases, given.versions[0].split("+"), sides, given.repetitions, given.seed)
        else:
            make_seeds(store, cases, given.versions[0], int(given.versions[1]), given.epochs)
    print(f"\n{time.perf_counter() - start:.0f} s")


def swap(store: Store, cases: Cases, versions: Sequence[str], repetitions: int, seed: int) -> None:
    """Two versions whose labels are swapped at random for each user."""
    random, counted = np.random.default_rng(seed), Counter()
    judged = judge_versions(store, parse_candidates(store, versions), cases).versions
    first, second = (runs[0] for runs in list(judged.values())[:2])
    print("as they are:", *verdicts(compare_accuracy(judged, cases)))
    for _ in range(repetitions):
        swapped = (random.random(cases.sequences.n_users) < 0.5)[cases.users]
        sides = {
            "a": [replace(first, ranks=np.where(swapped, second.ranks, first.ranks))],
            "b": [replace(first, ranks=np.where(swapped, first.ranks, second.ranks))],
        }
        counted.add(compare_accuracy(sides, cases, replicates=200).pairs["b"])
    print(f"labels swapped at random per user, {repetitions} times: {counted}")


def planted(store: Store, cases: Cases, version: str, share: float, seed: int) -> None:
    """A version against itself with some of its vectors given to one another."""
    random = np.random.default_rng(seed)
    right = load_embedding(store, version)
    rows = random.permutation(len(right.item_ids))[: round(share * len(right.item_ids))]
    vectors = right.vectors.copy()
    vectors[rows] = vectors[np.roll(rows, 1)]  # a cycle: none stays in its place
    judged: dict[str, list[Judgement]] = {}
    for label, found in {"as trained": right, "shuffled": replace(right, vectors=vectors)}.items():
        # The encoder reads the shuffled vectors too.
        scorer = EncodedScorer(label, load_encoder(store, found), found.item_ids, found.vectors, found.bias)
        judged[label] = [judge(scorer, cases)]
    accuracy = compare_accuracy(judged, cases)
    print(f"{len(rows):,} of {len(right.item_ids):,} vectors shuffled, {len(cases):,} cases")
    print(*verdicts(accuracy), "", tables(accuracy)[0].to_markdown(), sep="\n")


def recipe(
    store: Store, cases: Cases, versions: Sequence[str], sides: Sequence[int], repetitions: int, seed: int
) -> None:
    """Seeds of one recipe dealt to two sides, again and again."""
    candidates = parse_candidates(store, [versions[0], "+".join(versions[1:])])
    refs = tuple(ref for one in candidates for ref in one.refs)
    runs = judge_versions(store, [Candidate("all", refs)], cases).versions["all"]
    means = [float(average_seeds([one.ranks])["ndcg@10"].mean()) for one in runs]
    spread = f"{min(means):.4f} to {max(means):.4f}, deviation {np.std(means, ddof=1):.4f}"
    print(f"{len(runs)} seeds, NDCG@10 {spread}")
    for side in sides:
        random = np.random.default_rng(seed)
        ours, users_alone = Counter(), Counter()
        for _ in range(repetitions):
            dealt = random.permutation(len(runs))[: 2 * side]
            a, b = ([runs[at] for at in half] for half in (dealt[:side], dealt[side:]))
            if side > 1:
                accuracy = compare_accuracy({"a": a, "b": b}, cases, replicates=200)
                ours.add(accuracy.pairs["b"])
            users_alone.add(_over_users(cases, a, b))
        print(f"{side} against {side}, {repetitions} deals; found different at {ALPHA:.0%}:")
        if side > 1:
            print(f"  over seeds and users, as `compare` does: {ours}")
        print(f"  over users alone, seeds averaged: {users_alone}", flush=True)


def make_seeds(store: Store, cases: Cases, version: str, count: int, epochs: int | None) -> None:
    """Train further seeds of a version that began from learned vectors."""
    info = get_version(store, version)
    settings = read_manifest(store, info.ref)[0].training
    if settings["items"] != "learned":
        sys.exit(f"{version} was trained from {settings['items']}: only learned bases are repeated here")
    training = TrainingConfig.from_dict(settings["training"])
    if epochs is not None:
        training = replace(training, epochs=epochs)
    for seed in range(1, count + 1):
        name = f"{info.ref.name}-again-s{seed}"
        result = train(
            store,
            name,
            split=cases.split,
            encoder=EncoderConfig.from_dict(settings["encoder"]),
            training=replace(training, seed=seed),
            repeats=cases.repeats,
        )
        print(f"{result.version.ref}: {result.outcome.metrics.get('ndcg@10', 0):.4f}", flush=True)


class Counter:
    """How often a difference was found."""

    def __init__(self) -> None:
        self._times = self._main = self._any = 0

    def add(self, pairs: Mapping[str, Paired]) -> None:
        """Count one comparison."""
        self._times += 1
        self._main += pairs["ndcg@10"].p < ALPHA
        self._any += any(pair.adjusted < ALPHA for pair in pairs.values())

    def __str__(self) -> str:
        main, corrected = (100 * found / self._times for found in (self._main, self._any))
        return f"NDCG@10 {main:.1f} %, any metric after Holm {corrected:.1f} %"


def _over_users(cases: Cases, a: Sequence[Judgement], b: Sequence[Judgement]) -> dict[str, Paired]:
    first, second = (average_seeds([one.ranks for one in side]) for side in (a, b))
    for side in (first, second):
        side.pop("mrr@10")  # as in a comparison
    return compare(cases.users, second, first, replicates=200)


if __name__ == "__main__":
    main()
