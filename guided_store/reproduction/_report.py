"""The headline written to a folder: Markdown for people, JSON with everything, a picture where possible."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from guided_store.progress import SILENT, Progress
from guided_store.reproduction._markdown import headline_markdown
from guided_store.reproduction._plot import can_plot, plot_gains
from guided_store.reproduction._results import Results
from guided_store.reproduction._table import CONTROLS, METRICS, Table, make_table
from guided_store.reproduction._targets import Target, make_targets
from guided_store.store import replacing

FORMAT = "guided-store headline 1"
NAME = "headline"


@dataclass(frozen=True)
class Headline:
    """All tables and targets of the headline, and how they were computed."""

    tables: tuple[Table, ...]
    targets: tuple[Target, ...]
    replicates: int
    permutations: int

    def to_dict(self) -> dict[str, object]:
        """Everything, JSON-serialisable; the same keys whatever is finished."""
        return {
            "format": FORMAT,
            "metrics": list(METRICS),
            "controls": list(CONTROLS),
            "replicates": self.replicates,
            "permutations": self.permutations,
            "targets": [target.to_dict() for target in self.targets],
            "tables": [table.to_dict() for table in self.tables],
        }


def make_headline(
    results: Results,
    *,
    more: Sequence[Target] = (),
    replicates: int = 2000,
    permutations: int = 10_000,
    progress: Progress = SILENT,
) -> Headline:
    """Compute every table and target from the finished cells; what is not finished stands as not run.

    Args:
        results: all cells of a plan.
        more: targets judged elsewhere, such as those of the cold start experiment (`make_targets`).
        replicates: bootstrap resamples; permutations: sign flips of the randomisation tests.

    Raises:
        DataError: cells of one dataset that are not of the same cases (`make_table`).
    """
    wanted = list(results.tables())
    tables: dict[tuple[str, str], Table] = {}
    with progress.task("comparing", len(wanted)) as task:
        for dataset, encoder in wanted:
            tables[dataset, encoder] = make_table(
                results, dataset, encoder, replicates=replicates, permutations=permutations
            )
            task.advance()
    targets = make_targets(tables, more)
    return Headline(tuple(tables.values()), tuple(targets), replicates, permutations)


def write_headline(headline: Headline, folder: Path) -> list[Path]:
    """Write `headline.json`, `headline.svg` (with matplotlib, extra `report`) and `headline.md`.

    Each is replaced whole or left as it was; the document comes last, so that what it points to is there.
    Without matplotlib a picture of an earlier run is removed, since it would show other figures.

    Returns:
        The files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{NAME}.json"]
    with replacing(written[0]) as temporary:
        text = json.dumps(headline.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    picture = folder / f"{NAME}.svg"
    if can_plot() and plot_gains(headline.tables, picture):
        written.append(picture)
    else:
        picture.unlink(missing_ok=True)
    document = folder / f"{NAME}.md"
    shown = picture.name if picture in written else None
    with replacing(document) as temporary:
        temporary.write_text(headline_markdown(headline.tables, headline.targets, shown), encoding="utf-8")
    return [*written, document]
