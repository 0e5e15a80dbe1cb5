"""Base versions from the sentence embeddings of the items' texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError
from guided_store.ledger import MAX_CHARS, ItemText, choose_fields, iter_texts
from guided_store.local._embedder import Embedder, LoadedModel, embed, load_model
from guided_store.progress import SILENT, Progress
from guided_store.store import Store
from guided_store.versions import VersionInfo, need_free_name, write_version

_SLICE = 256
_EXAMPLES = 5

_NARROW = 1e-6
"""Deviation up to which a component is nothing but rounding: embeddings have length 1, in float32."""


def build_sentence_base(
    store: Store,
    name: str,
    *,
    model: str,
    dim: int = 64,
    fields: Sequence[str] | None = None,
    max_chars: int = MAX_CHARS,
    batch_size: int = 64,
    device: str | None = None,
    progress: Progress = SILENT,
) -> VersionInfo:
    """Write `base/<name>`: every item as what a sentence-transformers model makes of its text.

    The columns of an item are embedded one by one, to length 1, and averaged; the first `dim` principal
    components follow, each of mean 0 and deviation 1 over the items with text, by falling share of the
    variance. An item without text has the zero vector, the average item. No interaction enters.

    Args:
        store: open for writing, with items.
        name: the version's name, not taken.
        model: a folder, or a name on the Hugging Face hub.
        dim: components, at most the model's dimensions and one less than there are items with text.
        fields: columns of the items table to read; by default those of title and text that hold something.
        max_chars: at which length a field is cut. The model itself reads its first few hundred tokens.
        batch_size: texts per forward pass.
        device: "cpu", "cuda", ...; None leaves it to the library.
        progress: told of items embedded.

    Raises:
        UsageError: the extra `local` is not installed, no such model, no items, unknown fields, or too few
            different texts for `dim` components.
        DataError: the model gives values that are not finite.
        VersionError: the name is taken.
    """
    if dim < 1 or batch_size < 1 or max_chars < 1:
        raise UsageError("dim, batch size and text length must be at least 1")
    need_free_name(store, f"base/{name}")
    chosen = choose_fields(store, fields)
    progress.log(f"loading {model}")
    loaded = load_model(model, batch_size=batch_size, device=device)
    return sentence_base_with(
        store, name, loaded, dim=dim, fields=chosen, max_chars=max_chars, progress=progress
    )


def sentence_base_with(
    store: Store,
    name: str,
    model: LoadedModel,
    *,
    dim: int,
    fields: tuple[str, ...],
    max_chars: int,
    progress: Progress,
) -> VersionInfo:
    """`build_sentence_base` with a model at hand."""
    items = list(iter_texts(store, fields, max_chars=max_chars))
    known = np.array([bool(item.data) for item in items])
    if not known.any():
        raise UsageError(f"no item has anything in {', '.join(fields)}; name other columns with --fields")
    means = _means(model.embedder, [item for item in items if item.data], progress)
    components, deviation, share = _components(means, dim)
    vectors = np.zeros((len(items), dim), np.float32)
    vectors[known] = components
    empty = [item.item_id for item in items if not item.data]
    recipe: dict[str, object] = {
        "method": "text: sentence embeddings and principal components",
        "model": model.name,
        "identity": model.identity,
        "dim": dim,
        "model_dim": means.shape[1],
        "fields": list(fields),
        "field_chars": max_chars,
        "explained_share": share,
        "column_deviation": deviation.tolist(),
        "items_without_text": len(empty),
        "items_without_text_examples": empty[:_EXAMPLES],
        "library": _library(),
    }
    return write_version(store, f"base/{name}", [item.item_id for item in items], vectors, recipe=recipe)


def _means(embedder: Embedder, items: Sequence[ItemText], progress: Progress) -> NDArray[np.float64]:
    """Mean embedding (n, d) of each item's fields; each different text is embedded once."""
    # Texts of like length go together: a batch is as long as its longest.
    texts = sorted(
        {text for item in items for text in item.data.values()}, key=lambda text: (len(text), text)
    )
    row_of = {text: row for row, text in enumerate(texts)}
    parts: list[NDArray[np.float32]] = []
    with progress.task("embedding texts", len(texts)) as task:
        for start in range(0, len(texts), _SLICE):
            parts.append(embed(embedder, texts[start : start + _SLICE]))
            task.advance(len(parts[-1]))
    vectors = np.concatenate(parts)
    counts = np.array([len(item.data) for item in items])
    rows = np.array([row_of[text] for item in items for text in item.data.values()])
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    sums = np.add.reduceat(vectors[rows].astype(np.float64), starts, axis=0)
    means: NDArray[np.float64] = sums / counts[:, None]
    return means


def _components(
    vectors: NDArray[np.float64], dim: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Principal components (n, dim) at deviation 1, what they deviated (dim,), and their share of it all."""
    count, width = vectors.shape
    most = min(width, count - 1)
    if dim > most:
        raise UsageError(
            f"cannot take {dim} components of {count:,} texts in the model's {width} dimensions"
            + (f"; choose a dim of at most {most}" if most > 0 else "; they are too few")
        )
    centred = vectors - vectors.mean(axis=0)
    # The d x d side: texts are many, and only the leading components are wanted.
    variances, axes = np.linalg.eigh(centred.T @ centred / count)
    total = float(variances.clip(min=0).sum())
    variances, axes = variances[::-1][:dim].clip(min=0), axes[:, ::-1][:, :dim]
    # Signs as those of `embeddings.pca`: the entry of largest magnitude is positive, near ties to the first.
    magnitude = np.abs(axes)
    near = magnitude >= magnitude.max(axis=0) * (1 - 1e-9)
    lead = np.take_along_axis(axes, near.argmax(axis=0)[None], axis=0)
    axes = axes * np.where(lead < 0, -1.0, 1.0)
    deviation = np.sqrt(variances)
    noise = deviation <= _NARROW
    if noise.any():
        good = int(np.argmax(noise))
        raise UsageError(
            f"to the model the texts differ in fewer than {dim} directions"
            + (f"; choose a dim of at most {good}" if good else "; name other columns to read")
        )
    return centred @ axes / deviation, deviation, float(variances.sum()) / total


def _library() -> str:
    from importlib.metadata import version

    return f"sentence-transformers {version('sentence-transformers')}"
