"""One table of the headline: the systems of a dataset and encoder, their levels, and their gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import DataError
from guided_store.evaluation import (
    Paired,
    Stratum,
    average_seeds,
    bootstrap_intervals,
    compare_many,
    length_strata,
    per_stratum,
    popularity_bounds,
    popularity_strata,
)
from guided_store.reproduction._results import CellResult, DatasetFacts, Results

METRICS = ("mrr", "recall@10", "ndcg@10")
"""What a gain is reported in; Holm's correction goes over these three."""

CHOICE = "ndcg@10"
"""What choices are made by, on validation, and what strata are reported in."""

STRATA = ("head", "tail", "short", "long")
"""By the target item's popularity, and by the length of the user's history."""

PLAIN, BASE, WIDE, BOTH, BLIND = "base-plain", "base", "base-2d", "text+guided", "no-hindsight"

PERMUTED_WARM = "permuted-warm"

FORMS = ("refined", "refined-warm", "refined-paper")
"""Forms of a refined version: one stage, and two of them in two. The best on validation is judged."""

TEXTS = ("text", "text-warm")
"""Text in place of scores, in one stage and in two; the best on validation is what the scores are held to."""

CONTROLS = (PLAIN, BASE, "base-warm", "permuted", PERMUTED_WARM, "random")
"""Controls that know nothing of an item's content and are of the size of the refined version."""

Pair = tuple[str, str]


@dataclass(frozen=True)
class Level:
    """A metric of one system: mean over seeds, standard deviation over seeds (None of one seed), and the
    95 % bootstrap interval over users (None on validation, where no per-case values are kept)."""

    mean: float
    sd: float | None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Row:
    """One system of a table; all but the first two fields are empty where no seed is finished.

    Attributes:
        system: its name; planned: seeds of the plan.
        seeds: finished ones; dim: width of the item vectors.
        test, validation: metric -> `Level`.
        strata: "head", "tail", "short", "long" -> test metrics of these cases, averaged over seeds.
        seconds: mean training time of a finished run; tuning_seconds: of all trials together.
        runs: per seed, what is behind the means; trials: every trial on seed 1.
    """

    system: str
    planned: tuple[int, ...]
    seeds: tuple[int, ...] = ()
    dim: int | None = None
    test: Mapping[str, Level] | None = None
    validation: Mapping[str, Level] | None = None
    strata: Mapping[str, Stratum] | None = None
    seconds: float | None = None
    tuning_seconds: float | None = None
    runs: tuple[dict[str, Any], ...] = ()
    trials: tuple[dict[str, Any], ...] = ()

    @property
    def complete(self) -> bool:
        return set(self.planned) <= set(self.seeds)

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return asdict(self) | {"complete": self.complete}


@dataclass(frozen=True)
class Control:
    """The strongest control without item content, chosen on validation.

    Attributes:
        system: its name; validation: NDCG@10 of every finished candidate.
        unfinished: candidates of the plan with a seed missing; unplanned: candidates outside the plan.
    """

    system: str
    validation: dict[str, float]
    unfinished: tuple[str, ...]
    unplanned: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Everything about one dataset and encoder.

    Attributes:
        dataset, encoder: which; split: digest of the split; cases: of the test part, one per user.
        head_from: least training count of a head item; short_up_to: most training events of a short user.
            These five are None, None, None where no cell of the dataset is finished.
        rows: system -> `Row`, in the plan's order.
        control: the strongest content-free control, None where none is finished.
        refined, text: the form of `FORMS`, and of `TEXTS`, that is best on validation; the first of the plan
            where none is finished, None where none is planned.
        gains: (system, reference) -> metric -> `Paired`.
        stratum_gains: (system, reference) -> stratum -> `Paired` in NDCG@10.
    """

    dataset: str
    encoder: str
    split: str | None
    cases: int | None
    head_from: int | None
    short_up_to: float | None
    rows: Mapping[str, Row]
    control: Control | None
    refined: str | None
    text: str | None
    gains: Mapping[Pair, Mapping[str, Paired]]
    stratum_gains: Mapping[Pair, Mapping[str, Paired]]

    def gain(self, system: str, reference: str | None) -> Mapping[str, Paired] | None:
        """How `system` stands to `reference`, or None where one of them is not finished."""
        return None if reference is None else self.gains.get((system, reference))

    def refined_over(self, reference: str | None) -> Mapping[str, Paired] | None:
        """How the form of refined under judgement stands to `reference`, or None as `gain`."""
        return None if self.refined is None else self.gain(self.refined, reference)

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable; gains stand in lists with their two names."""
        return {
            "dataset": self.dataset,
            "encoder": self.encoder,
            "split": self.split,
            "cases": self.cases,
            "head_from": self.head_from,
            "short_up_to": self.short_up_to,
            "control": None if self.control is None else asdict(self.control),
            "refined": self.refined,
            "text": self.text,
            "systems": [row.to_dict() for row in self.rows.values()],
            "gains": _gain_list(self.gains, METRICS),
            "stratum_gains": _gain_list(self.stratum_gains, STRATA),
        }


def make_table(
    results: Results, dataset: str, encoder: str, *, replicates: int = 2000, permutations: int = 10_000
) -> Table:
    """Compute the table of one dataset and encoder from the finished cells.

    Gains are of every system over base-plain, base and the strongest control, and of what the headline asks
    besides: the best form of refined over base-2d and over text, text and guided together over text. With
    several seeds a system's per-case metrics are averaged over its finished seeds first.

    Raises:
        DataError: a cell is of another split or other cases than its dataset, or is there twice.
    """
    names = list(dict.fromkeys(s for d, e, s, _ in results.planned if (d, e) == (dataset, encoder)))
    finished = {name: cells for name in names if (cells := results.of(dataset, encoder, name))}
    facts = results.datasets.get(dataset)
    planned = {
        name: tuple(sorted(k for d, e, s, k in results.planned if (d, e, s) == (dataset, encoder, name)))
        for name in names
    }
    rows = {name: Row(name, planned[name]) for name in names}
    if not finished or facts is None:
        refined, text = (_best(rows, group) for group in (FORMS, TEXTS))
        return Table(dataset, encoder, None, None, None, None, rows, None, refined, text, {}, {})
    _check(finished, facts)
    users = next(iter(finished.values()))[0].users
    values = {name: _metrics_of(cells) for name, cells in finished.items()}
    bounds = popularity_bounds(facts.item_counts)
    strata = popularity_strata(facts.target_counts, bounds) | length_strata(facts.user_lengths)
    for name, cells in finished.items():
        rows[name] = _row(name, planned[name], cells, values[name], users, strata, replicates)
    control = choose_control(rows)
    refined, text = (_best(rows, group) for group in (FORMS, TEXTS))
    pairs = _pairs(finished, control, refined, text)
    compared = partial(compare_many, replicates=replicates, permutations=permutations)
    within: dict[Pair, dict[str, Paired]] = {pair: {} for pair in pairs}
    for name, inside in strata.items():
        if inside.any():
            part = {system: {CHOICE: of[CHOICE][inside]} for system, of in values.items()}
            for pair, found in compared(users[inside], part, pairs).items():
                within[pair][name] = found[CHOICE]
    return Table(
        dataset=dataset,
        encoder=encoder,
        split=facts.split,
        cases=len(users),
        head_from=bounds[0],
        short_up_to=float(np.median(facts.user_lengths)),
        rows=rows,
        control=control,
        refined=refined,
        text=text,
        gains=compared(users, values, pairs),
        stratum_gains=within,
    )


def choose_control(rows: Mapping[str, Row]) -> Control | None:
    """The control of the highest validation NDCG@10, the first of `CONTROLS` among equals; None without any.

    The test figures play no part, so that the choice cannot be made to suit the system under test.
    """
    reached = _reached(rows, CONTROLS)
    if not reached:
        return None
    return Control(
        system=max(reached, key=lambda name: reached[name]),
        validation=reached,
        unfinished=tuple(name for name in CONTROLS if name in rows and not rows[name].complete),
        # In two stages it is a control of `refined-warm` alone.
        unplanned=tuple(name for name in CONTROLS if name not in rows and name != PERMUTED_WARM),
    )


def _reached(rows: Mapping[str, Row], names: Sequence[str]) -> dict[str, float]:
    """Validation NDCG@10 of those that have some finished seed."""
    return {
        name: level.mean
        for name in names
        if name in rows and (level := (rows[name].validation or {}).get(CHOICE)) is not None
    }


def _best(rows: Mapping[str, Row], names: Sequence[str]) -> str | None:
    """The best on validation; the first that is planned where none is finished; None where none is planned.

    What lacks seeds that another has is passed over: a mean over fewer seeds would be chosen by their luck.
    """
    reached = _reached(rows, names)
    if not reached:
        return next((name for name in names if name in rows), None)
    most = max(len(rows[name].seeds) for name in reached)
    return max((name for name in reached if len(rows[name].seeds) == most), key=lambda name: reached[name])


def _pairs(
    finished: Mapping[str, object], control: Control | None, refined: str | None, text: str | None
) -> list[Pair]:
    references = dict.fromkeys([PLAIN, BASE, *([control.system] if control else [])])
    wanted = [(name, reference) for reference in references for name in finished if name != reference]
    if refined is not None:
        wanted.append((refined, WIDE))
    if text is not None:
        wanted += [(form, text) for form in (refined, BOTH) if form is not None]
    return [pair for pair in dict.fromkeys(wanted) if set(pair) <= set(finished)]


def _metrics_of(cells: Sequence[CellResult]) -> dict[str, NDArray[np.float64]]:
    found = average_seeds([cell.ranks for cell in cells], (10,))
    return {metric: found[metric] for metric in METRICS}


def _row(
    name: str,
    planned: tuple[int, ...],
    cells: Sequence[CellResult],
    values: Mapping[str, NDArray[np.float64]],
    users: NDArray[np.int64],
    strata: Mapping[str, NDArray[np.bool_]],
    replicates: int,
) -> Row:
    intervals = bootstrap_intervals(users, values, replicates=replicates)
    each = [
        {metric: float(column.mean()) for metric, column in _metrics_of([cell]).items()} for cell in cells
    ]
    shared = [metric for metric in cells[0].validation if all(metric in cell.validation for cell in cells)]
    return Row(
        system=name,
        planned=planned,
        seeds=tuple(cell.seed for cell in cells),
        dim=cells[0].dim,
        test={metric: _level([run[metric] for run in each], intervals[metric]) for metric in METRICS},
        validation={metric: _level([cell.validation[metric] for cell in cells]) for metric in shared},
        strata=per_stratum(values, strata),
        seconds=float(np.mean([cell.seconds for cell in cells])),
        tuning_seconds=float(sum(trial["seconds"] for trial in cells[0].trials)),
        runs=tuple(
            {
                "seed": cell.seed,
                "test": test,
                "validation": cell.validation,
                "trial": cell.trial,
                "epochs": cell.epochs,
                "seconds": cell.seconds,
                "digests": cell.digests,
            }
            for cell, test in zip(cells, each, strict=True)
        ),
        trials=tuple(cells[0].trials),
    )


def _level(values: Sequence[float], interval: tuple[float, float] | None = None) -> Level:
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Level(float(np.mean(values)), spread, interval)


def _check(finished: Mapping[str, Sequence[CellResult]], facts: DatasetFacts) -> None:
    """DataError unless all cells are of the dataset's split, on the same cases, each once, of one width."""
    first = next(iter(finished.values()))[0]
    for name, cells in finished.items():
        for cell in cells:
            where = f"{cell.dataset}, {cell.encoder}, {name}, seed {cell.seed}"
            if cell.digests.get("split") != facts.split:
                raise DataError(f"{where}: its split is not that of the dataset; run this cell again")
            same = np.array_equal(cell.users, first.users) and np.array_equal(cell.targets, first.targets)
            if not same or len(cell.ranks) != len(facts.target_counts):
                raise DataError(f"{where}: its test cases are not those of the other cells; run it again")
            if CHOICE not in cell.validation:
                raise DataError(f"{where}: it has no validation {CHOICE}, by which systems are chosen")
            if cell.dim != cells[0].dim:
                raise DataError(f"{where}: it is {cell.dim} wide, other seeds {cells[0].dim}")
        if len({cell.seed for cell in cells}) < len(cells):
            raise DataError(f"{first.dataset}, {first.encoder}, {name}: a seed is there twice; keep one run")


def _gain_list(gains: Mapping[Pair, Mapping[str, Paired]], names: Sequence[str]) -> list[dict[str, object]]:
    """JSON form of gains, the same keys always: a stratum without a case is None."""
    return [
        {"system": system, "over": reference}
        | {name: found[name].to_dict() if name in found else None for name in names}
        for (system, reference), found in gains.items()
    ]
