"""All of a comparison: its sections, and what they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from guided_store.beyond import BeyondAccuracy
from guided_store.comparison._accuracy import Accuracy
from guided_store.evaluation import Cases, Judgement
from guided_store.fairness import Counterfactual, Fairness
from guided_store.geometry import CatalogueMap, GeometrySection
from guided_store.interpretation import Interpretations
from guided_store.scoring import AttributeTable
from guided_store.versions import VersionInfo


@dataclass(frozen=True)
class Compared:
    """One version of a candidate.

    Attributes:
        label: of its candidate; info: its row of the registry.
        encoder: SHA-256 of its encoder; seed: of its training.
    """

    label: str
    info: VersionInfo
    encoder: str
    seed: int | None

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return {"label": self.label, "encoder": self.encoder, "seed": self.seed, **self.info.to_dict()}


@dataclass(frozen=True)
class Comparison:
    """Versions held against the first of them.

    Attributes:
        accuracy: always there.
        versions: what was compared, in the order asked for.
        lineage: these versions and all they were made from, nearest first, each once.
        split: kind, digest, part, repeats, parameters, counts and notes.
        machine: see `machine`.
        seconds: of each step, in the order taken.
        warnings: why figures may flatter a version.
        created: when, UTC.
        cases, judged, titles: what the figures came from; in no `to_dict`.
        attributes: scores of the vocabulary's items, None where no version has any; only their source is
            in `to_dict`.
        beyond, fairness, geometry, interpretation: None where not asked for.
        counterfactuals: label -> its first version without one attribute at a time; with fairness.
        maps: label -> the items of its first version as points; with geometry, in no `to_dict`.
    """

    accuracy: Accuracy
    versions: tuple[Compared, ...]
    lineage: tuple[VersionInfo, ...]
    split: dict[str, object]
    machine: dict[str, str]
    seconds: dict[str, float]
    warnings: tuple[str, ...]
    created: datetime
    cases: Cases = field(repr=False)
    judged: Mapping[str, Sequence[Judgement]] = field(repr=False)
    titles: Mapping[str, str] = field(repr=False)
    attributes: AttributeTable | None = field(default=None, repr=False)
    beyond: BeyondAccuracy | None = None
    fairness: Fairness | None = None
    counterfactuals: Mapping[str, Counterfactual] = field(default_factory=dict)
    geometry: GeometrySection | None = None
    maps: Mapping[str, CatalogueMap] = field(default_factory=dict, repr=False)
    interpretation: Interpretations | None = None

    def to_dict(self) -> dict[str, object]:
        """All sections, JSON-serialisable, always the same keys."""
        return {
            "accuracy": self.accuracy.to_dict(),
            "beyond": _told(self.beyond),
            "fairness": _told(self.fairness),
            "counterfactuals": {label: one.to_dict() for label, one in self.counterfactuals.items()},
            "geometry": _told(self.geometry),
            "interpretation": _told(self.interpretation),
            "attributes": None if self.attributes is None else str(self.attributes.source),
            "versions": [version.to_dict() for version in self.versions],
            "lineage": [info.to_dict() for info in self.lineage],
            "split": self.split,
            "machine": self.machine,
            "seconds": self.seconds,
            "warnings": list(self.warnings),
            "created": self.created.isoformat(),
        }


class _Section(Protocol):
    def to_dict(self) -> dict[str, object]: ...


def _told(section: _Section | None) -> dict[str, object] | None:
    return None if section is None else section.to_dict()
