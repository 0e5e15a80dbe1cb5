"""What the cold start experiment found, as targets of the headline and as a document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from guided_store.reproduction._targets import COLD, Measured, Target, judge, shown
from guided_store.reproduction._words import grid, per_cent
from guided_store.store import replacing

Record = Mapping[str, Any]

NAME = "coldstart"
_LABELS = {"recall@10": "Recall@10", "recall@20": "Recall@20", "mrr": "MRR"}

READING = """\
Two disjoint sets of a tenth of the items were taken out of training, validation and every history: one to
choose and calibrate on, one to test on, read once. Targets are the held-out events of those items. "Among
cold": ranked among the cold items of the test set alone. "Among all": among every item but the tuning
set's. "To the warm tail": Recall@20 of cold targets over that of warm targets in the less popular half of
the trained items, both among all items. "Warm": NDCG@10 of warm targets with the cold items in the
catalogue, against the same model without them. Calibrated rows have one offset on the bias of cold items,
chosen on the tuning set. Every system chose among the same number of settings there. Brackets are 95 %
bootstrap intervals over users; one training seed."""


def cold_targets(records: Mapping[str, Record]) -> list[Target]:
    """The headline's targets on cold items, judged; those without a record are left out.

    Of several models that one counts whose NDCG@10 among cold items is best on the tuning set.
    """
    found = []
    for dataset, record in records.items():
        model = _chosen(record)
        label = shown(dataset)
        rows = {row["name"]: row for row in record["test"]}
        calibrated = rows[f"{model}, calibrated"]
        best = _hardest(record)
        pairs = record["against_baselines_among_cold"][model]
        gains = [
            Measured(
                f"{_LABELS[metric]} over {best[metric]}:",
                pairs[best[metric]][metric]["relative"],
                tuple(pairs[best[metric]][metric]["relative_interval"]),
                True,
            )
            for metric in _LABELS
        ]
        found.append(
            judge(_target(f"{label}: cold items among cold items", f"{model}, one seed"), gains, 0.3)
        )
        ratio = calibrated["to_tail_recall@20"]
        measured = [Measured("ratio", ratio["value"], _interval(ratio["interval"]))]
        name = f"{label}: cold items among all items, Recall@20"
        found.append(judge(_target(name, f"{model}, calibrated, one seed"), measured, 0.5))
        cost = calibrated["cost"]["ndcg@10"]
        loss = [Measured("NDCG@10", cost["relative"], _interval(cost["relative_interval"]), True)]
        found.append(judge(_target(f"{label}: cost on warm targets", f"{model}, calibrated"), loss, -0.02))
    return found


def write_cold(records: Mapping[str, Record], folder: Path) -> list[Path]:
    """Write `coldstart.json` and `coldstart.md`, each whole or not at all; nothing without a record."""
    if not records:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    data, document = folder / f"{NAME}.json", folder / f"{NAME}.md"
    with replacing(data) as temporary:
        temporary.write_text(json.dumps(records, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    with replacing(document) as temporary:
        temporary.write_text(cold_markdown(records), encoding="utf-8")
    return [data, document]


def cold_markdown(records: Mapping[str, Record]) -> str:
    """The document: one table a dataset, and what models gain over baselines."""
    parts = ["# Cold start: items that nobody has met yet", READING]
    for dataset, record in records.items():
        cases, sets, items = record["cases"]["test"], record["cold_sets"], record["items"]
        parts.append(f"## {shown(dataset)}")
        parts.append(
            f"{cases['cold']:,} cold and {cases['warm']:,} warm targets; {sets['test']:,} cold items of the "
            f"test set (draw {sets['seed']}, digest `{sets['digest'][:12]}`) beside {items['trained']:,} "
            f"trained ones; split `{record['split_digest'][:12]}`."
        )
        header = (
            "system",
            "setting",
            "Recall@10",
            "Recall@20",
            "MRR",
            "Recall@20",
            "to the warm tail",
            "warm",
        )
        above = "The first three columns of figures are among cold items, the fourth is among all."
        parts += [above, "\n".join(grid(header, [_row(row) for row in record["test"]], 2)).strip()]
        parts.append(_gains(record))
        parts += _references(record)
    return "\n\n".join(parts) + "\n"


def _row(row: Record) -> tuple[str, ...]:
    cold, cost, ratio = row["among_cold"]["metrics"], row["cost"]["ndcg@10"], row["to_tail_recall@20"]
    setting = ", ".join(f"{name} {value}" for name, value in row["parameters"].items())
    low_high = _interval(ratio["interval"])
    between = "" if low_high is None else f" [{low_high[0]:.2f}, {low_high[1]:.2f}]"
    return (
        row["name"],
        setting or "-",
        *(f"{cold[name]:.4f}" for name in _LABELS),
        f"{row['among_all']['metrics']['recall@20']:.4f}",
        f"{ratio['value']:.2f}{between}",
        f"{per_cent(cost['relative'])} %",
    )


def _gains(record: Record) -> str:
    best = _hardest(record)
    lines = []
    for model, against in record["against_baselines_among_cold"].items():
        told = []
        for metric, label in _LABELS.items():
            pair = against[best[metric]][metric]
            low, high = pair["relative_interval"]
            told.append(
                f"{label} {100 * pair['relative']:+.0f} % [{100 * low:+.0f}, {100 * high:+.0f}] over "
                f"{best[metric]}"
            )
        said = "; ".join(told)
        lines.append(f"- `{model}` against the best text or attribute baseline among cold items: {said}.")
    return "\n".join(lines)


def _references(record: Record) -> list[str]:
    lines = []
    for model, pairs in record["warm_against_reference"].items():
        pair = pairs["ndcg@10"]
        low, high = pair["relative_interval"]
        lines.append(
            f"- `{model}`, calibrated, with the cold items, against a base that has none: warm "
            f"NDCG@10 {100 * pair['relative']:+.1f} % [{100 * low:+.1f}, {100 * high:+.1f}]."
        )
    return ["\n".join(lines)] if lines else []


def _chosen(record: Record) -> str:
    models: list[str] = list(record["against_baselines_among_cold"])
    tuned = {model: max(tried["value"] for tried in record["choices"][model]["tuning"]) for model in models}
    return max(models, key=lambda model: tuned[model])


def _hardest(record: Record) -> dict[str, str]:
    """Metric -> the best of everything that models were compared with, neighbours by text included."""
    rivals = {name for against in record["against_baselines_among_cold"].values() for name in against}
    reached = {row["name"]: row["among_cold"]["metrics"] for row in record["test"] if row["name"] in rivals}
    return {metric: max(reached, key=lambda name: reached[name][metric]) for metric in _LABELS}


def _target(name: str, note: str) -> Target:
    for target in COLD:
        if target.name == name:
            return replace(target, note=note)
    return Target(name, "at least half of the less popular warm half's", note=note)


def _interval(value: Any) -> tuple[float, float] | None:
    return None if value is None else (float(value[0]), float(value[1]))
