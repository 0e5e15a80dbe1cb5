"""Scores out of the store into a file that `score import` reads back to the same values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from guided_store.attributes import AttributeSchema
from guided_store.catalogue import Items, load_items
from guided_store.errors import UsageError
from guided_store.scoring._raters import Rater, load_rater
from guided_store.scoring._schema_of import FILES, find_schema, source_kind
from guided_store.store import Store, replacing


@dataclass(frozen=True)
class ScoreExport:
    """What was written.

    Attributes:
        path: the file.
        source: the run or version the scores are of.
        schema: name of the schema they are on.
        items: rows of the file.
        attributes: columns of scores.
        missing_values: blank scores among them.
    """

    path: Path
    source: str
    schema: str
    items: int
    attributes: int
    missing_values: int

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable form."""
        return {**vars(self), "path": str(self.path)}

    def lines(self) -> list[str]:
        """For people."""
        found = [f"wrote {self.attributes} scores of {self.items:,} items ({self.source}) to {self.path}"]
        if self.missing_values:
            found.append(f"note: {self.missing_values:,} of them missing, left blank")
        return found


def export_scores(
    store: Store, source: str, path: str | Path, *, schema: AttributeSchema | None = None
) -> ScoreExport:
    """Write the scores of a run or of a guided version to a file, one row an item.

    Columns are `item_id`, `title` and `year` where the catalogue has them, and the attributes in the schema's
    order. Of a run with several samples each score is their mean; items without any score are left out. The
    numbers are the shortest decimals that stand for the ledger's float32 values, in Parquet as in text, so
    that importing the file gives the same float32 values. The file is replaced as a whole where it exists.

    Args:
        store: where the scores are.
        source: a run's name, or "guided/NAME" (raw scores, without what was imputed).
        path: .csv, .tsv or .parquet, in a folder that exists.
        schema: what was scored; None takes what the run or version says.

    Raises:
        UsageError: no such run, no scores, another schema, or a path that cannot be written so.
        UnknownVersionError: there is no such version.
    """
    target = Path(path)
    if target.suffix not in FILES:
        raise UsageError(f"scores are written as {', '.join(FILES)}: name such a file, not {str(path)!r}")
    if not target.parent.is_dir():
        raise UsageError(f"the folder {target.parent} does not exist")
    if source_kind(source) == "file":
        raise UsageError(f"{source} is a file; name a run or guided/NAME to export")
    chosen = find_schema(store, [source]) if schema is None else schema
    rater = load_rater(store, source, chosen)
    keep = np.flatnonzero(np.any(~np.isnan(rater.values), axis=1))
    if len(keep) == 0:
        raise UsageError(f"{source} holds no score to export")
    table = _table(rater, keep, chosen, load_items(store))
    with replacing(target) as temporary:
        _write(table, temporary, target.suffix)
    missing = int(np.isnan(rater.values[keep]).sum())
    return ScoreExport(target, source, chosen.name, len(keep), len(chosen), missing)


def _table(rater: Rater, keep: NDArray[np.int64], schema: AttributeSchema, items: Items) -> pa.Table:
    ids = [rater.item_ids[row] for row in keep.tolist()]
    columns = {"item_id": pa.array(ids, pa.string())}
    titles = [items.titles.get(item) or None for item in ids]
    years = [items.year_of(item) for item in ids]
    if any(titles):
        columns["title"] = pa.array(titles, pa.string())
    if any(year is not None for year in years):
        columns["year"] = pa.array(years, pa.int64())
    values = _decimals(rater.values[keep])
    for number, name in enumerate(schema.names):
        columns[name] = pa.array(values[:, number], pa.float64(), from_pandas=True)
    return pa.table(columns)


def _decimals(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each float32 value as the double of its shortest decimal: 0.1, not 0.10000000149.

    Written in full, a score at the end of a scale such as 0 to 0.1 would read back as outside of it.
    """
    # + 0: a -0 that someone's file held is written as 0
    distinct, place = np.unique(values.astype(np.float32) + np.float32(0), return_inverse=True)
    return np.array([float(str(value)) for value in distinct])[place].reshape(values.shape)


def _write(table: pa.Table, path: Path, suffix: str) -> None:
    if suffix == ".parquet":
        import pyarrow.parquet as pq

        pq.write_table(table, path)
    else:
        from pyarrow import csv

        csv.write_csv(table, path, csv.WriteOptions(delimiter="\t" if suffix == ".tsv" else ","))
