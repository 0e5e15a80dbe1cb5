"""From an answer to scores, or to the reason why there are none. Nothing is repaired, guessed or clamped."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from guided_store.llm._completion import Completion, words
from guided_store.llm._form import Unusable, usable_text
from guided_store.llm._question import Question


@dataclass(frozen=True)
class Verdict:
    """What an answer says about one item: either values or a reason, never both.

    Attributes:
        values: length A in the schema's order, each within the scale, None where the model said that it does
            not know (only if the question allows it); or None if the answer cannot be used.
        reason: why not, as "kind" or "kind: detail"; the kinds are few and can be counted (`reason_kind`).
    """

    values: tuple[float | None, ...] | None
    reason: str | None


class _Repeated(dict[str, Any]):
    """An object of the answer in which a key stands twice, so that it says two things."""

    key = ""


def reason_kind(reason: str) -> str:
    """The part of a verdict's reason that is the same for all of its kind ("out of range", "refused")."""
    return reason.split(":", 1)[0]


def judge(question: Question, completion: Completion, keys: Sequence[str]) -> list[Verdict]:
    """One verdict for each key, in the order of the keys. Never raises.

    An item is refused by itself where its own scores are at fault. The whole answer is refused where it
    cannot be said what belongs to whom: it is no JSON of the asked form, or an id was not
    asked for or is there twice.
    """
    try:
        entries = _entries(completion, keys)
    except Unusable as unusable:
        return [Verdict(None, str(unusable))] * len(keys)
    return [_item(question, entries.get(key)) for key in keys]


def _entries(completion: Completion, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The answer's elements by id, all ids asked for and none twice."""
    answer = _parse(usable_text(completion))
    if not isinstance(answer, dict):
        raise Unusable("wrong form: the answer is not a JSON object")
    _check_keys(answer, ("items",), "the answer")
    items = answer["items"]
    if not isinstance(items, list):
        raise Unusable('wrong form: "items" is not a list')
    ids = []
    for entry in items:
        if not isinstance(entry, dict):
            raise Unusable("wrong form: an element of items is not an object")
        if isinstance(entry, _Repeated) and entry.key == "id":
            raise Unusable("mixed up: an element of items has two ids")
        if not isinstance(entry.get("id"), str):
            raise Unusable("mixed up: an element of items has no id")
        ids.append(entry["id"])
    foreign = set(ids).difference(keys)
    if foreign:
        raise Unusable("mixed up: the answer has an id that was not asked for")
    if any(count > 1 for count in Counter(ids).values()):
        raise Unusable("mixed up: the answer has an id twice")
    return dict(zip(ids, items, strict=True))


def _parse(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        # At the very end, or in a text that does not end: more room for the answer may cure it.
        open_end = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        what = "it breaks off" if open_end else words(text, 60)
        raise Unusable(f"not JSON: {what}") from None
    except (ValueError, RecursionError):
        raise Unusable("not JSON: a number or a nesting beyond all measure") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) == len(pairs):
        return content
    repeated = _Repeated(content)
    counts = Counter(key for key, _ in pairs)
    # An id given twice matters most: it leaves open whose scores these are.
    repeated.key = "id" if counts["id"] > 1 else next(key for key, count in counts.items() if count > 1)
    return repeated


def _item(question: Question, entry: dict[str, Any] | None) -> Verdict:
    if entry is None:
        return Verdict(None, "no answer: the item is missing from it")
    try:
        _check_keys(entry, ("id", "scores"), "an element of items")
        scores = entry["scores"]
        if not isinstance(scores, dict):
            raise Unusable('wrong form: "scores" is not an object')
        if isinstance(scores, _Repeated):
            raise Unusable(f"attribute twice: {words(scores.key, 40)}")
        names = question.schema.names
        for name in names:
            if name not in scores:
                raise Unusable(f"missing attribute: {name}")
        if len(scores) > len(names):
            extra = next(name for name in scores if name not in names)
            raise Unusable(f"unknown attribute: {words(extra, 40)}")
        return Verdict(tuple(_score(question, name, scores[name]) for name in names), None)
    except Unusable as unusable:
        return Verdict(None, str(unusable))


def _check_keys(content: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    if isinstance(content, _Repeated):
        raise Unusable(f"wrong form: {where} has {words(content.key, 40)!r} twice")
    for key in known:
        if key not in content:
            raise Unusable(f"wrong form: {where} has no {key!r}")
    for key in content:
        if key not in known:
            raise Unusable(f"wrong form: {where} has {words(key, 40)!r}, which was not asked for")


def _score(question: Question, name: str, value: object) -> float | None:
    """One score, exactly as the model gave it."""
    if value is None:
        if question.allow_unknown:
            return None
        raise Unusable(f"no score: {name} is null")
    # A bool is an int to Python, not to a scale.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unusable(f"not a number: {name} is {_shown(value)}")
    if isinstance(value, float) and math.isnan(value):
        raise Unusable(f"not a number: {name} is NaN")
    low, high = question.schema.scale
    if not low <= value <= high:
        raise Unusable(f"out of range: {name} is {_shown(value)}, the scale is {low:g} to {high:g}")
    if question.whole and value != int(value):
        raise Unusable(f"not a whole number: {name} is {_shown(value)}")
    return float(value) + 0.0  # + 0.0: no -0.0


def _shown(value: object) -> str:
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case int() if abs(value) > 10**15:  # also spares printing a number of thousands of digits
            return "beyond all measure"
        case _:
            return words(json.dumps(value, ensure_ascii=False), 40)
