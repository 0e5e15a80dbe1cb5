"""SASRec: self-attentive sequential recommendation (Kang & McAuley 2018, arXiv 1808.09781).

Pre-norm blocks with GELU instead of the paper's post-norm with ReLU, or gated ones (`block="ligr"`).
Sequences are padded on the right; causal attention then never lets a real event see padding, so no mask is
needed and a query depends on nothing but the events passed in.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from guided_store.encoders._config import EncoderConfig
from guided_store.encoders._dropout import Dropout
from guided_store.encoders._model import SequenceModel
from guided_store.encoders._transformer import Block, make_blocks, normal_start, positions_from_the_end


class SASRec(SequenceModel):
    """Causal self-attention: the query at place t depends on no event after t.

    Positions count from the end, as the paper's padding on the left has it: the newest event always stands at
    the last one.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        self.position = nn.Embedding(config.max_length, config.dim)
        self.dropout = Dropout(config.dropout)
        self.blocks = make_blocks(config)
        self.norm = nn.LayerNorm(config.dim)

    def reset_network(self, generator: torch.Generator) -> None:
        normal_start(self, generator)

    def read(self, vectors: Tensor, lengths: Tensor, prior: Tensor | None = None) -> Tensor:
        """Input of the first block: item vectors (B, L, d), scaled, at their positions."""
        x = self.scaled(vectors) + positions_from_the_end(self.position, lengths, vectors.shape[1])
        return self.with_user(x, vectors, lengths, prior)

    def forward(self, vectors: Tensor, lengths: Tensor, *, prior: Tensor | None = None) -> Tensor:
        x = self.dropout(self.read(vectors, lengths, prior))
        for block in self.blocks:
            x = block(x)
        return self.asked(self.norm(x))

    def last(self, vectors: Tensor, ends: Tensor, *, prior: Tensor | None = None) -> Tensor:
        x = self.read(vectors, ends + 1, prior)
        for block in self.blocks[:-1]:
            x = block(x)
        final = self.blocks[-1]
        assert isinstance(final, Block)
        return self.asked(self.norm(final.last(x, ends)))
