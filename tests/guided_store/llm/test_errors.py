"""Error objects in the shapes that servers give them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guided_store.llm import ServerError, error_within, read_error


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (
            {"error": {"message": "You exceeded\nyour quota", "code": "insufficient_quota", "type": "x"}},
            ("insufficient_quota", None, "You exceeded your quota"),
        ),
        ({"error": {"message": "no", "type": "invalid_request"}}, ("invalid_request", None, "no")),
        # Gemini
        (
            [{"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED"}}],
            ("RESOURCE_EXHAUSTED", 429, "Quota"),
        ),
        ({"error": {"code": "503", "message": "Overloaded"}}, ("503", 503, "Overloaded")),  # gateways
        ({"detail": "Not Found"}, ("", None, "Not Found")),  # FastAPI
        ({"detail": [{"loc": ["body"], "msg": "field required"}]}, ("", None, "field required")),
        ({"object": "error", "message": "too long", "code": 400}, ("", 400, "too long")),  # vLLM
        ({"error": "model 'x' not found"}, ("", None, "model 'x' not found")),  # Ollama
        ({"error": {"code": 200, "message": "no status"}}, ("", None, "no status")),
        ({}, ("", None, "")),
        ([], ("", None, "")),
        (7, ("", None, "")),
    ],
)
def test_shapes(body: object, found: tuple[str, int | None, str]) -> None:
    assert read_error(json.dumps(body)) == ServerError(*found)


def test_texts_that_are_no_json() -> None:
    assert read_error("upstream\x1b[31m down\n").message == "upstream [31m down"
    assert read_error("<!DOCTYPE html><html>nginx</html>").message == ""


@given(st.text(max_size=80) | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps))
def test_nothing_raises_and_messages_are_one_printable_line(text: str) -> None:
    message = read_error(text).message
    assert message == "" or message.isprintable()
    assert error_within(text) is None or "error" in text


def test_an_error_within_an_answer_is_one_that_holds_nothing_else() -> None:
    assert error_within('{"error": {"code": 502, "message": "down"}}') == ServerError("", 502, "down")
    assert error_within('{"choices": [], "error": {"code": 502}}') is None
    assert error_within('{"id": 1}') is None
    assert error_within('{"error": null}') is None
