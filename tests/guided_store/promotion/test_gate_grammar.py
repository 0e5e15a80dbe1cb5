"""Gates as sentences: what can be read, and where reading stops."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guided_store.beyond import MEASURES
from guided_store.errors import UsageError
from guided_store.promotion import CUT, parse_gate


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ndcg@10 >= base - 0.5%", ("ndcg@10", 10, ">=", "base", -0.005, True)),
        ("  recall@20>current+1% ", ("recall@20", 20, ">", "current", 0.01, True)),
        ("mrr >= 0.07", ("mrr", None, ">=", None, 0.07, False)),
        ("mrr@5 >= .07", ("mrr@5", 5, ">=", None, 0.07, False)),
        ("recall@20 >= 16%", ("recall@20", 20, ">=", None, 0.16, False)),
        ("coverage >= refined/old-1.2 - 0.02", ("coverage", CUT, ">=", "refined/old-1.2", -0.02, False)),
        ("gini@20 <= production", ("gini", 20, "<=", "production", 0.0, False)),
        ("popularity_lift < -1e-1", ("popularity_lift", CUT, "<", None, -0.1, False)),
        ("ndcg@10 >= 2nd-best - 1 %", None),
        ("ndcg@10 >= 2nd-best − 1%", ("ndcg@10", 10, ">=", "2nd-best", -0.01, True)),
        ("ndcg@10 >= base-2", ("ndcg@10", 10, ">=", "base-2", 0.0, False)),
    ],
)
def test_what_a_gate_says(text: str, expected: tuple[object, ...] | None) -> None:
    if expected is None:
        with pytest.raises(UsageError, match="cannot be read"):
            parse_gate(text)
        return
    gate = parse_gate(text)
    found = (gate.metric, gate.k, gate.comparison, gate.side, gate.number, gate.relative)
    assert found == pytest.approx(expected) if expected[3] is None else found == expected
    assert gate.text == " ".join(text.split())
    assert gate.measure == (gate.metric in MEASURES)


@pytest.mark.parametrize(
    ("text", "where", "expects"),
    [
        ("", "at its end", "the name of a metric"),
        ("hits@10 >= base", "at 'hits@10 >= base' (character 1)", "a metric: mrr, recall@K"),
        ("ndcg >= base", "at ' >= base' (character 5)", "@K, as in ndcg@10"),
        ("ndcg@0 >= base", "(character 7)", "a K from 1"),
        ("ndcg@10 => base", "at '=> base' (character 9)", "one of >=, <=, > and <"),
        ("ndcg@10 = base", "at '= base' (character 9)", "one of >=, <=, > and <"),
        ("ndcg@10 >=", "at its end", "a number, `base`"),
        ("ndcg@10 >= base -", "at its end", "a number such as 0.5%"),
        ("ndcg@10 >= base-0.5%", "at '-0.5%' (character 16)", "a space before and after the sign"),
        ("ndcg@10 >= base-0.005", "at '-0.005' (character 16)", "a space before and after the sign"),
        ("ndcg@10 >= refined/x-1%", "at '%' (character 23)", "+ or - and a number"),
        ("ndcg@10 >= base - 0.5% or so", "at 'or so' (character 24)", "the end is expected"),
        ("ndcg@10 >= 0.1 >= 0.2", "at '>= 0.2' (character 16)", "the end is expected"),
    ],
)
def test_a_gate_that_cannot_be_read_says_where(text: str, where: str, expects: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_gate(text)
    assert where in str(refused.value)
    assert expects in str(refused.value)


@settings(deadline=None)
@given(
    metric=st.sampled_from(["mrr", "ndcg@10", "recall@7", *MEASURES]),
    comparison=st.sampled_from([">=", "<=", ">", "<"]),
    side=st.sampled_from(["base", "current", "refined/a-b.c_9", "production"]),
    number=st.floats(0, 100, allow_nan=False),
    minus=st.booleans(),
    percent=st.booleans(),
)
def test_what_is_written_is_read(
    metric: str, comparison: str, side: str, number: float, minus: bool, percent: bool
) -> None:
    gate = parse_gate(
        f"{metric} {comparison} {side} {'-' if minus else '+'} {number}{'%' if percent else ''}"
    )
    assert (gate.comparison, gate.side, gate.relative) == (comparison, side, percent)
    assert gate.number == (-number if minus else number) / (100 if percent else 1)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_nothing_else_than_a_sentence_comes_of_any_text(text: str) -> None:
    told = "read"
    try:
        parse_gate(text)
    except UsageError as refused:
        told = str(refused)
    assert "read" in told
