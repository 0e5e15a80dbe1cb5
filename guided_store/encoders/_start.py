"""Where a training run's item table starts: at random, at a base's vectors, or at a refined version's."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from guided_store.catalogue import Split
from guided_store.encoders._cold import apply_map, fit_map
from guided_store.encoders._config import EncoderConfig, TrainingConfig
from guided_store.encoders._items import START, ItemTable
from guided_store.encoders._model import SequenceModel
from guided_store.errors import UsageError
from guided_store.store import Store
from guided_store.versions import Embedding, Ref, load_embedding, parse_ref


@dataclass(frozen=True)
class Items:
    """Where a run's item table starts.

    Attributes:
        item_ids: row order of the table.
        table: its start.
        kind: "base" or "refined".
        parent: the version it starts from, None for learned vectors.
        encoder: the encoder's shape with the columns of the version filled in.
        map: float32 (k, F), start of the residual form's map, or None where it starts at random.
    """

    item_ids: tuple[str, ...]
    table: ItemTable
    kind: str
    parent: Embedding | None
    encoder: EncoderConfig
    map: NDArray[np.float32] | None = None

    def start_map(self, model: SequenceModel) -> None:
        """Set the model's residual map to its start, where there is one."""
        if self.map is not None and model.residual is not None:
            with torch.no_grad():
                model.residual.weight.copy_(torch.from_numpy(self.map))


def start_items(
    store: Store,
    items: str | Ref,
    split: Split,
    encoder: EncoderConfig,
    training: TrainingConfig,
    latent: str,
) -> Items:
    """The item table that `train` starts from.

    Args:
        store: an open store.
        items: "learned", "base/x" or "refined/x".
        split: counts of its training part say which items are seen.
        encoder: shape; its columns are filled in where the form needs them.
        training: settings; its seed draws what starts at random.
        latent: "trained" or "frozen".

    Raises:
        UsageError: settings that the items do not allow.
        VersionError: there is no such version.
    """
    if training.delta_bound is not None and not encoder.residual:
        raise UsageError("delta_bound belongs to the residual form")
    if training.delta_bound is not None and latent == "frozen":
        raise UsageError("delta_bound bounds what the latent part learns; a frozen one learns nothing")
    generator = torch.Generator().manual_seed(training.seed)
    if str(items) == "learned":
        return _learned(split, encoder, training, generator)
    ref = parse_ref(items)
    if ref.kind == "guided":
        raise UsageError(f"{ref} holds attributes only; build a refined version from it, and train on that")
    parent = load_embedding(store, ref)
    if parent.info.dim != encoder.dim:
        raise UsageError(f"{ref} has {parent.info.dim} dimensions but --dim is {encoder.dim}")
    if ref.kind == "base":
        _refuse_refinement(encoder, training, str(ref))
        table = ItemTable.from_vectors(
            parent.vectors,
            parent.bias,
            train_latent=latent == "trained",
            train_bias=training.item_bias,
        )
        return Items(parent.item_ids, table, "base", parent, encoder)
    return _refined(parent, split, encoder, training, latent, generator)


def _learned(
    split: Split, encoder: EncoderConfig, training: TrainingConfig, generator: torch.Generator
) -> Items:
    _refuse_refinement(encoder, training, "learned")
    train = split.train
    seen = np.flatnonzero(train.counts())
    ids = tuple(train.item_ids[code] for code in seen)
    if not ids:
        raise UsageError("the split has no training events; ingest interactions first")
    table = ItemTable.learned(len(ids), encoder.dim, generator, item_bias=training.item_bias)
    return Items(ids, table, "base", None, encoder)


def _refined(
    parent: Embedding,
    split: Split,
    encoder: EncoderConfig,
    training: TrainingConfig,
    latent: str,
    generator: torch.Generator,
) -> Items:
    recipe = parent.info.recipe
    attributes = _count(recipe.get("guided_columns"))
    fixed = attributes + _count(recipe.get("text_columns"))
    if encoder.residual and fixed == encoder.dim:
        raise UsageError(f"{parent.ref} has no learned columns, which the residual form needs")
    if encoder.residual or encoder.user:
        encoder = dataclasses.replace(encoder, fixed=fixed, attributes=attributes)
    seen = split.train.restrict(parent.item_ids).counts() > 0
    if not seen.any():
        raise UsageError(f"no item of {parent.ref} has a training event; was it built from this catalogue?")
    vectors, weight = parent.vectors.copy(), None
    content, learned = vectors[:, :fixed], vectors[:, fixed:]
    before = np.asarray(recipe["residual_map"], np.float32) if recipe.get("form") == "residual" else None
    if encoder.residual:
        weight = before if before is not None else _split_off(content, learned, seen)
    elif before is not None:  # in the plain form, an item's own columns say all of it
        learned += content @ before.T
    elif not learned.any():  # a version of one stage: its learned columns start here
        learned[:] = torch.empty(learned.shape).normal_(0.0, START, generator=generator).numpy()
    table = ItemTable.from_vectors(
        vectors,
        parent.bias,
        fixed_columns=fixed,
        seen=seen,
        calibrated=attributes if training.calibrate else 0,
        train_latent=latent == "trained",
        train_bias=training.item_bias,
    )
    if training.cold_share > 0 and training.item_bias:
        table.learn_cold_bias()
    return Items(parent.item_ids, table, "refined", parent, encoder, weight)


def _split_off(
    content: NDArray[np.float32], learned: NDArray[np.float32], seen: NDArray[np.bool_]
) -> NDArray[np.float32] | None:
    """The residual map's start (k, F); in place, learned columns become what it does not say.

    None for learned columns of zero, which leave the map to start at random. The regression's intercept goes
    from the columns too: it would add the same to every score of a query.
    """
    if not learned.any():
        return None
    weight = fit_map(content[seen], learned[seen])
    learned -= apply_map(weight, content)
    return weight[:, :-1].astype(np.float32)


def _refuse_refinement(encoder: EncoderConfig, training: TrainingConfig, items: str) -> None:
    """Settings that are about attributes, asked for where there are none."""
    asked = {
        "residual": encoder.residual,
        "user": encoder.user,
        "cold_share": training.cold_share > 0,
        "calibrate": training.calibrate,
    }
    wanted = [name for name, given in asked.items() if given]
    if wanted:
        raise UsageError(
            f"{wanted[0]} needs attributes, which {items} items have not; train a refined version"
        )


def _count(value: Any) -> int:
    return 0 if value is None else int(value)
