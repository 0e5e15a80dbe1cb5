"""The whole cold-start experiment on one data set: choose, calibrate, then read the test set once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from guided_store.catalogue import Split
from guided_store.coldstart._calibration import WARM_LOSS, Calibration
from guided_store.coldstart._evaluate import KS, ColdRow, evaluate_cold
from guided_store.coldstart._model import ColdModel, load_model
from guided_store.coldstart._protocol import Protocol
from guided_store.coldstart._ranking import ranks_among
from guided_store.coldstart._sets import ColdSets, cold_sets
from guided_store.coldstart._systems import (
    Choice,
    ChooseBy,
    choose,
    content_systems,
    model_system,
    raised,
    text_systems,
)
from guided_store.coldstart._text import item_texts, text_features
from guided_store.errors import UsageError
from guided_store.evaluation import Paired, Scorer, compare, compare_many, per_case
from guided_store.progress import SILENT, Progress
from guided_store.store import Store
from guided_store.versions import Ref, load_embedding

_COMPARED = ("recall@10", "recall@20", "mrr")


@dataclass(frozen=True)
class ColdReport:
    """What `run_coldstart` found.

    Attributes:
        protocol: splits, sets, counts of cases.
        choices: for each system, by name, what was chosen on the tuning set.
        calibrations: the offset of each encoder, by name of its system.
        rows: figures on the test set; a calibrated encoder's row is called "..., calibrated".
        crowded: figures of the calibrated encoders with the tuning set's items in the catalogue too.
        against_baselines: model -> baseline or control -> metric -> cold targets among cold items, compared.
        best_baselines: metric -> the text or attribute baseline (neighbours by text among them) with the
            highest value on the test set, the hardest to beat.
        against_reference: model -> metric -> warm targets, calibrated and among all items, against the
            reference among trained items; empty without one.
        models: model -> its arrays, calibrated; what `write_calibrated` writes. Not in `to_dict`.
        seconds: wall time.
    """

    protocol: Protocol
    choices: dict[str, Choice]
    calibrations: dict[str, Calibration]
    rows: list[ColdRow]
    crowded: list[ColdRow]
    against_baselines: dict[str, dict[str, dict[str, Paired]]]
    best_baselines: dict[str, str]
    against_reference: dict[str, dict[str, Paired]]
    models: dict[str, ColdModel]
    seconds: float

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable, without per-case arrays."""
        return {
            "split_digest": self.protocol.whole.digest,
            "warm_split_digest": self.protocol.warm.digest,
            "cold_sets": self.protocol.sets.to_dict(),
            "cases": {
                half: {
                    "cold": len(self.protocol.cold_cases(half)),
                    "warm": len(self.protocol.warm_cases(half)),
                }
                for half in ("tune", "test")
            },
            "items": {
                "all": len(self.protocol.counts),
                "trained": int(self.protocol.trained.sum()),
                "less_popular_half": int(self.protocol.tail.sum()),
            },
            "choices": {
                name: {
                    "kind": choice.system.kind,
                    "chosen": choice.candidate.parameters,
                    "criterion": choice.criterion,
                    "tuning": [
                        {"parameters": parameters, "value": value} for parameters, value in choice.tried
                    ],
                }
                for name, choice in self.choices.items()
            },
            "calibrations": {name: found.to_dict() for name, found in self.calibrations.items()},
            "test": [row.to_dict() for row in self.rows],
            "test_with_both_cold_sets": [row.to_dict() for row in self.crowded],
            "best_baselines_among_cold": self.best_baselines,
            "against_baselines_among_cold": {
                model: {name: _plain(pairs) for name, pairs in found.items()}
                for model, found in self.against_baselines.items()
            },
            "warm_against_reference": {
                model: _plain(pairs) for model, pairs in self.against_reference.items()
            },
            "seconds": self.seconds,
        }


def run_coldstart(
    store: Store,
    *,
    split: Split,
    models: Sequence[str | Ref | ColdModel],
    guided: str | Ref,
    bases: Sequence[str | Ref | ColdModel] = (),
    sets: ColdSets | None = None,
    fields: Sequence[str] | None = None,
    hindsight: Sequence[str] | None = None,
    reference: str | Ref | ColdModel | None = None,
    warm_loss: float = WARM_LOSS,
    choose_by: ChooseBy = "cold",
    progress: Progress = SILENT,
) -> ColdReport:
    """Run the cold-start experiment for models trained without the cold items.

    On the tuning set: each system's setting, and the offset of each encoder.
    On the test set, once: cold targets among cold and among all items, warm targets with and without cold
    items in the catalogue. Baselines: chance, TF-IDF cosine, attribute cosine, popularity attributes alone,
    and text mapped into each model's space (ridge, and neighbours as the control).

    Args:
        store: holds items, the guided version and the models.
        split: the *whole* split; the models must be trained on `without_items(split, sets.both)`.
        models: trained versions, each with a row for every cold item.
        guided: attribute scores of the catalogue.
        bases: other trained versions, with or without rows for cold items, for the text baseline in their
            spaces.
        sets: the cold sets; by default `cold_sets(split.sequences)`.
        fields: text columns of the items; by default title and text.
        hindsight: attributes that know what happened later; by default those that the schema marks.
        reference: a model trained on the same split that knows nothing of cold items, for the whole cost of
            being able to recommend them; by default none.
        warm_loss: share of the warm NDCG@10 that calibration may cost on the tuning half.
        choose_by: what an encoder's way of filling cold rows is chosen by, see `choose`.

    Raises:
        UsageError: no model, two of one name, or one trained on another split, so that it may know the
            answers.
        EncoderError: a cold item has no row in a model.
    """
    began = time.monotonic()
    sets = cold_sets(split.sequences) if sets is None else sets
    protocol = Protocol(split, sets)
    loaded = [_load(store, model, protocol) for model in models]
    spaces = [*loaded, *(_load(store, base, protocol) for base in bases)]
    if not loaded or len({model.name for model in spaces}) < len(spaces):
        raise UsageError("a cold-start experiment needs at least one model, and models of different names")
    words, text = text_features(item_texts(store, split.sequences.item_ids, fields))
    systems = content_systems(protocol, load_embedding(store, guided), words, hindsight)
    for model in spaces:
        systems += text_systems(protocol, model, text)
    systems += [model_system(protocol, model, text) for model in loaded]
    choices = {system.name: choose(protocol, system, choose_by, warm_loss, progress) for system in systems}

    scorers: list[Scorer] = []
    calibrations: dict[str, Calibration] = {}
    calibrated: dict[str, ColdModel] = {}
    for name, choice in choices.items():
        scorers.append(_named(choice))
        if choice.candidate.model is not None and choice.calibration is not None:
            calibrations[name] = choice.calibration
            calibrated[name] = raised(protocol, choice.candidate.model, choice.calibration.offset)
            scorers.append(calibrated[name].scorer())
    rows = evaluate_cold(protocol, scorers, "test", progress=progress)
    crowded = [model.scorer() for model in calibrated.values()]
    by_name = {row.name: row for row in rows}
    names = [model.name for model in loaded]
    kinds = ("text", "attribute", "control")
    rivals = [name for name, choice in choices.items() if choice.system.kind in kinds]
    return ColdReport(
        protocol=protocol,
        choices=choices,
        calibrations=calibrations,
        rows=rows,
        crowded=evaluate_cold(protocol, crowded, "test", every_item=True, progress=progress),
        against_baselines=_against_baselines(protocol, names, rivals, by_name),
        best_baselines={
            metric: max(rivals, key=lambda name: by_name[name].among_cold.metrics[metric])
            for metric in _COMPARED
        },
        against_reference={}
        if reference is None
        else _against_reference(protocol, _load(store, reference, protocol), names, by_name, progress),
        models={name: calibrated[name] for name in names},
        seconds=time.monotonic() - began,
    )


def _load(store: Store, model: str | Ref | ColdModel, protocol: Protocol) -> ColdModel:
    found = model if isinstance(model, ColdModel) else load_model(store, model)
    if found.split is not None and found.split != protocol.warm.digest:
        raise UsageError(
            f"{found.name} was trained on split {found.split[:12]}..., not on the one without the cold items "
            f"({protocol.warm.digest[:12]}...): it may have seen them; train it on `without_items(...)`"
        )
    return found


class _Chosen:
    """A scorer with the setting that was chosen for it."""

    trained = False

    def __init__(self, name: str, scorer: Scorer, parameters: dict[str, object]) -> None:
        self.name, self.parameters = name, parameters
        self.score = scorer.score


def _named(choice: Choice) -> Scorer:
    return _Chosen(choice.system.name, choice.candidate.scorer, choice.candidate.parameters)


def _values(ranks: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    return {name: value for name, value in per_case(ranks, KS).items() if name in _COMPARED}


def _plain(pairs: dict[str, Paired]) -> dict[str, object]:
    return {metric: pair.to_dict() for metric, pair in pairs.items()}


def _against_baselines(
    protocol: Protocol, models: Sequence[str], rivals: Sequence[str], rows: dict[str, ColdRow]
) -> dict[str, dict[str, dict[str, Paired]]]:
    """Model -> baseline -> metric -> comparison, cold targets among cold items."""
    users = protocol.cold_cases("test").users
    values = {name: _values(rows[name].among_cold.ranks) for name in (*models, *rivals)}
    pairs = [(model, rival) for model in models for rival in rivals]
    found = compare_many(users, values, pairs)
    return {model: {rival: found[model, rival] for rival in rivals} for model in models}


def _against_reference(
    protocol: Protocol,
    reference: ColdModel,
    names: Sequence[str],
    rows: dict[str, ColdRow],
    progress: Progress,
) -> dict[str, dict[str, Paired]]:
    cases = protocol.warm_cases("test")
    scorer = replace(reference, name=f"{reference.name}, reference").scorer()
    ranks = ranks_among(scorer, cases, [protocol.trained], progress)[0]
    theirs = per_case(ranks, KS)
    return {
        name: compare(cases.users, per_case(rows[f"{name}, calibrated"].warm.ranks, KS), theirs)
        for name in names
    }
