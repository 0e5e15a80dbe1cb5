"""Bodies of every kind: none raises, usage is read whatever else is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guided_store.llm import Completion, Question, Usage, judge, read_completion

Body = Callable[..., str]


@given(st.binary(max_size=200))
def test_byte_soup(question: Question, soup: bytes) -> None:
    completion = read_completion(soup.decode("utf-8", errors="surrogateescape"))
    (verdict,) = judge(question, completion, ["k"])
    assert completion.fault
    assert completion.fault.isprintable()
    assert verdict.values is None


keys = st.sampled_from(
    [
        "choices", "message", "content", "refusal", "finish_reason", "usage", "model", "error", "type",
        "text", "prompt_tokens", "completion_tokens", "prompt_tokens_details", "cached_tokens",
    ]
)  # fmt: skip
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=25,
)


@given(trees, trees, trees)
def test_no_json_raises(question: Question, whole: Any, choice: Any, usage: Any) -> None:
    for content in (whole, {"choices": [choice], "usage": usage}, {"choices": [{"message": choice}]}):
        completion = read_completion(json.dumps(content))
        assert len(judge(question, completion, ["k"])) == 1
        for text in (completion.refusal, completion.finish_reason, completion.model, completion.fault):
            assert text is None or text.isprintable()


def test_an_ordinary_completion(body: Body) -> None:
    usage = {
        "prompt_tokens": 900,
        "completion_tokens": 80,
        "total_tokens": 980,
        "prompt_tokens_details": {"cached_tokens": 512, "audio_tokens": 0},
    }
    assert read_completion(body("text", usage=usage, refusal=None)) == Completion(
        "text", None, "stop", Usage(900, 80, 512), "test-1", None
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "response is empty"),
        (" \n", "response is empty"),
        ("<html>502 Bad\nGateway</html>", "response is not JSON: <html>502 Bad Gateway</html>"),
        ("[" * 100_000, "response is not JSON: nested too deeply"),
        ('{"choices": [{"message"', 'response is not JSON: {"choices": [{"message"'),
        ("[]", "response is not a chat completion"),
        ("null", "response is not a chat completion"),
        ("{}", "response is not a chat completion: it has no choices"),
        ('{"choices": {}}', "response is not a chat completion: it has no choices"),
        ('{"choices": []}', "response has 0 choices instead of one"),
        ('{"choices": [{}, {}]}', "response has 2 choices instead of one"),
        ('{"choices": [{}]}', "response is not a chat completion: its choice has no message"),
        ('{"choices": [7]}', "response is not a chat completion: its choice has no message"),
        ('{"error": {"message": "Model\\nover\\u001bloaded"}}', "server error: Model over loaded"),
        ('{"error": "broken"}', "server error: broken"),
        ('{"error": 7}', "server error: no message"),
        ('[{"error": {"code": 400, "message": "no such field"}}]', "server error: no such field"),
        ('{"detail": "Not Found"}', "server error: Not Found"),
        ('{"detail": [{"loc": ["body"], "msg": "field required"}]}', "server error: field required"),
        ('{"object": "error", "message": "too long", "code": 400}', "server error: too long"),
        ('{"choices": [{"error": {"message": "gone"}, "message": {"content": "{"}}]}', "server error: gone"),
        ('{"choices": [{"message": {"content": 7}}]}', "content is neither a text nor a list of parts"),
    ],
)
def test_faults(text: str, fault: str) -> None:
    completion = read_completion(text)
    assert completion.fault == fault
    assert completion.content is None


def test_usage_is_read_beside_a_fault() -> None:
    completion = read_completion(
        '{"model": "m", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 0}}'
    )
    assert completion.fault
    assert (completion.usage, completion.model) == (Usage(7, 0, 0), "m")


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ("many", None),
        ([], None),
        ({}, None),
        ({"prompt_tokens": 5}, None),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, None),
        ({"prompt_tokens": 5, "completion_tokens": None}, None),
        ({"prompt_tokens": True, "completion_tokens": 1}, None),
        ({"prompt_tokens": "5", "completion_tokens": 1}, None),
        ({"prompt_tokens": -5, "completion_tokens": 1}, None),
        ({"prompt_tokens": 5.5, "completion_tokens": 1}, None),
        ({"prompt_tokens": float("nan"), "completion_tokens": 1}, None),
        ({"prompt_tokens": float("inf"), "completion_tokens": 1}, None),
        ({"prompt_tokens": 10**30, "completion_tokens": 1}, None),
        ({"prompt_tokens": 5.0, "completion_tokens": 1}, Usage(5, 1, 0)),
        ({"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": None}, Usage(5, 1, 0)),
        ({"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": 3}, Usage(5, 1, 0)),
        (
            {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 6}},
            Usage(5, 1, 0),
        ),
        (
            {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 5}},
            Usage(5, 1, 5),
        ),
    ],
)
def test_odd_usage(body: Body, usage: Any, expected: Usage | None) -> None:
    assert read_completion(body("text", usage=usage)).usage == expected


@pytest.mark.parametrize(
    ("parts", "content", "refusal", "fault"),
    [
        ([{"type": "text", "text": '{"a'}, {"type": "text", "text": '": 1}'}], '{"a": 1}', None, None),
        ([{"type": "thinking", "thinking": []}, {"type": "text", "text": "{}"}], "{}", None, None),
        ([], None, None, None),
        ([{"type": "refusal", "refusal": "No."}], None, "No.", None),
        ([{"type": "refusal", "refusal": ""}], None, "no words given", None),
        ([{"type": "image_url"}], None, None, "content has a part that is no text"),
        ([{"type": ["text"]}], None, None, "content has a part that is no text"),
        (["text"], None, None, "content has a part that is no text"),
    ],
)
def test_content_in_parts(
    body: Body, parts: list[Any], content: str | None, refusal: str | None, fault: str | None
) -> None:
    completion = read_completion(body(parts))
    assert (completion.content, completion.refusal, completion.fault) == (content, refusal, fault)


def test_long_words_are_cut(body: Body) -> None:
    refusal = read_completion(body(None, refusal="no " * 10_000)).refusal
    assert refusal is not None
    assert refusal.endswith("...")
    assert len(refusal) <= 203


@pytest.mark.parametrize(
    ("total", "tokens_out"), [(None, 20), (0, 20), ("many", 20), (120, 20), (90, 20), (437, 337)]
)
def test_thoughts_that_only_the_total_counts_are_output_too(body: Body, total: Any, tokens_out: int) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": total}
    assert read_completion(body("text", usage=usage)).usage == Usage(100, tokens_out)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("MAX_TOKENS", "length"),
        ("max_tokens", "length"),
        ("length", "length"),
        ("content_filter: RECITATION", "content_filter"),
        ("eos", "eos"),
        (None, None),
    ],
)
def test_finish_reasons_in_other_words(body: Body, said: str | None, meant: str | None) -> None:
    assert read_completion(body("text", finish=said)).finish_reason == meant
