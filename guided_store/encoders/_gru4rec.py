"""GRU4Rec: sequential recommendation with recurrent networks (Hidasi et al. 2016, arXiv 1511.06939).

The paper's network: item vectors, GRU layers, a feed-forward layer whose output is multiplied with the item
vectors. Trained as the other encoders are, on whole shifted sequences with a softmax, instead of the paper's
session-parallel mini-batches with a pairwise loss (its authors themselves moved to a softmax over more
negatives: Hidasi & Karatzoglou 2018, arXiv 1706.03847). No positions: the state after an event knows its past
alone, and padding on the right comes after all that matters.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from guided_store.encoders._config import EncoderConfig
from guided_store.encoders._dropout import Dropout
from guided_store.encoders._model import SequenceModel


class GRU4Rec(SequenceModel):
    """GRU layers of width `hidden`, then one linear map to the item vectors' space.

    The map is there even where the widths agree: a GRU's state is bounded by one, while queries must be long
    where item vectors are short and frozen.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        hidden = config.hidden or config.dim
        self.dropout = Dropout(config.dropout)
        self.gru = nn.GRU(
            config.dim,
            hidden,
            config.blocks,
            batch_first=True,
            dropout=config.dropout if config.blocks > 1 else 0.0,  # between layers only
        )
        self.out = nn.Linear(hidden, config.dim)

    def reset_network(self, generator: torch.Generator) -> None:
        """Each matrix uniform within a bound set by its rows and columns, as in section 4 of the paper."""
        for name, parameter in self.named_parameters():
            if name == "gain":
                nn.init.ones_(parameter)
            elif parameter.ndim == 1:
                nn.init.zeros_(parameter)
            else:
                gates = parameter.chunk(3) if name.startswith("gru.") else (parameter,)
                for matrix in gates:
                    nn.init.xavier_uniform_(matrix, generator=generator)

    def forward(self, vectors: Tensor, lengths: Tensor, *, prior: Tensor | None = None) -> Tensor:
        read = self.with_user(self.scaled(vectors), vectors, lengths, prior)
        states, _ = self.gru(self.dropout(read))
        return self.asked(self.out(self.dropout(states)))

    def last(self, vectors: Tensor, ends: Tensor, *, prior: Tensor | None = None) -> Tensor:
        states, _ = self.gru(self.with_user(self.scaled(vectors), vectors, ends + 1, prior))
        newest = states[torch.arange(len(states), device=states.device), ends]
        return self.asked(self.out(newest))
