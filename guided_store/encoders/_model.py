"""What every sequential model promises the rest of this room."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from guided_store.encoders._config import EncoderConfig

INPUT_RMS = 0.1
"""Root mean square per column above which item vectors are turned down on input, before training."""


class SequenceModel(nn.Module, ABC):
    """Reads item vectors, gives queries in the same space.

    A query depends on the events passed in and on nothing else: neither padding nor the other sequences of a
    batch change it by more than float32 rounding. Sequences are padded on the right.

    On input, every column has a learned gain beside the factor sqrt(d) (Vaswani et al. 2017, section 3.4), so
    that a column may weigh much in the score and little in what is read, or the reverse. The output side, and
    with it the additive score, is untouched by it.

    How a model is trained stands in `config.objective`: with "next", the query after each event meets the
    event that follows; with "cloze", events are hidden and the query at a hidden place meets the event that
    was there (see `_batches`).

    Attributes:
        config: shape.
        gain: (d,), factor of each column on input.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.gain = nn.Parameter(torch.ones(config.dim))

    @abstractmethod
    def reset(self, generator: torch.Generator) -> None:
        """Initialise all parameters from a generator."""

    @abstractmethod
    def forward(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Queries (B, L, d), one per event, of item vectors (B, L, d) of which `lengths` (B,) are real."""

    @abstractmethod
    def last(self, vectors: Tensor, ends: Tensor) -> Tensor:
        """Queries (B, d) for what follows each sequence's last event, at `ends` (B,); in evaluation mode."""

    def trained(self, vectors: Tensor, lengths: Tensor, places: Tensor) -> Tensor:
        """Queries (N, d) that the loss sees, at flat `places` (N,) of (B, L)."""
        return self(vectors, lengths).reshape(-1, self.config.dim)[places]  # type: ignore[no-any-return]

    def balance(self, vectors: Tensor) -> None:
        """Start the gains so that no column of the item vectors (V, d) is read louder than `INPUT_RMS`."""
        loudness = vectors.detach().square().mean(dim=0).sqrt()
        with torch.no_grad():
            self.gain.copy_((INPUT_RMS / loudness.clamp(min=INPUT_RMS)).to(self.gain.device))

    def scaled(self, vectors: Tensor) -> Tensor:
        """Item vectors as they are read."""
        return vectors * (self.gain * math.sqrt(self.config.dim))
