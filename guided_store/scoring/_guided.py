"""Guided versions: a run's scores, standardised, one row for each item of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np

from guided_store.attributes import AttributeSchema, schema_from_dict
from guided_store.embeddings import standardise
from guided_store.errors import DataError, UsageError, VersionError
from guided_store.scoring._catalogue import load_catalogue
from guided_store.scoring._ledger import choose_run, read_run
from guided_store.store import Store
from guided_store.versions import VersionInfo, need_free_name, write_version

MINIMUM_COVERAGE = 0.8
"""Share of the catalogue that must be scored, unless missing scores are allowed."""


def build_guided(
    store: Store,
    name: str,
    *,
    schema: AttributeSchema,
    run: str | None = None,
    allow_missing: bool = False,
    provenance: Mapping[str, object] | None = None,
) -> VersionInfo:
    """Build `guided/<name>` from the ledger: the guided embedding of arXiv 2504.11658.

    Every item of the catalogue gets a row, in the catalogue's order: `vectors` are the standardised scores
    (n, A), `raw` the scores as given (NaN where missing), `imputed` says which values an attribute's mean
    stands in for (0 after standardising), `std` the spread over repeated samples where there are any. The
    recipe holds the whole schema, each attribute's mean and deviation, the run and the coverage, so that the
    version can be read without any file.

    Args:
        store: open for writing, with items.
        name: the version's name, not taken.
        schema: the attributes that were scored.
        run: which scoring run; None takes the only one on this schema.
        allow_missing: accept a coverage under 80 %.
        provenance: further entries for the recipe (file name, how items were joined).

    Raises:
        UsageError: no such run, no items, or a coverage under 80 % without `allow_missing`.
        DataError: an attribute has no score at all.
        VersionError: the name is taken.
    """
    ref = need_free_name(store, f"guided/{name}")
    chosen = choose_run(store, run, schema.digest, schema.name)
    item_ids = load_catalogue(store).ids
    scores = read_run(store, chosen.run, schema.digest, item_ids, len(schema))
    known = ~np.isnan(scores.mean)
    scored = int(np.count_nonzero(np.any(known, axis=1)))
    check_coverage(scored, len(item_ids), allow_missing, f"run {chosen.run!r}")
    empty = [schema.names[column] for column in np.flatnonzero(~np.any(known, axis=0))]
    if empty:
        raise DataError(
            f"run {chosen.run!r} has no score at all for {', '.join(empty)}; take it out of the "
            "schema or score it"
        )
    standard = standardise(scores.mean)
    constant = [schema.names[column] for column in np.flatnonzero(standard.constant)]
    coverage = scored / len(item_ids)
    recipe: dict[str, object] = {
        "method": "standardised scores",
        "run": chosen.run,
        "provider": chosen.provider,
        "model": chosen.model,
        "source_digests": list(scores.source_digests),
        "schema": schema.to_dict(),
        "schema_digest": schema.digest,
        "attributes": list(schema.names),
        "guided_columns": len(schema),
        "mean": standard.mean.tolist(),
        "deviation": standard.deviation.tolist(),
        "constant": constant,
        "scored_items": scored,
        "catalogue_items": len(item_ids),
        "coverage": coverage,
        "imputed_values": int(standard.imputed.sum()),
        **(provenance or {}),
    }
    return write_version(
        store,
        ref,
        item_ids,
        standard.values.astype(np.float32),
        raw=scores.mean.astype(np.float32),
        imputed=standard.imputed,
        std=None if scores.spread is None else scores.spread.astype(np.float32),
        recipe=recipe,
        metrics={"coverage": coverage},
    )


def guided_schema(info: VersionInfo) -> AttributeSchema:
    """The attribute schema that a guided or refined version carries in its recipe.

    Raises:
        VersionError: the version has no schema, or its recorded content does not have the recorded digest.
    """
    content = info.recipe.get("schema")
    if not isinstance(content, Mapping):
        raise VersionError(f"{info.ref} carries no attribute schema; only guided and refined versions do")
    try:
        schema = schema_from_dict(cast("Mapping[str, object]", content), str(info.ref))
    except DataError as error:
        raise VersionError(f"the schema recorded with {info.ref} is damaged: {error}") from error
    if schema.digest != info.recipe.get("schema_digest"):
        raise VersionError(f"the schema recorded with {info.ref} does not have the digest recorded beside it")
    return schema


def check_coverage(scored: int, items: int, allow_missing: bool, what: str) -> None:
    """Raise UsageError where too little of the catalogue is scored."""
    if items == 0:
        raise UsageError("the store has no items yet; ingest a catalogue first")
    if scored == 0:
        raise UsageError(
            f"{what} scores none of the {items:,} items in the catalogue; check how they are joined"
        )
    if scored / items < MINIMUM_COVERAGE and not allow_missing:
        raise UsageError(
            f"{what} scores {scored:,} of {items:,} items in the catalogue ({scored / items:.1%}), less than "
            f"{MINIMUM_COVERAGE:.0%}; with --allow-missing the others get each attribute's mean, marked "
            "as imputed"
        )
