"""Where scores can be read from: a run of the ledger, a guided version, or a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from guided_store.attributes import AttributeSchema
from guided_store.errors import UsageError
from guided_store.ledger import choose_run, read_answers
from guided_store.scoring._schema_of import source_kind
from guided_store.scoring._source import Columns, read_scores
from guided_store.store import Store
from guided_store.versions import load_embedding, parse_ref

Kind = Literal["run", "sample", "version", "file"]


@dataclass(frozen=True)
class Rater:
    """Who scored m items, and how.

    Attributes:
        name: as it was asked for; a sample of a run is "RUN, sample 0".
        kind: what it is.
        item_ids: m ids, each once.
        values: float64 (m, A) on the schema's scale, NaN where there is no score.
        titles: title by item id, where a file carries them.
    """

    name: str
    kind: Kind
    item_ids: tuple[str, ...]
    values: NDArray[np.float64]
    titles: Mapping[str, str] = field(default_factory=dict)

    @property
    def scored(self) -> int:
        """Items with at least one score."""
        return int(np.any(~np.isnan(self.values), axis=1).sum())


def load_rater(store: Store | None, source: str, schema: AttributeSchema) -> Rater:
    """The scores of one source; of a run the mean over its samples, of a version the raw scores.

    Args:
        store: None where every source is a file.
        source: a run's name, "guided/NAME", or a file (.csv, .tsv, .parquet) with `item_id` and the schema's
            columns; a file that does not exist is looked for among the bundled ones ("films/scores.csv").
        schema: the attributes.

    Raises:
        UsageError: there is no such run or file, or another schema was scored.
        UnknownVersionError: there is no such version.
        DataError: a file or ledger row is wrong.
    """
    kind = source_kind(source)
    if kind == "file":
        return _from_file(source, schema)
    if store is None:
        raise UsageError(f"{source!r} is not a file; a run or a version is read from a store")
    if kind == "version":
        return _from_version(store, source, schema)
    choose_run(store, source, schema.digest, schema.name)
    answers = read_answers(store, source, schema)
    return Rater(source, "run", answers.item_ids, answers.mean)


def load_samples(store: Store, run: str, schema: AttributeSchema) -> list[Rater]:
    """The samples of one run, each a rater of its own; errors as in `load_rater`."""
    choose_run(store, run, schema.digest, schema.name)
    answers = read_answers(store, run, schema)
    return [
        Rater(f"{run}, sample {sample}", "sample", answers.item_ids, values)
        for sample, values in zip(answers.samples, answers.values, strict=True)
    ]


def _from_version(store: Store, source: str, schema: AttributeSchema) -> Rater:
    ref = parse_ref(source)
    found = load_embedding(store, ref)
    if ref.kind != "guided" or found.raw is None:
        raise UsageError(f"{ref} holds no scores of its own; name a guided version")
    if found.info.recipe.get("schema_digest") != schema.digest:
        raise UsageError(f"{ref} was built on another schema than {schema.name!r} as it reads now")
    return Rater(source, "version", found.item_ids, found.raw.astype(np.float64))


def _from_file(source: str, schema: AttributeSchema) -> Rater:
    with _score_file(source) as path:
        file = read_scores(path, schema, Columns(), need_id=True, on_error="fail")
    assert file.item_ids is not None  # read_scores was told that they are needed
    ids = tuple(file.item_ids)
    titles = {item: title for item, title in zip(ids, file.titles or [None] * len(ids), strict=True) if title}
    return Rater(source, "file", ids, file.values, titles)


@contextmanager
def _score_file(source: str) -> Iterator[Path]:
    """The file of that name, or else the bundled one."""
    bundled = resources.files("guided_store") / "data" / source
    if Path(source).exists() or ".." in Path(source).parts or not bundled.is_file():
        yield Path(source)
    else:
        with resources.as_file(bundled) as path:
            yield path
