"""Monotone calibration: how much each step of an attribute's scale is worth, learned.

A language model's 0..10 need not be even in taste: from 7 to 9 may matter and from 1 to 3 not. Per attribute
one piecewise linear map with positive slopes, which starts as the identity; "higher is more" stays true
whatever is learned (monotone calibrators as in Gupta et al. 2016, JMLR 17(109), section 3.1).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

PIECES = 6
"""Linear pieces at most; attributes with fewer distinct values have fewer."""

_ONE = math.log(math.expm1(1.0))  # softplus of it is 1


def knots_of(values: NDArray[np.floating], pieces: int = PIECES) -> NDArray[np.float32]:
    """Inner knots t_1 <= ... <= t_{P-1} of each column at its quantiles, float32 (A, P - 1).

    Where a column has few distinct values knots fall together; a piece of no length adds nothing.

    Args:
        values: (V, A), V at least 1.
        pieces: P, at least 2.
    """
    shares = np.linspace(0.0, 1.0, pieces + 1)[1:-1]
    return np.ascontiguousarray(np.quantile(values, shares, axis=0).T, np.float32)


def apply_calibration(
    values: NDArray[np.floating], knots: NDArray[np.floating], slopes: NDArray[np.floating]
) -> NDArray[np.float32]:
    """The learned map outside of torch, for items that come later.

    Args:
        values: (m, A).
        knots: (A, P - 1), ascending in each row.
        slopes: (A, P), positive.

    Returns:
        float32 (m, A).
    """
    x, inner, steep = (torch.tensor(np.asarray(part, np.float32)) for part in (values, knots, slopes))
    return _calibrated(x, inner, steep).numpy()


class Calibration(nn.Module):
    """One monotone map per attribute.

    c_a(x) = t_1 + sum_p slope_p (signed length of [t_1, x] in piece p), with inner knots t_1..t_{P-1}; the
    outer pieces have no end.

    Args:
        values: (V, A), the attribute columns that fix the knots.

    Attributes:
        knots: (A, P - 1), not learned.
        raw_slopes: (A, P), slopes before softplus.
    """

    def __init__(self, values: Tensor) -> None:
        super().__init__()
        knots = torch.from_numpy(knots_of(values.numpy()))
        self.register_buffer("knots", knots)
        self.knots: Tensor
        self.raw_slopes = nn.Parameter(torch.full((values.shape[1], knots.shape[1] + 1), _ONE))

    @property
    def slopes(self) -> Tensor:
        """(A, P), positive."""
        return nn.functional.softplus(self.raw_slopes)

    def forward(self, values: Tensor) -> Tensor:
        """Calibrated columns, (..., A)."""
        return _calibrated(values, self.knots, self.slopes)


def _calibrated(values: Tensor, knots: Tensor, slopes: Tensor) -> Tensor:
    """Values (..., A) through maps of knots (A, P - 1) and slopes (A, P)."""
    first, last = knots[:, 0], knots[:, -1]
    below = (values - first).clamp(max=0.0)[..., None]
    inner = torch.minimum((values[..., None] - knots[:, :-1]).clamp(min=0.0), knots[:, 1:] - knots[:, :-1])
    above = (values - last).clamp(min=0.0)[..., None]
    return (torch.cat([below, inner, above], dim=-1) * slopes).sum(-1) + first
