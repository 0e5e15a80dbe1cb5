"""Verdicts: what passes unchanged, and the reason for each way in which an answer is of no use."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guided_store.llm import Question, Verdict, judge, make_keys, read_completion, reason_kind

Body = Callable[..., str]
Answer = Callable[..., dict[str, Any]]

KEYS = make_keys("request", 3)
NAMES = ("humor", "action", "pace")


def verdicts(question: Question, body: str) -> list[Verdict]:
    found = judge(question, read_completion(body), KEYS)
    for verdict in found:
        assert (verdict.values is None) != (verdict.reason is None)
    return found


def reasons(question: Question, body: str) -> set[str | None]:
    return {verdict.reason for verdict in verdicts(question, body)}


@given(
    scores=st.lists(st.lists(st.integers(0, 10), min_size=3, max_size=3), min_size=3, max_size=3),
    order=st.permutations(range(3)),
    inner=st.permutations(range(3)),
    floats=st.booleans(),
)
def test_a_right_answer_in_any_order_is_taken_as_it_is(
    question: Question, body: Body, scores: list[list[int]], order: list[int], inner: list[int], floats: bool
) -> None:
    items = [
        {"scores": {NAMES[i]: float(scores[k][i]) if floats else scores[k][i] for i in inner}, "id": KEYS[k]}
        for k in order
    ]
    expected = [Verdict(tuple(map(float, row)), None) for row in scores]
    assert verdicts(question, body({"items": items})) == expected


MUTATIONS: list[tuple[Any, str]] = [
    (11, "out of range: humor is 11, the scale is 0 to 10"),
    (-1, "out of range: humor is -1, the scale is 0 to 10"),
    (10.001, "out of range: humor is 10.001, the scale is 0 to 10"),
    (float("inf"), "out of range: humor is Infinity, the scale is 0 to 10"),
    (float("nan"), "not a number: humor is NaN"),
    (10**400, "out of range: humor is beyond all measure, the scale is 0 to 10"),
    (7.5, "not a whole number: humor is 7.5"),
    (True, "not a number: humor is true"),
    (False, "not a number: humor is false"),
    ("7", 'not a number: humor is "7"'),
    ("", 'not a number: humor is ""'),
    ([7], "not a number: humor is a list"),
    ({"score": 7}, "not a number: humor is an object"),
    (None, "no score: humor is null"),
]


@pytest.mark.parametrize(("value", "reason"), MUTATIONS)
def test_a_bad_score_costs_its_item_only(
    question: Question, body: Body, answer: Answer, value: Any, reason: str
) -> None:
    content = answer(KEYS)
    content["items"][1]["scores"]["humor"] = value
    good = Verdict((1.0, 2.0, 3.0), None)
    assert verdicts(question, body(content)) == [good, Verdict(None, reason), good]


numbers = st.one_of(st.integers(), st.floats(), st.integers(-(10**400), 10**400))


@given(item=st.integers(0, 2), name=st.sampled_from(NAMES), value=numbers)
def test_no_score_is_ever_clamped_or_rounded(
    question: Question, body: Body, answer: Answer, item: int, name: str, value: float
) -> None:
    content = answer(KEYS)
    content["items"][item]["scores"][name] = value
    found = verdicts(question, body(content))
    right = 0 <= value <= 10 and value == int(value)
    if right:
        values = found[item].values
        assert values is not None
        assert values[NAMES.index(name)] == value
    else:
        assert found[item].values is None
    others = [verdict.values for k, verdict in enumerate(found) if k != item]
    assert others == [(1.0, 2.0, 3.0)] * 2


@given(value=numbers)
def test_fractional_scales_take_fractions(
    fractional: Question, body: Body, answer: Answer, value: float
) -> None:
    content = answer(KEYS)
    for item in content["items"]:
        item["scores"] = dict.fromkeys(NAMES, 0.25)
    content["items"][0]["scores"]["humor"] = value
    first, *others = verdicts(fractional, body(content))
    assert (first.values == (float(value), 0.25, 0.25)) if 0 <= value <= 1 else first.values is None
    assert [verdict.values for verdict in others] == [(0.25, 0.25, 0.25)] * 2


def test_null_is_a_value_where_it_is_allowed(unsure: Question, body: Body, answer: Answer) -> None:
    content = answer(KEYS)
    content["items"][0]["scores"]["action"] = None
    assert verdicts(unsure, body(content))[0].values == (1.0, None, 3.0)


def change(path: tuple[Any, ...], value: Any) -> Callable[[dict[str, Any]], None]:
    def apply(content: dict[str, Any]) -> None:
        target: Any = content
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = value

    return apply


def drop(*path: Any) -> Callable[[dict[str, Any]], None]:
    def apply(content: dict[str, Any]) -> None:
        target: Any = content
        for step in path[:-1]:
            target = target[step]
        del target[path[-1]]

    return apply


@pytest.mark.parametrize(
    ("mutate", "reason"),
    [
        (drop("items", 1, "scores", "action"), "missing attribute: action"),
        (change(("items", 1, "scores", "plot"), 3), "unknown attribute: plot"),
        (change(("items", 1, "scores"), [1, 2, 3]), 'wrong form: "scores" is not an object'),
        (drop("items", 1, "scores"), "wrong form: an element of items has no 'scores'"),
        (
            change(("items", 1, "why"), "funny"),
            "wrong form: an element of items has 'why', which was not asked for",
        ),
        (drop("items", 1), "no answer: the item is missing from it"),
    ],
)
def test_a_fault_within_an_item_costs_that_item_only(
    question: Question, body: Body, answer: Answer, mutate: Callable[[dict[str, Any]], None], reason: str
) -> None:
    content = answer(KEYS)
    mutate(content)
    good = Verdict((1.0, 2.0, 3.0), None)
    assert verdicts(question, body(content)) == [good, Verdict(None, reason), good]


@pytest.mark.parametrize(
    ("mutate", "reason"),
    [
        (change(("items", 1, "id"), "other"), "mixed up: the answer has an id that was not asked for"),
        (change(("items", 1, "id"), KEYS[0]), "mixed up: the answer has an id twice"),
        (
            change(("items", 1, "id"), KEYS[1].upper()),
            "mixed up: the answer has an id that was not asked for",
        ),
        (change(("items", 1, "id"), 1), "mixed up: an element of items has no id"),
        (drop("items", 1, "id"), "mixed up: an element of items has no id"),
        (change(("items", 1), 7), "wrong form: an element of items is not an object"),
        (change(("items",), {}), 'wrong form: "items" is not a list'),
        (drop("items"), "wrong form: the answer has no 'items'"),
        (change(("more",), 1), "wrong form: the answer has 'more', which was not asked for"),
    ],
)
def test_an_answer_that_leaves_open_what_belongs_to_whom_is_refused(
    question: Question, body: Body, answer: Answer, mutate: Callable[[dict[str, Any]], None], reason: str
) -> None:
    content = answer(KEYS)
    mutate(content)
    assert reasons(question, body(content)) == {reason}


def test_an_additional_answer_to_an_id_is_refused(question: Question, body: Body, answer: Answer) -> None:
    content = answer([*KEYS, KEYS[0]])
    assert reasons(question, body(content)) == {"mixed up: the answer has an id twice"}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"humor": 1', '"humor": 1, "humor": 1', "attribute twice: humor"),
        ('"humor": 1', '"humor": 1, "hu\\u006dor": 9', "attribute twice: humor"),
        ('"scores": {', '"scores": {}, "scores": {', "wrong form: an element of items has 'scores' twice"),
    ],
)
def test_a_key_twice_within_an_item(
    question: Question, body: Body, answer: Answer, old: str, new: str, reason: str
) -> None:
    text = json.dumps(answer(KEYS)).replace(old, new, 1)
    first, *others = verdicts(question, body(text))
    assert first == Verdict(None, reason)
    assert all(verdict.values for verdict in others)


def test_a_key_twice_around_the_items(question: Question, body: Body, answer: Answer) -> None:
    text = json.dumps(answer(KEYS))
    two_ids = text.replace('"id": ', f'"id": "{KEYS[1]}", "id": ', 1)
    assert reasons(question, body(two_ids)) == {"mixed up: an element of items has two ids"}
    two_of_all = two_ids.replace('"scores": ', '"scores": {}, "scores": ', 1)
    assert reasons(question, body(two_of_all)) == {"mixed up: an element of items has two ids"}
    scores_first = text.replace('"id": ', '"scores": {}, "scores": {}, "id": "x", "id": ', 1)
    assert reasons(question, body(scores_first)) == {"mixed up: an element of items has two ids"}
    two_lists = text.replace('"items": ', '"items": [], "items": ', 1)
    assert reasons(question, body(two_lists)) == {"wrong form: the answer has 'items' twice"}


def test_an_answer_cut_anywhere_gives_no_score(question: Question, body: Body, answer: Answer) -> None:
    text = json.dumps(answer(KEYS))
    for end in range(len(text)):
        found = verdicts(question, body(text[:end]))
        assert all(verdict.values is None for verdict in found)
    assert reasons(question, body(text[:-1])) == {"not JSON: it breaks off"}
    assert reasons(question, body(text[:14])) == {"not JSON: it breaks off"}  # within a text
    # As servers say it themselves:
    cut = "cut off: the answer reached the limit of output tokens"
    assert reasons(question, body(text[:40], finish="length")) == {cut}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "empty answer"),
        (" \n", "empty answer"),
        ("I would rather not.", "not JSON: I would rather not."),
        ("[]", "wrong form: the answer is not a JSON object"),
        ("7", "wrong form: the answer is not a JSON object"),
        ("[" * 100_000, "not JSON: a number or a nesting beyond all measure"),
        ("9" * 10_000, "not JSON: a number or a nesting beyond all measure"),
        ('{"items": []} {"items": []}', 'not JSON: {"items": []} {"items": []}'),
        ("\x1b[31m\x07red\ud800\u202e", "not JSON: [31m red"),
    ],
)
def test_content_that_is_no_answer(question: Question, body: Body, text: str | None, reason: str) -> None:
    assert reasons(question, body(text)) == {reason}


def test_one_fence_is_taken_off(question: Question, body: Body, answer: Answer) -> None:
    text = json.dumps(answer(KEYS))
    for fenced in (f"```json\n{text}\n```", f"```\n{text}```", f"\n ```JSON\r\n{text}\n``` \n"):
        assert reasons(question, body(fenced)) == {None}
    for other in (f"Here it is:\n```json\n{text}\n```", f"```\n```\n{text}\n```\n```", f"```json\n{text}"):
        assert all(str(reason).startswith("not JSON: ") for reason in reasons(question, body(other)))


@pytest.mark.parametrize(
    ("message", "finish", "reason"),
    [
        ({"refusal": "I can't help\nwith that."}, "stop", "refused: I can't help with that."),
        ({}, "content_filter", "filtered: the server's content filter stopped the answer"),
        ({"tool_calls": [{}]}, "tool_calls", "wrong form: the model called a tool instead of answering"),
    ],
)
def test_other_ends(
    question: Question, body: Body, answer: Answer, message: dict[str, Any], finish: str, reason: str
) -> None:
    assert reasons(question, body(answer(KEYS), finish=finish, **message)) == {reason}


@pytest.mark.parametrize("finish", ["stop", None, "eos", "end_turn"])
def test_a_whole_answer_counts_whatever_a_server_calls_its_end(
    question: Question, body: Body, answer: Answer, finish: str | None
) -> None:
    assert reasons(question, body(answer(KEYS), finish=finish)) == {None}


def test_a_bad_response_is_the_reason_for_all(question: Question) -> None:
    assert reasons(question, '{"choices": []}') == {"bad response: response has 0 choices instead of one"}


def test_kinds_can_be_counted() -> None:
    assert reason_kind("out of range: humor is 11, the scale is 0 to 10") == "out of range"
    assert reason_kind("empty answer") == "empty answer"


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(KEYS)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["items", "id", "scores", *NAMES, "x"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(content=trees)
def test_no_content_raises_and_no_score_leaves_the_scale(
    question: Question, body: Body, content: Any
) -> None:
    for verdict in verdicts(question, body(json.dumps(content))):
        for value in verdict.values or ():
            assert value is not None
            assert 0 <= value <= 10
        if verdict.reason:
            verdict.reason.encode()
            assert verdict.reason.isprintable()


@given(data=st.data())
def test_any_value_in_any_place_never_raises(
    question: Question, body: Body, answer: Answer, data: st.DataObject
) -> None:
    content = answer(KEYS)
    before = copy.deepcopy(content)
    item = data.draw(st.integers(0, 2))
    place = data.draw(st.sampled_from(["id", "scores", "humor", "action", "pace"]))
    target = content["items"][item] if place in ("id", "scores") else content["items"][item]["scores"]
    target[place] = data.draw(trees)
    found = verdicts(question, body(content))
    if json.dumps(content) != json.dumps(before) and place in NAMES:
        assert all(verdict.values == (1.0, 2.0, 3.0) for k, verdict in enumerate(found) if k != item)


THOUGHTS = [
    '<think>\nA film. {"items": []}\n</think>\n\n',
    "The start was in the prompt.</think>",
    "<think></think>",
    "<think>It quotes </think> and </think> goes on</think>\n",
    "<thinking>a</thinking>",
    "[THINK]a[/THINK]",
    "<seed:think>a</seed:think>",
]


@pytest.mark.parametrize("thoughts", THOUGHTS)
@pytest.mark.parametrize("fenced", [False, True])
def test_thoughts_before_an_answer_are_no_part_of_it(
    question: Question, body: Body, answer: Answer, thoughts: str, fenced: bool
) -> None:
    text = json.dumps(answer(KEYS))
    text = f"```json\n{text}\n```" if fenced else text
    assert verdicts(question, body(thoughts + text)) == [Verdict((1, 2, 3), None)] * 3


def test_only_thoughts_before_an_answer_are_passed_over(
    question: Question, body: Body, answer: Answer
) -> None:
    text = json.dumps(answer(KEYS))
    for content in ("Sure! " + text, "<think>" + text, text + "<think>a</think>", f"{text}</think>{text}"):
        assert {reason_kind(reason or "") for reason in reasons(question, body(content))} == {"not JSON"}


def test_thoughts_without_an_answer(question: Question, body: Body) -> None:
    silent = "empty answer: the model thought and said nothing; its server may take answers for thoughts"
    assert reasons(question, body("<think>a</think>")) == {silent}
    assert reasons(question, body("", reasoning_content='{"items": []}')) == {silent}
    assert reasons(question, body(None, reasoning="hm")) == {silent}
    assert reasons(question, body("", reasoning_content="")) == {"empty answer"}
