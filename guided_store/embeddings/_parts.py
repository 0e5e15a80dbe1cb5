"""The parts that stand side by side in a refined version: attributes, text columns, a reduced base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from guided_store.attributes import schema_from_dict
from guided_store.embeddings._pca import pca
from guided_store.errors import UsageError, VersionError
from guided_store.versions import Embedding

LATENT_RMS = 0.1
"""Root mean square of the latent entries under the default s_b, about that of a trained item table."""

DIM = 64
"""Columns of a refined version that has no base to take their number from."""

_EXAMPLES = 5


@dataclass(frozen=True)
class Part:
    """Some columns of a refined version.

    Attributes:
        values: float64 (n, w).
        recipe: what the version's recipe says of them.
    """

    values: NDArray[np.float64]
    recipe: dict[str, object]


def attribute_columns(
    guided: Embedding, include: Sequence[str] | None, exclude: Sequence[str]
) -> NDArray[np.int64]:
    """Columns of a guided version that are kept, int64 (A,).

    Raises:
        UsageError: an unknown attribute, or none is left.
        VersionError: the recipe does not say what the columns are.
    """
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
    if not len(columns):
        raise UsageError("no attribute is left; include at least one that is not excluded")
    return columns


def attribute_part(
    guided: Embedding, rows: NDArray[np.int64], columns: NDArray[np.int64], scale: float
) -> Part:
    """Standard scores of chosen items and attributes times s_g, (n, A)."""
    source: dict[str, Any] = guided.info.recipe
    names = [str(name) for name in source["attributes"]]
    kept = [names[column] for column in columns]
    values = scale * guided.vectors[np.ix_(rows, columns)].astype(np.float64)
    return Part(
        values,
        {
            "guided": str(guided.ref),
            "guided_digest": guided.digest,
            "attributes": kept,
            "guided_columns": len(kept),
            "excluded_attributes": [name for name in names if name not in kept],
            "guided_scale": float(scale),
            "mean": [float(source["mean"][column]) for column in columns],
            "deviation": [float(source["deviation"][column]) for column in columns],
            "schema": source["schema"],
            "schema_digest": source["schema_digest"],
        },
    )


def text_width(text: Embedding, wanted: int | None, attributes: int) -> int:
    """T, how many columns of a text version are taken: as many as there are attributes by default.

    Raises:
        UsageError: it has not so many.
    """
    width, found = attributes if wanted is None else wanted, text.vectors.shape[1]
    if not 1 <= width <= found:
        raise UsageError(f"{text.ref} has {found} columns; {width} cannot be taken")
    return width


def text_part(text: Embedding, item_ids: Sequence[str], width: int, scale: float) -> Part:
    """The first columns of a text version, (n, T), brought to a root mean square of `scale` over its rows.

    Raises:
        UsageError: an item is not in it.
    """
    row_of = text.item_index
    missing = [item for item in item_ids if item not in row_of]
    if missing:
        raise UsageError(
            f"{text.ref} lacks {len(missing):,} of the items, such as {missing[0]!r}; build it again from "
            "the catalogue as it is now"
        )
    values = text.vectors[:, :width].astype(np.float64)
    rms = float(np.sqrt((values**2).mean()))
    factor = scale / rms if rms > 0 else scale
    rows = np.array([row_of[item] for item in item_ids], np.int64)
    return Part(
        factor * values[rows],
        {
            "text": str(text.ref),
            "text_digest": text.digest,
            "text_columns": width,
            "text_scale": factor,
        },
    )


def base_part(base: Embedding, rows: NDArray[np.int64], k: int, scale: float | None) -> Part:
    """The first k principal components of a base's rows times s_b, (n, k)."""
    reduction = pca(base.vectors[rows], k)
    latent = reduction.apply(base.vectors[rows])
    rms = float(np.sqrt((latent**2).mean())) if latent.size else 0.0
    factor = scale if scale is not None else (LATENT_RMS / rms if rms > 0 else 1.0)
    return Part(
        factor * latent,
        {
            "base": str(base.ref),
            "base_digest": base.digest,
            "base_scale": float(factor),
            "base_scale_rule": "given" if scale is not None else f"latent root mean square {LATENT_RMS:g}",
            "base_dim": base.vectors.shape[1],
            "explained_share": reduction.share,
            "base_bias": base.bias is not None,
            "only_in_base": left_out(base, rows),
        },
    )


def latent_dim(dim: int | None, fixed: int, base_dim: int | None) -> int:
    """k = dim - F, checked to lie in 1..d_b, or to be at least 0 where there is no base.

    Args:
        dim: columns in all, None for the default.
        fixed: F, content columns.
        base_dim: d_b, or None.

    Raises:
        UsageError: the content leaves no room, or the base has not so many dimensions.
    """
    if base_dim is None:
        wanted = max(DIM, fixed + 1) if dim is None else dim
        if wanted < fixed:
            raise UsageError(
                f"{fixed} content columns do not fit into {wanted} dimensions; choose a dim of at least "
                f"{fixed}, or fewer columns"
            )
        return wanted - fixed
    works = f"choose a dim from {fixed + 1} to {fixed + base_dim}"
    wanted = base_dim if dim is None else dim
    if wanted <= fixed:
        origin = "the base's own number of dimensions, " if dim is None else ""
        raise UsageError(
            f"{fixed} content columns leave no room for the base in {origin}{wanted} dimensions; {works}, or "
            "exclude attributes"
        )
    if wanted - fixed > base_dim:
        raise UsageError(
            f"{wanted} dimensions would need {wanted - fixed} from a base that has {base_dim}; {works}"
        )
    return wanted - fixed


def common_rows(base: Embedding, guided: Embedding) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows in the base and in the guided version of the items that are in both, in the base's order.

    Raises:
        UsageError: there are none.
    """
    row_in_guided = guided.item_index
    pairs = [(row, row_in_guided[item]) for row, item in enumerate(base.item_ids) if item in row_in_guided]
    if not pairs:
        raise UsageError(
            f"no item is in both {base.ref} and {guided.ref}; were they built from one catalogue?"
        )
    base_rows, guided_rows = np.array(pairs, np.int64).T
    return base_rows, guided_rows


def left_out(part: Embedding, rows: NDArray[np.int64]) -> dict[str, object]:
    """How many items of a version are not among these rows, and a few of them."""
    left = np.setdiff1d(np.arange(len(part.item_ids)), rows)
    return {"count": len(left), "examples": [part.item_ids[row] for row in left[:_EXAMPLES]]}
