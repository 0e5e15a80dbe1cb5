"""The systems of the experiment, each with the same number of settings to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from guided_store.coldstart._calibration import WARM_LOSS, Calibration, calibrate_cold
from guided_store.coldstart._model import METHODS, NEIGHBOUR_COUNTS, RIDGES, ColdModel, fill_rows, from_text
from guided_store.coldstart._protocol import Protocol
from guided_store.coldstart._ranking import ranks_among
from guided_store.coldstart._scorers import LASTS, AttributeScorer, ContentCosine, RandomScorer
from guided_store.errors import UsageError
from guided_store.evaluation import Scorer, ndcg_at
from guided_store.progress import SILENT, Progress
from guided_store.scoring import guided_schema
from guided_store.versions import Embedding

ChooseBy: TypeAlias = Literal["cold", "all"]

TEXT_RIDGE = "LSA + ridge"
TEXT_NEIGHBOURS = "neighbours by text"
TFIDF_COSINE = "TF-IDF cosine"
ATTRIBUTE_COSINE = "attribute cosine"


@dataclass(frozen=True)
class Candidate:
    """One setting of a system.

    Attributes:
        parameters: the setting.
        scorer: ranks the vocabulary.
        model: its arrays, where it is an encoder with filled rows.
    """

    parameters: dict[str, object]
    scorer: Scorer
    model: ColdModel | None = None


@dataclass(frozen=True)
class System:
    """A way to rank cold items.

    Attributes:
        name: shown in tables.
        kind: "model"; "text", "attribute" and "chance" for baselines; "control" for the model's way of
            filling rows, by text alone.
        candidates: its settings; one is chosen on the tuning set.
    """

    name: str
    kind: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class Choice:
    """The setting of a system that was chosen.

    Attributes:
        system, candidate: which.
        tried: each setting with what it reached on the tuning set, by the criterion.
        criterion: "NDCG@10 among cold" or "calibrated Recall@20 among all".
        calibration: of the chosen setting, where the system is an encoder.
    """

    system: System
    candidate: Candidate
    tried: tuple[tuple[dict[str, object], float], ...]
    criterion: str
    calibration: Calibration | None = None


def choose(
    protocol: Protocol,
    system: System,
    choose_by: ChooseBy = "cold",
    warm_loss: float = WARM_LOSS,
    progress: Progress = SILENT,
) -> Choice:
    """The best setting on the tuning set, the first among equals; an encoder comes with its calibration.

    Args:
        choose_by: "cold", by the NDCG@10 of cold targets among cold items; or "all", which concerns encoders
            alone, by their Recall@20 among all items once calibrated.
        warm_loss: as in `calibrate_cold`.

    Raises:
        UsageError: another criterion.
    """
    if choose_by not in ("cold", "all"):
        raise UsageError(f"settings are chosen by 'cold' or 'all', not {choose_by!r}")

    def calibrated(candidate: Candidate) -> Calibration:
        return calibrate_cold(
            candidate.scorer,
            protocol.cold_cases("tune"),
            protocol.warm_cases("tune"),
            protocol.trained,
            protocol.catalogue("tune"),
            warm_loss=warm_loss,
            progress=progress,
        )

    encoder = system.candidates[0].model is not None
    if encoder and choose_by == "all":
        calibrations = [calibrated(candidate) for candidate in system.candidates]
        best, tried = _best(system, [found.cold_recall[1] for found in calibrations])
        criterion = "calibrated Recall@20 among all"
        return Choice(system, system.candidates[best], tried, criterion, calibrations[best])
    cases, catalogue = protocol.cold_cases("tune"), protocol.cold("tune")
    reached = []
    for candidate in system.candidates:
        ranks = ranks_among(candidate.scorer, cases, [catalogue], progress)[0]
        reached.append(float(ndcg_at(ranks, 10).mean()))
    best, tried = _best(system, reached)
    chosen = system.candidates[best]
    return Choice(system, chosen, tried, "NDCG@10 among cold", calibrated(chosen) if encoder else None)


def _best(
    system: System, reached: Sequence[float]
) -> tuple[int, tuple[tuple[dict[str, object], float], ...]]:
    parameters = [candidate.parameters for candidate in system.candidates]
    return int(np.argmax(reached)), tuple(zip(parameters, reached, strict=True))


def content_systems(
    protocol: Protocol,
    guided: Embedding,
    words: sparse.csr_array[np.float32],
    hindsight: Sequence[str] | None = None,
) -> list[System]:
    """The baselines that need no training.

    Chance, TF-IDF cosine, attribute cosine with every attribute and without those that carry hindsight, and
    each attribute with "popularity" in its name alone.

    Args:
        guided: a guided version; words: TF-IDF rows of the vocabulary.
        hindsight: attributes that know what happened later; by default those that the schema marks.

    Raises:
        UsageError: `hindsight` names an attribute that there is not.
    """
    items = protocol.whole.sequences.item_ids
    row_of = guided.item_index
    rows = np.array([row_of.get(item, -1) for item in items], np.int64)
    values = np.where((rows >= 0)[:, None], guided.vectors[rows], 0.0).astype(np.float32)
    systems = [
        System("random", "chance", (Candidate({}, RandomScorer()),)),
        _cosines(TFIDF_COSINE, "text", words),
        _cosines(ATTRIBUTE_COSINE, "attribute", values),
    ]
    if hindsight is None:
        marked = guided_schema(guided.info).attributes
        hindsight = [attribute.name for attribute in marked if attribute.hindsight]
    for name in hindsight:
        if name not in guided.attributes:
            raise UsageError(f"{guided.ref} has no attribute {name!r}; it has {', '.join(guided.attributes)}")
    kept = [column for column, name in enumerate(guided.attributes) if name not in hindsight]
    if kept and len(kept) < len(guided.attributes):
        systems.append(_cosines(f"{ATTRIBUTE_COSINE}, no hindsight", "attribute", values[:, kept]))
    for column, name in enumerate(guided.attributes):
        if "popularity" in name:
            alone = np.where(rows >= 0, guided.vectors[rows, column], np.nan).astype(np.float32)
            name = f"attribute {name} alone"
            systems.append(System(name, "attribute", (Candidate({}, AttributeScorer(name, alone)),)))
    return systems


def model_system(protocol: Protocol, model: ColdModel, text: NDArray[np.float32]) -> System:
    """A trained model with its cold rows filled in each way.

    Args:
        model: has a row for every cold item.
        text: (V, f), text features of the vocabulary.

    Raises:
        EncoderError: a cold item has no row.
    """
    model.rows_of(protocol.sets.both)
    counts, features = _model_side(protocol, model, text)
    rows = np.flatnonzero(counts == 0)
    candidates = []
    for method in METHODS if model.fixed else (METHODS[0], *METHODS[2:]):
        filled = fill_rows(model, method, rows, counts, features)
        candidates.append(Candidate({"cold_rows": method}, filled.scorer(), filled))
    return System(model.name, "model", tuple(candidates))


def text_systems(protocol: Protocol, model: ColdModel, text: NDArray[np.float32]) -> list[System]:
    """Cold rows from text alone in the space of a trained model; arguments as in `model_system`.

    LSA + ridge, the text baseline, and neighbours by text, the control that shows what attributes add to
    filling rows by neighbours. Items that the model lacks get a row, so that a base will do.
    """
    model = model.covering(protocol.sets.both)
    counts, features = _model_side(protocol, model, text)
    rows = np.flatnonzero(counts == 0)
    ridges, means = [], []
    name = f"{TEXT_RIDGE} ({model.name})"
    for strength in RIDGES:
        filled = from_text(model, rows, counts, features, name, strength=strength)
        ridges.append(Candidate({"ridge": strength}, filled.scorer(), filled))
    near = f"{TEXT_NEIGHBOURS} ({model.name})"
    for number in NEIGHBOUR_COUNTS:
        filled = from_text(model, rows, counts, features, near, neighbours=number)
        means.append(Candidate({"neighbours": number}, filled.scorer(), filled))
    return [System(name, "text", tuple(ridges)), System(near, "control", tuple(means))]


def _model_side(
    protocol: Protocol, model: ColdModel, text: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Training counts (n,) and text features (n, f) of a model's rows, zeros for what is not in the data."""
    code_of = protocol.whole.sequences.item_index
    codes = np.array([code_of.get(item, -1) for item in model.item_ids], np.int64)
    there = codes >= 0
    counts = np.where(there, protocol.counts[codes], 0)
    return counts, np.where(there[:, None], text[codes], 0.0).astype(np.float32)


def raised(protocol: Protocol, model: ColdModel, offset: float) -> ColdModel:
    """The model with an offset on the bias of every row without training events, named "..., calibrated"."""
    counts, _ = _model_side(protocol, model, np.zeros((len(protocol.counts), 1), np.float32))
    moved = model.with_offset(np.flatnonzero(counts == 0), offset)
    return replace(moved, name=f"{model.name}, calibrated")


def _cosines(name: str, kind: str, features: NDArray[np.float32] | sparse.csr_array[np.float32]) -> System:
    scorers: Sequence[ContentCosine] = [ContentCosine(name, features, last) for last in LASTS]
    return System(name, kind, tuple(Candidate(scorer.parameters, scorer) for scorer in scorers))
