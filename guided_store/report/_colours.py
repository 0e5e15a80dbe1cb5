"""The colours of a report: one for each version, in tables and plots alike, in light and in dark."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Colour:
    """One colour with a name in the page's style sheet.

    Attributes:
        name: of its CSS variable, without the dashes.
        light, dark: as #rrggbb, on a light and on a dark page.
    """

    name: str
    light: str
    dark: str


VERSIONS = (
    Colour("v0", "#6b7480", "#a3adb8"),
    Colour("v1", "#1467a8", "#6cb3ef"),
    Colour("v2", "#b8560b", "#f0a35c"),
    Colour("v3", "#6b4aa8", "#b79cf0"),
    Colour("v4", "#2c7a4b", "#6fc893"),
    Colour("v5", "#a8325f", "#ef86ac"),
)
"""The reference is grey: what is new has the colour. A seventh version begins again."""

INK = Colour("ink", "#1c2126", "#e4e7ea")
SOFT = Colour("soft", "#5d6670", "#9aa4ae")
RULE = Colour("rule", "#d9dde1", "#343b42")
PAPER = Colour("paper", "#fdfdfc", "#14181b")
PANEL = Colour("panel", "#f4f5f5", "#1c2125")
GOOD = Colour("good", "#2c7a4b", "#6fc893")
BAD = Colour("bad", "#b3372f", "#f08a80")

DENSITY = (
    Colour("d1", "#d5e5f2", "#1d3244"),
    Colour("d2", "#aecde6", "#25486a"),
    Colour("d3", "#7fb0d8", "#2f6596"),
    Colour("d4", "#4d8fc3", "#4b8fcb"),
    Colour("d5", "#216ba5", "#86bdec"),
    Colour("d6", "#0d4675", "#cfe6fa"),
)
"""Few to many, away from the page's own colour in both."""

CLUSTERS = (
    Colour("s1", "#20639b", "#4a93d0"),
    Colour("s2", "#6fa8cf", "#2f5f86"),
    Colour("s3", "#c9cdd0", "#555d64"),
    Colour("s4", "#e0a062", "#8f5a24"),
    Colour("s5", "#b8560b", "#f0a35c"),
)
"""Low to high with a calm middle."""

ALL = (*VERSIONS, INK, SOFT, RULE, PAPER, PANEL, GOOD, BAD, *DENSITY, *CLUSTERS)


def version_colour(place: int) -> Colour:
    """Colour of the version at a place in the comparison, 0 being the reference."""
    return VERSIONS[place % len(VERSIONS)]


def style_variables() -> str:
    """The colours as CSS variables that follow the page's scheme."""
    lines = (f"  --{colour.name}: light-dark({colour.light}, {colour.dark});" for colour in ALL)
    return ":root {\n" + "\n".join(lines) + "\n}\n"
