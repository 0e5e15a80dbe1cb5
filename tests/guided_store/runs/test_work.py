"""What is left to ask: every answer once, in requests of the right size, made as they are needed."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guided_store.ledger import Holdings, ItemText
from guided_store.runs._work import Ask, Selection, Tally, Unit, count, smaller


def text(number: int) -> ItemText:
    return ItemText(f"i{number}", {"title": f"Film {number}"}, f"h{number}")


def holdings(*rows: tuple[str, int, str]) -> Holdings:
    """Rows as (item, sample, status), each about the item's current text."""
    held = Holdings()
    for item, sample, status in rows:
        held._add(item, sample, f"h{item[1:]}", status, 0.0, 1, 1)
    return held


def select(held: Holdings | None = None, **options: object) -> Selection:
    chosen = {"repeats": 1, "items_per_request": 1, "attempts": 3, **options}
    return Selection(held or Holdings(), **chosen)  # type: ignore[arg-type]


def asked(units: Iterator[Unit]) -> list[list[tuple[str, int]]]:
    return [[(ask.text.item_id, ask.sample) for ask in unit.asks] for unit in units]


@given(st.integers(0, 40), st.integers(1, 4), st.integers(1, 7))
def test_each_answer_is_asked_for_once(items: int, repeats: int, size: int) -> None:
    units = asked(select(repeats=repeats, items_per_request=size).units(text(n) for n in range(items)))
    found = Counter(itertools.chain.from_iterable(units))
    assert found == Counter((f"i{n}", sample) for n in range(items) for sample in range(repeats))
    for unit in units:
        assert len({sample for _, sample in unit}) == 1
        assert len({item for item, _ in unit}) == len(unit) <= size
    # Only the last request of each sample may be short.
    assert sum(len(unit) < size for unit in units) <= repeats


def test_units_come_as_they_are_pulled() -> None:
    taken = 0

    def texts() -> Iterator[ItemText]:
        nonlocal taken
        for number in itertools.count():
            taken += 1
            yield text(number)

    units = select(items_per_request=10, repeats=2).units(texts())
    for _ in range(6):
        next(units)
    assert taken == 30


def test_what_is_held_is_not_asked_again() -> None:
    held = holdings(
        ("i0", 0, "ok"),
        ("i1", 0, "failed"),
        ("i2", 0, "failed"),
        ("i2", 0, "failed"),
        ("i2", 0, "failed"),
        ("i3", 0, "unknown"),
        ("i3", 0, "error"),
        ("i3", 0, "error"),
        ("i3", 0, "error"),
    )
    tally = Tally()
    texts = [text(n) for n in range(5)] + [ItemText("empty", {}, "h")]
    units = list(select(held, waiting={("i4", "h4", 0)}).units(texts, tally))
    asks = {ask.text.item_id: ask for unit in units for ask in unit.asks}
    assert set(asks) == {"i1", "i3"}
    assert (asks["i1"].attempt, asks["i1"].failures) == (2, 1)
    assert (asks["i3"].attempt, asks["i3"].failures) == (5, 0)  # nothing answered, nothing failed
    assert tally == Tally(items=6, without_text=1, done=1, given_up=1, in_batches=1, left=2)


def test_another_text_is_another_question() -> None:
    held = holdings(("i0", 0, "ok"), ("i0", 0, "failed"))
    changed = ItemText("i0", {"title": "New"}, "other")
    (unit,) = select(held).units([changed])
    assert (unit.asks[0].attempt, unit.asks[0].failures) == (3, 0)


def test_what_was_given_up_is_asked_again_on_request() -> None:
    held = holdings(*[("i0", 0, "failed")] * 3)
    assert not list(select(held).units([text(0)]))
    (unit,) = select(held, retry_failed=True).units([text(0)])
    assert (unit.asks[0].attempt, unit.asks[0].failures) == (4, 0)


def test_only_missing_repeats_are_asked() -> None:
    held = holdings(("i0", 0, "ok"), ("i1", 1, "ok"))
    units = asked(select(held, repeats=2, items_per_request=2).units(text(n) for n in range(3)))
    assert units == [[("i1", 0), ("i2", 0)], [("i0", 1), ("i2", 1)]]


def test_the_limit_counts_items_with_something_to_ask() -> None:
    held = holdings(("i0", 0, "ok"), ("i0", 1, "ok"))
    tally = Tally()
    units = asked(select(held, repeats=2, limit=2).units((text(n) for n in range(6)), tally))
    assert {item for unit in units for item, _ in unit} == {"i1", "i2"}
    assert (tally.done, tally.left, tally.beyond) == (2, 10, 6)


def test_only_the_named_items_are_looked_at() -> None:
    tally = count(select(only={"i1", "i4"}), (text(n) for n in range(6)))
    assert (tally.items, tally.left) == (2, 2)


@pytest.mark.parametrize(("bad", "sizes"), [(0, []), (1, [1]), (3, [3]), (5, [3, 2])])
def test_bad_items_are_asked_in_a_smaller_request(bad: int, sizes: list[int]) -> None:
    asks = [Ask(text(n), 0, 1, 0) for n in range(5)]
    units = smaller(Unit(asks, room=1, refusals=3), asks[:bad], room=2)
    assert [len(unit.asks) for unit in units] == sizes
    assert [ask for unit in units for ask in unit.asks] == asks[:bad]
    assert all((unit.room, unit.refusals) == (2, 0) for unit in units)
