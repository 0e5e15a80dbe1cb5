"""From item vectors and a split to a trained version with its encoder, in one call."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from guided_store.catalogue import Sequences, Split, Targets
from guided_store.encoders._config import EncoderConfig, TrainingConfig
from guided_store.encoders._encoder import Encoder, EncoderManifest, save_encoder
from guided_store.encoders._histories import encode_histories
from guided_store.encoders._items import ItemTable
from guided_store.encoders._lineage import training_warnings
from guided_store.encoders._model import SequenceModel
from guided_store.encoders._models import make_model
from guided_store.encoders._training import Outcome, Trainer, Validate
from guided_store.errors import EncoderError, UsageError
from guided_store.evaluation import EncodedScorer, Repeats, check_repeats, summarise, target_ranks
from guided_store.progress import SILENT, Progress
from guided_store.store import Store
from guided_store.versions import (
    Embedding,
    Ref,
    VersionInfo,
    embedding_digest,
    load_embedding,
    need_free_name,
    parse_ref,
    write_version,
)

VALIDATION_CASES = 20_000
"""Validation reads at most this many cases per epoch (a seeded sample of them)."""


@dataclass(frozen=True)
class TrainResult:
    """A finished training run.

    Attributes:
        version: the new embedding version.
        encoder: ready to encode.
        outcome: epochs, seconds, validation metrics.
    """

    version: VersionInfo
    encoder: Encoder
    outcome: Outcome


@dataclass(frozen=True)
class _Items:
    """Where a run's item table starts."""

    item_ids: tuple[str, ...]
    table: ItemTable
    kind: str
    parent: Embedding | None


def _start(
    store: Store,
    items: str | Ref,
    split: Split,
    encoder: EncoderConfig,
    training: TrainingConfig,
    latent: str,
) -> _Items:
    generator = torch.Generator().manual_seed(training.seed)
    if str(items) == "learned":
        train = split.train
        seen = np.flatnonzero(train.counts())
        ids = tuple(train.item_ids[code] for code in seen)
        if not ids:
            raise UsageError("the split has no training events; ingest interactions first")
        table = ItemTable.learned(len(ids), encoder.dim, generator, item_bias=training.item_bias)
        return _Items(ids, table, "base", None)
    ref = parse_ref(items)
    if ref.kind == "guided":
        raise UsageError(
            f"{ref} holds attributes only; build a refined version from it and a base, and train on that"
        )
    parent = load_embedding(store, ref)
    if parent.info.dim != encoder.dim:
        raise UsageError(f"{ref} has {parent.info.dim} dimensions but --dim is {encoder.dim}")
    guided = int(str(parent.info.recipe.get("guided_columns", 0))) if ref.kind == "refined" else 0
    table = ItemTable.from_vectors(
        parent.vectors,
        parent.bias,
        fixed_columns=guided,
        train_latent=latent == "trained",
        train_bias=training.item_bias,
    )
    return _Items(parent.item_ids, table, ref.kind, parent)


def _validator(split: Split, item_ids: tuple[str, ...], seed: int, repeats: Repeats) -> Validate | None:
    cases = split.validation
    if not len(cases):
        return None
    if len(cases) > VALIDATION_CASES:
        chosen = np.sort(np.random.default_rng(seed).choice(len(cases), VALIDATION_CASES, replace=False))
        cases = Targets(cases.users[chosen], cases.ends[chosen])
    sample = Split(split.kind, split.sequences, split.train_ends, cases, split.test)

    def validate(model: SequenceModel, table: ItemTable) -> dict[str, float]:
        vectors = table.vectors().detach().cpu().numpy()
        bias = table.bias.detach().cpu().numpy()
        scorer = EncodedScorer("encoder", _Live(model, table), item_ids, vectors, bias)
        ranks = target_ranks(scorer, sample, "validation", repeats)
        return summarise(ranks)

    return validate


@dataclass(frozen=True)
class _Live:
    """The encoder as it is now, for validation."""

    model: SequenceModel
    table: ItemTable

    def encode(self, histories: list[NDArray[np.int32]]) -> NDArray[np.float32]:
        return encode_histories(self.model, self.table, histories)


def _fingerprint(settings: dict[str, Any], items: _Items, sequences: Sequences) -> str:
    sha = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    sha.update("\0".join(items.item_ids).encode())
    sha.update(sequences.items.tobytes() + sequences.indptr.tobytes())
    if items.parent is not None:
        sha.update(items.parent.digest.encode())
    return sha.hexdigest()


def checkpoint_path(store: Store, ref: Ref) -> Path:
    """Where the unfinished run that will become `ref` keeps its checkpoint."""
    return store.artifact("checkpoints", f"{ref.kind}/{ref.name}.safetensors")


def train(
    store: Store,
    name: str,
    *,
    split: Split,
    items: str | Ref = "learned",
    encoder: EncoderConfig | None = None,
    training: TrainingConfig | None = None,
    latent: str = "trained",
    repeats: Repeats = "exclude",
    resume: bool = True,
    device: str = "cpu",
    progress: Progress = SILENT,
) -> TrainResult:
    """Train a sequential encoder on item vectors and store both as one version.

    With `items="learned"` the vectors start at random and become `base/<name>`. With a base version they
    start there (a warm start) and become a new base version. With a refined version the guided part stays
    frozen (arXiv 2504.11658), the latent part and the bias are trained, and the result is `refined/<name>`.
    The epoch with the best validation NDCG@10 is kept; without validation cases, the last.

    Killed or interrupted, the run goes on where it was when the same call is made again.

    Args:
        store: open for writing.
        name: of the new version.
        split: which events train and validate; its digest is recorded.
        items: "learned", "base/x" or "refined/x".
        encoder: shape; `dim` must be that of `items`.
        training: settings.
        latent: "trained" or "frozen" (then only the encoder and the bias learn).
        repeats: "exclude" or "allow" items of the history in validation rankings.
        resume: go on from a checkpoint of this name; False discards it.
        device: torch device.
        progress: where to report.

    Raises:
        UsageError: impossible settings; a checkpoint of this name with other settings.
        VersionError: the name is taken.
        EncoderError: nothing to train on; the loss is not finite.
    """
    encoder, training = encoder or EncoderConfig(), training or TrainingConfig()
    if latent not in {"trained", "frozen"}:
        raise UsageError(f"latent must be 'trained' or 'frozen', got {latent!r}")
    check_repeats(repeats)
    training.check_objective(encoder)
    kind = "base" if str(items) == "learned" else parse_ref(items).kind
    ref = need_free_name(store, Ref(kind, name))
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"device {device!r} is not to be had here ({str(error).splitlines()[0]})") from None
    start = _start(store, items, split, encoder, training, latent)
    if start.parent is not None and split.kind != "none":
        for warning in training_warnings(store, start.parent.ref, split):
            progress.log(f"warning: {warning}")
    sequences = split.train.restrict(start.item_ids)
    model = make_model(encoder)
    model.reset(torch.Generator().manual_seed(training.seed + 1))
    table = start.table.to(device)
    model.balance(table.vectors())
    model.to(device)
    settings: dict[str, Any] = {
        "items": str(items),
        "latent": latent,
        "repeats": repeats,
        "encoder": encoder.to_dict(),
        "training": training.to_dict(),
        "loss": training.resolve_loss(table.n_items),
        "split": split.digest,
        "split_kind": split.kind,
    }
    path = checkpoint_path(store, ref)
    if not resume:
        path.unlink(missing_ok=True)
    trainer = Trainer(
        model,
        table,
        sequences,
        training,
        validate=_validator(split, start.item_ids, training.seed, repeats),
        checkpoint=path,
        fingerprint=_fingerprint(settings, start, sequences),
        progress=progress,
    )
    settings["resolved"] = {
        "batch_size": trainer.batch_size,
        "epochs": trainer.epochs,
        "patience": trainer.patience,
    }
    if encoder.objective == "cloze":
        settings["resolved"] |= dict(zip(("masking", "mask_last"), training.resolve_masking(), strict=True))
    if settings["loss"] == "gbce":
        settings["resolved"]["gbce_t"] = training.resolve_gbce_t()
    outcome = trainer.run()
    result = _store_result(store, ref, start, settings, model.cpu(), table.cpu(), outcome)
    trainer.discard_checkpoint()
    return result


def _store_result(
    store: Store,
    ref: Ref,
    start: _Items,
    settings: dict[str, Any],
    model: SequenceModel,
    table: ItemTable,
    outcome: Outcome,
) -> TrainResult:
    vectors = np.ascontiguousarray(table.vectors().detach().numpy(), np.float32)
    bias = table.bias.detach().numpy().astype(np.float32)
    if not (np.isfinite(vectors).all() and np.isfinite(bias).all()):
        raise EncoderError("training ended with vectors that are not finite; try a lower --lr")
    parent = start.parent
    raw = None if parent is None else parent.raw
    std = None if parent is None else parent.std
    recipe: dict[str, object] = {} if parent is None else dict(parent.info.recipe)
    recipe = {"method": "learned with the encoder"} | recipe
    recipe |= {"training": settings, "seconds": outcome.seconds}
    report: dict[str, Any] = settings | {
        "best_epoch": outcome.best_epoch,
        "epochs": len(outcome.history),
        "stopped": outcome.stopped,
        "seconds": outcome.seconds,
        "validation": outcome.metrics,
        "history": outcome.history,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    digest = embedding_digest(start.item_ids, vectors, bias, raw, std)
    manifest = EncoderManifest(ref, digest, model.config, report)
    # the encoder first: without the version's row it does not exist, and recovery removes it
    store.remove_artifact("encoders", str(ref))
    with store.publish("encoders", str(ref)) as folder:
        save_encoder(folder, manifest, model)
    info = write_version(
        store,
        ref,
        start.item_ids,
        vectors,
        bias=bias,
        raw=raw,
        imputed=None if parent is None else parent.imputed,
        std=std,
        parents=() if parent is None else (parent.ref,),
        recipe=recipe,
        metrics={f"validation {name}": value for name, value in outcome.metrics.items()},
    )
    return TrainResult(info, Encoder(manifest, model, table, start.item_ids), outcome)
