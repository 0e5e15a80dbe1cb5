"""The figures of gates as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guided_store.evaluation import Cell, Table


def tables(gates: Sequence[Mapping[str, Any]], level: float) -> list[Table]:
    """One table of a row per gate, from what `Promotion.evidence` keeps of them.

    Args:
        gates: `Verdict.to_dict` of each; as they are, or read back from an alias.
        level: coverage of the intervals.
    """
    notes = [f"{gate['gate']}: {gate['note']}." for gate in gates if gate["note"]]
    return [
        Table(
            title="Gates",
            columns=("gate", "figure", "other", "change", "bound", "needed", ""),
            rows=tuple(_row(gate) for gate in gates),
            note=" ".join(
                [
                    f"bound: the end of the {100 * level:g} % interval over users that decides, of the "
                    "figure itself or of its change from the other side on the same users.",
                    *notes,
                ]
            ),
        )
    ]


def _row(gate: Mapping[str, Any]) -> tuple[Cell, ...]:
    changes, share = gate["side"] is not None, bool(gate["relative"])
    return (
        gate["gate"],
        gate["value"],
        gate["reference"],
        _amount(gate["judged"], share, changes) if changes else None,
        _amount(gate["bound"], share, changes),
        _amount(gate["needed"], share, changes),
        "holds" if gate["held"] else "refused",
    )


def _amount(value: float | None, share: bool, signed: bool) -> str:
    if value is None:
        return "?"
    if share:
        return f"{100 * value:+.2f} %"
    return f"{value:+.4f}" if signed else f"{value:.4f}"
