"""How often one of two is preferred, how sure that is, and whether it may be chance."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from guided_store.errors import UsageError
from guided_store.evaluation import LEVEL


@dataclass(frozen=True)
class Preference:
    """One question over all histories.

    Attributes:
        question: its name; `asked`: its text.
        a, b: histories on which the raters' majority prefers the first version, and the second.
        ties: histories without a majority, or whose majority sees no difference; they are in no rate.
        rate: `b / (a + b)`, None where all are ties; `interval`: Wilson's.
        p: two-sided, of the sign test; `adjusted`: after Holm's correction over the questions.
        left: answers that prefer what stood left; `right`: what stood right.
        side_p: of the sign test on these, by chance small where raters favour one side of the page.
    """

    question: str
    asked: str
    a: int
    b: int
    ties: int
    rate: float | None
    interval: tuple[float, float] | None
    p: float
    adjusted: float
    left: int
    right: int
    side_p: float

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return {**vars(self), "interval": None if self.interval is None else list(self.interval)}


def wilson(successes: int, trials: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval of a rate, within [0, 1] and of use for few trials too.

    With z the normal quantile of `level`, n trials and the rate r:

        (r + z^2 / 2n  +-  z sqrt(r (1 - r) / n + z^2 / 4n^2)) / (1 + z^2 / n)

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22 (1927).

    Raises:
        UsageError: no trial, more successes than trials, or a level outside (0, 1).
    """
    if not 0 <= successes <= trials or not trials or not 0 < level < 1:
        raise UsageError(
            "an interval of a rate needs a trial or more, no more successes than trials, and a level between "
            f"0 and 1, not {successes} of {trials} at {level:g}"
        )
    z = NormalDist().inv_cdf((1 + level) / 2)
    rate, square = successes / trials, z * z / trials
    middle = rate + square / 2
    half = z * sqrt(rate * (1 - rate) / trials + square / (4 * trials))
    # None or all of them give the end of the scale exactly, which rounding would miss by a hair.
    low = (middle - half) / (1 + square) if successes else 0.0
    high = (middle + half) / (1 + square) if successes < trials else 1.0
    return low, high
