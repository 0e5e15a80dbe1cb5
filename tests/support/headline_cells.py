"""Made-up finished cells: every system a known distance above or below the base, on the same cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from guided_store.reproduction import CellResult, DatasetFacts, Results

CASES = 600

# How much nearer to the top a system puts its targets: 1 is the base.
STRENGTH = {
    "base-plain": 1.08,
    "base": 1.0,
    "base-2d": 0.98,
    "base-warm": 0.97,
    "refined": 0.6,
    "refined-paper": 0.7,
    "guided-alone": 1.6,
    "permuted": 1.04,
    "random": 1.05,
    "text": 0.62,
    "text+guided": 0.55,
    "no-hindsight": 0.7,
}
TWO_STAGES = {"refined-warm": 0.62, "permuted-warm": 0.95, "text-warm": 0.7}


def facts(cases: int = CASES) -> DatasetFacts:
    """Cases of a made-up dataset of 50 items with a long tail."""
    counts = (400 / np.arange(1, 51)).astype(np.int64)
    random = np.random.default_rng(11)
    targets = random.integers(0, 50, cases)
    return DatasetFacts("5" * 64, counts[targets], random.integers(3, 20, cases), counts)


def cell(
    system: str,
    seed: int = 1,
    *,
    dataset: str = "office",
    encoder: str = "sasrec",
    strength: Mapping[str, float] = STRENGTH | TWO_STAGES,
    cases: int = CASES,
) -> CellResult:
    """One finished run; its ranks are those of the base, moved by the system's strength and some noise."""
    shared = np.random.default_rng(7).pareto(0.6, cases) * 6
    noise = np.random.default_rng([seed, *system.encode()]).lognormal(0, 0.15, cases)
    ranks = np.maximum(1.0, np.floor(shared * strength[system] * noise) + 1)
    ranks[::97] = np.inf
    reached = 0.08 / strength[system] + 0.0005 * seed
    return CellResult(
        dataset=dataset,
        encoder=encoder,
        system=system,
        seed=seed,
        dim=128 if system == "base-2d" else 64,
        ranks=ranks,
        users=np.arange(cases),
        targets=np.arange(cases, dtype=np.int32) % 50,
        validation={"mrr": reached * 0.9, "recall@10": reached * 1.8, "ndcg@10": reached},
        trial={"dropout": 0.2, "learning_rate": 0.001},
        trials=[
            {
                "settings": {"dropout": d},
                "validation": {"ndcg@10": 0.07 + d / 100},
                "epochs": 9,
                "seconds": 50.0,
            }
            for d in (0.1, 0.2, 0.3)
        ],
        seconds=300.0 + seed,
        epochs=40,
        digests={"split": "5" * 64, "version": f"{system}-{seed}", "torch": "2.13.0"},
    )


def results(
    cells: Iterable[CellResult], planned: Iterable[tuple[str, str, str, int]] | None = None
) -> Results:
    """The cells with their datasets' facts; planned is what is finished, where nothing else is said."""
    found = list(cells)
    if planned is None:
        planned = [(c.dataset, c.encoder, c.system, c.seed) for c in found]
    # Of a dataset's first cell, so that a later one may be made wrong.
    return Results(found, {c.dataset: facts(len(c.ranks)) for c in reversed(found)}, tuple(planned))


def full_office(seeds: Iterable[int] = (1, 2, 3)) -> list[CellResult]:
    """Every system of one table, but those in two stages that have a twin in one."""
    return [cell(system, seed) for system in STRENGTH for seed in seeds]
