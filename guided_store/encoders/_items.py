"""The item table of an encoder: the vectors that are read as input and that score as output."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


class ItemTable(nn.Module):
    """Item vectors `[ fixed ; latent ]` and a bias, tied between input and output.

    A base table has no fixed part; a refined one has the guided part as its fixed first columns, which no
    training step changes (arXiv 2504.11658: the item guided part stays frozen).

    Args:
        latent: float32 (V, k), start of the trained part (k may be 0).
        fixed: float32 (V, A) or None.
        bias: float32 (V,), or None for zeros.
        train_latent: whether training changes the latent part.
        train_bias: whether training changes the bias.
    """

    def __init__(
        self,
        latent: Tensor,
        fixed: Tensor | None = None,
        bias: Tensor | None = None,
        *,
        train_latent: bool = True,
        train_bias: bool = True,
    ) -> None:
        super().__init__()
        self.latent = nn.Parameter(latent, requires_grad=train_latent)
        self.register_buffer("fixed", fixed)
        self.fixed: Tensor | None
        start = torch.zeros(len(latent)) if bias is None else bias
        self.bias = nn.Parameter(start, requires_grad=train_bias)

    @classmethod
    def learned(cls, n_items: int, dim: int, generator: torch.Generator, *, item_bias: bool) -> ItemTable:
        """A table from scratch: N(0, 0.02), zero bias."""
        latent = torch.empty(n_items, dim).normal_(0.0, 0.02, generator=generator)
        return cls(latent, train_bias=item_bias)

    @classmethod
    def from_vectors(
        cls,
        vectors: NDArray[np.float32],
        bias: NDArray[np.float32] | None = None,
        *,
        fixed_columns: int = 0,
        train_latent: bool = True,
        train_bias: bool = True,
    ) -> ItemTable:
        """A table that starts at a copy of vectors (V, d), their first `fixed_columns` fixed."""
        return cls(
            torch.tensor(vectors[:, fixed_columns:]),
            torch.tensor(vectors[:, :fixed_columns]) if fixed_columns else None,
            None if bias is None else torch.tensor(bias),
            train_latent=train_latent,
            train_bias=train_bias,
        )

    @property
    def n_items(self) -> int:
        return len(self.latent)

    @property
    def dim(self) -> int:
        return self.latent.shape[1] + (0 if self.fixed is None else self.fixed.shape[1])

    def vectors(self) -> Tensor:
        """All item vectors, (V, d)."""
        return self.latent if self.fixed is None else torch.cat([self.fixed, self.latent], dim=1)

    def rows(self, items: Tensor) -> Tensor:
        """Vectors of some items, (..., d)."""
        latent = nn.functional.embedding(items, self.latent)
        if self.fixed is None:
            return latent
        return torch.cat([nn.functional.embedding(items, self.fixed), latent], dim=-1)
