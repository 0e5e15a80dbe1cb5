"""The quantile of an interval that users and a few seeds make wide together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def mixed_quantile(p: ArrayLike, share: ArrayLike, freedom: int) -> NDArray[np.float64]:
    """Two-sided quantile between Student's t and the normal one, by the share of the variance of each.

    The variance over users is known well (many users: normal), that over seeds badly (few seeds: t). Source:
    Cochran and Cox, "Experimental Designs" (1957), section 4.14, for means of unequal variance.

    Args:
        p: probability outside, `1 - level` of an interval; within (0, 1].
        share: of the variance that comes from seeds, within [0, 1]; of the shape of `p`.
        freedom: degrees of freedom of the variance over seeds, 1 or more.

    Returns:
        float64 of that shape.
    """
    from scipy import special

    half, by_seeds = np.asarray(p, np.float64) / 2, np.asarray(share, np.float64)
    found: NDArray[np.float64] = -by_seeds * special.stdtrit(freedom, half) - (1 - by_seeds) * special.ndtri(
        half
    )
    return found
