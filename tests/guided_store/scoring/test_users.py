"""Vectors of users: on the items' scale, about the training history as it is, and told from items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from digit_histories import put_events

from guided_store.attributes import Attribute, AttributeSchema
from guided_store.catalogue import leave_one_out, load_sequences
from guided_store.errors import UsageError, VersionError
from guided_store.ledger import RunRecord, UserHistories, append_rows, iter_shown, need_run, record_run
from guided_store.llm import Question
from guided_store.scoring import build_guided, build_users, choose_schema
from guided_store.store import Store, create
from guided_store.versions import (
    Ref,
    VersionInfo,
    load_embedding,
    parse_ref,
    set_alias,
    users_ref,
    write_version,
)

SCHEMA = AttributeSchema(
    "demo", 1, "film", (0, 10), (Attribute("humor", "none", "constant"), Attribute("pace", "slow", "fast"))
)
ITEMS = {"i0": (2, 8), "i1": (4, 8), "i2": (6, 8)}  # humor: mean 4; pace does not vary


def put_run(
    store: Store, run: str, users: UserHistories | None, schema: AttributeSchema = SCHEMA
) -> RunRecord:
    question = Question(schema, subject="items" if users is None else "users")
    return record_run(
        store,
        RunRecord(
            run=run,
            provider="openai",
            model="m",
            endpoint=None,
            purpose="score",
            schema=schema,
            prompt_hash=question.prompt_hash,
            prompt=question.system,
            fields=("title",),
            max_chars=200,
            allow_unknown=True,
            settings={} if users is None else {"users": users.to_dict()},
            created=datetime(2026, 9, 1, tzinfo=UTC),
        ),
    )


def put_answers(
    store: Store,
    record: RunRecord,
    values: Mapping[str, Sequence[float | None]],
    *,
    sample: int = 0,
    hashes: Mapping[str, str] | None = None,
) -> None:
    """Answers of a run about what it shows now, or about texts of other hashes."""
    now = {text.item_id: text.hash for text in iter_shown(store, record)} | dict(hashes or {})
    rows = [
        {
            "row_id": f"{record.run}-{key}-{sample}",
            "request_id": f"{record.run}-{key}-{sample}",
            "run": record.run,
            "item_id": key,
            "sample": sample,
            "attempt": 1,
            "status": "ok",
            "provider": record.provider,
            "values": list(given),
            "schema_digest": record.schema.digest,
            "text_hash": now[key],
            "created": record.created,
        }
        for key, given in values.items()
    ]
    append_rows(store, pa.Table.from_pylist(rows))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Three items with scores and guided/g, three users with a training history of one item each."""
    with create(tmp_path / "store") as opened:
        columns = [pa.array(list(ITEMS)), pa.array([f"Film {item}" for item in ITEMS])]
        fields = [pa.field("item_id", pa.string(), nullable=False), pa.field("title", pa.string())]
        fields.append(pa.field("text", pa.string()))
        columns.append(pa.nulls(len(ITEMS), pa.string()))
        opened.append("items", pa.Table.from_arrays(columns, schema=pa.schema(fields)))
        put_events(opened, tmp_path, {"ann": "012", "bob": "120", "cy": "201"})
        put_answers(opened, put_run(opened, "items", None), ITEMS)
        build_guided(opened, "g", schema=SCHEMA, run="items")
        yield opened


def scored(store: Store, run: str = "people", users: UserHistories | None = None) -> RunRecord:
    record = put_run(store, run, users or UserHistories())
    put_answers(store, record, {"user:ann": (10, 5), "user:bob": (4, None), "user:cy": (0, 9)})
    return record


def build(store: Store, name: str = "u", **options: object) -> VersionInfo:
    return build_users(store, name, **({"run": "people", "guided": "guided/g"} | options))  # type: ignore[arg-type]


def test_users_are_on_the_scale_of_the_items(store: Store) -> None:
    scored(store)
    found = load_embedding(store, build(store).ref)
    assert found.item_ids == ("ann", "bob", "cy")
    deviation = np.std([2, 4, 6])
    np.testing.assert_allclose(found.vectors[:, 0], np.array([6, 0, -4]) / deviation, rtol=1e-6)
    assert not found.vectors[:, 1].any()  # no item differs in pace, so that it tells nothing
    assert found.raw is not None
    np.testing.assert_array_equal(found.raw, [[10, 5], [4, np.nan], [0, 9]])
    assert found.imputed is not None
    assert found.imputed.tolist() == [[False, False], [False, True], [False, False]]
    assert found.attributes == ("humor", "pace")
    items = load_embedding(store, "guided/g")
    assert found.info.recipe["mean"] == items.info.recipe["mean"]
    assert found.info.recipe["guided_digest"] == items.digest
    split = leave_one_out(load_sequences(store))
    assert found.info.recipe["split_kind"] == "leave-one-out"
    assert found.info.recipe["split_digest"] == split.digest
    assert found.info.parents == ("guided/g",)


def test_samples_are_averaged_and_their_spread_kept(store: Store) -> None:
    record = scored(store)
    put_answers(store, record, {"user:ann": (8, 5)}, sample=1)
    found = load_embedding(store, build(store).ref)
    assert found.raw is not None
    assert found.std is not None
    assert found.raw[0].tolist() == [9, 5]
    assert found.std[0].tolist() == [1, 0]
    assert np.isnan(found.std[1:]).all()


def test_an_answer_about_another_history_does_not_count(store: Store, tmp_path: Path) -> None:
    """It may have been about events that are held out now."""
    scored(store)
    put_events(store, tmp_path, {"cy": "2010"})
    with pytest.raises(UsageError, match=r"scores 2 of 3 users with a training history \(66.7%\)"):
        build(store)
    found = load_embedding(store, build(store, allow_missing=True).ref)
    assert found.item_ids == ("ann", "bob")


def test_where_nothing_is_held_out_an_older_answer_counts(store: Store, tmp_path: Path) -> None:
    scored(store, users=UserHistories(split="none"))
    put_events(store, tmp_path, {"cy": "2010"})
    info = build(store)
    assert (info.rows, info.recipe["stale"]) == (3, 1)
    assert info.recipe["split_kind"] == "none"


def test_what_does_not_fit_is_refused(store: Store) -> None:
    scored(store)
    with pytest.raises(UsageError, match="run 'items' scored items, not users"):
        build(store, run="items")
    with pytest.raises(UsageError, match="no run 'nobody'"):
        build(store, run="nobody")
    with pytest.raises(VersionError, match="no version guided/other"):
        build(store, guided="guided/other")
    with pytest.raises(UsageError, match="base/x is no guided version"):
        build(store, guided="base/x")
    put_run(store, "other", UserHistories(), replace(SCHEMA, item="book"))
    with pytest.raises(UsageError, match="scored users on another schema"):
        build(store, run="other")
    put_run(store, "silent", UserHistories(newest=3))
    with pytest.raises(UsageError, match="no answer about the history of any of 3 users"):
        build(store, run="silent")
    build(store)
    with pytest.raises(VersionError, match="a version users/u already"):
        build(store)


def test_items_are_built_from_runs_about_items(store: Store) -> None:
    scored(store)
    assert choose_schema(store).digest == SCHEMA.digest
    assert build_guided(store, "again", schema=SCHEMA).rows == 3  # the only run about items
    with pytest.raises(UsageError, match="run 'people' scored users, not items"):
        build_guided(store, "wrong", schema=SCHEMA, run="people")


def test_users_take_no_place_of_items(store: Store) -> None:
    scored(store)
    ref = build(store).ref
    with pytest.raises(UsageError, match="does not name an embedding version"):
        parse_ref("users/u")
    assert users_ref("u") == users_ref("users/u") == ref
    with pytest.raises(UsageError, match="'base/u' does not name vectors of users"):
        users_ref("base/u")
    with pytest.raises(UsageError, match="users/u holds users; an alias names"):
        set_alias(store, "production", ref)
    with pytest.raises(UsageError, match="'users' is a kind of version"):
        set_alias(store, "users", "guided/g")


def test_a_half_written_version_of_users_is_cleared_away(store: Store) -> None:
    write_version(store, Ref("users", "whole"), ["a"], np.ones((1, 2), np.float32))
    store.tag("user_vectors", "half", 1)
    root = store.root
    store.close()
    from guided_store.store import open as open_store

    with open_store(root, write=True) as again:
        assert set(again.tags("user_vectors")) == {"whole"}
        assert load_embedding(again, Ref("users", "whole")).item_ids == ("a",)
        assert need_run(again, "items").subject == "items"
