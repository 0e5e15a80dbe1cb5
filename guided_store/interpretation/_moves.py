"""What came of changed scores: how far ranks moved, and whether the way the explanation says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.evaluation import Estimate, bootstrap_means, bootstrap_ratios, sign_test


@dataclass(frozen=True)
class Moves:
    """One kind of attribute, over all sampled pairs of a user and a recommended item.

    Attributes:
        pairs: how many.
        points: how far the scores were moved, lowered and raised together, on average over items.
        moved: share of pairs whose rank differs between the score raised and the score lowered.
        predicted: of those, the share that differ the way the explanation says; 0.5 by chance.
        p: two-sided sign test of that against chance.
        places: mean distance between the two ranks.
        median: median of it.
        toward: mean distance in the direction that the explanation says, negative against it.
        list_shift: how far the mean raw score of the ten best items differs between the two, in points;
            above 0 where the list follows what was read. None where only the item itself was changed.
    """

    pairs: int
    points: float
    moved: Estimate
    predicted: Estimate
    p: float
    places: Estimate
    median: float
    toward: Estimate
    list_shift: Estimate | None

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return {
            name: value.to_dict() if isinstance(value, Estimate) else value
            for name, value in vars(self).items()
        }


@dataclass(frozen=True)
class Intervention:
    """One way to change scores, for the top-named attribute of each pair and for a random other one.

    Attributes:
        changed: "item", the recommended item's own score, or "history", the scores of what the user has read.
        named, random: what came of it.
        farther: mean over pairs of how many places more the named attribute moves the item than the random
            one.
        farther_p: two-sided sign test of which of the two moves it more.
        further_toward: the same difference in places toward where the explanation says.
    """

    changed: str
    named: Moves
    random: Moves
    farther: Estimate
    farther_p: float
    further_toward: Estimate

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return {
            "changed": self.changed,
            "named": self.named.to_dict(),
            "random": self.random.to_dict(),
            "farther": self.farther.to_dict(),
            "farther_p": self.farther_p,
            "further_toward": self.further_toward.to_dict(),
        }


def judge_moves(
    changed: str,
    users: NDArray[np.int64],
    ranks: NDArray[np.int64],
    expected: NDArray[np.int64],
    points: NDArray[np.float64],
    shift: NDArray[np.float64] | None,
) -> Intervention:
    """Sum up one intervention.

    Args:
        changed: see `Intervention`.
        users: user of each pair, int64 (P,).
        ranks: int64 (P, 2, 2): named and random attribute, score lowered and raised.
        expected: int64 (P, 2), 1 where a raised score is to bring the item forward, -1 where back.
        points: float64 (P, 2), how far scores were moved, lowered and raised together.
        shift: float64 (P, 2), of the list's mean raw score, or None.
    """
    forward = ranks[:, :, 0] - ranks[:, :, 1]  # places that raising gains on lowering
    toward = forward * expected
    places = np.abs(forward)
    named, random = (
        _moves(users, toward[:, one], points[:, one], None if shift is None else shift[:, one])
        for one in (0, 1)
    )
    farther = places[:, 0] - places[:, 1]
    return Intervention(
        changed,
        named,
        random,
        _mean(users, farther),
        _sign_p(farther),
        _mean(users, toward[:, 0] - toward[:, 1]),
    )


def _moves(
    users: NDArray[np.int64],
    toward: NDArray[np.int64],
    points: NDArray[np.float64],
    shift: NDArray[np.float64] | None,
) -> Moves:
    moved = toward != 0
    return Moves(
        len(toward),
        float(points.mean()),
        _mean(users, moved),
        bootstrap_ratios(users, (toward > 0)[:, None], moved[:, None])[0],
        _sign_p(toward),
        _mean(users, np.abs(toward)),
        float(np.median(np.abs(toward))),
        _mean(users, toward),
        None if shift is None else _mean(users, shift),
    )


def _sign_p(values: NDArray[np.int64]) -> float:
    """Two-sided exact p of as many values above 0 as below, zeros left out; 1 where all are 0."""
    return sign_test(int((values > 0).sum()), int((values < 0).sum()))


def _mean(users: NDArray[np.int64], values: NDArray[np.floating | np.integer | np.bool_]) -> Estimate:
    return bootstrap_means(users, values[:, None])[0]
