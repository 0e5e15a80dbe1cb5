"""Settings of an encoder and of its training, as plain JSON-serialisable dataclasses."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

from guided_store.errors import UsageError

LOSSES = ("auto", "full", "sampled")
FULL_SOFTMAX_UP_TO = 50_000
"""Catalogue size up to which `loss="auto"` takes the full softmax."""


class _Settings:
    """Dataclass <-> dict, refusing keys it does not know."""

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        known = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(content) - known)
        if unknown:
            raise UsageError(f"{cls.__name__} has no setting {', '.join(unknown)}")
        return cls(**content)


@dataclass(frozen=True)
class EncoderConfig(_Settings):
    """Shape of a sequential encoder.

    Attributes:
        dim: width of item vectors, hidden states and queries.
        blocks: transformer blocks.
        heads: attention heads; must divide `dim`.
        max_length: newest events that are read; older ones are dropped.
        dropout: probability on the input and on each residual branch.
        feed_forward: width of the feed-forward layer as a multiple of `dim`.
        architecture: "sasrec".
    """

    dim: int = 64
    blocks: int = 2
    heads: int = 2
    max_length: int = 50
    dropout: float = 0.2
    feed_forward: int = 4
    architecture: str = "sasrec"

    def __post_init__(self) -> None:
        if self.architecture != "sasrec":
            raise UsageError(f"unknown encoder {self.architecture!r}; there is sasrec")
        for name in ("dim", "blocks", "heads", "max_length", "feed_forward"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.dim % self.heads:
            raise UsageError(f"heads ({self.heads}) must divide dim ({self.dim})")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"dropout must be in [0, 1), got {self.dropout}")


@dataclass(frozen=True)
class TrainingConfig(_Settings):
    """How an encoder is trained.

    Attributes:
        loss: "full" (softmax over all items), "sampled" (with logQ correction), or "auto" by catalogue size.
        negatives: negatives per step under the sampled softmax, shared by its positions.
        learning_rate, weight_decay: of AdamW; betas are (0.9, 0.98).
        batch_size: sequences per step; None takes 128, or fewer (at least 16) where an epoch would have less
            than 32 steps.
        epochs: at most this many passes; None takes 40, or more (up to 400) until there are 2,000 steps: a
            small data set needs more passes, not less learning.
        patience: epochs without a better validation NDCG@10 before stopping; None takes a fifth of the
            epochs, at least 10.
        seed: of initialisation, batch order, dropout and negatives.
        item_bias: learn one bias per item.
        warmup: steps of linear warm-up, at most a twentieth of all steps.
        schedule: "linear" lowers the learning rate to zero over `epochs`, "constant" leaves it.
        windows: "last" reads each user's newest `max_length` events, "all" cuts the whole history into
            windows at a random phase in every epoch.
    """

    loss: str = "auto"
    negatives: int = 1024
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    batch_size: int | None = None
    epochs: int | None = None
    patience: int | None = None
    seed: int = 1
    item_bias: bool = True
    warmup: int = 100
    windows: str = "last"
    schedule: str = "linear"

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise UsageError(f"unknown loss {self.loss!r}; there are {', '.join(LOSSES)}")
        if self.windows not in {"last", "all"}:
            raise UsageError(f"windows must be 'last' or 'all', got {self.windows!r}")
        if self.schedule not in {"linear", "constant"}:
            raise UsageError(f"schedule must be 'linear' or 'constant', got {self.schedule!r}")
        for name in ("negatives", "batch_size", "epochs", "patience"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.learning_rate <= 0:
            raise UsageError(f"learning_rate must be above 0, got {self.learning_rate}")

    def resolve_batch(self, n_sequences: int) -> int:
        """The batch size that None stands for with so many training sequences."""
        if self.batch_size is not None:
            return self.batch_size
        return min(128, max(16, n_sequences // 32))

    def resolve_epochs(self, steps_per_epoch: int) -> int:
        """The number of epochs that None stands for at so many steps an epoch."""
        if self.epochs is not None:
            return self.epochs
        return min(400, max(40, -(-2000 // steps_per_epoch)))

    def resolve_patience(self, epochs: int) -> int:
        """The patience that None stands for with so many epochs."""
        return self.patience if self.patience is not None else max(10, epochs // 5)

    def resolve_loss(self, n_items: int) -> str:
        """The loss that "auto" stands for at this catalogue size."""
        if self.loss != "auto":
            return self.loss
        return "full" if n_items <= FULL_SOFTMAX_UP_TO else "sampled"
