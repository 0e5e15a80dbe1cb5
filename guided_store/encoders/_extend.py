"""New items in a trained refined version: old rows as they are, new ones from their content alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guided_store.encoders._calibration import apply_calibration
from guided_store.encoders._cold import apply_map
from guided_store.encoders._encoder import copy_encoder, load_encoder
from guided_store.errors import UsageError
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


def extend_refined(
    store: Store, name: str, *, refined: str | Ref, guided: str | Ref, text: str | Ref | None = None
) -> VersionInfo:
    """Write `refined/<name>`: the rows of a trained refined version bit for bit, then the new items' rows.

    New items are those of `guided` that `refined` lacks, in its order. Their content is brought to the
    columns by the refined version's own mean, deviation, scale and calibration; their learned columns come
    from its content map (zero in the residual form) and their bias is its cold bias. The encoder is copied:
    it reads and scores the same space, so that queries of old histories are what they were.

    Args:
        store: open for writing.
        name: the version's name, not taken.
        refined: a trained refined version.
        guided: a guided version with the same mean and deviation, as `build guided --extend` makes it.
        text: where the refined version has text columns, a version with the same ones for the new items too;
            by default the one it was built from.

    Raises:
        UsageError: no encoder, no new item, a guided version on another scale, text columns without texts.
        EncoderError: the encoder is damaged.
        VersionError: the name is taken, or a version is missing or damaged.
    """
    ref = need_free_name(store, f"refined/{name}")
    old_ref, guided_ref = parse_ref(refined), parse_ref(guided)
    if old_ref.kind != "refined":
        raise UsageError(f"{old_ref} is not a refined version; only trained refined versions take new items")
    if guided_ref.kind != "guided":
        raise UsageError(f"{old_ref} is extended by the new items of a guided version, not of {guided_ref}")
    old, scores = load_embedding(store, old_ref), load_embedding(store, guided_ref)
    encoder = load_encoder(store, old)
    recipe = old.info.recipe
    if "cold_bias" not in recipe:
        raise UsageError(
            f"{old_ref} was trained by an older program and has no place for new items; train it again"
        )
    columns = _columns_of(scores, old)
    new = np.array([row for row, item in enumerate(scores.item_ids) if item not in old.item_index], np.int64)
    if not len(new):
        raise UsageError(f"{guided_ref} has no item that {old_ref} lacks")
    new_ids = [scores.item_ids[row] for row in new]
    content = _attributes(recipe, scores.vectors[np.ix_(new, columns)])
    if recipe.get("text_columns"):
        texts = load_embedding(store, str(recipe["text"]) if text is None else text)
        content = np.concatenate([content, _text(texts, old, new_ids)], axis=1)
    elif text is not None:
        raise UsageError(f"{old_ref} has no text columns; leave the text version away")
    learned = np.zeros((len(new), old.info.dim - content.shape[1]), np.float32)
    if recipe["form"] == "plain" and learned.shape[1]:
        learned = apply_map(np.array(recipe["cold_map"], np.float64), content)
    vectors = np.concatenate([old.vectors, np.concatenate([content, learned], axis=1)])
    bias = None
    if old.bias is not None:
        bias = np.concatenate([old.bias, np.full(len(new), recipe["cold_bias"], np.float32)])
    ids = [*old.item_ids, *new_ids]
    raw = _joined(old.raw, scores.raw, new, columns, np.nan)
    std = _joined(old.std, scores.std, new, columns, np.nan)
    flags = _joined(old.imputed, scores.imputed, new, columns, 0.0)
    copy_encoder(store, encoder, ref, embedding_digest(tuple(ids), vectors, bias, raw, std))
    return write_version(
        store,
        ref,
        ids,
        vectors,
        bias=bias,
        raw=raw,
        imputed=None if flags is None else flags.astype(bool),
        std=std,
        parents=(old_ref, guided_ref),
        recipe=recipe
        | {
            "extends": str(old_ref),
            "extends_digest": old.digest,
            "extended_from": str(guided_ref),
            "new_items": len(new),
        },
        metrics=dict(old.info.metrics),
    )


def _columns_of(scores: Embedding, old: Embedding) -> NDArray[np.int64]:
    """Columns of the guided version that the refined one has, which must be on the same scale."""
    column_of = {attribute: column for column, attribute in enumerate(scores.attributes)}
    missing = [attribute for attribute in old.attributes if attribute not in column_of]
    if missing:
        raise UsageError(f"{scores.ref} has no attribute {missing[0]!r}, which {old.ref} is built on")
    columns = np.array([column_of[attribute] for attribute in old.attributes], np.int64)
    for key in ("mean", "deviation"):
        theirs = np.asarray(scores.info.recipe.get(key, np.full(len(scores.attributes), np.nan)), np.float64)
        if not np.array_equal(theirs[columns], np.asarray(old.info.recipe[key], np.float64)):
            raise UsageError(
                f"{scores.ref} is standardised otherwise than {old.ref}; extend the guided version that it "
                "was built from with `build guided --extend`"
            )
    return columns


def _attributes(recipe: Mapping[str, Any], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Standard scores (m, A) as the refined version's columns: scaled as it was built, then calibrated."""
    content = np.asarray(float(recipe["guided_scale"]) * values.astype(np.float64), np.float32)
    for learned in recipe.get("calibration", []):
        content = apply_calibration(content, np.array(learned["knots"]), np.array(learned["slopes"]))
    return content


def _text(texts: Embedding, old: Embedding, new_ids: Sequence[str]) -> NDArray[np.float32]:
    """Text columns of the new items, (m, T), of a version that has the old items' as they are."""
    recipe: Mapping[str, Any] = old.info.recipe
    width, scale = int(recipe["text_columns"]), float(recipe["text_scale"])
    row_of = texts.item_index
    missing = [item for item in new_ids if item not in row_of]
    if missing:
        raise UsageError(
            f"{texts.ref} has no text vector of {len(missing):,} of the new items, such as {missing[0]!r}"
        )
    pairs = [(row, row_of[item]) for row, item in enumerate(old.item_ids) if item in row_of]
    ours, theirs = np.array(pairs, np.int64).reshape(-1, 2).T
    scaled = scale * texts.vectors[:, :width].astype(np.float64)
    first = len(old.attributes)
    known = old.vectors[ours, first : first + width]
    # texts that are analysed again with more of them give other columns, of no meaning to the encoder
    if scaled.shape[1] < width or not len(pairs) or not np.allclose(known, scaled[theirs], atol=1e-5):
        raise UsageError(
            f"{texts.ref} has other columns than the texts that {old.ref} was trained on, {recipe['text']}; "
            "build a refined version on it and train that"
        )
    return np.asarray(scaled[[row_of[item] for item in new_ids]], np.float32)


def _joined(
    old: NDArray[Any] | None,
    scores: NDArray[Any] | None,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    missing: float,
) -> NDArray[np.float32] | None:
    """Old rows, then the new ones; None where the old version has no such part."""
    if old is None:
        return None
    new = np.full((len(rows), len(columns)), missing, np.float32)
    if scores is not None:
        new = scores[np.ix_(rows, columns)].astype(np.float32)
    return np.concatenate([old.astype(np.float32), new])
