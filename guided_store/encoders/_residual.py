"""The residual form: an item's learned columns say what its content does not.

With content f_i (attributes, then text) and learned columns delta_i, the latent vector of an item is
l_i = W f_i + delta_i, and

    q_f . f_i + q_l . l_i  =  (q_f + W^T q_l) . f_i + q_l . delta_i

so that the stored vector [f_i ; delta_i] and the *folded* query [q_f + W^T q_l ; q_l] give the same score:
the terms of the attributes stay exact, and hold all that attributes can tell. An item that was never seen has
delta = 0, and a full vector all the same.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Residual(nn.Module):
    """The map W of one encoder, tied between what is read and what is asked.

    Args:
        fixed: F, number of content columns.
        learned: k, number of learned columns.
    """

    def __init__(self, fixed: int, learned: int) -> None:
        super().__init__()
        self.fixed = fixed
        self.weight = nn.Parameter(torch.zeros(learned, fixed))

    def read(self, vectors: Tensor) -> Tensor:
        """[f ; delta] to [f ; W f + delta], (..., d)."""
        content, delta = vectors[..., : self.fixed], vectors[..., self.fixed :]
        return torch.cat([content, delta + nn.functional.linear(content, self.weight)], dim=-1)

    def fold(self, queries: Tensor) -> Tensor:
        """[q_f ; q_l] to [q_f + W^T q_l ; q_l], (..., d)."""
        asked, latent = queries[..., : self.fixed], queries[..., self.fixed :]
        return torch.cat([asked + nn.functional.linear(latent, self.weight.t()), latent], dim=-1)
