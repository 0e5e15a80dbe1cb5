"""The user's own attribute vector, read beside the items (arXiv 2504.11658 scores users as it scores items).

After the n-th event of a history, per attribute a,

    u_n[a] = (kappa_a u_0[a] + sum_{j<=n} rho_a^(n-j) g_j[a]) / (kappa_a + sum_{j<=n} rho_a^(n-j))

a decayed mean of the attributes of what the user chose, drawn to a prior u_0 that counts as kappa events:
zero, the catalogue's mean, where nothing is known, or a language model's scores of the user's training
history. The memory rho and the weight kappa are learned per attribute, and stay readable: 1 / (1 - rho) is
how many events an attribute remembers.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

MEMORY = 0.9
"""rho before training: a mean over about ten events."""

PRIOR_EVENTS = 1.0
"""kappa before training: the prior counts as one event."""


class UserCondition(nn.Module):
    """Adds to what an encoder reads at each place a linear map of the user's attribute vector there.

    The vector at a place depends on the events up to it alone, and not on padding. The map starts at zero, so
    that an untrained condition changes nothing.

    Args:
        attributes: A, leading columns of an item's vector.
        dim: d, width of what the encoder reads.

    Attributes:
        decay: (A,), logit of rho.
        strength: (A,), logarithm of kappa.
        out: linear map from A to d, without bias.
    """

    def __init__(self, attributes: int, dim: int) -> None:
        super().__init__()
        self.decay = nn.Parameter(torch.empty(attributes))
        self.strength = nn.Parameter(torch.empty(attributes))
        self.out = nn.Linear(attributes, dim, bias=False)
        self.reset()

    def reset(self) -> None:
        """Set all parameters to where training starts; nothing is random."""
        nn.init.constant_(self.decay, math.log(MEMORY / (1 - MEMORY)))
        nn.init.constant_(self.strength, math.log(PRIOR_EVENTS))
        nn.init.zeros_(self.out.weight)

    @property
    def rho(self) -> Tensor:
        """Factor by which an event counts less with each that follows, (A,), in (0, 1)."""
        return torch.sigmoid(self.decay)

    @property
    def kappa(self) -> Tensor:
        """Events that the prior counts for, (A,), above 0."""
        return torch.exp(self.strength)

    def forward(
        self, guided: Tensor, lengths: Tensor, prior: Tensor | None = None, seen: Tensor | None = None
    ) -> Tensor:
        """What to add to the encoder's input, (B, L, d); arguments as in `states`."""
        return self.out(self.states(guided, lengths, prior, seen))  # type: ignore[no-any-return]

    def states(
        self, guided: Tensor, lengths: Tensor, prior: Tensor | None = None, seen: Tensor | None = None
    ) -> Tensor:
        """The user's attribute vector at each place, (B, L, A); of no account at padding.

        Args:
            guided: attribute columns of each event's item, (B, L, A).
            lengths: int64 (B,), real places of each sequence.
            prior: u_0, (B, A), on the same scale as `guided`; None for zero.
            seen: bool (B, L), False where a place holds no event: hidden, or asked about. Such a place has
                the vector of the events before it, and does not age them. None where every place holds one.
        """
        width = guided.shape[1]
        place = torch.arange(width, device=guided.device)
        real = place < lengths[:, None]
        if seen is None:
            sums, total = self._decayed(torch.where(real[..., None], guided, 0.0))
            return self._drawn(sums[:, 1:], total[1:], prior)
        real = real & seen
        first = torch.argsort((~real).to(torch.uint8), dim=1, stable=True)  # events, then everything else
        events = torch.where(real[..., None], guided, 0.0)
        events = events.gather(1, first[..., None].expand_as(events))
        sums, total = self._decayed(events)
        count = real.cumsum(dim=1)  # (B, L), events up to each place
        return self._drawn(sums.gather(1, count[..., None].expand_as(guided)), total[count], prior)

    def shares(self, events: int) -> tuple[Tensor, Tensor]:
        """What the vector after so many events is made of: each event's share (n, A), and the prior's (A,).

        Shares of an attribute sum to one; the oldest event comes first.
        """
        age = torch.arange(events - 1, -1, -1, device=self.decay.device)
        weight = torch.exp(age[:, None] * nn.functional.logsigmoid(self.decay))
        whole = self.kappa + weight.sum(dim=0)
        return weight / whole, self.kappa / whole

    def _decayed(self, events: Tensor) -> tuple[Tensor, Tensor]:
        """Decayed sums after 0 to L events, (B, L + 1, A), and the sums of their weights, (L + 1, A).

        By doubling: a pass adds to each place the sum that ends 1, 2, 4, ... places before it. Memory stays
        linear in L, and no power of rho is above one.
        """
        width = events.shape[1]
        sums, total = events.to(self.decay.dtype), torch.ones_like(events[0], dtype=self.decay.dtype)
        logarithm = nn.functional.logsigmoid(self.decay)
        step = 1
        while step < width:
            factor = torch.exp(step * logarithm)
            sums = sums + _later(factor * sums[:, :-step], step)
            total = total + _later(factor * total[:-step], step)
            step *= 2
        return _later(sums, 1), _later(total, 1)

    def _drawn(self, sums: Tensor, total: Tensor, prior: Tensor | None) -> Tensor:
        known = sums if prior is None else sums + self.kappa * prior[:, None]
        return known / (self.kappa + total)


def _later(sums: Tensor, places: int) -> Tensor:
    """The same, so many places later, behind zeros."""
    return nn.functional.pad(sums, (0, 0, places, 0))
