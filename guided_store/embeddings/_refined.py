"""Refined versions: the guided part beside learned columns (arXiv 2504.11658)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from guided_store.embeddings._parts import (
    attribute_columns,
    attribute_part,
    base_part,
    common_rows,
    latent_dim,
    left_out,
    text_part,
    text_width,
)
from guided_store.errors import UsageError
from guided_store.store import Store
from guided_store.versions import (
    Embedding,
    Ref,
    VersionInfo,
    load_embedding,
    need_free_name,
    parse_ref,
    write_version,
)

_T = TypeVar("_T", bound=np.generic)

GUIDED_SCALE = 0.2
"""Default s_g: root mean square of a guided column.

It decides how much of the score the attributes can carry. On amazon-office (SASRec, 64 dimensions, one stage,
one seed) they carried 8, 18, 26 and 37 % of the variance of the scores at 0.1, 0.2, 0.3 and 0.6, with a
validation NDCG@10 of 0.0836, 0.0839, 0.0826 and 0.0779: 0.2 explains twice as much as 0.1 at no loss. (The
run at 0.1 had no input gains; all were made with positions counted from the oldest event.)
"""


def build_refined(
    store: Store,
    name: str,
    *,
    guided: str | Ref,
    base: str | Ref | None = None,
    dim: int | None = None,
    guided_scale: float = GUIDED_SCALE,
    base_scale: float | None = None,
    include: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    text: str | Ref | None = None,
    text_columns: int | None = None,
) -> VersionInfo:
    """Build `refined/<name>`, the initial vectors of refinement.

    `r_i = [ s_g g_i ; t_i ; l_i ]`: the standardised attribute scores, text columns where asked for, and
    learned columns. With a base, `l_i = s_b * reduce(b_i)`, the base's principal components (arXiv
    2504.11658; design, section 1), and the rows are the items that are in both parents, in the base's order.
    Without one, the rows are the guided version's, and the learned columns are zero until training gives them
    a start: refinement in one stage.

    The base's bias, where it has one, is carried over: reducing moves every vector by the same mean, which
    moves all scores of one query by the same amount and no ranking. Raw scores and imputed flags of the
    chosen attributes are carried over too, so that the version can be shown and limited on the raw scale.

    Args:
        store: open for writing.
        name: the version's name, not taken.
        guided: a guided version.
        base: a base version (n, d_b), or None for one stage.
        dim: columns in all; by default d_b, so that refined and base compare at equal size, or 64 (one more
            than the content where that is wider) without a base. As many as there are content columns leave
            no learned one, which goes without a base only: content alone.
        guided_scale: s_g.
        base_scale: s_b; by default such that the latent entries' root mean square is `LATENT_RMS`, whatever
            the base's own units are.
        include, exclude: attributes to keep, and to leave out of those (all are kept by default).
        text: a base version made from texts (`build_text_base`), scaled as the attributes are; every item
            must be in it.
        text_columns: how many of its columns, the first ones; by default as many as there are attributes.

    Raises:
        UsageError: no room for the base beside the content, more dimensions than the base has, unknown
            attributes or none left, a scale that is not positive, parents of the wrong kind, no item in both,
            an item without text, more text columns than there are.
        VersionError: the name is taken, or a parent is missing or damaged.
    """
    ref = need_free_name(store, f"refined/{name}")
    guided_ref = _parent(guided, "guided")
    for label, scale in (("guided_scale", guided_scale), ("base_scale", base_scale)):
        if scale is not None and not (np.isfinite(scale) and scale > 0):
            raise UsageError(f"{label} must be a positive number, got {scale}")
    for label, value, owner, parent in (
        ("base_scale", base_scale, "base", base),
        ("text_columns", text_columns, "text version", text),
    ):
        if value is not None and parent is None:
            raise UsageError(f"{label} belongs to a {owner}, and none is given")
    bases = None if base is None else load_embedding(store, _parent(base, "base"))
    scores = load_embedding(store, guided_ref)
    texts = None if text is None else load_embedding(store, _parent(text, "base"))

    columns = attribute_columns(scores, include, exclude)
    width = 0 if texts is None else text_width(texts, text_columns, len(columns))
    fixed = len(columns) + width
    k = latent_dim(dim, fixed, None if bases is None else bases.info.dim)
    if bases is None:
        rows = np.arange(len(scores.item_ids))
    else:
        base_rows, rows = common_rows(bases, scores)
        if len(rows) < k:
            raise UsageError(
                f"{len(rows)} items are in both {bases.ref} and {guided_ref}, too few to reduce the base to "
                f"{k} dimensions; choose a dim of at most {fixed + len(rows)}"
            )
    item_ids = [scores.item_ids[row] for row in rows]

    parts = [attribute_part(scores, rows, columns, guided_scale)]
    parents: list[Embedding] = [scores]
    recipe: dict[str, object] = {"method": "guided, one stage", "latent_columns": k}
    bias = None
    if texts is not None:
        parts.append(text_part(texts, item_ids, width, guided_scale))
        parents.append(texts)
    if bases is not None:
        parts.append(base_part(bases, base_rows, k, base_scale))
        parents.insert(0, bases)
        recipe |= {"method": "guided beside reduced base", "only_in_guided": left_out(scores, rows)}
        bias = None if bases.bias is None else bases.bias[base_rows]
    learned = [] if bases is not None else [np.zeros((len(item_ids), k))]
    vectors = np.concatenate([*(part.values for part in parts), *learned], axis=1)
    for part in parts:
        recipe |= part.recipe
    return write_version(
        store,
        ref,
        item_ids,
        vectors.astype(np.float32),
        bias=bias,
        raw=_of(scores.raw, rows, columns),
        imputed=_of(scores.imputed, rows, columns),
        std=_of(scores.std, rows, columns),
        parents=tuple(parent.ref for parent in parents),
        recipe=recipe,
    )


def _parent(ref: str | Ref, kind: str) -> Ref:
    parsed = parse_ref(ref)
    if parsed.kind != kind:
        raise UsageError(f"{parsed} is not a {kind} version; refined is built from base/NAME and guided/NAME")
    return parsed


def _of(
    values: NDArray[_T] | None, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[_T] | None:
    return None if values is None else values[np.ix_(rows, columns)]
