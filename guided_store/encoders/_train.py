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
from guided_store.encoders._cold import Settler
from guided_store.encoders._config import EncoderConfig, TrainingConfig
from guided_store.encoders._distributed import Ranks, joined
from guided_store.encoders._encoder import Encoder, EncoderManifest, publish_encoder
from guided_store.encoders._histories import encode_histories
from guided_store.encoders._items import ItemTable
from guided_store.encoders._lineage import training_warnings
from guided_store.encoders._model import SequenceModel
from guided_store.encoders._models import make_model
from guided_store.encoders._prior import UserPriors, load_priors
from guided_store.encoders._refinement import describe_refinement, without_run
from guided_store.encoders._start import Items, start_items
from guided_store.encoders._training import Outcome, Trainer, Validate
from guided_store.errors import EncoderError, UsageError
from guided_store.evaluation import EncodedScorer, Repeats, check_repeats, summarise, target_ranks
from guided_store.progress import SILENT, Progress
from guided_store.store import Store
from guided_store.store import open as open_store
from guided_store.versions import (
    Ref,
    VersionInfo,
    embedding_digest,
    get_version,
    need_free_name,
    parse_ref,
    users_ref,
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


def _validator(
    split: Split,
    item_ids: tuple[str, ...],
    seed: int,
    repeats: Repeats,
    settler: Settler,
    priors: UserPriors | None,
) -> Validate | None:
    cases = split.validation
    if not len(cases):
        return None
    if len(cases) > VALIDATION_CASES:
        chosen = np.sort(np.random.default_rng(seed).choice(len(cases), VALIDATION_CASES, replace=False))
        cases = Targets(cases.users[chosen], cases.ends[chosen])
    sample = Split(split.kind, split.sequences, split.train_ends, cases, split.test)

    def validate(model: SequenceModel, table: ItemTable) -> dict[str, float]:
        settler.settle()
        vectors = table.vectors().detach().cpu().numpy()
        bias = table.bias.detach().cpu().numpy()
        scorer = EncodedScorer("encoder", _Live(model, table), item_ids, vectors, bias, priors=priors)
        ranks = target_ranks(scorer, sample, "validation", repeats)
        return summarise(ranks)

    return validate


@dataclass(frozen=True)
class _Live:
    """The encoder as it is now, for validation."""

    model: SequenceModel
    table: ItemTable

    def encode(
        self, histories: list[NDArray[np.int32]], priors: NDArray[np.float32] | None = None, /
    ) -> NDArray[np.float32]:
        if priors is not None:
            with torch.no_grad():
                given = torch.from_numpy(priors).to(self.table.latent.device)
                priors = self.table.calibrate(given).cpu().numpy()
        return encode_histories(self.model, self.table, histories, priors)


def _fingerprint(settings: dict[str, Any], items: Items, sequences: Sequences) -> str:
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
    users: str | Ref | None = None,
    repeats: Repeats = "exclude",
    resume: bool = True,
    device: str = "cpu",
    progress: Progress = SILENT,
) -> TrainResult:
    """Train a sequential encoder on item vectors and store both as one version.

    With `items="learned"` the vectors start at random and become `base/<name>`. With a base version they
    start there (a warm start) and become a new base version. With a refined version the guided part stays
    frozen (arXiv 2504.11658) but by a calibration that is asked for, the latent part and the bias are
    trained, and the result is `refined/<name>`; its items without training events are left out of the
    softmax and get rows from their content (see `Settler`). The epoch with the best validation NDCG@10 is
    kept; without validation cases, the last.

    Killed or interrupted, the run goes on where it was when the same call is made again.

    Started by `torchrun`, every process makes the same call; they share each batch, and the first one alone
    validates, writes and reports (see `_distributed`).

    Args:
        store: open for writing; by the processes but the first of `torchrun`, for reading.
        name: of the new version.
        split: which events train and validate; its digest is recorded.
        items: "learned", "base/x" or "refined/x".
        encoder: shape; `dim` must be that of `items`.
        training: settings.
        latent: "trained" or "frozen" (then only the encoder and the bias learn).
        users: "users/NAME", where the users' own vectors start (`EncoderConfig.user`); those that are not in
            it start at the average item, as all do without it. It is read wherever the encoder is used.
        repeats: "exclude" or "allow" items of the history in validation rankings.
        resume: go on from a checkpoint of this name; False discards it.
        device: torch device.
        progress: where to report.

    Raises:
        UsageError: impossible settings; a checkpoint of this name with other settings; users that were judged
            by another split, on other attributes or for an encoder that reads none.
        VersionError: the name is taken, or there is no version of that name.
        EncoderError: nothing to train on; the loss is not finite.
    """
    encoder, training = encoder or EncoderConfig(), training or TrainingConfig()
    if latent not in {"trained", "frozen"}:
        raise UsageError(f"latent must be 'trained' or 'frozen', got {latent!r}")
    check_repeats(repeats)
    training.check_objective(encoder)
    if users is not None and not encoder.user:
        raise UsageError(f"{users_ref(users)} is read by an encoder with user=True (--user) alone")
    kind = "base" if str(items) == "learned" else parse_ref(items).kind
    ref = need_free_name(store, Ref(kind, name))
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"device {device!r} is not to be had here ({str(error).splitlines()[0]})") from None
    with joined(device) as ranks:
        said = progress if ranks.first else SILENT
        return _train(
            store, ref, split, items, encoder, training, latent, users, repeats, resume, ranks, said
        )


def _train(
    store: Store,
    ref: Ref,
    split: Split,
    items: str | Ref,
    encoder: EncoderConfig,
    training: TrainingConfig,
    latent: str,
    users: str | Ref | None,
    repeats: Repeats,
    resume: bool,
    ranks: Ranks,
    progress: Progress,
) -> TrainResult:
    """`train` with arguments that were checked, in each of the processes that train together."""
    start = start_items(store, items, split, encoder, training, latent)
    encoder, device = start.encoder, ranks.device
    if start.parent is not None and split.kind != "none":
        for warning in training_warnings(store, start.parent.ref, split):
            progress.log(f"warning: {warning}")
    priors = None
    if users is not None and start.parent is not None:  # `start_items` refuses a user's vector without one
        priors = load_priors(store, users, start.parent)
        priors.need_split(split)
    sequences = split.train.restrict(start.item_ids)
    model = make_model(encoder)
    model.reset(torch.Generator().manual_seed(training.seed + 1))
    start.start_map(model)
    model.balance(start.table.vectors())
    model.to(device)
    table = start.table.to(device)
    settler = Settler(table, sequences.counts(), encoder.residual)
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
    if priors is not None:
        settings |= {"users": str(priors.ref), "users_digest": priors.digest}
    path = checkpoint_path(store, ref)
    if not resume and ranks.first:
        path.unlink(missing_ok=True)
    ranks.agree(None)  # no process reads a checkpoint that another one discards
    trainer = Trainer(
        model,
        table,
        sequences,
        training,
        validate=_validator(split, start.item_ids, training.seed, repeats, settler, priors),
        checkpoint=path,
        fingerprint=_fingerprint(settings, start, sequences),
        progress=progress,
        ranks=ranks,
        priors=None if priors is None else priors.rows(sequences.user_ids),
    )
    settings["resolved"] = {
        "batch_size": trainer.batch_size,
        "epochs": trainer.epochs,
        "patience": trainer.patience,
        "precision": trainer.precision,
        "row_sparse": trainer.row_sparse,
    }
    if encoder.objective == "cloze":
        settings["resolved"] |= dict(zip(("masking", "mask_last"), training.resolve_masking(), strict=True))
    if settings["loss"] == "gbce":
        settings["resolved"]["gbce_t"] = training.resolve_gbce_t()
    outcome = trainer.run()
    settler.settle()
    learned = describe_refinement(start, model.cpu(), table.cpu(), settler) if start.kind == "refined" else {}
    if not ranks.first:
        ranks.agree(None)  # until the first process has written
        version = get_version(open_store(store.root), ref)
        manifest = EncoderManifest(ref, version.digest, model.config, settings)
        return TrainResult(version, Encoder(manifest, model, table, start.item_ids), outcome)
    result = _store_result(store, ref, start, settings, learned, model, table, outcome)
    trainer.discard_checkpoint()
    ranks.agree(None)
    return result


def _store_result(
    store: Store,
    ref: Ref,
    start: Items,
    settings: dict[str, Any],
    learned: dict[str, object],
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
    recipe: dict[str, object] = {} if parent is None else without_run(parent.info.recipe)
    recipe = {"method": "learned with the encoder"} | recipe
    recipe |= learned | {"training": settings, "seconds": outcome.seconds}
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
    publish_encoder(store, manifest, model)
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
