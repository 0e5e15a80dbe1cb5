"""What turns texts into vectors: a small protocol, and the sentence-transformers model behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import DataError, UsageError
from guided_store.local._identity import cached_revision, folder_digest, online_revision

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class Embedder(Protocol):
    """Anything that embeds texts."""

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Embeddings of n texts, float32 (n, d); of any length, since only directions count."""
        ...


@dataclass(frozen=True)
class LoadedModel:
    """A model and what it is.

    Attributes:
        embedder: the model.
        name: what the ledger calls it: its name on the hub, or its folder's own name.
        identity: what makes it this model: "sha256:..." over a folder's files, or "name@revision".
    """

    embedder: Embedder
    name: str
    identity: str


def embed(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Unit embeddings of n texts, float32 (n, d); a zero vector stays one.

    Raises:
        DataError: the model gives values that are not finite.
    """
    vectors = np.asarray(embedder.encode(list(texts)), np.float32)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(norms).all():
        broken = texts[int(np.argmin(np.isfinite(norms[:, 0])))]
        raise DataError(
            f"the model gives values that are not finite, first for the text {broken[:60]!r}; its weights "
            "are damaged or its precision is too low"
        )
    unit: NDArray[np.float32] = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
    return unit


def load_model(model: str, *, batch_size: int, device: str | None) -> LoadedModel:
    """Load a sentence-transformers model, by name (the local cache first, then the network) or from a folder.

    Args:
        model: a folder, or a name on the Hugging Face hub, such as "all-MiniLM-L6-v2".
        batch_size: texts per forward pass.
        device: "cpu", "cuda", "mps", ...; None leaves it to the library.

    Raises:
        UsageError: the extra is not installed, there is no such folder or model, it cannot be loaded, or the
            network that it would have to come from is out of reach.
    """
    try:
        import sentence_transformers
    except ImportError as error:
        raise UsageError(
            'scoring without an API needs sentence-transformers: pip install "guided-store[local]"'
            + ("" if error.name == "sentence_transformers" else f" ({error})")
        ) from None
    del sentence_transformers
    folder = Path(model).expanduser()
    if folder.is_dir():
        if not any((folder / name).is_file() for name in ("modules.json", "config.json")):
            raise UsageError(
                f"{folder} is no folder of a sentence-transformers model: it has neither modules.json nor "
                "config.json"
            )
        loaded = _load(str(folder), device=device, local_files_only=True)
        return LoadedModel(_Model(loaded, batch_size), folder.resolve().name, folder_digest(folder))
    if model.startswith((".", "/", "~")) or model.count("/") > 1 or "\\" in model or folder.exists():
        raise UsageError(
            f"there is no model folder {model}; give a folder, or the name of a model on the hub"
        )
    # A cached model is used as it is: scoring stays repeatable, and needs no network.
    name, revision = cached_revision(model) or online_revision(model)
    try:
        loaded = _load(name, device=device, revision=revision, local_files_only=True)
    except UsageError:  # not downloaded yet, or only in part
        name, revision = online_revision(model)
        loaded = _load(name, device=device, revision=revision)
    return LoadedModel(_Model(loaded, batch_size), name, f"{name}@{revision}")


class _Model:
    def __init__(self, model: SentenceTransformer, batch_size: int) -> None:
        self._model = model
        self._batch_size = batch_size

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        vectors = self._model.encode(
            texts, batch_size=self._batch_size, show_progress_bar=False, convert_to_numpy=True
        )
        return np.asarray(vectors, np.float32)


def _load(name: str, *, device: str | None, **settings: Any) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    try:
        return SentenceTransformer(name, device=device, **settings)
    # Its loaders raise whatever their file formats raise; the first line says what is wrong.
    except Exception as error:
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise UsageError(f"the model {name} cannot be loaded: {reason}") from None
