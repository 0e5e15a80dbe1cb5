"""From candidates and cases to a whole comparison."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal, get_args

import numpy as np

from guided_store.beyond import beyond_accuracy, load_categories
from guided_store.catalogue import load_items
from guided_store.comparison._accuracy import compare_accuracy
from guided_store.comparison._candidates import Candidate, question_of
from guided_store.comparison._comparison import Compared, Comparison
from guided_store.comparison._judged import judge_versions
from guided_store.comparison._machine import machine
from guided_store.encoders import read_manifest
from guided_store.errors import UsageError
from guided_store.evaluation import KS, Cases
from guided_store.fairness import audit, counterfactual, item_columns, user_columns
from guided_store.geometry import CatalogueMap, catalogue_map, geometry_section
from guided_store.interpretation import interpret_versions
from guided_store.progress import SILENT, Progress
from guided_store.scoring import attributes_of, guided_of, load_attributes
from guided_store.store import Store
from guided_store.versions import Ref, VersionInfo, ancestry, load_embedding

Section = Literal["beyond", "fairness", "geometry", "interpretation"]

SECTIONS: tuple[Section, ...] = get_args(Section)
"""What can be looked at beside accuracy, in reading order."""


def compare_versions(
    store: Store,
    candidates: Sequence[Candidate],
    cases: Cases,
    ks: Sequence[int] = KS,
    *,
    sections: Collection[str] = (),
    attributes: str | Ref | None = None,
    users: Sequence[str] | None = None,
    items: Sequence[str] | None = None,
    progress: Progress = SILENT,
) -> Comparison:
    """Judge candidates on the same cases and compare them with the first.

    Every version scores every case once; all sections share the ranks and lists.

    Args:
        store: where the versions are.
        candidates: of `parse_candidates`; the first is the reference.
        cases: what is asked.
        ks: cut-offs of Recall and NDCG.
        sections: which of `SECTIONS` to make beside accuracy.
        attributes: a version with raw scores, by which lists and groups are described; by default what the
            first candidate that was made from one was made from.
        users, items: columns of the `users` and `items` tables to group by, see `user_columns`; by default
            all that divide them.
        progress: where to report.

    Raises:
        UsageError: an unknown section, a version without an encoder, single models beside recipes, columns
            that are not there, or `attributes` without raw scores.
        VersionError, EncoderError: as `load_scorer`.
    """
    unknown = [name for name in sections if name not in SECTIONS]
    if unknown:
        raise UsageError(f"there is no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    question_of({candidate.label: len(candidate.refs) for candidate in candidates})
    # What may be refused is read before minutes are spent.
    refs = [ref for candidate in candidates for ref in candidate.refs]
    table = attributes_of(store, attributes, refs, cases.sequences.item_ids)
    by_user = user_columns(store, cases, users) if "fairness" in sections else {}
    by_item = item_columns(store, cases, items) if "fairness" in sections else {}
    titles = load_items(store).titles
    seconds: dict[str, float] = {}
    with _timed(seconds, "judging"):
        found = judge_versions(store, candidates, cases, progress=progress)
    judged = found.versions
    with _timed(seconds, "accuracy"):
        accuracy = compare_accuracy(judged, cases, ks, titles=titles)
    made = Comparison(
        accuracy=accuracy,
        versions=_compared(store, candidates),
        lineage=_lineage(store, candidates),
        split=split_facts(cases),
        machine=machine(),
        seconds=seconds,
        warnings=found.warnings,
        created=datetime.now(UTC),
        cases=cases,
        judged=judged,
        titles=titles,
        attributes=table,
    )
    if "beyond" in sections:
        with _timed(seconds, "beyond accuracy"), progress.task("beyond accuracy", None):
            categories = load_categories(store, cases.sequences.item_ids)
            beyond = beyond_accuracy(judged, cases, attributes=table, categories=categories)
            made = replace(made, beyond=beyond)
    if "fairness" in sections:
        with _timed(seconds, "fairness"), progress.task("fairness", None):
            fair = audit(judged, cases, user_groups=by_user, item_groups=by_item, attributes=table)
            made = replace(made, fairness=fair)
        with _timed(seconds, "counterfactuals"):
            without = {
                candidate.label: counterfactual(
                    store, candidate.refs[0], cases, item_groups=by_item, progress=progress
                )
                for candidate in candidates
                if candidate.refs[0].kind == "refined"
            }
            made = replace(made, counterfactuals=without)
    if "geometry" in sections:
        with _timed(seconds, "geometry"):
            made = _geometry(store, candidates, made, progress)
    if "interpretation" in sections:
        with _timed(seconds, "interpretation"):
            versions = {candidate.label: candidate.refs for candidate in candidates}
            interpretation = interpret_versions(store, versions, cases, progress=progress)
            made = replace(made, interpretation=interpretation)
    return made


def _geometry(
    store: Store, candidates: Sequence[Candidate], made: Comparison, progress: Progress
) -> Comparison:
    embeddings = {one.label: [load_embedding(store, ref) for ref in one.refs] for one in candidates}
    scores = {}
    for label, (first, *_) in embeddings.items():
        if first.raw is not None:
            source = guided_of(store, first.ref) or first.ref
            scores[label] = load_attributes(store, source, made.cases.sequences.item_ids)
    section = geometry_section(
        made.judged,
        made.cases,
        embeddings,
        attributes=scores,
        titles=made.titles,
        progress=progress,
    )
    seen = made.cases.train_counts > 0
    ids = {item for item, there in zip(made.cases.sequences.item_ids, seen, strict=True) if there}
    maps: dict[str, CatalogueMap] = {}
    for label, (first, *_) in embeddings.items():
        # All turned to the first, so that they read alike.
        onto = next(iter(maps.values()), None)
        try:
            maps[label] = catalogue_map(first, among=ids, onto=onto)
        except UsageError as error:
            section = replace(section, notes=(*section.notes, f"no map of {label}: {error}"))
    return replace(made, geometry=section, maps=maps)


def split_facts(cases: Cases) -> dict[str, object]:
    """What identifies the cases, JSON-serialisable."""
    split = cases.split
    return {
        "kind": split.kind,
        "digest": split.digest,
        "part": cases.part,
        "repeats": cases.repeats,
        "parameters": split.parameters,
        "cases": len(cases),
        "users": len(np.unique(cases.users)),
        "items": split.sequences.n_items,
        "training_events": int(split.train_ends.sum()),
        "notes": list(split.notes),
    }


def _compared(store: Store, candidates: Sequence[Candidate]) -> tuple[Compared, ...]:
    found = []
    for candidate in candidates:
        for ref in candidate.refs:
            manifest, digest = read_manifest(store, ref)
            seed = manifest.training.get("training", {}).get("seed")
            found.append(Compared(candidate.label, ancestry(store, ref)[0], digest, seed))
    return tuple(found)


def _lineage(store: Store, candidates: Sequence[Candidate]) -> tuple[VersionInfo, ...]:
    found: dict[str, VersionInfo] = {}
    for candidate in candidates:
        for ref in candidate.refs:
            found |= {str(info.ref): info for info in ancestry(store, ref)}
    return tuple(found.values())


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[step] = time.perf_counter() - start
