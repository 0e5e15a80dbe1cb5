"""All that is measured of how a version can be read: one version, or all versions of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from guided_store.errors import UsageError
from guided_store.evaluation import Cases
from guided_store.interpretation._faithfulness import PAIRS, POINTS, Faithfulness, faithfulness
from guided_store.interpretation._sparsity import Sparsity, sparsity
from guided_store.interpretation._stability import Stability, stability_of
from guided_store.interpretation._subject import Reading, Subject, load_subject, read_cases, sample_cases
from guided_store.interpretation._variance import CANDIDATES, VarianceShares, variance_shares
from guided_store.progress import SILENT, Progress
from guided_store.store import Store
from guided_store.versions import Ref

SAMPLE = 2000
"""Cases that are looked at."""

SEEDS = 3
"""Versions of one recipe that are looked at, the first ones."""


@dataclass(frozen=True)
class Interpretation:
    """How far the scores of one version can be read as attributes.

    Attributes:
        version: its name.
        cases: how many were sampled and could be read; k: length of the lists looked at.
        variance: shares among all items, and among the best of each user.
        sparsity, faithfulness: None for a version without attributes, or where there is nothing to change.
        notes: sentences that belong beside the figures.
    """

    version: str
    cases: int
    k: int
    variance: tuple[VarianceShares, ...]
    sparsity: Sparsity | None
    faithfulness: Faithfulness | None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return {
            "version": self.version,
            "cases": self.cases,
            "k": self.k,
            "variance": [shares.to_dict() for shares in self.variance],
            "sparsity": None if self.sparsity is None else self.sparsity.to_dict(),
            "faithfulness": None if self.faithfulness is None else self.faithfulness.to_dict(),
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Interpretations:
    """The section of a comparison.

    Attributes:
        versions: label -> the versions of that label, one of a model, up to `SEEDS` of a recipe.
        stability: label -> how alike a recipe's versions explain; recipes with attributes only.
        notes: sentences that belong beside the figures.
    """

    versions: dict[str, tuple[Interpretation, ...]]
    stability: dict[str, Stability]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return {
            "versions": {label: [one.to_dict() for one in found] for label, found in self.versions.items()},
            "stability": {label: found.to_dict() for label, found in self.stability.items()},
            "notes": list(self.notes),
        }


def interpret(
    store: Store,
    ref: str | Ref,
    cases: Cases,
    *,
    sample: int = SAMPLE,
    pairs: int = PAIRS,
    k: int = 10,
    points: float = POINTS,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Interpretation:
    """Variance shares, sparsity and faithfulness of one version, over sampled cases.

    Args:
        store: an open store.
        ref: a version with an encoder.
        cases: the histories are those of the cases; which items may be listed follows `cases.repeats`.
        sample: cases to draw; pairs: users among them, one recommended item of each is looked at with changed
            scores.
        k: length of the lists; points: how far raw scores are changed each way.
        seed: of all draws.

    Raises:
        UsageError: a version without encoder, or one that knows none of the histories; an argument below 1.
        VersionError, EncoderError: as `load_embedding` and `load_encoder`.
    """
    _check(sample, pairs, k, points)
    subject = load_subject(store, ref, cases)
    reading = read_cases(subject, cases, sample_cases(cases, sample, seed))
    return _interpret(store, subject, reading, pairs, k, points, seed, progress)


def interpret_versions(
    store: Store,
    versions: Mapping[str, Sequence[str | Ref]],
    cases: Cases,
    *,
    sample: int = SAMPLE,
    pairs: int = PAIRS,
    k: int = 10,
    points: float = POINTS,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Interpretations:
    """`interpret` for every label, and `stability` where a label has several versions (a recipe).

    All versions see the same cases. Of a recipe the first `SEEDS` versions are looked at.

    Args:
        versions: label -> its versions, as in a comparison.
        sample, pairs, k, points, seed: as in `interpret`.

    Raises:
        UsageError: as `interpret`, and for a label without versions.
        VersionError, EncoderError: as `interpret`.
    """
    _check(sample, pairs, k, points)
    numbers = sample_cases(cases, sample, seed)
    found: dict[str, tuple[Interpretation, ...]] = {}
    alike: dict[str, Stability] = {}
    notes: list[str] = []
    for label, refs in versions.items():
        if not refs:
            raise UsageError(f"{label} has no version to interpret")
        if len(refs) > SEEDS:
            notes.append(f"of the {len(refs)} versions of {label} the first {SEEDS} are looked at")
        subjects = [load_subject(store, ref, cases) for ref in refs[:SEEDS]]
        readings = [read_cases(subject, cases, numbers) for subject in subjects]
        found[label] = tuple(
            _interpret(store, subject, reading, pairs, k, points, seed, progress)
            for subject, reading in zip(subjects, readings, strict=True)
        )
        if len(subjects) > 1 and len(subjects[0].attributes) > 1:
            alike[label] = stability_of(subjects, readings, k=k, seed=seed)
    return Interpretations(found, alike, tuple(notes))


def _interpret(
    store: Store,
    subject: Subject,
    reading: Reading,
    pairs: int,
    k: int,
    points: float,
    seed: int,
    progress: Progress,
) -> Interpretation:
    with progress.task(f"taking scores of {subject.embedding.ref} apart", 3) as task:
        shares = []
        for best in (None, CANDIDATES):
            shares.append(variance_shares(subject, reading, best))
            task.advance()
        sparse = sparsity(subject, reading, k)
        task.advance()
    notes: list[str] = []
    faithful = None
    if not subject.attributes:
        notes.append(f"there is no explanation to judge: {subject.embedding.ref} has no attributes")
    else:
        try:
            faithful = faithfulness(
                store, subject, reading, pairs=pairs, k=k, points=points, seed=seed, progress=progress
            )
        except UsageError as error:  # the other figures do not need raw scores
            notes.append(f"faithfulness was not measured: {error}")
    if len(subject.rows) <= CANDIDATES:
        notes.append(f"all {len(subject.rows)} items are among the best {CANDIDATES}")
    return Interpretation(
        str(subject.embedding.ref), len(reading), k, tuple(shares), sparse, faithful, tuple(notes)
    )


def _check(sample: int, pairs: int, k: int, points: float) -> None:
    for name, value in (("sample", sample), ("pairs", pairs), ("k", k)):
        if value < 1:
            raise UsageError(f"{name} must be 1 or more, not {value}")
    if not 0 < points < float("inf"):
        raise UsageError(f"points must be a positive number, not {points:g}")
