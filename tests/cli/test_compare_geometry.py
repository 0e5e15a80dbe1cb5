"""The geometry of a comparison as a terminal shows it."""

from __future__ import annotations

import numpy as np
import pytest
from embeddings_by_hand import build_embedding
from judged_by_hand import build_cases, judgement

from cli._compare_geometry import show_geometry
from guided_store.geometry import GeometrySection, geometry_section
from guided_store.scoring import AttributeTable
from guided_store.versions import parse_ref


def made(titles: dict[str, str]) -> GeometrySection:
    random = np.random.default_rng(0)
    cases = build_cases([[user % 40, (user + 1) % 40, 5] for user in range(80)], 40)

    def lists() -> np.ndarray:
        return np.argsort(random.normal(size=(80, 40)), axis=1)[:, :20]

    names = ("mainstream_popularity", "pace")
    return geometry_section(
        {
            "base/first": [judgement(np.ones(80), lists()) for _ in range(2)],
            "refined/other": [judgement(np.ones(80), lists())],
        },
        cases,
        {
            "base/first": [build_embedding(random.normal(size=(40, 6)), f"base/{name}") for name in "ab"],
            "refined/other": [build_embedding(random.normal(size=(40, 6)), "refined/other")],
        },
        attributes={
            label: AttributeTable(
                parse_ref(f"guided/{name}"), names, random.uniform(0, 10, (40, 2)).astype(np.float32)
            )
            for label, name in (("base/first", "old"), ("refined/other", "new"))
        },
        titles=titles,
        least_events=0,
        replicates=20,
    )


def test_tables_and_titles_fit_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    titles = {
        f"i{row}": f"Item {row} with a title that is much longer than half a terminal" for row in range(40)
    }
    section = made(titles)
    show_geometry(section)
    lines = capsys.readouterr().out.splitlines()
    for title in (
        "Neighbours of items",
        "Shape of the vectors",
        "Likeness of recommendation lists",
        "Drift of attribute scores, guided/new",
        "Items whose neighbourhood changed most, refined/other",
        "Users whose list changed most, refined/other",
    ):
        assert title in lines
    abreast = [line for line in lines if line.startswith("  ")]
    # A heading and the nearest five of five items, a heading and the first three of five users.
    assert len(abreast) == 1 + 5 * 5 + 1 + 5 * 3
    assert all(len(line) <= 80 for line in abreast)
    figures = [
        line for line in lines if line.startswith(("refined/other", "seeds of", "mainstream_popularity"))
    ]
    # Neighbours, shape, lists, seeds, drift: none is folded.
    assert len(figures) == 5
    assert all(len(line) <= 80 for line in figures)


def test_a_title_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show_geometry(made({f"i{row}": f"\x1b[31mred\n{row}" for row in range(40)}))
    assert "\x1b" not in capsys.readouterr().out


def test_nothing_to_compare_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    show_geometry(GeometrySection((), None))
    assert capsys.readouterr().out == ""
