"""Geometry as one section of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from guided_store.errors import UsageError
from guided_store.evaluation import REPLICATES, Cases, Judgement
from guided_store.geometry._compare import NEIGHBOURS, compare_geometry
from guided_store.geometry._drift import Drift, drift
from guided_store.geometry._geometry import Geometry
from guided_store.geometry._lists import ListOverlap, list_overlap
from guided_store.progress import SILENT, Progress
from guided_store.scoring import AttributeTable
from guided_store.versions import Embedding

LEAST_EVENTS = 5
"""Training events that an item needs for its neighbourhood to be compared, in a section."""


@dataclass(frozen=True)
class GeometrySection:
    """How versions differ beside their figures.

    Attributes:
        geometries: each label's item vectors against those of the first label.
        lists: how far recommendation lists agree; None for a single model.
        drifts: attribute scores of each label against the first that has some, where they come from other
            guided versions.
        notes: what could not be compared, and why.
    """

    geometries: tuple[Geometry, ...]
    lists: ListOverlap | None
    drifts: tuple[Drift, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return asdict(self)


def geometry_section(
    judged: Mapping[str, Sequence[Judgement]],
    cases: Cases,
    embeddings: Mapping[str, Sequence[Embedding]],
    *,
    attributes: Mapping[str, AttributeTable] | None = None,
    titles: Mapping[str, str] | None = None,
    k: int = 10,
    least_events: int = LEAST_EVENTS,
    ks: Sequence[int] = NEIGHBOURS,
    replicates: int = REPLICATES,
    seed: int = 0,
    progress: Progress = SILENT,
) -> GeometrySection:
    """`compare_geometry`, `list_overlap` and `drift` of every label against the first.

    Args:
        judged: label -> one judgement per seed.
        cases: what was judged.
        embeddings: label -> one version per seed, the same labels.
        attributes: label -> raw scores, rows as `cases.sequences.item_ids`; labels without scores left out.
        titles: by item id.
        k: length at which lists overlap.
        least_events, ks: see `compare_geometry`.
        replicates, seed: of all bootstraps.

    Raises:
        UsageError: other labels in `embeddings`, or as `list_overlap`.
    """
    if list(judged) != list(embeddings):
        raise UsageError(
            f"lists are judged of {', '.join(judged)}, and vectors given of {', '.join(embeddings)}: "
            "give both for the same versions"
        )
    reference, *others = judged
    notes: list[str] = []
    geometries: list[Geometry] = []
    with progress.task("comparing item vectors and lists", len(others) + 1) as task:
        for label in others:
            task.note(label)
            try:
                found = compare_geometry(
                    embeddings[reference],
                    embeddings[label],
                    labels=(reference, label),
                    cases=cases,
                    least_events=least_events,
                    ks=ks,
                    titles=titles,
                    replicates=replicates,
                    seed=seed,
                )
                geometries.append(found)
            except UsageError as error:  # two catalogues with nothing in common still have lists
                notes.append(str(error))
            task.advance()
        lists = None
        if sum(map(len, judged.values())) > 1:
            lists = list_overlap(judged, cases, k, titles=titles, replicates=replicates, seed=seed)
        task.advance()
    drifts: list[Drift] = []
    known = {label: attributes[label] for label in judged if attributes and label in attributes}
    for label, table in list(known.items())[1:]:
        first = next(iter(known.values()))
        seen = {(found.before, found.after) for found in drifts}
        if table.source == first.source or (str(first.source), str(table.source)) in seen:
            continue
        try:
            found_drift = drift(
                first,
                table,
                item_ids=cases.sequences.item_ids,
                titles=titles,
                replicates=replicates,
                seed=seed,
            )
            drifts.append(found_drift)
        except UsageError as error:
            notes.append(f"{label}: {error}")
    return GeometrySection(tuple(geometries), lists, tuple(drifts), tuple(notes))
