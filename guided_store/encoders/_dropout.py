"""Dropout whose masks cost little on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_STEPS = 1 << 16


class Dropout(nn.Dropout):
    """`nn.Dropout`, with 16 random bits for each element on a CPU.

    torch draws a double-precision number for each there, which takes longer than the layers around it. The
    probability is rounded to a multiple of 2^-16, and the scale follows it, so that the mean is exact.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self._active():
            return x
        if x.device.type != "cpu":
            return nn.functional.dropout(x, self.p)
        return x * self._mask(x)

    def onto(self, x: Tensor, branch: Tensor) -> Tensor:
        """x + dropout(branch), in the precision of x."""
        branch = branch.to(x.dtype)
        if not self._active() or x.device.type != "cpu":
            return x + self.forward(branch)
        return torch.addcmul(x, branch, self._mask(x))

    def _active(self) -> bool:
        return self.training and self.p > 0

    def _mask(self, like: Tensor) -> Tensor:
        """What to multiply with: 0, or one over the probability to stay."""
        dropped = min(round(self.p * _STEPS), _STEPS - 1)
        words = torch.empty(-(-like.numel() // 4), dtype=torch.int64).random_(-(1 << 63), None)
        bits = words.view(torch.int16)[: like.numel()].view(like.shape)
        kept = bits >= dropped - _STEPS // 2
        return kept.to(like.dtype).mul_(_STEPS / (_STEPS - dropped))
