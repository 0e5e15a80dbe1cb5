"""How many attributes an explanation needs.

Of every recommended item the attribute terms relative to the average item (`Subject.terms`), by magnitude. An
explanation is sparse where a few of them carry most of the sum of magnitudes: then three bars tell the story.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.evaluation import Estimate, bootstrap_means
from guided_store.interpretation._subject import Reading, Subject, lists

SHOWN = 3
"""Attributes that a recommendation names by default."""


@dataclass(frozen=True)
class Sparsity:
    """Sparsity over the recommended items of the sampled cases.

    Attributes:
        users, items: cases, and recommended items in all.
        attributes: A, how many terms there are to choose from.
        needed: share (0.8, 0.9) of the sum of magnitudes -> terms needed for it, on average.
        distribution: n -> share of the items that need n terms for 80 %.
        shown: share of the sum of magnitudes in the three largest terms.
        even: the same three if all attributes counted alike, 3 / A.
        gini: Gini index of the magnitudes, 0 where all are alike, 1 - 1/A where one has all (Hurley and
            Rickard 2009, "Comparing measures of sparsity", IEEE Trans. Inf. Theory 55).
        hoyer: (sqrt(A) - l1/l2) / (sqrt(A) - 1), 0 to 1 (Hoyer 2004, JMLR 5).
        named: attribute -> share of the items whose largest positive term it is, most often named first.
    """

    users: int
    items: int
    attributes: int
    needed: dict[float, Estimate]
    distribution: dict[int, float]
    shown: Estimate
    even: float
    gini: Estimate
    hoyer: Estimate
    named: dict[str, float]

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys; those of mappings are texts."""
        return {
            "users": self.users,
            "items": self.items,
            "attributes": self.attributes,
            "needed": {f"{share:g}": terms.to_dict() for share, terms in self.needed.items()},
            "distribution": {str(terms): share for terms, share in self.distribution.items()},
            "shown": self.shown.to_dict(),
            "even": self.even,
            "gini": self.gini.to_dict(),
            "hoyer": self.hoyer.to_dict(),
            "named": self.named,
        }


SHARES = (0.8, 0.9)


def sparsity(subject: Subject, reading: Reading, k: int = 10) -> Sparsity | None:
    """Sparsity of the explanations of each case's `k` best items; None with fewer than 2 attributes."""
    width = len(subject.attributes)
    if width < 2:
        return None
    places, there = lists(subject, reading, k)
    case, at = np.nonzero(there)
    terms = subject.terms(reading.queries, places)[case, at]  # (n, A)
    known = np.abs(terms).sum(axis=1) > 0
    case, terms = case[known], terms[known]
    if not len(case):
        return None
    size = np.sort(np.abs(terms), axis=1)[:, ::-1]
    needed = np.stack([terms_needed(size, share) for share in SHARES], axis=1)
    total = size.sum(axis=1)
    shown = size[:, :SHOWN].sum(axis=1) / total
    columns = np.column_stack([needed, shown, gini_index(size), hoyer_index(size)])
    estimates = bootstrap_means(reading.users[case], columns)
    counts = np.bincount(needed[:, 0], minlength=width + 1)[1:] / len(case)
    best = terms.argmax(axis=1)[terms.max(axis=1) > 0]
    named = np.bincount(best, minlength=width) / len(case)
    order = np.argsort(-named, kind="stable")
    return Sparsity(
        len(np.unique(case)),
        len(case),
        width,
        dict(zip(SHARES, estimates[:2], strict=True)),
        {terms + 1: float(share) for terms, share in enumerate(counts) if share > 0},
        estimates[2],
        min(1.0, SHOWN / width),
        estimates[3],
        estimates[4],
        {subject.attributes[column]: float(named[column]) for column in order},
    )


def terms_needed(size: NDArray[np.float64], share: float) -> NDArray[np.int64]:
    """How many of the largest magnitudes reach a share of the sum, int64 (n,).

    Args:
        size: float64 (n, A), magnitudes in falling order, no row of zeros.
        share: within (0, 1].
    """
    reached = np.cumsum(size, axis=1)
    # Sums of equal parts reach their share in exact numbers, and may miss it in rounded ones.
    enough = reached >= share * reached[:, -1:] * (1 - 1e-12)
    found: NDArray[np.int64] = enough.argmax(axis=1) + 1
    return found


def gini_index(size: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 - 2 sum_k c_(k) / |c|_1 (A - k + 1/2) / A, c ascending; `size` (n, A) in falling order."""
    width = size.shape[1]
    weight = (np.arange(width) + 0.5) / width  # falling order: the largest has k = A
    found: NDArray[np.float64] = 1 - 2 * (size * weight).sum(axis=1) / size.sum(axis=1)
    return found


def hoyer_index(size: NDArray[np.float64]) -> NDArray[np.float64]:
    """(sqrt(A) - l1/l2) / (sqrt(A) - 1) of magnitudes (n, A), A at least 2."""
    root = np.sqrt(size.shape[1])
    found: NDArray[np.float64] = (root - size.sum(axis=1) / np.sqrt(np.square(size).sum(axis=1))) / (root - 1)
    return found
