"""BERT4Rec: bidirectional self-attention and a cloze task (Sun et al. 2019, arXiv 1904.06690).

In training, events at random places are hidden behind one learned vector and the query at such a place is to
score highest the item that was there. To recommend, the same vector is appended after the newest event.
Only hidden events teach in a step, so it needs many more epochs than SASRec: the weak figures that are often
published come from too little training (Petrov & Macdonald 2022, arXiv 2207.07483).

The blocks are pre-norm, or gated with `block="ligr"`; the paper's are post-norm. Queries live in the item
vectors' space and meet the item bias there (equation 7 of the paper), so the score is the same sum as with
any other encoder.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from guided_store.encoders._config import EncoderConfig
from guided_store.encoders._dropout import Dropout
from guided_store.encoders._model import SequenceModel
from guided_store.encoders._transformer import Block, make_blocks, normal_start, positions_from_the_end


class BERT4Rec(SequenceModel):
    """Self-attention over all real events, before and after.

    Positions count from the end, one more than `max_length` events, for the place that is asked about.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        self.mask = nn.Parameter(torch.zeros(1, config.dim))
        self.position = nn.Embedding(config.max_length + 1, config.dim)
        self.dropout = Dropout(config.dropout)
        self.blocks = make_blocks(config)
        self.norm = nn.LayerNorm(config.dim)
        self.head = nn.Sequential(
            nn.Linear(config.dim, config.dim), nn.GELU(), nn.LayerNorm(config.dim)
        )  # GELU(h W + b) of equation 7, normed as in the authors' code

    def reset_network(self, generator: torch.Generator) -> None:
        """BERT's start, N(0, 0.02) at a width of 768, with matrices scaled to the width at hand.

        No item passes from input to output along the residual path as in SASRec, so what attention brings
        must be heard from the start.
        """
        normal_start(self, generator)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                deviation = 0.02 * math.sqrt(768 / module.in_features)
                nn.init.normal_(module.weight, 0.0, deviation, generator=generator)

    def read(
        self,
        vectors: Tensor,
        lengths: Tensor,
        hidden: Tensor | None = None,
        prior: Tensor | None = None,
    ) -> Tensor:
        """Input of the first block (B, L, d): item vectors, or the mask at `hidden` places, bool (B, L)."""
        shown = vectors if hidden is None else torch.where(hidden[..., None], self.mask, vectors)
        x = self.scaled(shown) + positions_from_the_end(self.position, lengths, vectors.shape[1])
        return self.with_user(x, vectors, lengths, prior, None if hidden is None else ~hidden)

    def forward(
        self,
        vectors: Tensor,
        lengths: Tensor,
        hidden: Tensor | None = None,
        *,
        prior: Tensor | None = None,
    ) -> Tensor:
        return self.asked(self.head(self._states(vectors, lengths, hidden, prior)))

    def trained(
        self, vectors: Tensor, lengths: Tensor, places: Tensor, *, prior: Tensor | None = None
    ) -> Tensor:
        """Queries (N, d) at flat `places` (N,) of (B, L), all of which are hidden."""
        batch, width, dim = vectors.shape
        hidden = torch.zeros(batch * width, dtype=torch.bool, device=vectors.device)
        hidden[places] = True
        states = self._states(vectors, lengths, hidden.view(batch, width), prior)
        return self.asked(self.head(states.reshape(-1, dim)[places]))

    def last(self, vectors: Tensor, ends: Tensor, *, prior: Tensor | None = None) -> Tensor:
        """Queries (B, d) at a hidden place after each sequence's last event, at `ends` (B,)."""
        place_asked = ends + 1
        vectors = nn.functional.pad(vectors, (0, 0, 0, 1))
        place = torch.arange(vectors.shape[1], device=vectors.device)
        x = self.read(vectors, place_asked + 1, place == place_asked[:, None], prior)
        real = place <= place_asked[:, None]
        for block in self.blocks[:-1]:
            x = block(x, real)
        final = self.blocks[-1]
        assert isinstance(final, Block)
        return self.asked(self.head(self.norm(final.last(x, place_asked))))

    def _states(
        self, vectors: Tensor, lengths: Tensor, hidden: Tensor | None, prior: Tensor | None
    ) -> Tensor:
        x = self.dropout(self.read(vectors, lengths, hidden, prior))
        real = torch.arange(vectors.shape[1], device=vectors.device) < lengths[:, None]
        for block in self.blocks:
            x = block(x, real)
        return self.norm(x)  # type: ignore[no-any-return]
