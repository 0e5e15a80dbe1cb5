"""The item table of an encoder: the vectors that are read as input and that score as output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from guided_store.encoders._calibration import Calibration

START = 0.02
"""Standard deviation of learned columns that start at random."""


class ItemTable(nn.Module):
    """Item vectors `[ fixed ; latent ]` and a bias, tied between input and output.

    A base table has no fixed part; a refined one has its content (attributes, then text) as fixed first
    columns, which no training step changes (arXiv 2504.11658: the item guided part stays frozen) but by a
    monotone calibration where one is asked for.

    Args:
        latent: float32 (V, k), start of the trained part (k may be 0).
        fixed: float32 (V, F) or None.
        bias: float32 (V,), or None for zeros.
        seen: bool (V,), items with training events, or None where all have some. The others are no part of
            the softmax: having no events in training tells nothing about an item that is new.
        calibrated: how many of the fixed columns get a learned monotone map.
        train_latent: whether training changes the latent part.
        train_bias: whether training changes the bias.

    Attributes:
        cold_bias: bias of an item that was never seen, learned from the items hidden in a step.
    """

    def __init__(
        self,
        latent: Tensor,
        fixed: Tensor | None = None,
        bias: Tensor | None = None,
        *,
        seen: Tensor | None = None,
        calibrated: int = 0,
        train_latent: bool = True,
        train_bias: bool = True,
    ) -> None:
        super().__init__()
        self.latent = nn.Parameter(latent, requires_grad=train_latent)
        self.register_buffer("fixed", fixed)
        self.fixed: Tensor | None
        start = torch.zeros(len(latent)) if bias is None else bias
        self.bias = nn.Parameter(start, requires_grad=train_bias)
        self.register_buffer("seen", seen, persistent=False)
        self.seen: Tensor | None
        self.calibration: Calibration | None = None
        if calibrated and fixed is not None:
            self.calibration = Calibration(fixed[:, :calibrated])
        self.cold_bias: nn.Parameter | None = None
        self._hidden: Tensor | None = None

    @classmethod
    def learned(cls, n_items: int, dim: int, generator: torch.Generator, *, item_bias: bool) -> ItemTable:
        """A table from scratch: N(0, 0.02), zero bias."""
        latent = torch.empty(n_items, dim).normal_(0.0, START, generator=generator)
        return cls(latent, train_bias=item_bias)

    @classmethod
    def from_vectors(
        cls,
        vectors: NDArray[np.float32],
        bias: NDArray[np.float32] | None = None,
        *,
        fixed_columns: int = 0,
        seen: NDArray[np.bool_] | None = None,
        calibrated: int = 0,
        train_latent: bool = True,
        train_bias: bool = True,
    ) -> ItemTable:
        """A table that starts at a copy of vectors (V, d), their first `fixed_columns` fixed."""
        return cls(
            torch.tensor(vectors[:, fixed_columns:]),
            torch.tensor(vectors[:, :fixed_columns]) if fixed_columns else None,
            None if bias is None else torch.tensor(bias),
            seen=None if seen is None or seen.all() else torch.tensor(seen),
            calibrated=calibrated,
            train_latent=train_latent,
            train_bias=train_bias,
        )

    def learn_cold_bias(self) -> None:
        """Give items that are hidden in a step a bias of their own, learned; else it is zero."""
        self.cold_bias = nn.Parameter(torch.zeros((), device=self.bias.device))

    @property
    def n_items(self) -> int:
        """V."""
        return len(self.latent)

    @property
    def dim(self) -> int:
        """d, fixed and latent columns."""
        return self.latent.shape[1] + (0 if self.fixed is None else self.fixed.shape[1])

    @property
    def content(self) -> Tensor | None:
        """The fixed columns as they score, (V, F): calibrated where that is learned."""
        if self.fixed is None or self.calibration is None:
            return self.fixed
        width = len(self.calibration.knots)
        return torch.cat([self.calibrate(self.fixed[:, :width]), self.fixed[:, width:]], dim=1)

    def calibrate(self, values: Tensor) -> Tensor:
        """Values on the scale of the attribute columns that it started from, (..., A), as those score."""
        return values if self.calibration is None else self.calibration(values)

    def vectors(self) -> Tensor:
        """All item vectors, (V, d)."""
        latent = self._shown(self.latent)
        content = self.content
        return latent if content is None else torch.cat([content, latent], dim=1)

    def rows(self, items: Tensor) -> Tensor:
        """Vectors of some items, int64 (...), as (..., d)."""
        latent = nn.functional.embedding(items, self.latent)
        if self._hidden is not None:
            latent = latent * ~self._hidden[items][..., None]
        content = self.content
        if content is None:
            return latent
        return torch.cat([nn.functional.embedding(items, content), latent], dim=-1)

    def biases(self) -> Tensor:
        """What is added to each item's score, (V,)."""
        if self._hidden is None:
            return self.bias
        cold = self.bias.new_zeros(()) if self.cold_bias is None else self.cold_bias
        return torch.where(self._hidden, cold, self.bias)

    def candidates(self) -> Tensor:
        """`biases` with -inf for items that are no part of the softmax, (V,)."""
        return self.biases() if self.seen is None else self.biases().masked_fill(~self.seen, float("-inf"))

    @contextmanager
    def some_hidden(self, share: float) -> Iterator[None]:
        """Within: each item's learned part is hidden with probability `share` (torch's global generator)."""
        if share > 0:
            self._hidden = (torch.rand(self.n_items) < share).to(self.bias.device)
        try:
            yield
        finally:
            self._hidden = None

    @torch.no_grad()
    def shorten(self, bound: float) -> None:
        """Bring learned columns whose norm is above `bound` back to it (projected gradient)."""
        norms = self.latent.norm(dim=1, keepdim=True)
        self.latent.mul_((bound / norms.clamp(min=1e-12)).clamp(max=1.0))

    def _shown(self, latent: Tensor) -> Tensor:
        return latent if self._hidden is None else latent * ~self._hidden[:, None]
