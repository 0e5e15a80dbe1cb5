"""Tables of recommendations: the numbers shown add up, at 80 columns and without colour."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from cli._render import popular_table, profile_table, recommendation_table, term_table
from guided_store.retrieval import AttributeTaste, Profile, Recommendation, Term

NAMES = ("humor", "violence", "family_friendliness", "mainstream_popularity", "pace", "realism")
PARTS = st.floats(-20, 20, allow_nan=False)
SIGNED = re.compile(r"[+−-]\d+\.\d+")


def made(values: tuple[float, ...], latent: float, bias: float, rank: int = 1) -> Recommendation:
    terms = tuple(Term(name, value, 5.0) for name, value in zip(NAMES, values, strict=False))
    title = "Adventures of Priscilla, Queen of the Desert, The"
    return Recommendation(rank, "1", title, sum(values) + latent + bias, terms, latent, bias)


def printed(table: RenderableType, width: int = 80, terminal: bool = False) -> str:
    out = io.StringIO()
    Console(
        file=out, width=width, force_terminal=terminal, highlight=False, markup=False, no_color=not terminal
    ).print(table)
    return out.getvalue()


def numbers(text: str) -> list[float]:
    return [float(found.replace("−", "-")) for found in SIGNED.findall(text)]


@given(st.lists(st.tuples(*[PARTS] * 6), min_size=1, max_size=4), PARTS, PARTS, st.integers(1, 6))
def test_every_row_adds_up(values: list[tuple[float, ...]], latent: float, bias: float, parts: int) -> None:
    for each in values:
        score, *summands = numbers(printed(recommendation_table([made(each, latent, bias)], parts=parts)))
        # Score, first attribute, latent and bias share a line, the other attributes follow.
        assert round(sum(summands), 2) == pytest.approx(score, abs=1e-6)


@pytest.mark.parametrize("width", [80, 100, 160])
@pytest.mark.parametrize("blocks", [True, False])
def test_it_fits_the_terminal(width: int, blocks: bool) -> None:
    rows = [made((1.5, -12.25, 0.001, 3.0, -0.5, 0.2), -10.5, 2.0, rank) for rank in (9, 10)]
    text = printed(recommendation_table(rows, width=width, blocks=blocks), width)
    lines = text.splitlines()
    assert max(len(line) for line in lines) <= width
    assert "\x1b" not in text
    assert "mainstream_popularity" in text
    assert " ".join(" ".join(lines).split()).count("Priscilla") == 2
    if not blocks:
        text.encode("ascii")


def test_colour_only_on_a_terminal() -> None:
    row = made((1.0, -1.0), 0.5, 0.5)
    assert "\x1b[32m" in printed(recommendation_table([row]), terminal=True)
    assert "\x1b[31m" in printed(recommendation_table([row]), terminal=True)


def test_the_strongest_are_shown_and_the_others_summed() -> None:
    text = printed(recommendation_table([made((0.1, -3.0, 0.2, 2.0, 0.3, 0.4), 0, 0)], parts=2))
    assert text.index("violence") < text.index("mainstream_popularity") < text.index("4 others")
    assert "+1.00" in text
    assert "humor" not in text


def test_one_other_is_named_rather_than_summed() -> None:
    assert "others" not in printed(recommendation_table([made((3.0, 2.0, 1.0), 0, 0)], parts=2))


def test_a_base_version_has_latent_part_and_bias_only() -> None:
    text = printed(recommendation_table([made((), 1.25, -0.25)]))
    assert "attributes" not in text
    assert numbers(text) == [1.0, 1.25, -0.25]


@given(st.tuples(*[PARTS] * 6), PARTS, PARTS)
def test_an_explanation_adds_up(values: tuple[float, ...], latent: float, bias: float) -> None:
    *summands, score = numbers(printed(term_table(made(values, latent, bias))))
    assert len(summands) == 8
    assert round(sum(summands), 3) == pytest.approx(score, abs=1e-6)


def test_an_explanation_says_what_was_never_scored() -> None:
    terms = (Term("humor", 1.0, None, True), Term("pace", -0.5, 7.0))
    text = printed(term_table(Recommendation(1, "1", "x", 0.5, terms)))
    assert re.search(r"humor +\(mean\)", text)
    assert re.search(r"pace +7 ", text)


def test_fallback_lists_show_counts() -> None:
    row = Recommendation(1, "7", "", 1234.0, bias=1234.0)
    text = printed(popular_table([row]))
    assert "1,234" in text
    assert " 7 " in text


def test_a_profile_starts_with_what_sets_apart() -> None:
    tastes = (
        AttributeTaste("humor", 5.0, 5.5, -0.25, 0.1),
        AttributeTaste("violence", None, 2.0, 1.5, -0.75),
    )
    text = printed(profile_table(Profile("refined/x", ("1",), (), tastes)))
    assert text.index("violence") < text.index("humor")
    assert numbers(text) == [1.5, -0.75, -0.25, 0.1]
    assert max(len(line) for line in text.splitlines()) <= 80
