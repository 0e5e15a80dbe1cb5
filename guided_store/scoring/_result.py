"""What an import of scores did, for a person and for a program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from guided_store.versions import VersionInfo

_SHOWN = 5


@dataclass(frozen=True)
class ScoreImport:
    """The outcome of `import_scores`.

    Attributes:
        version: the guided version that was built.
        source: the file.
        match: how it was joined.
        run: the run its rows are in, in the ledger.
        rows_read: good rows of the file; rows_used: those that an item took its scores from.
        catalogue_items, scored_items: items in the catalogue, and those with at least one score.
        missing_values: blank cells of scored items.
        appended: new ledger rows; the others were there from an earlier import of the same file.
        ignored_columns: columns of the file that are neither attributes nor used for joining.
        ambiguous: one sentence for each item that several rows fit; such items are not scored.
        skipped: one sentence for each row left out (`on_error="skip"`).
        unscored: ids of the first 20 items without a score.
        notes: further remarks.
    """

    version: VersionInfo
    source: Path
    match: tuple[str, ...]
    run: str
    rows_read: int
    rows_used: int
    catalogue_items: int
    scored_items: int
    missing_values: int
    appended: int
    ignored_columns: tuple[str, ...]
    ambiguous: tuple[str, ...]
    skipped: tuple[str, ...]
    unscored: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def coverage(self) -> float:
        """Share of the catalogue's items that are scored, 0..1."""
        return self.scored_items / self.catalogue_items

    @property
    def recognised(self) -> int:
        """Rows that the ledger held already."""
        return self.scored_items - self.appended

    def lines(self) -> list[str]:
        """The report as plain lines."""
        by = " and ".join(self.match)
        lines = [
            f"{self.version.ref}: {self.version.rows:,} items x {self.version.dim} attributes, "
            f"from {self.source.name} by {by}",
            f"coverage {self.coverage:.1%}: {self.scored_items:,} of {self.catalogue_items:,} items are "
            f"scored; {self.rows_used:,} of the file's {self.rows_read:,} rows are used",
            f"ledger: {self.appended:,} rows added to run {self.run}"
            + (f", {self.recognised:,} were there already" if self.recognised else ""),
        ]
        if self.missing_values:
            lines.append(
                f"{self.missing_values:,} blank cells took their attribute's mean, marked as imputed"
            )
        if self.scored_items < self.catalogue_items:
            missing = self.catalogue_items - self.scored_items
            lines.append(
                f"{missing:,} items without scores took every attribute's mean, marked as imputed: "
                + _few(self.unscored, missing)
            )
        if self.ignored_columns:
            lines.append(f"columns not in the schema, ignored: {', '.join(self.ignored_columns)}")
        if self.ambiguous:
            lines.append(
                f"{len(self.ambiguous):,} ambiguous, not guessed: "
                + _few(self.ambiguous, len(self.ambiguous), "; ")
            )
        if self.skipped:
            lines.append(
                f"{len(self.skipped):,} rows skipped: " + _few(self.skipped, len(self.skipped), "; ")
            )
        return [*lines, *self.notes]

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable form."""
        return {
            "version": self.version.to_dict(),
            "source": str(self.source),
            "match": list(self.match),
            "run": self.run,
            "rows_read": self.rows_read,
            "rows_used": self.rows_used,
            "catalogue_items": self.catalogue_items,
            "scored_items": self.scored_items,
            "coverage": self.coverage,
            "missing_values": self.missing_values,
            "appended": self.appended,
            "recognised": self.recognised,
            "ignored_columns": list(self.ignored_columns),
            "ambiguous": list(self.ambiguous),
            "skipped": list(self.skipped),
            "unscored": list(self.unscored),
            "notes": list(self.notes),
        }


def _few(texts: tuple[str, ...], total: int, joiner: str = ", ") -> str:
    return joiner.join(texts[:_SHOWN]) + (f"{joiner}..." if total > _SHOWN else "")
