"""Answers that look wrong are found, counted once each, and honest ones are left in peace."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from guided_store.attributes import Attribute, AttributeSchema, load_schema
from guided_store.data import films
from guided_store.ledger import SCHEMA, append_rows
from guided_store.runs import _suspicious
from guided_store.runs._suspicious import Suspicion, find_suspicious
from guided_store.store import Store, create

WIDTH = 12
Answer = Sequence[float | None]


def made(width: int, scale: tuple[float, float] = (0, 10)) -> AttributeSchema:
    ends = tuple(Attribute(f"a{number}", "none", "much") for number in range(width))
    return AttributeSchema("made", 1, "thing", scale, ends)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create(tmp_path / "store") as opened:
        yield opened


def put(
    store: Store,
    answers: Mapping[str, Sequence[Answer]],
    schema: AttributeSchema,
    run: str = "r",
    status: str = "ok",
) -> None:
    rows = [
        {
            "row_id": f"{run}-{status}-{item}-{sample}",
            "request_id": f"{run}-{item}-{sample}",
            "run": run,
            "item_id": item,
            "sample": sample,
            "attempt": 1,
            "status": status,
            "provider": "openai",
            "values": values,
            "schema_digest": schema.digest,
            "created": datetime(2026, 1, 1, tzinfo=UTC),
        }
        for item, vectors in answers.items()
        for sample, values in enumerate(vectors)
    ]
    append_rows(store, pa.Table.from_pylist(rows, schema=SCHEMA))


def honest(n: int, width: int = WIDTH, seed: int = 0) -> dict[str, list[list[float]]]:
    drawn = np.random.default_rng(seed).integers(0, 11, (n, width)).astype(float)
    return {f"h{number}": [row] for number, row in enumerate(drawn.tolist())}


def test_equal_extreme_and_shared_answers_are_told_apart(store: Store) -> None:
    schema = made(WIDTH)
    usual = [5.0, 0, 3, 0, 0, 1, 9, 2, 2, 0, 7, 4]
    put(store, honest(100), schema)
    put(store, {"ten": [[10.0] * 12], "five": [[5.0] * 11 + [None]], "nought": [[0.0] * 12]}, schema)
    put(store, {"ends": [[0, 10] * 6], "one end": [[None, *[0.0, 10, 0, 0, 10] * 2, 10]]}, schema)
    put(store, {f"s{number}": [usual] for number in range(11)}, schema)
    put(store, {f"n{number}": [[*usual[:11], 5]] for number in range(9)}, schema)  # one too few
    assert find_suspicious(store, "r", schema) == (
        Suspicion("equal", 3, 125, ("ten", "five", "nought")),
        Suspicion("extreme", 2, 125, ("ends", "one end")),
        Suspicion("shared", 11, 125, ("s0", "s1", "s2", "s3", "s4"), tuple(usual)),
    )


def test_honest_answers_are_left_in_peace(store: Store) -> None:
    """The films: scored with care by a large language model; and random answers."""
    catalogue, schema = films(), load_schema("films")
    put(
        store,
        {item: [row] for item, row in zip(catalogue.ids, catalogue.scores.tolist(), strict=True)},
        schema,
        "films",
    )
    assert find_suspicious(store, "films", schema) == ()
    put(store, honest(300), made(WIDTH))
    assert find_suspicious(store, "r", made(WIDTH)) == ()


def test_repeats_of_one_item_share_nothing(store: Store) -> None:
    schema = made(WIDTH)
    usual = [5.0, 0, 3, 0, 0, 1, 9, 2, 2, 0, 7, 4]
    put(store, {"a": [usual] * 20, "b": [usual] * 20}, schema)
    assert find_suspicious(store, "r", schema) == ()
    put(store, {f"s{number}": [usual] * 3 for number in range(8)}, schema)
    (found,) = find_suspicious(store, "r", schema)
    assert (found.kind, found.items, found.of) == ("shared", 10, 10)


def test_a_shared_answer_must_be_a_part_of_all(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = made(WIDTH)
    usual = [5.0, 0, 3, 0, 0, 1, 9, 2, 2, 0, 7, 4]
    put(store, honest(590), schema)
    put(store, {f"s{number}": [usual] for number in range(11)}, schema)
    assert find_suspicious(store, "r", schema) == ()  # 11 of 601: less than 2 %
    monkeypatch.setattr(_suspicious, "SHARED_PART", 0.01)
    assert [found.items for found in find_suspicious(store, "r", schema)] == [11]


def test_gaps_are_part_of_a_shared_answer(store: Store) -> None:
    schema = made(WIDTH)
    put(store, {f"s{number}": [[None] * 12] for number in range(10)}, schema)
    put(store, {f"t{number}": [[None] * 11 + [-0.0 if number % 2 else 0.0]] for number in range(12)}, schema)
    found = find_suspicious(store, "r", schema)
    assert [(one.kind, one.items, one.values) for one in found] == [
        ("shared", 12, (None,) * 11 + (0,)),
        ("shared", 10, (None,) * 12),
    ]


def test_batches_do_not_change_what_is_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = made(WIDTH)
    usual = [5.0, 0, 3, 0, 0, 1, 9, 2, 2, 0, 7, 4]
    put(store, honest(40) | {f"s{n}": [usual] for n in range(10)} | {"ten": [[10.0] * 12]}, schema)
    whole = find_suspicious(store, "r", schema)
    monkeypatch.setattr(_suspicious, "_BATCH", 7)
    assert find_suspicious(store, "r", schema) == whole
    assert [one.kind for one in whole] == ["equal", "shared"]


def test_only_good_answers_of_this_run_and_schema_count(store: Store) -> None:
    schema, other = made(WIDTH), made(WIDTH - 1)
    assert find_suspicious(store, "r", schema) == ()
    put(store, {"a": [[1.0] * 12]}, schema, status="failed")
    put(store, {"a": [[1.0] * 12]}, schema, run="it's")
    put(store, {"b": [[1.0] * 11]}, other)
    put(store, {"damaged": [[1.0] * 9]}, schema)
    assert find_suspicious(store, "r", schema) == ()
    assert [one.items for one in find_suspicious(store, "it's", schema)] == [1]
    assert [one.examples for one in find_suspicious(store, "r", other)] == [("b",)]


@pytest.mark.parametrize(
    ("width", "scale", "kinds"),
    [
        (2, (0, 10), []),  # one answer in eleven is equal, one in thirty extreme
        (3, (0, 10), ["equal", "extreme"]),
        (6, (0, 1), []),  # every answer is extreme, one in 32 equal
        (8, (0, 1), ["equal"]),
        (3, (1, 3), []),
    ],
)
def test_short_answers_and_narrow_scales_say_little(
    store: Store, width: int, scale: tuple[float, float], kinds: list[str]
) -> None:
    schema = made(width, scale)
    low, high = scale
    put(store, {"equal": [[high] * width], "extreme": [[low] + [high] * (width - 1)]}, schema)
    assert [one.kind for one in find_suspicious(store, "r", schema)] == kinds


def test_few_attributes_may_well_coincide(store: Store) -> None:
    schema = made(7)
    put(store, {f"s{number}": [[1.0, 2, 3, 4, 5, 6, 7]] for number in range(20)}, schema)
    assert find_suspicious(store, "r", schema) == ()


def test_a_suspicion_reads_well_and_is_json() -> None:
    found = Suspicion("shared", 1200, 3000, ("a", "b"), (1.0, None))
    assert found.line() == "1,200 of 3,000 items with the very same answer: a, b, ..."
    assert Suspicion("equal", 1, 9, ("a",)).line() == "1 of 9 items with the same score on every attribute: a"
    assert json.loads(json.dumps(found.to_dict())) == {
        "kind": "shared",
        "items": 1200,
        "of": 3000,
        "examples": ["a", "b"],
        "values": [1.0, None],
    }
