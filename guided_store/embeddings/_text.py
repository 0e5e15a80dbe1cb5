"""Base versions from the items' own texts; no interaction enters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from guided_store.embeddings._lsa import text_columns
from guided_store.errors import UsageError
from guided_store.ledger import MAX_CHARS, choose_fields, iter_texts
from guided_store.store import Store
from guided_store.versions import VersionInfo, need_free_name, write_version

_EXAMPLES = 5


def build_text_base(
    store: Store,
    name: str,
    *,
    method: str = "tfidf",
    dim: int = 64,
    seed: int = 1,
    fields: Sequence[str] | None = None,
) -> VersionInfo:
    """Write `base/<name>`: every item of the catalogue as what its text says.

    It serves as the text columns of a refined version, as the control beside a language model's scores, and
    for items that nobody has met yet. TF-IDF and truncated SVD (latent semantic analysis), see `_lsa`; each
    column has mean 0 and deviation 1 over the items with text, like an attribute, so that 0 is the average
    item. An item without text, or of whose words none counts, has the zero vector.

    The same items in the same order give the same vectors (on one machine and library version, the same
    digest). A term counts where two texts have it, in catalogues of 100 texts and more.

    Args:
        store: open for writing, with items.
        name: the version's name, not taken.
        method: "tfidf". Sentence embeddings are `guided_store.local.build_sentence_base`.
        dim: columns; by falling singular value, so that the first d are what a build with dim d has.
        seed: of the SVD's first vector, 0 to 2^32 - 1.
        fields: columns of the items table to read; by default title and text.

    Raises:
        UsageError: scikit-learn is not installed, an unknown method or column, no items, no text, or too few
            different words for `dim` columns.
        VersionError: the name is taken.
    """
    if method != "tfidf":
        raise UsageError(f"the method of a text base is tfidf, got {method!r}; a model is for `local`")
    if dim < 1 or not 0 <= seed < 2**32:
        raise UsageError(f"dim must be at least 1 and seed from 0 to 2^32 - 1, got {dim} and {seed}")
    ref = need_free_name(store, f"base/{name}")
    chosen = choose_fields(store, fields)
    items = [(item.item_id, tuple(item.data.values())) for item in iter_texts(store, chosen)]
    ids, texts = [item for item, _ in items], [text for _, text in items]
    empty = np.array([not text for text in texts])
    if empty.all():
        raise UsageError(f"no item has anything in {', '.join(chosen)}; name other columns with --fields")
    made = text_columns(texts, dim, seed)
    wordless = ~empty & ~made.known
    recipe: dict[str, object] = {
        "method": "text: TF-IDF and truncated SVD",
        "dim": dim,
        "fields": list(chosen),
        "field_chars": MAX_CHARS,
        "text_digest": _digest(ids, texts),
        "word_ngrams": [1, 2],
        "sublinear_tf": True,
        "min_df": made.min_df,
        "vocabulary": made.vocabulary,
        "seed": seed,
        "explained_share": made.explained,
        "column_deviation": made.deviation.tolist(),
        "items_without_text": int(empty.sum()),
        "items_without_text_examples": [ids[row] for row in np.flatnonzero(empty)[:_EXAMPLES]],
        "items_without_counted_words": int(wordless.sum()),
        "library": made.library,
    }
    return write_version(store, ref, ids, made.values.astype(np.float32), recipe=recipe)


def _digest(ids: Sequence[str], texts: Sequence[tuple[str, ...]]) -> str:
    """SHA-256 over ids and texts in row order: whether two builds have read the same."""
    digest = hashlib.sha256()
    for item, text in zip(ids, texts, strict=True):
        digest.update(json.dumps([item, text], ensure_ascii=False).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
