"""Loading one embedding version, checked against its digest."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from guided_store.errors import DigestMismatchError, StoreError, UnknownVersionError, VersionError
from guided_store.store import Store
from guided_store.versions._digest import embedding_digest
from guided_store.versions._names import Ref, table_of
from guided_store.versions._registry import VersionInfo, find_version, get_version


@dataclass(frozen=True)
class Embedding:
    """The content of one embedding version.

    Attributes:
        info: its registry row.
        item_ids: n ids; row numbers are the item codes that encoders and indexes bound to it use.
        vectors: float32 (n, d), C-contiguous: the vectors that score.
        bias: float32 (n,), or None where the version has none.
        raw: float32 (n, A), attribute scores on the schema's scale (NaN where never scored), or None.
        imputed: bool (n, A), True where a guided value was filled in, or None.
        std: float32 (n, A), how far runs or repeats of a scoring differ on the schema's scale (NaN where
            that is not known), or None.
        attributes: names of the first vector columns, A of them or none.
    """

    info: VersionInfo
    item_ids: tuple[str, ...]
    vectors: NDArray[np.float32]
    bias: NDArray[np.float32] | None = None
    raw: NDArray[np.float32] | None = None
    imputed: NDArray[np.bool_] | None = None
    std: NDArray[np.float32] | None = None
    attributes: tuple[str, ...] = field(default=())

    @property
    def ref(self) -> Ref:
        return self.info.ref

    @property
    def digest(self) -> str:
        return self.info.digest

    @cached_property
    def item_index(self) -> dict[str, int]:
        """Row of each item id."""
        return {item: row for row, item in enumerate(self.item_ids)}


def _matrix(table: pa.Table, name: str) -> NDArray[np.float32] | None:
    """A fixed-size-list column as (n, width) float32; None where the column is absent or all null."""
    if name not in table.column_names:
        return None
    column = table.column(name).combine_chunks()
    if column.null_count == len(column) and len(column):
        return None
    width = column.type.list_size
    values = column.flatten().to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(values, np.float32).reshape(-1, width)


def load_embedding(store: Store, ref: str | Ref, *, check: bool = True) -> Embedding:
    """Load a version's ids and vectors, and compare them with the recorded digest.

    Args:
        store: an open store.
        ref: "kind/name".
        check: compute the digest (about a second per gigabyte).

    Raises:
        VersionError: there is no such version, or it was removed meanwhile.
        DigestMismatchError: the content is not what was recorded.
        StoreError: the table's files are damaged or missing.
    """
    info = get_version(store, ref)
    try:
        table = store.read(table_of(info.ref.kind), version=info.table_version)
    except (StoreError, OSError) as error:
        if find_version(store, info.ref) is None:  # a prune came between the registry and the files
            raise UnknownVersionError(
                f"{info.ref} was removed (`versions prune`) while it was being read; name another version"
            ) from None
        if isinstance(error, OSError):
            raise
        raise StoreError(f"version {info.ref} cannot be read: {error}") from error
    item_ids = tuple(table.column("item_id").to_pylist())
    vectors = _matrix(table, "vector")
    if vectors is None:
        raise VersionError(f"version {info.ref} has no vectors; rebuild it")
    bias: NDArray[np.float32] | None = None
    if "bias" in table.column_names and table.column("bias").null_count == 0:
        bias = table.column("bias").to_numpy().astype(np.float32)
    raw, std = _matrix(table, "raw"), _matrix(table, "std")
    flags = _matrix(table, "imputed")
    if check and embedding_digest(item_ids, vectors, bias, raw, std) != info.digest:
        raise DigestMismatchError(
            f"the content of {info.ref} does not have the digest recorded for it ({info.digest[:12]}...); "
            "its files were changed or damaged: restore them from a copy, or build the version again under "
            "another name"
        )
    names = info.recipe.get("attributes", ())
    attributes = tuple(str(name) for name in names) if isinstance(names, list | tuple) else ()
    return Embedding(
        info, item_ids, vectors, bias, raw, None if flags is None else flags.astype(bool), std, attributes
    )
