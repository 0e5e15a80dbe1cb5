"""What the headline must show, each held against what was measured: nothing here is typed in by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

from guided_store.evaluation import Paired
from guided_store.reproduction._table import (
    BASE,
    CHOICE,
    METRICS,
    PLAIN,
    WIDE,
    Row,
    Table,
)

Verdict = Literal["reached", "reached, interval goes below", "not reached", "not run", "no figure named"]

Tables = Mapping[tuple[str, str], Table]

FULL_SEEDS = 3
"""Fewer seeds behind a figure are named beside it."""

STRONGEST = "the strongest content-free control"

_STRONG = (PLAIN, BASE, WIDE, "base-warm")


@dataclass(frozen=True)
class Measured:
    """One figure of a target: what it is, its value, its 95 % interval over users, whether it is a change.

    `relative` figures are shares (0.1 is +10 %), others are levels of a metric or counts.
    """

    label: str
    value: float
    interval: tuple[float, float] | None = None
    relative: bool = False


@dataclass(frozen=True)
class Target:
    """One target with what was measured.

    Attributes:
        name: what must hold; wanted: the figure it asks for, in words.
        measured: the figures, empty where not all are there.
        verdict: "reached" where every figure reaches what is wanted and so does the low end of its interval;
            "reached, interval goes below" where only the figures do.
        note: what a reader must know (seeds missing, the control chosen), empty where nothing.
        provisional: whether planned cells that may change the verdict are still to run.
    """

    name: str
    wanted: str
    measured: tuple[Measured, ...] = ()
    verdict: Verdict = "not run"
    note: str = ""
    provisional: bool = False

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return asdict(self)


COLD = (
    Target(
        "amazon-office: cold items among cold items", "at least 1.3 times the best text or attribute baseline"
    ),
    Target("games: cold items among cold items", "at least 1.3 times the best text or attribute baseline"),
    Target("games: cold items among all items, Recall@20", "at least half of the less popular warm half's"),
    Target("amazon-office: cost on warm targets", "at most 2 % lost"),
    Target("games: cost on warm targets", "at most 2 % lost"),
)
"""Targets that the cold start experiment measures, not these cells; `make_targets` takes them from there."""


def judge(target: Target, measured: Sequence[Measured], least: float) -> Target:
    """The target with its figures and the verdict: every figure must be at least `least`."""
    below = any(figure.interval is not None and figure.interval[0] < least for figure in measured)
    verdict: Verdict = "not reached"
    if not measured:
        verdict = "not run"
    elif all(figure.value >= least for figure in measured):
        verdict = "reached, interval goes below" if below else "reached"
    return replace(target, measured=tuple(measured), verdict=verdict)


def make_targets(tables: Tables, more: Sequence[Target] = ()) -> list[Target]:
    """Every target of the headline, in the order of the issue that set them.

    Args:
        tables: (dataset, encoder) -> `Table`.
        more: targets judged elsewhere; one named as in `COLD` takes that place, others come last.
    """
    found = [
        _strength(tables, "ml-1m", 0.17),
        _strength(tables, "office", 0.065, 0.079),
        _strength(tables, "games", None),
    ]
    for dataset, encoder in (
        ("office", "sasrec"),
        ("games", "sasrec"),
        ("office", "gru4rec"),
        ("office", "bert4rec"),
    ):
        found.append(_gain(tables, dataset, encoder, _plain, "the plain base", 0.10))
    found.append(_gain(tables, "games", "sasrec", _strongest, STRONGEST, 0.05))
    found.append(_above_zero(tables, "office"))
    found.append(_gain(tables, "ml-1m", "sasrec", _plain, "the plain base", 0.0))
    found.append(_gain(tables, "ml-1m", "sasrec", _strongest, STRONGEST, 0.0))
    found.append(_wide(tables))
    given = {target.name: target for target in more}
    return [*found, *(given.pop(target.name, target) for target in COLD), *given.values()]


def shown(dataset: str) -> str:
    """A dataset's name in documents."""
    return "amazon-office" if dataset == "office" else dataset


def _strength(tables: Tables, dataset: str, test: float | None, validation: float | None = None) -> Target:
    """The best base by validation, its test figure (and validation figure) against what is asked."""
    asked = "no figure named" if test is None else f"at least {test:g}"
    asked += "" if validation is None else f", on validation at least {validation:g}"
    target = Target(f"{shown(dataset)}: best SASRec base, NDCG@10", asked)
    table = tables.get((dataset, "sasrec"))
    rows = [table.rows[name] for name in _STRONG if name in table.rows] if table else []
    run = [(row.validation[CHOICE].mean, row) for row in rows if row.validation and row.test]
    if not run:
        return target
    reached, best = max(run, key=lambda pair: pair[0])
    assert best.test is not None
    level = best.test[CHOICE]
    measured = (Measured("test", level.mean, level.interval), Measured("validation", reached))
    note = _join(f"{best.system}, the best on validation", _seeds([best]), _unfinished(rows))
    target = replace(target, note=note, provisional=not all(row.complete for row in rows))
    if test is None:
        return replace(target, measured=measured, verdict="no figure named")
    judged = judge(target, measured[:1], test)
    if validation is not None and reached < validation:
        judged = replace(judged, verdict="not reached")
    return replace(judged, measured=measured)


def _plain(table: Table) -> str:
    """The base without item bias; the base as it is where the plan has no other."""
    return PLAIN if PLAIN in table.rows else BASE


def _strongest(table: Table) -> str | None:
    return table.control.system if table.control else None


def _gain(
    tables: Tables,
    dataset: str,
    encoder: str,
    reference: Callable[[Table], str | None],
    words: str,
    least: float,
) -> Target:
    wanted = f"at least {least:+.0%}".replace("%", " %") if least else "no loss"
    wanted += " in each of MRR, Recall@10, NDCG@10"
    target = Target(f"{shown(dataset)}, {encoder_name(encoder)}: refined over {words}", wanted)
    table = tables.get((dataset, encoder))
    over = reference(table) if table else None
    if table is None or over is None or (found := table.refined_over(over)) is None:
        return target
    measured = _relative(found)
    judged = judge(target, measured, least) if measured else target
    return _noted(judged, table, over)


def _above_zero(tables: Tables, dataset: str) -> Target:
    """On office the gain over the strongest control only has to be above zero, interval and all."""
    name = f"{shown(dataset)}, SASRec: refined over {STRONGEST}"
    target = Target(name, "interval above 0 in each of MRR, Recall@10, NDCG@10")
    table = tables.get((dataset, "sasrec"))
    over = _strongest(table) if table else None
    if table is None or over is None or (found := table.refined_over(over)) is None:
        return target
    measured = _relative(found)
    above = all(found[metric].interval[0] > 0 for metric in METRICS)
    verdict: Verdict = "reached" if above else "not reached"
    return _noted(replace(target, measured=measured, verdict=verdict), table, over)


def _wide(tables: Tables) -> Target:
    """Refined at d against the base at 2d: a domain counts where the interval of each metric is above 0."""
    target = Target(
        "SASRec: refined at d over base at 2d", "interval above 0 in each metric, on at least 2 domains"
    )
    asked = {dataset: table for (dataset, encoder), table in tables.items() if encoder == "sasrec"}
    domains = {
        name: found for name, table in asked.items() if (found := table.refined_over(WIDE)) is not None
    }
    if not domains:
        return target
    won = [name for name, found in domains.items() if all(found[m].interval[0] > 0 for m in METRICS)]
    where = f"won: {', '.join(map(shown, won)) or 'none'}; compared: {', '.join(map(shown, domains))}"
    planned = [
        table.rows[s]
        for table in asked.values()
        for s in (table.refined, WIDE)
        if s in table.rows and s is not None
    ]
    return replace(
        target,
        measured=(Measured("domains", float(len(won))),),
        verdict="reached" if len(won) >= 2 else "not reached",
        note=_join(where, _seeds([row for row in planned if row.seeds])),
        provisional=not all(row.complete for row in planned),
    )


def _relative(found: Mapping[str, Paired]) -> tuple[Measured, ...]:
    """Relative gains of the three metrics, empty where one has none (a reference without any hit)."""
    labels = ("MRR", "Recall@10", "NDCG@10")
    measured = tuple(
        Measured(label, one.relative, one.relative_interval, relative=True)
        for label, metric in zip(labels, METRICS, strict=True)
        if (one := found[metric]).relative is not None
    )
    return measured if len(measured) == len(METRICS) else ()


def _noted(target: Target, table: Table, over: str) -> Target:
    """The target with what a reader must know of the two systems, and of how the reference was chosen."""
    assert table.refined is not None  # its gain is there
    rows = [table.rows[table.refined], table.rows[over]]
    if not target.name.endswith(STRONGEST):
        which = "" if over == PLAIN else f"{over}, since {PLAIN} is not in the plan"
        note = _join(which, _seeds(rows), _unfinished(rows))
        return replace(target, note=note, provisional=not all(row.complete for row in rows))
    assert table.control is not None
    waiting = table.control.unfinished
    note = _join(
        f"{over}, chosen on validation",
        _seeds(rows),
        _unfinished(rows),
        f"controls to finish: {', '.join(waiting)}" if waiting else "",
        f"not in the plan: {', '.join(table.control.unplanned)}" if table.control.unplanned else "",
    )
    return replace(target, note=note, provisional=bool(waiting) or not rows[0].complete)


def _seeds(rows: Sequence[Row]) -> str:
    fewest = min(len(row.seeds) for row in rows)
    return "" if fewest >= FULL_SEEDS else f"{fewest} seed{'' if fewest == 1 else 's'} only"


def _unfinished(rows: Sequence[Row]) -> str:
    open_ = dict.fromkeys(row.system for row in rows if not row.complete)
    return f"seeds missing: {', '.join(open_)}" if open_ else ""


def _join(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def encoder_name(name: str) -> str:
    return {"sasrec": "SASRec", "gru4rec": "GRU4Rec", "bert4rec": "BERT4Rec"}.get(name, name)
