"""Extending a guided version: old rows as they are, new items beside them on the same footing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from guided_store.attributes import AttributeSchema
from guided_store.errors import UsageError, VersionError
from guided_store.scoring._average import average_runs, check_coverage
from guided_store.scoring._catalogue import load_catalogue
from guided_store.store import Store
from guided_store.versions import Embedding, Ref, VersionInfo, load_embedding, parse_ref, write_version


def extend_guided(
    store: Store,
    ref: Ref,
    parent: str | Ref,
    *,
    schema: AttributeSchema,
    runs: Sequence[str] | None,
    allow_missing: bool,
    provenance: Mapping[str, object],
) -> VersionInfo:
    """Write `ref` with the rows of `parent`, bit for bit, and then the catalogue's new items.

    See `build_guided` for the rules and errors.
    """
    known = _parent(store, parent, schema)
    recipe = known.info.recipe
    asked = _parent_runs(recipe, known.ref)
    if runs is not None and sorted(runs) != sorted(asked):
        raise UsageError(
            f"{known.ref} was built from {_and(asked)}, not from {_and(runs)}; extend it with the same runs, "
            "or build a new version without --extend"
        )
    catalogue = load_catalogue(store).ids
    held = set(known.item_ids)
    new = [item for item in catalogue if item not in held]
    if not new:
        raise UsageError(f"nothing is new: every item of the catalogue has a row in {known.ref} already")
    scores = average_runs(store, schema, asked, new)
    check_coverage(scores.scored, len(new), allow_missing, scores.what, new="new ")

    vectors, imputed = _standardised(scores.mean, recipe)
    new_raw = scores.mean.astype(np.float32)
    assert known.raw is not None  # _parent has looked
    assert known.imputed is not None
    raw = np.concatenate([known.raw, new_raw])
    scored = int(np.any(~np.isnan(raw), axis=1).sum())
    coverage = scored / len(raw)
    flags = np.concatenate([known.imputed, imputed])
    gone = held.difference(catalogue)
    digests = cast("list[str]", recipe.get("source_digests", []))
    extended = {
        **recipe,
        "runs_of_new_items": scores.runs,
        "source_digests": sorted({*digests, *scores.source_digests}),
        "extends": str(known.ref),
        "extends_digest": known.digest,
        "new_items": len(new),
        "ids_not_in_catalogue": len(gone),
        "scored_items": scored,
        "catalogue_items": len(catalogue),
        "coverage": coverage,
        "imputed_values": int(flags.sum()),
        "spread_of": recipe.get("spread_of") or scores.spread_of,
        **provenance,
    }
    return write_version(
        store,
        ref,
        [*known.item_ids, *new],
        np.concatenate([known.vectors, vectors]),
        raw=raw,
        imputed=flags,
        std=_spreads(known.std, scores.spread, len(known.item_ids), scores.mean.shape),
        parents=(known.ref,),
        recipe=extended,
        metrics={"coverage": coverage},
    )


def _parent(store: Store, parent: str | Ref, schema: AttributeSchema) -> Embedding:
    wanted = parse_ref(parent)
    if wanted.kind != "guided":
        raise UsageError(f"{wanted} is not a guided version; only those are extended")
    found = load_embedding(store, wanted)
    recipe = found.info.recipe
    if recipe.get("schema_digest") != schema.digest:
        raise UsageError(
            f"{wanted} was built on another schema than {schema.name!r} as it reads now; build a new version"
        )
    if found.raw is None or found.imputed is None or not {"mean", "deviation"} <= recipe.keys():
        raise VersionError(f"{wanted} lacks the raw scores or the means to extend it; build a new version")
    return found


def _parent_runs(recipe: Mapping[str, object], ref: Ref) -> list[str]:
    entries = recipe.get("runs")
    if isinstance(entries, list) and entries:
        return [str(entry["run"]) for entry in entries]
    if "run" in recipe:  # a version of before runs were averaged
        return [str(recipe["run"])]
    raise VersionError(f"the recipe of {ref} does not say which runs it was built from; build a new version")


def _standardised(
    mean: NDArray[np.float64], recipe: Mapping[str, object]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """New items on the parent's scale: its mean and deviation, not theirs; 0 and imputed where unscored.

    An attribute that did not vary among the parent's items has no unit to measure by and stays 0.
    """
    centre = np.array(recipe["mean"], np.float64)
    deviation = np.array(recipe["deviation"], np.float64)
    imputed = np.isnan(mean)
    usable = ~imputed & (deviation > 0)
    values = np.where(usable, (mean - centre) / np.where(deviation > 0, deviation, 1), 0)
    return values.astype(np.float32), imputed


def _spreads(
    old: NDArray[np.float32] | None, new: NDArray[np.float64] | None, rows: int, shape: tuple[int, ...]
) -> NDArray[np.float32] | None:
    """Both parts' spreads, NaN for a part without; None where neither has any."""
    if old is None and new is None:
        return None
    above = np.full((rows, shape[1]), np.nan, np.float32) if old is None else old
    below = np.full(shape, np.nan, np.float32) if new is None else new.astype(np.float32)
    return np.concatenate([above, below])


def _and(runs: Sequence[str]) -> str:
    return " and ".join(repr(run) for run in runs)
