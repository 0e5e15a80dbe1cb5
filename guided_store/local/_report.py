"""What scoring by a local model did, for a person and for a program."""

from __future__ import annotations

from dataclasses import dataclass

SHOWN_IDS = 20
_SHOWN = 5


@dataclass(frozen=True)
class LocalReport:
    """The outcome of `score_locally`.

    Attributes:
        run: the run in the ledger.
        model, identity: which model it was.
        fields: columns of the items that were embedded.
        attributes: how many the schema has.
        items: items in the catalogue; `without_text` of them say nothing in these fields and have no score.
        scored: items scored by this call; `held` of the others were scored before by the same text.
        changed: those of the scored items that had been scored by an older text.
        new_scale: whether this call fitted the run's scale (else it was there and was kept).
        scale_texts: different texts the scale was fitted on.
        beyond: share of this call's values that lay beyond the scale's ends and were put on them, 0..1.
        blind: attributes by which the model does not tell items apart; they have no scores.
        empty_ids: ids of the first 20 items without text.
        seconds: how long it took, loading the model included.
    """

    run: str
    model: str
    identity: str
    fields: tuple[str, ...]
    attributes: int
    items: int
    without_text: int
    scored: int
    held: int
    changed: int
    new_scale: bool
    scale_texts: int
    beyond: float
    blind: tuple[str, ...]
    empty_ids: tuple[str, ...]
    seconds: float

    def lines(self) -> list[str]:
        """The report as plain lines."""
        lines = [
            f"run {self.run}: {self.scored:,} items scored on {self.attributes} attributes by {self.model}, "
            f"from {', '.join(self.fields)} ({self.seconds:.0f} s)"
        ]
        if self.held:
            lines.append(f"{self.held:,} items were scored before by the same text")
        if self.changed:
            lines.append(
                f"{self.changed:,} of the scored items had an older text, whose scores they no longer use"
            )
        if self.without_text:
            more = ", ..." if self.without_text > _SHOWN else ""
            lines.append(
                f"{self.without_text:,} of {self.items:,} items have no text in these fields, and no score: "
                + ", ".join(self.empty_ids[:_SHOWN])
                + more
            )
        if self.blind:
            lines.append(
                f"not scored, since the model tells no item from another by it: {', '.join(self.blind)}"
            )
        if self.new_scale:
            lines.append(
                f"the scale was fitted on {self.scale_texts:,} texts and stays as it is: later items are put "
                "on it too"
            )
        elif self.scored:
            lines.append(
                f"{self.beyond:.1%} of the values lay beyond the run's scale and were put on its ends"
            )
            if self.beyond > _DRIFTED:
                lines.append(
                    "that is much: these items differ from those of the scale; --again begins a run with a "
                    "new one"
                )
        return lines

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable form."""
        return {
            "run": self.run,
            "model": self.model,
            "identity": self.identity,
            "fields": list(self.fields),
            "attributes": self.attributes,
            "items": self.items,
            "without_text": self.without_text,
            "scored": self.scored,
            "held": self.held,
            "changed": self.changed,
            "new_scale": self.new_scale,
            "scale_texts": self.scale_texts,
            "beyond": self.beyond,
            "blind": list(self.blind),
            "empty_ids": list(self.empty_ids),
            "seconds": self.seconds,
        }


# By construction 2 % of the values of the scale's own texts lie beyond it.
_DRIFTED = 0.10
