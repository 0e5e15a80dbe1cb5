"""Refined versions: the guided part beside a reduced base (arXiv 2504.11658)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from guided_store.attributes import schema_from_dict
from guided_store.embeddings._pca import pca
from guided_store.errors import UsageError, VersionError
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

LATENT_RMS = 0.1
"""Root mean square of the latent entries under the default s_b, about that of a trained item table."""

_EXAMPLES = 5


def build_refined(
    store: Store,
    name: str,
    *,
    base: str | Ref,
    guided: str | Ref,
    dim: int | None = None,
    guided_scale: float = GUIDED_SCALE,
    base_scale: float | None = None,
    include: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
) -> VersionInfo:
    """Build `refined/<name>`, the initial vectors of refinement.

    `r_i = [ s_g * g_i ; s_b * reduce(b_i) ]` (arXiv 2504.11658; design, section 1): the first A columns are
    the standardised attribute scores, the other k = dim - A the base's principal components. Rows are the
    items that are in both parents, in the base's order.

    The base's bias, where it has one, is carried over: reducing moves every vector by the same mean, which
    moves all scores of one query by the same amount and no ranking. Raw scores and imputed flags of the
    chosen attributes are carried over too, so that the version can be shown and limited on the raw scale.

    Args:
        store: open for writing.
        name: the version's name, not taken.
        base: a base version (n, d_b).
        guided: a guided version.
        dim: A + k; by default d_b, so that refined and base compare at equal size.
        guided_scale: s_g.
        base_scale: s_b; by default such that the latent entries' root mean square is `LATENT_RMS`, whatever
            the base's own units are.
        include, exclude: attributes to keep, and to leave out of those (all are kept by default).

    Raises:
        UsageError: no room for the base beside the attributes, more dimensions than the base has, unknown
            attributes or none left, a scale that is not positive, parents of the wrong kind, no item in both.
        VersionError: the name is taken, or a parent is missing or damaged.
    """
    ref = need_free_name(store, f"refined/{name}")
    base_ref, guided_ref = _parent(base, "base"), _parent(guided, "guided")
    for label, scale in (("guided_scale", guided_scale), ("base_scale", base_scale)):
        if scale is not None and not (np.isfinite(scale) and scale > 0):
            raise UsageError(f"{label} must be a positive number, got {scale}")
    base_part, guided_part = load_embedding(store, base_ref), load_embedding(store, guided_ref)
    columns, attributes = _columns(guided_part, include, exclude)
    base_dim = base_part.vectors.shape[1]
    k = _latent_dim(dim, len(columns), base_dim)
    base_rows, guided_rows = _common(base_part, guided_part)
    if len(base_rows) < k:
        raise UsageError(
            f"{len(base_rows)} items are in both {base_ref} and {guided_ref}, too few to reduce the base to "
            f"{k} dimensions; choose a dim of at most {len(columns) + len(base_rows)}"
        )

    reduction = pca(base_part.vectors[base_rows], k)
    latent = reduction.apply(base_part.vectors[base_rows])
    rms = float(np.sqrt((latent**2).mean()))
    scale = base_scale if base_scale is not None else (LATENT_RMS / rms if rms > 0 else 1.0)
    guided_values = guided_part.vectors[np.ix_(guided_rows, columns)].astype(np.float64)
    vectors = np.concatenate([guided_scale * guided_values, scale * latent], axis=1).astype(np.float32)

    source = guided_part.info.recipe
    recipe: dict[str, object] = {
        "method": "guided beside reduced base",
        "base": str(base_ref),
        "base_digest": base_part.digest,
        "guided": str(guided_ref),
        "guided_digest": guided_part.digest,
        "attributes": attributes,
        "guided_columns": len(columns),
        "excluded_attributes": [name for name in _strings(source["attributes"]) if name not in attributes],
        "latent_columns": k,
        "guided_scale": float(guided_scale),
        "base_scale": float(scale),
        "base_scale_rule": "given" if base_scale is not None else f"latent root mean square {LATENT_RMS:g}",
        "mean": [_floats(source["mean"])[column] for column in columns],
        "deviation": [_floats(source["deviation"])[column] for column in columns],
        "schema": source["schema"],
        "schema_digest": source["schema_digest"],
        "base_dim": base_dim,
        "explained_share": reduction.share,
        "base_bias": base_part.bias is not None,
        "only_in_base": _left_out(base_part, base_rows),
        "only_in_guided": _left_out(guided_part, guided_rows),
    }
    return write_version(
        store,
        ref,
        [base_part.item_ids[row] for row in base_rows],
        vectors,
        bias=None if base_part.bias is None else base_part.bias[base_rows],
        raw=_part(guided_part.raw, guided_rows, columns),
        imputed=_part(guided_part.imputed, guided_rows, columns),
        std=_part(guided_part.std, guided_rows, columns),
        parents=(base_ref, guided_ref),
        recipe=recipe,
    )


def _parent(ref: str | Ref, kind: str) -> Ref:
    parsed = parse_ref(ref)
    if parsed.kind != kind:
        raise UsageError(f"{parsed} is not a {kind} version; refined is built from base/NAME and guided/NAME")
    return parsed


def _columns(
    guided: Embedding, include: Sequence[str] | None, exclude: Sequence[str]
) -> tuple[NDArray[np.int64], list[str]]:
    recipe = guided.info.recipe
    missing = [
        key for key in ("schema", "schema_digest", "attributes", "mean", "deviation") if key not in recipe
    ]
    if missing:
        raise VersionError(
            f"the recipe of {guided.ref} lacks {', '.join(missing)}; build it again from its scores"
        )
    schema = schema_from_dict(cast("dict[str, object]", recipe["schema"]), str(guided.ref))
    columns = schema.columns(include, exclude)
    if len(columns) == 0:
        raise UsageError("no attribute is left; include at least one that is not excluded")
    return columns, [schema.names[column] for column in columns]


def _latent_dim(dim: int | None, attributes: int, base_dim: int) -> int:
    """k = dim - A, checked to lie in 1..d_b."""
    works = f"choose a dim from {attributes + 1} to {attributes + base_dim}"
    wanted = base_dim if dim is None else dim
    if wanted <= attributes:
        origin = "the base's own number of dimensions, " if dim is None else ""
        raise UsageError(
            f"{attributes} attributes leave no room for the base in {origin}{wanted} dimensions; {works}, or "
            "exclude attributes"
        )
    if wanted - attributes > base_dim:
        raise UsageError(
            f"{wanted} dimensions would need {wanted - attributes} from a base that has {base_dim}; {works}"
        )
    return wanted - attributes


def _common(base: Embedding, guided: Embedding) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the items that are in both, in the base's order."""
    row_in_guided = guided.item_index
    pairs = [(row, row_in_guided[item]) for row, item in enumerate(base.item_ids) if item in row_in_guided]
    if not pairs:
        raise UsageError(
            f"no item is in both {base.ref} and {guided.ref}; were they built from one catalogue?"
        )
    base_rows, guided_rows = np.array(pairs, np.int64).T
    return base_rows, guided_rows


def _left_out(part: Embedding, rows: NDArray[np.int64]) -> dict[str, object]:
    left = np.setdiff1d(np.arange(len(part.item_ids)), rows)
    return {"count": len(left), "examples": [part.item_ids[row] for row in left[:_EXAMPLES]]}


def _part(
    values: NDArray[_T] | None, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[_T] | None:
    return None if values is None else values[np.ix_(rows, columns)]


def _strings(value: object) -> list[str]:
    return [str(entry) for entry in cast("list[object]", value)]


def _floats(value: object) -> list[float]:
    return [float(str(entry)) for entry in cast("list[object]", value)]
