"""A trained encoder bound to the embedding version it reads and scores with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from guided_store.encoders._config import EncoderConfig
from guided_store.encoders._histories import encode_histories
from guided_store.encoders._items import ItemTable
from guided_store.encoders._model import SequenceModel
from guided_store.encoders._models import make_model
from guided_store.errors import EncoderError, UsageError
from guided_store.store import Store
from guided_store.versions import Embedding, Ref, parse_ref

FORMAT = 2
WEIGHTS = "model.safetensors"
MANIFEST = "encoder.json"


@dataclass(frozen=True)
class EncoderManifest:
    """What is recorded beside an encoder's weights.

    Attributes:
        version: the embedding version it belongs to.
        version_digest: that version's content digest; another one is refused on load.
        config: shape.
        training: how it was trained (settings, split digest, epochs, seconds, validation metrics).
    """

    version: Ref
    version_digest: str
    config: EncoderConfig
    training: dict[str, Any] = field(default_factory=dict)


class Encoder:
    """Turns histories into queries in the space of its embedding version.

    Attributes:
        manifest: where it belongs and how it was made.
        item_ids: the version's ids; history codes are positions in it.
    """

    def __init__(
        self, manifest: EncoderManifest, model: SequenceModel, table: ItemTable, item_ids: tuple[str, ...]
    ) -> None:
        self.manifest = manifest
        self.item_ids = item_ids
        self.model = model.eval()
        self._table = table

    @property
    def config(self) -> EncoderConfig:
        return self.manifest.config

    @property
    def repeats(self) -> str:
        """Whether it was trained for lists that may repeat the history: "allow" or "exclude"."""
        return str(self.manifest.training.get("repeats", "exclude"))

    def encode(
        self, histories: Sequence[NDArray[np.int32]], priors: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Queries float32 (m, d) for histories of row numbers (oldest first, none empty).

        `priors`, float32 (m, A), is what is known of the users beside their events (see `load_priors`).
        """
        return encode_histories(self.model, self._table, histories, priors)


def _sha256(weights: Path, config: EncoderConfig) -> str:
    """Over the weights and the settings that give them their meaning (heads and length leave no trace)."""
    with weights.open("rb") as file:
        sha = hashlib.file_digest(file, "sha256")
    sha.update(json.dumps(config.to_dict(), sort_keys=True).encode())
    return sha.hexdigest()


def save_encoder(folder: Path, manifest: EncoderManifest, model: SequenceModel) -> None:
    """Write weights and manifest into `folder` (a temporary one, see `Store.publish`)."""
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, folder / WEIGHTS)
    content = {
        "format": FORMAT,
        "version": str(manifest.version),
        "version_digest": manifest.version_digest,
        "config": manifest.config.to_dict(),
        "training": manifest.training,
        "sha256": _sha256(folder / WEIGHTS, manifest.config),
    }
    (folder / MANIFEST).write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def publish_encoder(store: Store, manifest: EncoderManifest, model: SequenceModel) -> None:
    """Write an encoder to its place in a store, whole or not at all.

    To be called before its version is written: without the version's row the encoder does not exist, and
    recovery removes it.
    """
    store.remove_artifact("encoders", str(manifest.version))
    with store.publish("encoders", str(manifest.version)) as folder:
        save_encoder(folder, manifest, model)


def copy_encoder(store: Store, encoder: Encoder, version: Ref, version_digest: str) -> None:
    """Write a copy of an encoder that is bound to another version, which is to be written next.

    The version must be in the space that the encoder was trained for: columns of the same meaning and scale.
    Weights, shape and the record of its training stay as they are.

    Args:
        store: open for writing.
        encoder: a loaded one.
        version: what the copy belongs to.
        version_digest: that version's content digest, see `embedding_digest`.
    """
    manifest = replace(encoder.manifest, version=version, version_digest=version_digest)
    publish_encoder(store, manifest, encoder.model)


def read_manifest(store: Store, ref: str | Ref) -> tuple[EncoderManifest, str]:
    """An encoder's manifest and the recorded SHA-256 of its weights and shape.

    Raises:
        UsageError: the version has no encoder.
        EncoderError: the manifest is damaged or of a newer format.
    """
    wanted = parse_ref(ref)
    folder = store.artifact("encoders", str(wanted))
    if not folder.is_dir():
        how = f"`guided-store train --items {wanted} --as NAME`"
        if wanted.kind == "guided":
            how = "`build refined` from it and a base, then `train --items refined/...`"
        raise UsageError(f"{wanted} has no encoder; make a version that has one with {how}")
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            what = "upgrade guided-store" if content["format"] > FORMAT else "train it again"
            raise EncoderError(
                f"the encoder of {wanted} has format {content['format']}, this program reads {FORMAT}: {what}"
            )
        manifest = EncoderManifest(
            parse_ref(content["version"]),
            content["version_digest"],
            EncoderConfig.from_dict(content["config"]),
            content["training"],
        )
        return manifest, str(content["sha256"])
    except (OSError, ValueError, KeyError, TypeError, UsageError) as error:
        raise EncoderError(
            f"the encoder of {wanted} is damaged ({MANIFEST}: {error}); train it again under another name"
        ) from error


def load_encoder(store: Store, embedding: Embedding, device: str = "cpu") -> Encoder:
    """Load the encoder of a loaded embedding version.

    Args:
        store: an open store.
        embedding: the version; its vectors are what the encoder reads.
        device: where to run.

    Raises:
        UsageError: the version has no encoder.
        EncoderError: weights are damaged, or belong to other vectors than these.
    """
    ref = embedding.ref
    manifest, recorded = read_manifest(store, ref)
    if manifest.version != ref or manifest.version_digest != embedding.digest:
        raise EncoderError(
            f"the encoder stored for {ref} belongs to {manifest.version} with digest "
            f"{manifest.version_digest[:12]}..., but {ref} has {embedding.digest[:12]}...; train it again"
        )
    path = store.artifact("encoders", str(ref)) / WEIGHTS
    damaged = (
        f"the encoder of {ref} is damaged ({WEIGHTS} and {MANIFEST} do not agree); train it again under "
        "another name"
    )
    try:
        if _sha256(path, manifest.config) != recorded:
            raise EncoderError(damaged)
        model = make_model(manifest.config)
        model.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise EncoderError(damaged) from error
    table = ItemTable.from_vectors(embedding.vectors, embedding.bias, train_latent=False, train_bias=False)
    return Encoder(manifest, model.to(device), table.to(device), embedding.item_ids)
