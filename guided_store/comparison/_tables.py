"""The tables of accuracy, for every format."""

from __future__ import annotations

from guided_store.comparison._accuracy import SURE, Accuracy
from guided_store.comparison._movers import LEAST_CASES
from guided_store.evaluation import Cell, Table, metric_name

_TEST = {
    "models": "95 % intervals by bootstrap over users. p: paired randomisation over users",
    "recipes": "95 % intervals over seeds and users. p: over seeds and users",
}

_TAKEN = {"metric", "change", "95 % interval", "p", "Wilcoxon", "winner", "part", "cases", "difference"}


def tables(accuracy: Accuracy, *, brief: bool = False) -> list[Table]:
    """A table for each candidate against the reference, then the levels, strata, wins and movers.

    Args:
        accuracy: what to show.
        brief: for a terminal: levels of the main metric and MRR only, and no signed-rank test.
    """
    others = accuracy.labels[1:]
    found = [_pair(accuracy, label, brief) for label in others]
    found.append(_levels(accuracy, brief))
    found += [_strata(accuracy, label) for label in others if accuracy.strata]
    found.append(_outcomes(accuracy))
    for label in others:
        if accuracy.user_moves[label]:
            found.append(_users(accuracy, label))
        if accuracy.item_moves[label]:
            found.append(_items(accuracy, label))
    return found


def _pair(accuracy: Accuracy, label: str, brief: bool) -> Table:
    wilcoxon = accuracy.question == "models" and not brief
    rows: list[tuple[Cell, ...]] = []
    for metric, pair in accuracy.pairs[label].items():
        row: list[Cell] = [metric_name(metric), pair.reference, pair.value, pair.relative]
        row += [pair.relative_interval, pair.adjusted]
        row += [pair.wilcoxon] if wilcoxon else []
        rows.append((*row, accuracy.winner(label, metric) or "none sure"))
    note = f"{_TEST[accuracy.question]}, Holm over the {len(rows)} metrics"
    note += "; Wilcoxon: p of the signed-rank test, not corrected" if wilcoxon else ""
    return Table(
        f"Accuracy: {label} against {accuracy.reference}",
        (
            "metric",
            *_headings(accuracy.reference, label),
            *("change", "95 % interval", "p"),
            *(["Wilcoxon"] if wilcoxon else []),
            "winner",
        ),
        tuple(rows),
        f"{note}. A winner has p below {SURE:g} and an interval without 0.",
        {"change": "+.1%", "95 % interval": "+.1%"} | ({"Wilcoxon": ".2g"} if wilcoxon else {}),
    )


def _levels(accuracy: Accuracy, brief: bool) -> Table:
    recipes = accuracy.question == "recipes"
    rows: list[tuple[Cell, ...]] = []
    for label in accuracy.labels:
        for metric, level in accuracy.levels[label].items():
            if brief and metric not in ("mrr", accuracy.main):
                continue
            row: tuple[Cell, ...] = (label, metric_name(metric), level.value, level.interval)
            rows.append((*row, len(level.seeds), (min(level.seeds), max(level.seeds))) if recipes else row)
    columns = ("version", "metric", "value", "95 % interval")
    return Table(
        "Accuracy: levels",
        (*columns, "seeds", "lowest and highest seed") if recipes else columns,
        tuple(rows),
        f"Means over {accuracy.cases:,} cases of {accuracy.users:,} users"
        + (", and over seeds." if recipes else "."),
    )


def _strata(accuracy: Accuracy, label: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for stratum in accuracy.strata:
        difference, interval = stratum.differences[label]
        levels = (stratum.levels[name][0] for name in (accuracy.reference, label))
        rows.append((stratum.name, stratum.cases, *levels, difference, interval))
    meanings = "; ".join(f"{stratum.name}: {stratum.meaning}" for stratum in accuracy.strata)
    return Table(
        f"{metric_name(accuracy.main)} by popularity and history: {label} against {accuracy.reference}",
        ("part", "cases", *_headings(accuracy.reference, label), "difference", "95 % interval"),
        tuple(rows),
        f"{meanings}. Intervals of each part alone, not corrected.",
        {"difference": "+.4f", "95 % interval": "+.4f"},
    )


def _outcomes(accuracy: Accuracy) -> Table:
    rows = []
    for label, outcomes in accuracy.outcomes.items():
        for one in outcomes:
            decided = one.wins + one.losses
            share = one.wins / decided if decided else None
            rows.append((label, metric_name(one.metric), one.wins, one.ties, one.losses, share))
    return Table(
        f"Users better and worse off than under {accuracy.reference}",
        ("version", "metric", "better", "equal", "worse", "better of moved"),
        tuple(rows),
        formats={"better of moved": ".1%"},
    )


def _users(accuracy: Accuracy, label: str) -> Table:
    main = metric_name(accuracy.main)
    moves = accuracy.user_moves[label]
    several = any(move.cases > 1 for move in moves)
    rows = tuple(
        (move.user, move.title, _rank(move.reference_rank), _rank(move.rank), move.change) for move in moves
    )
    note = f"Ranks of what came next, change in {main}. Chosen as the extremes, which chance makes too."
    if several:
        note += " Of several cases the one that moved most is shown, and the change of their mean."
    return Table(
        f"Users that changed most: {label} against {accuracy.reference}",
        ("user", "what came next", "rank before", "rank after", "change"),
        rows,
        note,
        {"change": "+.3f", "rank before": ",.0f", "rank after": ",.0f"},
    )


def _items(accuracy: Accuracy, label: str) -> Table:
    main = metric_name(accuracy.main)
    rows = tuple(
        (move.title, move.cases, move.train, move.reference, move.value, move.change)
        for move in accuracy.item_moves[label]
    )
    return Table(
        f"Items that changed most: {label} against {accuracy.reference}",
        ("item", "cases", "training events", "before", "after", "change"),
        rows,
        f"Mean {main} of the cases whose answer the item is, of items with {LEAST_CASES} cases or more. "
        "Chosen as the extremes, which chance makes too.",
        {"before": ".3f", "after": ".3f", "change": "+.3f"},
    )


def _headings(*labels: str) -> tuple[str, ...]:
    """Labels as headings, told apart from the other headings of these tables (an alias may be called "p")."""
    return tuple(f"version {label}" if label in _TAKEN else label for label in labels)


def _rank(rank: float) -> float | None:
    return None if rank == float("inf") else rank
