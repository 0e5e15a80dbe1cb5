"""What every sequential model promises the rest of this room."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from guided_store.encoders._config import EncoderConfig
from guided_store.encoders._residual import Residual
from guided_store.encoders._user import UserCondition

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
        residual: the map of the residual form, or None.
        mix: free linear map (d, d) of what is read, or None.
        user: what the user's own attribute vector adds to what is read, or None.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.gain = nn.Parameter(torch.ones(config.dim))
        self.residual = Residual(config.fixed, config.dim - config.fixed) if config.residual else None
        self.mix = nn.Linear(config.dim, config.dim, bias=False) if config.mix else None
        self.user = UserCondition(config.attributes, config.dim) if config.user else None

    def reset(self, generator: torch.Generator) -> None:
        """Initialise all parameters from a generator."""
        self.reset_network(generator)
        nn.init.ones_(self.gain)
        if self.residual is not None:
            nn.init.normal_(self.residual.weight, 0.0, 0.02, generator=generator)
        if self.mix is not None:
            nn.init.eye_(self.mix.weight)
        if self.user is not None:
            self.user.reset()

    @abstractmethod
    def reset_network(self, generator: torch.Generator) -> None:
        """Initialise the parameters of the network itself from a generator."""

    @abstractmethod
    def forward(self, vectors: Tensor, lengths: Tensor, *, prior: Tensor | None = None) -> Tensor:
        """Queries (B, L, d), one per event, of item vectors (B, L, d) of which `lengths` (B,) are real.

        `prior` (B, A) is what is known of the users beside their events, here and below: see `with_user`.
        """

    @abstractmethod
    def last(self, vectors: Tensor, ends: Tensor, *, prior: Tensor | None = None) -> Tensor:
        """Queries (B, d) for what follows each sequence's last event, at `ends` (B,); in evaluation mode."""

    def trained(
        self, vectors: Tensor, lengths: Tensor, places: Tensor, *, prior: Tensor | None = None
    ) -> Tensor:
        """Queries (N, d) that the loss sees, at flat `places` (N,) of (B, L)."""
        return self(vectors, lengths, prior=prior).reshape(-1, self.config.dim)[places]  # type: ignore[no-any-return]

    def balance(self, vectors: Tensor) -> None:
        """Start the gains so that no column of the item vectors (V, d) is read louder than `INPUT_RMS`."""
        with torch.no_grad():
            read = vectors if self.residual is None else self.residual.read(vectors)
            loudness = read.square().mean(dim=0).sqrt()
            self.gain.copy_((INPUT_RMS / loudness.clamp(min=INPUT_RMS)).to(self.gain.device))

    def scaled(self, vectors: Tensor) -> Tensor:
        """Item vectors as they are read, (..., d)."""
        if self.residual is not None:
            vectors = self.residual.read(vectors)
        scaled = vectors * (self.gain * math.sqrt(self.config.dim))
        return scaled if self.mix is None else self.mix(scaled)

    def with_user(
        self, read: Tensor, vectors: Tensor, lengths: Tensor, prior: Tensor | None, seen: Tensor | None = None
    ) -> Tensor:
        """`read` (B, L, d) with the user's attribute vector after each event added, where there is one.

        Args:
            read: what the network reads.
            vectors: (B, L, d) item vectors as they are stored.
            lengths: int64 (B,), real places.
            prior: (B, A), what is known of the users beside their events, or None.
            seen: bool (B, L), places that are events; None where all real ones are.
        """
        if self.user is None:
            return read
        return read + self.user(vectors[..., : self.config.attributes], lengths, prior, seen)  # type: ignore[no-any-return]

    def asked(self, queries: Tensor) -> Tensor:
        """Queries as they score stored vectors, (..., d)."""
        return queries if self.residual is None else self.residual.fold(queries)
