"""Plots by matplotlib: as SVG that follows a page's colours, and as files of their own."""

from __future__ import annotations

import importlib.util
import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guided_store.errors import StoreError, UsageError
from guided_store.report._colours import ALL, INK, PAPER, RULE, SOFT
from guided_store.report._html import Markup, escaped
from guided_store.store import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 7.6
"""Inches; the page shows them at about 100 pixels an inch, so that 8 points read like the text beside it."""

DPI = 200

# matplotlib's own type of these keys is a list of 300 literals.
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "guided-store",
    "svg.fonttype": "none",
    # A dollar sign in a title is no formula.
    "text.parse_math": False,
    "font.size": 8,
    "text.color": INK.light,
    "axes.edgecolor": RULE.light,
    "axes.labelcolor": SOFT.light,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK.light,
    "axes.facecolor": "none",
    "xtick.color": RULE.light,
    "ytick.color": RULE.light,
    "xtick.labelcolor": SOFT.light,
    "ytick.labelcolor": INK.light,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "grid.color": RULE.light,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "legend.labelcolor": INK.light,
    "figure.facecolor": PAPER.light,
    "figure.constrained_layout.wspace": 0.05,
    "savefig.facecolor": PAPER.light,
}


@dataclass(frozen=True)
class Plot:
    """One picture, not yet drawn.

    Attributes:
        name: of its files, letters, digits and hyphens; unique within a report.
        title: a few words.
        alt: what it shows, in one or two sentences, for those who cannot see it.
        note: how to read it, or "".
        height: inches.
        draw: puts it on an empty figure.
    """

    name: str
    title: str
    alt: str
    note: str
    height: float
    draw: Callable[[Figure], None]


def need_matplotlib() -> None:
    """Say early and clearly that plots need the extra.

    Raises:
        UsageError: matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError("the report draws its plots by matplotlib: install guided-store[report]")


@dataclass(frozen=True)
class Picture:
    """A plot that was drawn: `svg` as a file's text, `png` as a file's bytes, None where not asked for."""

    plot: Plot
    svg: str
    png: bytes | None


def draw(plot: Plot, *, png: bool = False) -> Picture:
    """Draw a plot once for page and files alike; the same figures, the same bytes."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    text, image = io.StringIO(), io.BytesIO()
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # A title in a script that matplotlib's font lacks: the page's own fonts have it.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from")
        figure = Figure(figsize=(WIDTH, plot.height), layout="constrained")
        FigureCanvasAgg(figure)
        plot.draw(figure)
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
        if png:
            # Everything has its place by now, and finding it again would take as long as drawing.
            figure.set_layout_engine("none")
            figure.savefig(image, format="png", dpi=DPI, metadata={"Software": None})
    return Picture(plot, text.getvalue(), image.getvalue() if png else None)


def write_files(picture: Picture, folder: Path) -> tuple[Path, ...]:
    """The picture as `NAME.svg`, and as `NAME.png` if it was drawn, in the colours of a light page.

    Raises:
        StoreError: the folder cannot be written.
    """
    content = {".svg": picture.svg.encode("utf-8", "replace"), ".png": picture.png}
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for ending, body in content.items():
            if body is not None:
                path = folder / f"{picture.plot.name}{ending}"
                with replacing(path) as temporary:
                    temporary.write_bytes(body)
                written.append(path)
    except OSError as error:
        raise StoreError(f"the plots cannot be written to {folder}: {error.strerror or error}") from None
    return tuple(written)


_VARIABLES = {colour.light: f"var(--{colour.name})" for colour in reversed(ALL)}
_COLOUR = re.compile("|".join(_VARIABLES))
_FONT = re.compile(r"\s*font-family: [^;\"]*;?")
_DECIMALS = re.compile(r"-?\d+\.\d{3,}")
_NAME = re.compile(r'(?<=[ :]id=")|(?<=href="#)|(?<=url\(#)')


def inline_svg(picture: Picture) -> Markup:
    """What matplotlib wrote, fit to stand within a page.

    Its colours are the page's variables, its fonts the page's, and its parts have names of their own.
    """
    text, plot = picture.svg, picture.plot
    view = re.search(r'viewBox="([^"]+)"', text)
    assert view is not None
    inside = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    for part in ("metadata", "style"):
        inside = re.sub(rf"<{part}\b.*?</{part}>", "", inside, flags=re.DOTALL)

    def tag(found: re.Match[str]) -> str:
        kept = re.sub(r' id="[^"]*"', "", found.group()) if found.group().startswith("<g") else found.group()
        kept = _COLOUR.sub(lambda colour: _VARIABLES[colour.group()], _FONT.sub("", kept))
        # Hundredths of a pixel are enough, and the page is half as heavy.
        kept = _DECIMALS.sub(lambda number: f"{float(number.group()):.2f}".rstrip("0").rstrip("."), kept)
        # Two plots on one page must not share the names of their parts.
        return _NAME.sub(f"{plot.name}-", kept).replace("xlink:href", "href")

    # Only within tags: the texts between them are the catalogue's.
    inside = re.sub(r"<[^>]*>", tag, inside)
    inside = re.sub(r"\s*\n\s*", "\n", inside)
    label = escaped(plot.alt)
    return Markup(f'<svg viewBox="{view.group(1)}" role="img" aria-label="{label}">{inside}</svg>')
