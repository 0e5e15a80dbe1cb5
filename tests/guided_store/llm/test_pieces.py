"""Keys, prices, tokens and the body of a request."""

from __future__ import annotations

import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guided_store.attributes import load_schema
from guided_store.errors import UsageError
from guided_store.llm import (
    LimitField,
    Prices,
    Question,
    Usage,
    bound_tokens,
    guess_tokens,
    make_keys,
    request_body,
    was_cut,
)


@given(st.text(st.characters(codec=None)), st.integers(0, 50))
def test_keys_are_distinct_short_and_always_the_same(request_id: str, n: int) -> None:
    keys = make_keys(request_id, n)
    assert keys == make_keys(request_id, n)
    assert len(set(keys)) == len(keys) == n
    assert all(len(key) == 5 and key.isalnum() and key[0].isalpha() and key.islower() for key in keys)


def test_keys_of_a_longer_request_start_with_those_of_a_shorter() -> None:
    assert make_keys("r", 20)[:7] == make_keys("r", 7)


def test_keys_do_not_repeat_from_request_to_request() -> None:
    keys = [key for _ in range(200) for key in make_keys(uuid.uuid4().hex, 10)]
    assert len(set(keys)) > 1990  # 10 million keys: two of 2,000 meet in a fifth of all tries


def test_keys_stay_distinct_in_a_huge_request() -> None:
    assert len(set(make_keys("r", 20_000))) == 20_000  # some 20 meet on the way
    with pytest.raises(ValueError):
        make_keys("r", 100_001)


def test_cost() -> None:
    usage = Usage(tokens_in=1_000_000, tokens_out=500_000, tokens_cached=400_000)
    assert Prices(0.25, 2.0).cost(usage) == pytest.approx(0.25 + 1.0)
    assert Prices(0.25, 2.0, 0.025).cost(usage) == pytest.approx(0.15 + 0.01 + 1.0)
    assert Prices(0, 0).cost(usage) == 0


@pytest.mark.parametrize(
    ("text", "prices"),
    [
        ("0.25,2.00", Prices(0.25, 2.0)),
        (" 0.25 , 2 , 0.025 ", Prices(0.25, 2.0, 0.025)),
        ("0,0", Prices(0, 0)),
    ],
)
def test_prices_from_text(text: str, prices: Prices) -> None:
    assert Prices.parse(text) == prices


@pytest.mark.parametrize("text", ["", "0.25", "1,2,3,4", "1;2", "a,b", "1,,2"])
def test_prices_that_are_not_understood(text: str) -> None:
    with pytest.raises(UsageError, match=r"give dollars per million tokens as INPUT,OUTPUT"):
        Prices.parse(text)


@pytest.mark.parametrize("text", ["-1,2", "1,-2", "1,2,-3", "nan,1", "1,inf"])
def test_prices_that_cannot_be(text: str) -> None:
    with pytest.raises(UsageError, match=r"price is .*; a price is 0 or more"):
        Prices.parse(text)


@given(st.text(st.characters(codec=None)))
def test_tokens_are_at_most_the_bytes(text: str) -> None:
    messages = [{"role": "system", "content": "abcd"}, {"role": "user", "content": text}]
    size = len(text.encode("utf-8", errors="surrogatepass"))
    empty = bound_tokens([messages[0], {"role": "user", "content": ""}])
    assert 4 < empty < 100
    assert bound_tokens(messages) == empty + size
    assert size / 4 <= guess_tokens(messages) <= bound_tokens(messages)


def test_the_schema_is_counted_where_it_is_sent() -> None:
    question = Question(load_schema("films"))
    messages = question.messages(["k"], [{"title": "Toy Story"}])
    response_format = question.response_format("json_schema")
    more = len(json.dumps(response_format))
    assert bound_tokens(messages, response_format) == bound_tokens(messages) + more
    assert guess_tokens(messages, response_format) > guess_tokens(messages)
    assert bound_tokens(messages, None) == bound_tokens(messages)


def test_a_request_has_only_what_was_asked_for() -> None:
    question = Question(load_schema("films"))
    data = [{"title": "Toy Story"}]
    body = request_body(
        question, "m", ["k"], data, structured="none", max_output_tokens=99, limit_field="max_tokens"
    )
    assert body == {"model": "m", "messages": question.messages(["k"], data), "max_tokens": 99}


@pytest.mark.parametrize("limit_field", ["max_tokens", "max_completion_tokens"])
def test_a_request_with_all_options(limit_field: LimitField) -> None:
    question = Question(load_schema("films"))
    body = request_body(
        question,
        "m",
        ["k"],
        [{"title": "Toy Story"}],
        structured="json_schema",
        temperature=0.0,
        reasoning_effort="low",
        max_output_tokens=99,
        limit_field=limit_field,
        seed=0,
    )
    messages = question.messages(["k"], [{"title": "Toy Story"}])
    assert json.loads(json.dumps(body)) == {
        "model": "m",
        "messages": messages,
        "response_format": question.response_format("json_schema"),
        limit_field: 99,
        "temperature": 0.0,
        "reasoning_effort": "low",
        "seed": 0,
    }


@pytest.mark.parametrize("title", ["A quiet film about the sea.", "七人の侍", "सात समुंदर पार", "Ёлки"])
def test_a_prompt_that_was_read_whole_is_not_taken_for_cut(title: str) -> None:
    """At 4 characters a token, more than any of these scripts has."""
    messages = Question(load_schema("films")).messages(["k"] * 10, [{"text": title * 40}] * 10)
    characters = sum(len(message["content"]) for message in messages)
    assert not was_cut(messages, characters // 4)
    assert was_cut(messages, characters // 10)


def test_a_context_that_ollama_halved() -> None:
    """4,096 tokens of context, of which it keeps 2,050 for a prompt that does not fit."""
    messages = Question(load_schema("films")).messages(["k"] * 10, [{"text": "word " * 300}] * 10)
    assert guess_tokens(messages) > 4096
    assert was_cut(messages, 2050)
