"""Base versions from vectors that a user brings."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guided_store.catalogue import load_items
from guided_store.errors import DataError, UsageError
from guided_store.store import Store
from guided_store.versions import Ref, VersionInfo, need_free_name, write_version


def import_base(
    store: Store,
    name: str,
    vectors: NDArray[np.floating] | str | Path,
    ids: Sequence[str] | str | Path,
    *,
    bias: NDArray[np.floating] | None = None,
) -> VersionInfo:
    """Write `base/<name>` from item vectors made elsewhere.

    Args:
        store: open for writing.
        name: the version's name, not taken.
        vectors: (n, d) array or a .npy file of one; finite numbers that fit float32.
        ids: n item ids, or a UTF-8 text file with one id a line, in the order of the vectors.
        bias: (n,) added to each item's score, or None.

    Where the store has items, at least one id must be among them; how many are goes into the recipe.

    Raises:
        UsageError: a file that does not exist or is of another kind; or no id is in the catalogue.
        DataError: not a numeric matrix, numbers that are not finite, another number of ids than of vectors,
            a blank or repeated id.
        VersionError: the name is taken.
    """
    ref = need_free_name(store, f"base/{name}")
    shown = str(vectors) if isinstance(vectors, str | Path) else "the array of vectors"
    matrix = _load_npy(Path(vectors)) if isinstance(vectors, str | Path) else np.asarray(vectors)
    item_ids, where = _read_ids(ids)
    recipe: dict[str, object] = {"method": "imported vectors", "source": _name(vectors), "ids": _name(ids)}
    if isinstance(vectors, str | Path):
        recipe["source_digest"] = _digest(Path(vectors))
    return _write(store, ref, matrix, item_ids, shown, where, bias, recipe)


def build_base_from_file(
    store: Store, name: str, vectors: str | Path, ids: str | Path | None = None
) -> VersionInfo:
    """Write `base/<name>` from files: .npy with a text file of ids, or one .parquet that holds both.

    Args:
        store: open for writing.
        name: the version's name, not taken.
        vectors: .npy (n, d); or .parquet with columns `item_id`, `vector` (a list of d numbers) and
            optionally `bias`.
        ids: text file with one id a line; needed with .npy, not allowed with .parquet.

    Raises:
        UsageError, DataError, VersionError: as `import_base`.
    """
    path = Path(vectors)
    if path.suffix != ".parquet":
        if ids is None:
            raise UsageError(
                f"{path} has vectors without ids; give a text file of ids, one a line, with --ids"
            )
        return import_base(store, name, path, ids)
    if ids is not None:
        raise UsageError(f"{path} brings its own ids; leave --ids away")
    ref = need_free_name(store, f"base/{name}")
    item_ids, matrix, bias = _read_parquet(path)
    recipe: dict[str, object] = {
        "method": "imported vectors",
        "source": path.name,
        "source_digest": _digest(path),
    }
    return _write(store, ref, matrix, item_ids, str(path), f"{path}, row", bias, recipe)


def _write(
    store: Store,
    ref: Ref,
    matrix: NDArray[Any],
    ids: Sequence[str],
    shown: str,
    where: str,
    bias: NDArray[np.floating] | None,
    recipe: dict[str, object],
) -> VersionInfo:
    """Check everything, then write; `where` names the place of an id up to its number."""
    if matrix.ndim != 2 or 0 in matrix.shape or matrix.dtype.kind not in "fiu":
        raise DataError(
            f"{shown}: base vectors are a matrix of numbers (items, dimensions); this has shape "
            f"{matrix.shape} and type {matrix.dtype}"
        )
    if len(ids) != len(matrix):
        raise DataError(f"{shown} has {len(matrix):,} vectors, but there are {len(ids):,} ids")
    first: dict[str, int] = {}
    for number, item in enumerate(ids, start=1):
        if not item.strip():
            raise DataError(f"{where} {number}: the id is blank")
        if item in first:
            raise DataError(f"{where} {number}: item {item!r} was given already, as number {first[item]}")
        first[item] = number
    with np.errstate(over="ignore"):  # what overflows is reported in the next line
        values = matrix.astype(np.float32)
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise DataError(
            f"{shown}: the vector of item {ids[row]!r} (number {row + 1}) holds a number that is not finite "
            f"in float32; {int((~finite).sum()):,} vectors do"
        )
    if bias is not None and (np.shape(bias) != (len(ids),) or not np.isfinite(bias).all()):
        raise DataError(f"{shown}: the bias must be {len(ids):,} finite numbers, one for each item")
    recipe |= _coverage(store, ids)
    return write_version(
        store, ref, ids, values, bias=None if bias is None else np.asarray(bias, np.float32), recipe=recipe
    )


def _coverage(store: Store, ids: Sequence[str]) -> dict[str, object]:
    if not store.has_table("items"):
        return {}
    catalogue = load_items(store).ids
    known = len(set(ids).intersection(catalogue))
    if known == 0 and len(catalogue):
        raise UsageError(
            f"none of the {len(ids):,} ids (such as {ids[0]!r}) is in the catalogue of {len(catalogue):,} "
            f"items (such as {catalogue[0]!r}); these vectors belong to other items"
        )
    return {
        "catalogue_items": len(catalogue),
        "catalogue_items_with_vector": known,
        "ids_not_in_catalogue": len(ids) - known,
    }


def _load_npy(path: Path) -> NDArray[Any]:
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    if path.suffix != ".npy":
        raise UsageError(f"{path} is not a kind of file that is read here; give .npy or .parquet")
    try:
        array: NDArray[Any] = np.load(path, allow_pickle=False, mmap_mode="r")
    except (ValueError, OSError, EOFError) as error:
        raise DataError(
            f"{path} is not a readable .npy file of numbers: {str(error).splitlines()[0]}"
        ) from None
    return array


def _read_ids(ids: Sequence[str] | str | Path) -> tuple[list[str], str]:
    """The ids, and how to name the place of one ("ids.txt, line")."""
    if not isinstance(ids, str | Path):
        return [str(item) for item in ids], "id number"
    path = Path(ids)
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text ({error.reason}); save the file as UTF-8") from None
    # Not splitlines(): an id may hold a form feed or U+2028, a line end is what an editor calls one.
    lines = text.replace("\r\n", "\n").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return [line.strip() for line in lines], f"{path}, line"


def _read_parquet(path: Path) -> tuple[list[str], NDArray[Any], NDArray[np.float64] | None]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is not a readable Parquet file: {str(error).splitlines()[0]}") from None
    for name in ("item_id", "vector"):
        if name not in table.column_names:
            raise DataError(f"{path} has no column {name!r}; its columns are {', '.join(table.column_names)}")
    column = table.column("vector").combine_chunks()
    kinds = pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list
    if not any(kind(column.type) for kind in kinds):
        raise DataError(
            f"{path}: column 'vector' is {column.type}; it must hold a list of numbers in each row"
        )
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    if len(set(lengths.tolist())) > 1:
        row = int(np.argmax(lengths != lengths[0]))
        raise DataError(
            f"{path}, row {row + 1}: the vector has {lengths[row]} numbers, the first has {lengths[0]}"
        )
    flat = column.flatten().to_numpy(zero_copy_only=False)
    matrix = flat.reshape(len(column), -1) if len(flat) else np.empty((len(column), 0), np.float32)
    ids = [str("" if item is None else item) for item in table.column("item_id").to_pylist()]
    bias = None
    if "bias" in table.column_names and table.column("bias").null_count < table.num_rows:
        bias = np.asarray(table.column("bias").cast(pa.float64()).to_numpy(), np.float64)
    return ids, matrix, bias


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _name(source: object) -> str:
    return Path(source).name if isinstance(source, str | Path) else "Python"
