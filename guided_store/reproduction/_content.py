"""What stands in the fixed columns of a run's items: the language model's scores, or a control's columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from guided_store.attributes import Attribute, AttributeSchema
from guided_store.embeddings import build_text_base
from guided_store.reproduction._datasets import GUIDED
from guided_store.reproduction._plan import Content
from guided_store.store import Store
from guided_store.versions import Embedding, find_version, load_embedding, write_version

CONTROL = "guided/control"
_TEXT = "base/text"


def content_version(store: Store, content: Content, draw: int, text_columns: int = 0) -> str:
    """The guided version with the content of a system; a control's is written if it is not there yet.

    Controls have the items of the scores, in their order, and columns of mean 0 and deviation 1 like those of
    attributes, as many as these; text has as many as asked for, and the attributes follow in "text+scores".

    Args:
        store: open for writing, with the guided version of the scores.
        content: not "none".
        draw: which permutation, or which random numbers; a run's seed, so that seeds average over them.
        text_columns: how many, of content with text.

    Raises:
        UsageError: a text control without scikit-learn, or with too few words.
    """
    if content == "scores":
        return GUIDED
    if find_version(store, CONTROL) is not None:
        return CONTROL
    scores = load_embedding(store, GUIDED)
    columns = len(scores.attributes)
    random = np.random.default_rng((draw, len(scores.item_ids)))
    if content == "permuted":
        order = random.permutation(len(scores.item_ids))
        return _write(store, scores, scores.vectors[order], _names("permuted", columns), content, draw)
    if content == "random":
        drawn = random.standard_normal(scores.vectors.shape)
        return _write(store, scores, _standard(drawn), _names("random", columns), content, draw)
    text = _text_columns(store, scores, text_columns)
    names = _names("text", text_columns)
    if content == "text+scores":
        text = np.concatenate([text, scores.vectors.astype(np.float64)], axis=1)
        names = [*names, *scores.attributes]
    return _write(store, scores, text, names, content, 0)


def _text_columns(store: Store, scores: Embedding, columns: int) -> NDArray[np.float64]:
    if find_version(store, _TEXT) is None:
        build_text_base(store, "text", dim=columns)
    text = load_embedding(store, _TEXT)
    rows = np.array([text.item_index[item] for item in scores.item_ids])
    values: NDArray[np.float64] = text.vectors[rows].astype(np.float64)
    return values


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    standard: NDArray[np.float64] = (values - values.mean(axis=0)) / values.std(axis=0)
    return standard


def _names(kind: str, columns: int) -> list[str]:
    return [f"{kind}_{number:02d}" for number in range(1, columns + 1)]


def _write(
    store: Store,
    scores: Embedding,
    values: NDArray[np.floating],
    names: list[str],
    content: str,
    draw: int,
) -> str:
    schema = AttributeSchema(
        f"control-{content.replace('+', '-')}",
        1,
        "item",
        (0.0, 1.0),
        tuple(Attribute(name, "low", "high") for name in names),
    )
    recipe: dict[str, object] = {
        "method": "control columns",
        "control": content,
        "draw": draw,
        "scores_digest": scores.digest,
        "schema": schema.to_dict(),
        "schema_digest": schema.digest,
        "attributes": names,
        "guided_columns": len(names),
        "mean": [0.0] * len(names),
        "deviation": [1.0] * len(names),
    }
    write_version(
        store,
        CONTROL,
        scores.item_ids,
        np.ascontiguousarray(values, np.float32),
        parents=(GUIDED,),
        recipe=recipe,
    )
    return CONTROL
