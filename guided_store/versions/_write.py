"""Writing one embedding version: a Lance version, then its tag, then its registry row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from guided_store import __version__
from guided_store.errors import VersionError
from guided_store.store import Store
from guided_store.versions._digest import embedding_digest
from guided_store.versions._names import Ref, parse_ref, table_of
from guided_store.versions._registry import VersionInfo, add_row, find_version


def _lists(values: NDArray[np.float32] | NDArray[np.uint8], kind: pa.DataType) -> pa.Array:
    # NaN as null: LanceDB refuses NaN in what it takes for a vector
    flat = pa.array(np.ascontiguousarray(values).ravel(), kind, from_pandas=True)
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def need_free_name(store: Store, ref: str | Ref) -> Ref:
    """Return the parsed ref where no version has that name yet, else raise VersionError."""
    wanted = parse_ref(ref)
    if find_version(store, wanted) is not None:
        raise VersionError(f"there is a version {wanted} already; versions never change, choose another name")
    return wanted


def _check(ref: Ref, ids: Sequence[str], vectors: NDArray[np.float32], parts: Mapping[str, object]) -> None:
    if vectors.ndim != 2 or vectors.shape[1] == 0:
        raise VersionError(f"{ref}: vectors must be a matrix (items, dimensions), got shape {vectors.shape}")
    if len(ids) == 0:
        raise VersionError(f"{ref}: there is no item to write")
    if len(ids) != len(vectors):
        raise VersionError(f"{ref}: {len(ids)} item ids but {len(vectors)} vectors")
    if len(set(ids)) != len(ids):
        seen: set[str] = set()
        twice = next(item for item in ids if item in seen or seen.add(item))  # type: ignore[func-returns-value]
        raise VersionError(f"{ref}: item {twice!r} stands twice; ids must be unique")
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise VersionError(f"{ref}: the vector of item {ids[int(np.argmin(finite))]!r} is not finite")
    for name, part in parts.items():
        if part is not None and len(np.asarray(part)) != len(ids):
            raise VersionError(f"{ref}: {name} has {len(np.asarray(part))} rows for {len(ids)} items")
    bias = parts["bias"]
    if bias is not None and not np.isfinite(np.asarray(bias)).all():
        raise VersionError(f"{ref}: the bias is not finite")


def write_version(
    store: Store,
    ref: str | Ref,
    item_ids: Sequence[str],
    vectors: NDArray[np.float32],
    *,
    bias: NDArray[np.float32] | None = None,
    raw: NDArray[np.float32] | None = None,
    imputed: NDArray[np.bool_] | None = None,
    std: NDArray[np.float32] | None = None,
    parents: Sequence[str | Ref] = (),
    recipe: Mapping[str, object] | None = None,
    metrics: Mapping[str, object] | None = None,
) -> VersionInfo:
    """Write an embedding version under a free name.

    The vectors become a new Lance version of the kind's table, the name its tag, and the registry row comes
    last: killed in between, the version does not exist and every earlier one stays readable.

    Args:
        store: a store open for writing.
        ref: "kind/name", not taken.
        item_ids: n unique ids.
        vectors: float32 (n, d), finite.
        bias: float32 (n,) or None.
        raw: float32 (n, A), attribute scores on their own scale, NaN where never scored.
        imputed: bool (n, A).
        std: float32 (n, A).
        parents: versions this one was made from.
        recipe: how it was made; `recipe["attributes"]` names the first A vector columns where it has them.
        metrics: figures known now.

    Raises:
        VersionError: the name is taken, or ids, shapes or values are wrong.
    """
    wanted = need_free_name(store, ref)
    parts: dict[str, object] = {"bias": bias, "raw": raw, "imputed": imputed, "std": std}
    _check(wanted, item_ids, vectors, parts)
    vectors = np.ascontiguousarray(vectors, np.float32)
    columns: dict[str, pa.Array] = {
        "item_id": pa.array(item_ids, pa.string()),
        "vector": _lists(vectors, pa.float32()),
        "bias": pa.nulls(len(item_ids), pa.float32()) if bias is None else pa.array(bias, pa.float32()),
    }
    if raw is not None:
        columns["raw"] = _lists(np.asarray(raw, np.float32), pa.float32())
    if imputed is not None:
        columns["imputed"] = _lists(np.asarray(imputed, np.uint8), pa.uint8())
    if std is not None:
        columns["std"] = _lists(np.asarray(std, np.float32), pa.float32())
    recipe_dict = dict(recipe or {})
    metrics_dict = dict(metrics or {})
    json.dumps([recipe_dict, metrics_dict])  # fail before anything is written
    name = table_of(wanted.kind)
    table_version = store.replace(name, pa.table(columns))
    if wanted.name in store.tags(name):  # left by a crash inside this same session
        store.untag(name, wanted.name)
    store.tag(name, wanted.name, table_version)
    info = VersionInfo(
        ref=wanted,
        table_version=table_version,
        dim=int(vectors.shape[1]),
        rows=len(item_ids),
        parents=tuple(str(parse_ref(parent)) for parent in parents),
        recipe=recipe_dict,
        digest=embedding_digest(item_ids, vectors, bias, raw, std),
        created=datetime.now(UTC),
        metrics=metrics_dict,
        package=__version__,
    )
    add_row(store, info)
    return info
