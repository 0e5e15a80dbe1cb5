"""Settings of an encoder and of its training, as plain JSON-serialisable dataclasses."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Self

from guided_store.errors import UsageError

ARCHITECTURES = ("sasrec", "gru4rec", "bert4rec")
BLOCK_KINDS = ("prenorm", "ligr")
LOSSES = ("auto", "full", "sampled", "gbce")
PRECISIONS = ("auto", "fp32", "bf16")
FULL_SOFTMAX_UP_TO = 50_000
"""Catalogue size up to which `loss="auto"` takes the full softmax."""

MASKING = 0.2
"""Share of places that the cloze task hides where `masking` is None."""

MASK_LAST = 0.2
"""Share of sequences hidden at their last place only where `mask_last` is None."""

CLOZE_EPOCHS = 4
"""How many times the epochs of the next-event objective a cloze task gets where `epochs` is None: an epoch
asks about a fraction of the events (Petrov & Macdonald 2022, arXiv 2207.07483: too few ruin BERT4Rec)."""

GBCE_T = 0.75
"""Calibration of gBCE where `gbce_t` is None: the value its paper recommends."""

_TRANSFORMERS = ("sasrec", "bert4rec")
_BELONGS_TO = {
    "heads": _TRANSFORMERS,
    "feed_forward": _TRANSFORMERS,
    "block": _TRANSFORMERS,
    "hidden": ("gru4rec",),
}
"""Which architectures a setting belongs to; what is not named belongs to all."""

_YOUNGER_TRAINING = (
    "gbce_t",
    "masking",
    "mask_last",
    "cold_share",
    "delta_bound",
    "calibrate",
    "precision",
    "row_sparse",
)

_YOUNGER = ("block", "hidden", "fixed", "attributes", "residual", "mix", "user")
"""Settings of an encoder that came after the first digests were written."""


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

    A setting that does not belong to the architecture is refused unless it has its default. `to_dict` leaves
    it out, and leaves out the settings younger than SASRec's where they have their defaults, so that digests
    of older encoders hold.

    Attributes:
        dim: width of item vectors and queries.
        blocks: transformer blocks, or GRU layers.
        heads: attention heads; must divide `dim` (transformers only).
        max_length: newest events that are read; older ones are dropped.
        dropout: probability on the input and on each residual branch or GRU layer.
        feed_forward: width of the feed-forward layer as a multiple of `dim` (transformers only).
        architecture: "sasrec", "gru4rec" or "bert4rec".
        block: "prenorm", or "ligr" for gated residual branches (transformers only).
        hidden: width of the GRU's state, None for `dim` (GRU4Rec only).
        fixed: leading columns of an item's vector that are content and do not learn (attributes, then text).
            `train` fills this in from the version it starts from, like `attributes`.
        attributes: how many of them are attributes.
        residual: the learned columns are what a linear map of the content does not say, see `_residual`.
        mix: item vectors pass a free linear map on input, beside the gains.
        user: the user's own attribute vector is read beside the items, see `_user`.
    """

    dim: int = 64
    blocks: int = 2
    heads: int = 2
    max_length: int = 50
    dropout: float = 0.2
    feed_forward: int = 4
    architecture: str = "sasrec"
    block: str = "prenorm"
    hidden: int | None = None
    fixed: int = 0
    attributes: int = 0
    residual: bool = False
    mix: bool = False
    user: bool = False

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise UsageError(f"unknown encoder {self.architecture!r}; there are {', '.join(ARCHITECTURES)}")
        if self.block not in BLOCK_KINDS:
            raise UsageError(f"block must be one of {', '.join(BLOCK_KINDS)}, got {self.block!r}")
        for name in ("dim", "blocks", "heads", "max_length", "feed_forward", "hidden"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in self._foreign():
            if getattr(self, name) != self._default(name):
                raise UsageError(f"{name} does not belong to {self.architecture}; leave it out")
        if self.architecture in _TRANSFORMERS and self.dim % self.heads:
            raise UsageError(f"heads ({self.heads}) must divide dim ({self.dim})")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"dropout must be in [0, 1), got {self.dropout}")
        if not 0 <= self.attributes <= self.fixed <= self.dim:
            raise UsageError(
                f"of {self.dim} columns {self.fixed} cannot be content with {self.attributes} attributes"
            )

    @classmethod
    def of(cls, architecture: str, **given: Any) -> Self:
        """A configuration from what is given; None takes what suits the architecture.

        That is one layer for GRU4Rec, two blocks for the others, and two heads, or one where `dim` is odd.
        """
        chosen = {name: value for name, value in given.items() if value is not None}
        if architecture == "gru4rec":
            chosen.setdefault("blocks", 1)
        elif chosen.get("dim", cls.dim) % 2:
            chosen.setdefault("heads", 1)
        return cls.from_dict(chosen | {"architecture": architecture})

    @property
    def objective(self) -> str:
        """How the architecture is trained: "next" (the event after each event) or "cloze" (hidden events)."""
        return "cloze" if self.architecture == "bert4rec" else "next"

    def to_dict(self) -> dict[str, Any]:
        left_out = set(self._foreign())
        left_out |= {name for name in _YOUNGER if getattr(self, name) == self._default(name)}
        return {name: value for name, value in super().to_dict().items() if name not in left_out}

    def _foreign(self) -> list[str]:
        return [name for name, owners in _BELONGS_TO.items() if self.architecture not in owners]

    @classmethod
    def _default(cls, name: str) -> Any:
        return getattr(cls, name)


@dataclass(frozen=True)
class TrainingConfig(_Settings):
    """How an encoder is trained.

    Attributes:
        loss: "full" (softmax over all items), "sampled" (with logQ correction), "gbce" (generalised binary
            cross-entropy), or "auto": one of the softmaxes, by catalogue size.
        negatives: negatives per step under the sampled softmax and gBCE, shared by its positions.
        learning_rate, weight_decay: of AdamW; betas are (0.9, 0.98).
        batch_size: sequences per step; None takes 128, or fewer (at least 16) where an epoch would have less
            than 32 steps.
        epochs: at most this many passes; None takes 40, or more (up to 400) until there are 2,000 steps: a
            small data set needs more passes, not less learning. A cloze task gets `CLOZE_EPOCHS` times that.
        patience: epochs without a better validation NDCG@10 before stopping; None takes a fifth of the
            epochs, at least 10.
        seed: of initialisation, batch order, dropout and negatives.
        item_bias: learn one bias per item.
        warmup: steps of linear warm-up, at most a twentieth of all steps.
        schedule: "linear" lowers the learning rate to zero over `epochs`, "constant" leaves it.
        windows: "last" reads each user's newest `max_length` events, "all" cuts the whole history into
            windows at a random phase in every epoch.
        gbce_t: calibration of gBCE in [0, 1], from none to full; None takes `GBCE_T`. Refused with other
            losses.
        masking: probability that the cloze task hides a place; None takes `MASKING`. Refused with encoders
            that have no cloze task.
        mask_last: share of sequences of the cloze task that are hidden at their last place only, as when
            asked for a recommendation; None takes `MASK_LAST`. Refused as `masking`.
        cold_share: probability that in a step an item's learned columns and bias are hidden, in [0, 1), so
            that every item is sometimes one that was never seen.
        delta_bound: largest norm of an item's learned columns, None for no bound (arXiv 2507.19473).
        calibrate: learn a monotone map of each attribute, see `_calibration`.
        precision: "fp32", "bf16" (products in bfloat16, sums and weights in float32), or "auto": bf16 where
            the hardware has it.
        row_sparse: whether a step moves only the item rows it touched; None does where the loss is sampled
            and the catalogue is larger than `FULL_SOFTMAX_UP_TO`.

    `to_dict` leaves the younger ones, from `gbce_t` on, out where they have their defaults.
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
    gbce_t: float | None = None
    masking: float | None = None
    mask_last: float | None = None
    cold_share: float = 0.0
    delta_bound: float | None = None
    calibrate: bool = False
    precision: str = "auto"
    row_sparse: bool | None = None

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
        if not 0 < self.learning_rate < math.inf:
            raise UsageError(f"learning_rate must be above 0 and finite, got {self.learning_rate}")
        for name in ("gbce_t", "masking", "mask_last"):
            if getattr(self, name) is not None and not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} must be in [0, 1], got {getattr(self, name)}")
        if self.precision not in PRECISIONS:
            raise UsageError(f"precision must be one of {', '.join(PRECISIONS)}, got {self.precision!r}")
        if not 0 <= self.cold_share < 1:
            raise UsageError(f"cold_share must be in [0, 1), got {self.cold_share}")
        if self.delta_bound is not None and not 0 < self.delta_bound < math.inf:
            raise UsageError(f"delta_bound must be above 0 and finite, got {self.delta_bound}")
        if self.gbce_t is not None and self.loss != "gbce":
            raise UsageError(f"gbce_t belongs to the loss gbce, not to {self.loss}")

    def to_dict(self) -> dict[str, Any]:
        defaults = type(self)()
        return {
            name: value
            for name, value in super().to_dict().items()
            if name not in _YOUNGER_TRAINING or value != getattr(defaults, name)
        }

    def check_objective(self, encoder: EncoderConfig) -> None:
        """Refuse settings of an objective that the encoder does not have.

        Raises:
            UsageError: `masking` or `mask_last` is given without a cloze task.
        """
        for name in ("masking", "mask_last"):
            if getattr(self, name) is not None and encoder.objective != "cloze":
                raise UsageError(
                    f"{name} belongs to encoders with a cloze task, not to {encoder.architecture}"
                )

    def resolve_masking(self) -> tuple[float, float]:
        """The values that `masking` and `mask_last` stand for."""
        return (
            MASKING if self.masking is None else self.masking,
            MASK_LAST if self.mask_last is None else self.mask_last,
        )

    def resolve_gbce_t(self) -> float:
        """The value that `gbce_t` stands for."""
        return GBCE_T if self.gbce_t is None else self.gbce_t

    def resolve_batch(self, n_sequences: int) -> int:
        """The batch size that None stands for with so many training sequences."""
        if self.batch_size is not None:
            return self.batch_size
        return min(128, max(16, n_sequences // 32))

    def resolve_epochs(self, steps_per_epoch: int, objective: str = "next") -> int:
        """The number of epochs that None stands for at so many steps an epoch."""
        if self.epochs is not None:
            return self.epochs
        epochs = min(400, max(40, -(-2000 // steps_per_epoch)))
        return CLOZE_EPOCHS * epochs if objective == "cloze" else epochs

    def resolve_patience(self, epochs: int) -> int:
        """The patience that None stands for with so many epochs."""
        return self.patience if self.patience is not None else max(10, epochs // 5)

    def resolve_loss(self, n_items: int) -> str:
        """The loss that "auto" stands for at this catalogue size."""
        if self.loss != "auto":
            return self.loss
        return "full" if n_items <= FULL_SOFTMAX_UP_TO else "sampled"
