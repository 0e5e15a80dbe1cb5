"""How far raters agree: correlation, intraclass correlation, Krippendorff's alpha, mean difference, bias.

Every function takes the ratings of one attribute as float64 (n, R): n items in rows, R raters in columns, NaN
where a rater gave none. What is undefined is NaN, never a number that looks like agreement: on items that
were all rated alike no statistic here can tell agreement from a rater who always answers the same.

Sources:
    McGraw & Wong (1996), Forming inferences about some intraclass correlation coefficients,
        Psychological Methods 1(1), 30-46: ICC(A,1).
    Shrout & Fleiss (1979), Intraclass correlations: uses in assessing rater reliability,
        Psychological Bulletin 86(2), 420-428: the same coefficient under the name ICC(2,1).
    Krippendorff (2011), Computing Krippendorff's alpha-reliability; (2019), Content Analysis, 4th edition,
        chapter 12.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Ratings = NDArray[np.float64]

NAN = float("nan")


def pearson(ratings: Ratings) -> float:
    """Pearson's r; with more than two raters the mean of r over the pairs of raters.

    Each pair is compared on the items that both rated. Pairs where one rater gave every item the same have no
    r and are left out of the mean; NaN where no pair is left.
    """
    return _over_pairs(ratings, _correlation)


def mean_difference(ratings: Ratings) -> float:
    """Mean absolute difference, in units of the scale; with more than two raters the mean over the pairs.

    Each pair is compared on the items that both rated; NaN where no pair rated an item in common.
    """
    return _over_pairs(ratings, lambda x, y: float(np.abs(x - y).mean()))


def biases(ratings: Ratings) -> tuple[float, ...]:
    """Mean of each later rater minus the first, over the items that both rated; R - 1 numbers.

    Two raters can correlate perfectly and yet differ: this is by how much one scores higher.
    """
    first = ratings[:, 0]
    found = []
    for later in ratings.T[1:]:
        difference = later - first
        known = ~np.isnan(difference)
        found.append(float(difference[known].mean()) if known.any() else NAN)
    return tuple(found)


def icc_a1(ratings: Ratings) -> float:
    """ICC(A,1): two-way random effects, absolute agreement, a single rater (McGraw & Wong 1996).

    With the mean squares of the two-way analysis of variance of n items and k raters, between items (R),
    between raters (C) and of what is left (E):

        ICC(A,1) = (MS_R - MS_E) / (MS_R + (k - 1) MS_E + (k / n) (MS_C - MS_E))

    which is ICC(2,1) of Shrout & Fleiss (1979). Differences between raters' means count against it, which
    Pearson's r does not see. It needs a full table: items that a rater left out are left out. NaN with fewer
    than two such items, where all ratings are one number, and where two raters swap the ratings of two items.
    """
    table = ratings[~np.isnan(ratings).any(axis=1)]
    n, k = table.shape
    if n < 2 or k < 2 or not _varies(table):
        return NAN
    # Centred first: the mean squares do not depend on the origin, rounding does.
    table = table - table.mean()
    items, raters = table.mean(axis=1), table.mean(axis=0)
    ms_items = k * float(items @ items) / (n - 1)
    ms_raters = n * float(raters @ raters) / (k - 1)
    left = table - items[:, None] - raters
    ms_left = float((left**2).sum()) / ((n - 1) * (k - 1))
    whole = ms_items + (k - 1) * ms_left + k / n * (ms_raters - ms_left)
    # Two items and two raters that swap their ratings leave 0 / 0, up to rounding.
    return (ms_items - ms_left) / whole if whole > 1e-12 * ms_left else NAN


def krippendorff_alpha(ratings: Ratings) -> float:
    """Krippendorff's alpha for interval data: 1 minus observed over expected disagreement.

    With the squared difference as distance, over the items u that m_u >= 2 raters rated, N = sum of m_u
    ratings in all (Krippendorff 2011):

        D_o = 1/N  sum_u  1/(m_u - 1)  sum_{i != j in u} (x_ui - x_uj)^2
        D_e = 1/(N (N - 1))  sum_{all pairs of ratings} (x - y)^2
        alpha = 1 - D_o / D_e

    Sums of squared differences over all pairs are 2 m times the sum of squares about the mean, so that no
    pairs are formed. Ratings may be missing anywhere; items with a single rating do not count. 1 is perfect
    agreement, 0 what chance gives, below 0 is systematic disagreement. NaN where no item has two ratings, or
    all ratings are one number.
    """
    known = ~np.isnan(ratings)
    paired = known.sum(axis=1) >= 2
    table, known = ratings[paired], known[paired]
    values = table[known]
    if len(values) == 0 or not _varies(values):
        return NAN
    centre = values.mean()
    table = np.where(known, table - centre, 0)
    m = known.sum(axis=1)
    means = table.sum(axis=1) / m
    within = np.where(known, table - means[:, None], 0)
    squares = (within**2).sum(axis=1)
    observed = float((m * squares / (m - 1)).sum()) / len(values)
    expected = float(((values - centre) ** 2).sum()) / (len(values) - 1)
    return 1 - observed / expected if expected > 0 else NAN


def item_differences(ratings: Ratings) -> Ratings:
    """Mean absolute difference of each item over the pairs of raters that rated it.

    Args:
        ratings: float64 (..., R); any leading shape.

    Returns:
        float64 (...), NaN where fewer than two raters rated.
    """
    total, pairs = np.zeros(ratings.shape[:-1]), np.zeros(ratings.shape[:-1])
    for one, other in combinations(range(ratings.shape[-1]), 2):
        difference = np.abs(ratings[..., one] - ratings[..., other])
        known = ~np.isnan(difference)
        total += np.where(known, difference, 0)
        pairs += known
    return np.divide(total, pairs, out=np.full_like(total, NAN), where=pairs > 0)


def _over_pairs(ratings: Ratings, statistic: Callable[[Ratings, Ratings], float]) -> float:
    """Mean of a statistic of two raters over the pairs for which it is defined."""
    found = []
    for one, other in combinations(ratings.T, 2):
        both = ~(np.isnan(one) | np.isnan(other))
        if both.any():
            found.append(statistic(one[both], other[both]))
    defined = [value for value in found if value == value]
    return float(np.mean(defined)) if defined else NAN


def _correlation(x: Ratings, y: Ratings) -> float:
    if not (_varies(x) and _varies(y)):
        return NAN
    x, y = x - x.mean(), y - y.mean()
    norm = float(np.sqrt((x @ x) * (y @ y)))
    # Rounding may pass 1 by a hair.
    return min(1.0, max(-1.0, float(x @ y) / norm)) if norm > 0 else NAN


def _varies(values: Ratings) -> bool:
    """Whether there are two different numbers; equality of the extremes does not round, a deviation does."""
    return len(values) > 0 and bool(values.min() < values.max())
