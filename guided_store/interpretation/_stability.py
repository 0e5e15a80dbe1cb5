"""Whether another seed of the same recipe explains the same recommendation alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError
from guided_store.evaluation import Cases, Estimate, bootstrap_means
from guided_store.interpretation._sparsity import SHOWN
from guided_store.interpretation._subject import (
    Reading,
    Subject,
    lists,
    load_subject,
    read_cases,
    sample_cases,
)
from guided_store.progress import SILENT, Progress
from guided_store.store import Store
from guided_store.versions import Ref


@dataclass(frozen=True)
class Stability:
    """Explanations of the same items for the same users by versions that differ in their seed.

    Of every pair of versions, the items that either recommends to a user are explained by both. What is
    compared is the attribute terms relative to the average item (`Subject.terms`).

    Attributes:
        versions: their names; users, items: cases, and explained items per case and pair of versions.
        correlation: mean Spearman correlation of the two versions' terms over the attributes.
        correlation_chance: the same with the second version's terms of the item for another user, drawn at
            random: what the item brings about whoever asks.
        correlation_gain: the difference, paired over users.
        overlap: mean share of the three largest terms (by magnitude) that both versions name.
        overlap_chance, overlap_gain: as above.
        blind: overlap of three attributes drawn at random, 3 / A.
    """

    versions: tuple[str, ...]
    users: int
    items: float
    correlation: Estimate
    correlation_chance: Estimate
    correlation_gain: Estimate
    overlap: Estimate
    overlap_chance: Estimate
    overlap_gain: Estimate
    blind: float

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return {
            name: value.to_dict() if isinstance(value, Estimate) else value
            for name, value in (vars(self) | {"versions": list(self.versions)}).items()
        }


def stability(
    store: Store,
    refs: Sequence[str | Ref],
    cases: Cases,
    *,
    sample: int = 2000,
    k: int = 10,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Stability:
    """Hold the explanations of versions of one recipe against each other.

    Args:
        store: an open store.
        refs: two versions or more, with the same attributes.
        cases: what they are asked.
        sample: how many cases to draw; k: length of the lists whose items are explained.
        seed: of the cases and of the other users.

    Raises:
        UsageError: fewer than two versions, attributes or users, or versions with other attributes.
        VersionError, EncoderError: as `load_subject`.
    """
    numbers = sample_cases(cases, sample, seed)
    subjects = [load_subject(store, ref, cases) for ref in refs]
    with progress.task("explanations by several seeds", len(subjects)) as task:
        readings = []
        for subject in subjects:
            readings.append(read_cases(subject, cases, numbers))
            task.advance()
    return stability_of(subjects, readings, k=k, seed=seed)


def stability_of(
    subjects: Sequence[Subject], readings: Sequence[Reading], *, k: int = 10, seed: int = 0
) -> Stability:
    """`stability` of versions that are loaded, and of cases that they have read."""
    if len(subjects) < 2:
        raise UsageError("stability of explanations needs two versions of a recipe or more")
    first = subjects[0]
    for other in subjects[1:]:
        if other.attributes != first.attributes:
            raise UsageError(
                f"{first.embedding.ref} and {other.embedding.ref} have other attributes, so their "
                "explanations cannot be compared"
            )
    width = len(first.attributes)
    if width < 2:
        raise UsageError(
            f"{first.embedding.ref} has {width} attributes: there are no explanations to compare"
        )
    common = readings[0].numbers
    for reading in readings[1:]:
        common = np.intersect1d(common, reading.numbers)
    users = readings[0].users[np.searchsorted(readings[0].numbers, common)]
    if len(np.unique(users)) < 2:
        raise UsageError("stability of explanations needs two users or more that all versions know")
    stranger = _strangers(users, seed)
    queries = [
        reading.queries[np.searchsorted(reading.numbers, common)][:, :width].astype(np.float64)
        for reading in readings
    ]
    recommended = [_recommended(*pair, common, k) for pair in zip(subjects, readings, strict=True)]
    totals = np.zeros((len(common), 4))
    counts = np.zeros(len(common), np.int64)
    for a, b in combinations(range(len(subjects)), 2):
        case, code = np.unique(np.concatenate([recommended[a], recommended[b]]), axis=0).T
        here, there = _places(subjects[a], code), _places(subjects[b], code)
        both = (here >= 0) & (there >= 0)
        case, here, there = case[both], here[both], there[both]
        ours = queries[a][case] * subjects[a].centred[here]
        theirs = queries[b][case] * subjects[b].centred[there]
        strange = queries[b][stranger[case]] * subjects[b].centred[there]
        figures = np.column_stack(
            [
                rank_correlation(ours, theirs),
                rank_correlation(ours, strange),
                top_overlap(ours, theirs),
                top_overlap(ours, strange),
            ]
        )
        np.add.at(totals, case, figures)
        counts += np.bincount(case, minlength=len(common))
    known = counts > 0
    means = totals[known] / counts[known, None]
    gains = means[:, [0, 2]] - means[:, [1, 3]]
    own, chance, top, top_chance, gain, top_gain = bootstrap_means(
        users[known], np.concatenate([means, gains], axis=1)
    )
    pairs = len(subjects) * (len(subjects) - 1) / 2
    return Stability(
        tuple(str(subject.embedding.ref) for subject in subjects),
        int(known.sum()),
        float(counts[known].mean() / pairs),
        own,
        chance,
        gain,
        top,
        top_chance,
        top_gain,
        min(1.0, SHOWN / width),
    )


def rank_correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spearman correlation row by row of (n, A) with (n, A), float64 (n,); 0 where a row is constant."""
    from scipy import stats

    x, y = (stats.rankdata(part, axis=1) - (part.shape[1] + 1) / 2 for part in (a, b))
    size = np.sqrt(np.square(x).sum(axis=1) * np.square(y).sum(axis=1))
    found: NDArray[np.float64] = np.where(size > 0, (x * y).sum(axis=1) / np.where(size > 0, size, 1), 0)
    return found


def top_overlap(a: NDArray[np.float64], b: NDArray[np.float64], top: int = SHOWN) -> NDArray[np.float64]:
    """Share of the `top` largest terms by magnitude that two rows of (n, A) have in common, float64 (n,)."""
    top = min(top, a.shape[1])
    chosen = [np.argsort(-np.abs(part), axis=1, kind="stable")[:, :top] for part in (a, b)]
    found: NDArray[np.float64] = (chosen[0][:, :, None] == chosen[1][:, None, :]).sum(axis=(1, 2)) / top
    return found


def _recommended(subject: Subject, reading: Reading, common: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Place of the case within `common`, and item code, of everything in the lists, int64 (n, 2)."""
    places, there = lists(subject, reading, k)
    there &= np.isin(reading.numbers, common)[:, None]
    case, at = np.nonzero(there)
    return np.column_stack([np.searchsorted(common, reading.numbers[case]), subject.codes[places[case, at]]])


def _places(subject: Subject, codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Place of each item code, -1 where the version does not know it."""
    at = np.minimum(np.searchsorted(subject.codes, codes), len(subject.codes) - 1)
    return np.where(subject.codes[at] == codes, at, -1)


def _strangers(users: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """For each case a case of another user, at random: users in a random ring, each paired with the next."""
    random = np.random.default_rng(seed)
    distinct, row = np.unique(users, return_inverse=True)
    ring = random.permutation(len(distinct))
    following = np.empty(len(distinct), np.int64)
    following[ring] = np.roll(ring, -1)
    # any case of that user will do: the last one
    last = np.zeros(len(distinct), np.int64)
    last[row] = np.arange(len(users))
    found: NDArray[np.int64] = last[following[row]]
    return found
