"""Pruning removes what nothing needs, all of it, and nothing else."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guided_store.errors import StoreError, UnknownVersionError, UsageError, VersionError
from guided_store.store import Store, create, open
from guided_store.versions import (
    PrunePlan,
    Ref,
    VersionInfo,
    alias_history,
    get_version,
    list_versions,
    load_embedding,
    plan_prune,
    prune,
    set_alias,
    write_version,
)
from guided_store.versions._registry import add_row

ROWS, DIM = 500, 16


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return create(tmp_path / "s")


def put(store: Store, ref: str | Ref, parents: Sequence[str] = (), **recipe: object) -> VersionInfo:
    """A version with vectors of its own."""
    seed = sum(str(ref).encode())
    vectors = np.random.default_rng(seed).normal(size=(ROWS, DIM)).astype(np.float32)
    ids = [f"i{row}" for row in range(ROWS)]
    return write_version(store, ref, ids, vectors, parents=parents, recipe=recipe)


def put_artifact(store: Store, room: str, name: str, content: dict[str, object] | None = None) -> None:
    with store.publish(room, name) as folder:
        (folder / "encoder.json").write_text(json.dumps(content or {}))
        (folder / "weights").write_bytes(b"w" * 10_000)


def going(plan: PrunePlan) -> list[str]:
    return [str(info.ref) for info in plan.going]


def reasons(plan: PrunePlan) -> dict[str, str]:
    return {str(verdict.info.ref): verdict.reason for verdict in plan.verdicts}


def data_octets(store: Store, kind: str) -> int:
    return sum(path.stat().st_size for path in (store.root / "tables" / f"{kind}.lance" / "data").iterdir())


def test_nothing_goes_unless_it_is_chosen(store: Store) -> None:
    put(store, "base/a")
    put(store, "base/b")
    plan = plan_prune(store)
    assert going(plan) == []
    assert plan.octets == 0
    assert reasons(plan)["base/a"] == "nothing needs it: it goes if you choose it"


def test_a_chosen_version_goes_with_all_its_parts(store: Store) -> None:
    for name in ("a", "b", "c"):
        put(store, f"base/{name}")
        put_artifact(store, "encoders", f"base/{name}")
        put_artifact(store, "indexes", f"base/{name}/flat")
    kept = {name: load_embedding(store, f"base/{name}").vectors for name in ("a", "c")}
    before = data_octets(store, "base")
    plan = plan_prune(store, ["base/b"])
    assert going(plan) == ["base/b"]
    assert store.tags("base").keys() == {"a", "b", "c"}, "a plan changes nothing"
    freed = prune(store, plan)
    assert data_octets(store, "base") == pytest.approx(before * 2 / 3)
    assert freed == pytest.approx(plan.octets, rel=0.1)
    assert [str(info.ref) for info in list_versions(store)] == ["base/a", "base/c"]
    assert store.tags("base").keys() == {"a", "c"}
    assert store.artifacts("encoders") == ["base/a", "base/c"]
    assert store.artifacts("indexes", 3) == ["base/a/flat", "base/c/flat"]
    for name, vectors in kept.items():
        np.testing.assert_array_equal(load_embedding(store, f"base/{name}").vectors, vectors)
    with pytest.raises(UnknownVersionError):
        load_embedding(store, "base/b")
    assert put(store, "base/b").ref == Ref("base", "b"), "its name is free again"


def test_the_newest_of_a_table_gives_its_space_back(store: Store) -> None:
    put(store, "base/a")
    put(store, "base/b")
    one = data_octets(store, "base") / 2
    prune(store, plan_prune(store, ["base/b"]))
    assert data_octets(store, "base") == pytest.approx(one, rel=0.01)
    assert load_embedding(store, "base/a").vectors.shape == (ROWS, DIM)
    prune(store, plan_prune(store, ["base/a"]))
    assert data_octets(store, "base") == 0
    put(store, "base/c")
    assert load_embedding(store, "base/c").vectors.shape == (ROWS, DIM)
    assert going(plan_prune(store)) == []
    assert plan_prune(store).orphans == ()


def test_an_alias_keeps_what_it_serves_and_the_way_back(store: Store) -> None:
    for name in ("a", "b", "c", "d"):
        put(store, f"base/{name}")
    put_artifact(store, "indexes", "base/c/flat")
    for name in ("a", "b", "c"):
        set_alias(store, "production", f"base/{name}")
    set_alias(store, "production", "base/c", index="flat")  # the same version again is no way back
    plan = plan_prune(store, keep=0)
    assert going(plan) == ["base/a", "base/d"]
    assert reasons(plan)["base/c"] == "alias production points to it"
    assert reasons(plan)["base/b"] == "alias production pointed to it before: the way back"
    with pytest.raises(VersionError, match="base/b stays: alias production pointed to it before"):
        plan_prune(store, ["base/a", "base/b"])
    prune(store, plan)
    assert set_alias(store, "production", "base/b").version == Ref("base", "b")
    assert next(str(alias.version) for alias in alias_history(store)) == "base/a", "history stays"


def test_what_a_kept_version_was_made_from_stays(store: Store) -> None:
    put(store, "base/text")
    put(store, "guided/g")
    put(store, "refined/start", ["guided/g"])
    put(store, "refined/r", ["refined/start"], base="base/text")
    put(store, "base/alone")
    set_alias(store, "production", "refined/r")
    plan = plan_prune(store, keep=0)
    assert going(plan) == ["base/alone"]
    assert reasons(plan)["base/text"] == "refined/r needs it", "its recipe names it"
    with pytest.raises(VersionError, match="guided/g stays: refined/start needs it"):
        plan_prune(store, ["guided/g"])


def test_a_family_goes_together(store: Store) -> None:
    put(store, "guided/g")
    put(store, "refined/r", ["guided/g"])
    assert going(plan_prune(store, ["refined/r"])) == ["refined/r"]
    with pytest.raises(VersionError, match="guided/g stays: refined/r needs it"):
        plan_prune(store, ["guided/g"])
    plan = plan_prune(store, ["guided/g", "refined/r"])
    assert going(plan) == ["guided/g", "refined/r"]
    prune(store, plan)
    assert list_versions(store) == []
    store.close()
    with open(store.root, write=True) as again:  # an emptied registry is not a lost one
        put(again, "base/x")


def test_users_that_an_encoder_reads_stay(store: Store) -> None:
    put(store, Ref("users", "u"))
    put(store, "refined/r")
    put_artifact(store, "encoders", "refined/r", {"training": {"users": "users/u"}})
    with pytest.raises(VersionError, match="users/u stays: refined/r needs it"):
        plan_prune(store, [Ref("users", "u")])
    prune(store, plan_prune(store, [Ref("users", "u"), "refined/r"]))
    assert store.tags("user_vectors") == {}


def test_what_was_ingested_of_users_is_never_cleaned_away(store: Store) -> None:
    """The catalogue's users and the vectors of users are two tables."""
    people = pa.table({"user_id": ["u1", "u2"], "gender": ["F", "M"]})
    store.append("users", people)
    assert plan_prune(store).orphans == ()
    put(store, Ref("users", "v"))
    put(store, "base/b")
    assert store.read("users").equals(people), "vectors of users hide no column of theirs"
    plan = plan_prune(store, keep=0)
    assert going(plan) == ["users/v", "base/b"]
    assert plan.orphans == ()
    prune(store, plan)
    assert store.tags("user_vectors") == {}
    assert not list((store.root / "tables" / "user_vectors.lance" / "data").iterdir())


def test_an_unfinished_training_keeps_what_it_may_start_from(store: Store) -> None:
    put(store, "refined/start")
    put(store, "base/b")
    folder = store.root / "checkpoints" / "refined"
    folder.mkdir(parents=True)
    (folder / "r.safetensors").write_bytes(b"tensors")
    put(store, "refined/later")
    plan = plan_prune(store, keep=0)
    assert going(plan) == ["base/b", "refined/later"]
    assert "unfinished training of refined/r" in reasons(plan)["refined/start"]
    prune(store, plan)
    assert (folder / "r.safetensors").exists()
    (folder / "r.safetensors").unlink()
    assert going(plan_prune(store, keep=0)) == ["refined/start"]


def test_age_and_number(store: Store) -> None:
    for name in ("a", "b", "c"):
        put(store, f"base/{name}")
    put(store, "guided/g")
    later = datetime.now(UTC) + timedelta(days=10)
    assert going(plan_prune(store, older_than=timedelta(days=30), now=later)) == []
    old = plan_prune(store, older_than=timedelta(days=9), now=later)
    assert going(old) == ["base/a", "base/b"], "the newest of a kind is not chosen by age"
    assert reasons(old)["base/c"] == "the newest of its kind"
    assert going(plan_prune(store, older_than=timedelta(days=9), keep=0, now=later)) == [
        "base/a",
        "base/b",
        "base/c",
        "guided/g",
    ]
    assert going(plan_prune(store, keep=2)) == ["base/a"]
    assert going(plan_prune(store, ["base/a"], older_than=timedelta(days=9), now=later)) == ["base/a"]
    assert going(plan_prune(store, ["base/a"], older_than=timedelta(days=11), now=later)) == []
    with pytest.raises(UsageError, match="below 0"):
        plan_prune(store, keep=-1)
    with pytest.raises(UnknownVersionError, match="did you mean base/a"):
        plan_prune(store, ["base/aa"])


def test_what_belongs_to_no_version_goes_too(store: Store) -> None:
    put(store, "base/a")
    put(store, "base/b")
    store.replace("base", store.read("base"))  # a version that was killed before its tag
    put_artifact(store, "indexes", "base/gone/flat")
    stray = store.root / "tables" / "base.lance" / "data" / "stray.lance"
    stray.write_bytes(b"x" * 5_000)
    plan = plan_prune(store)
    assert [orphan.what for orphan in plan.orphans] == ["index base/gone/flat", "old files of table base"]
    assert plan.octets > 10_000 + 5_000
    assert prune(store, plan) == pytest.approx(plan.octets, rel=0.1)
    assert not stray.exists()
    assert plan_prune(store).orphans == ()
    assert load_embedding(store, "base/a").vectors.shape == (ROWS, DIM)
    assert load_embedding(store, "base/b").vectors.shape == (ROWS, DIM)


def test_a_version_whose_tag_was_lost_is_not_cleaned_away(store: Store) -> None:
    put(store, "base/a")
    put(store, "base/b")
    store.untag("base", "a")
    prune(store, plan_prune(store, ["base/b"]))
    assert store.tags("base") == {"a": 1}
    assert load_embedding(store, "base/a").vectors.shape == (ROWS, DIM)


def test_a_tag_that_names_something_else_stops_it(store: Store) -> None:
    put(store, "base/a")
    put(store, "base/b")
    put(store, "base/c")
    store.untag("base", "a")
    store.tag("base", "a", 2)
    with pytest.raises(StoreError, match="the tag of base/a names table version 2"):
        prune(store, plan_prune(store, ["base/c"]))
    assert data_octets(store, "base") > 0


def test_reading_is_not_writing(store: Store) -> None:
    put(store, "base/a")
    plan = plan_prune(open(store.root), ["base/a"])
    with pytest.raises(StoreError, match="open for reading only"):
        prune(open(store.root), plan)
    assert load_embedding(store, "base/a").vectors.shape == (ROWS, DIM)


def test_a_reader_that_is_overtaken_gets_one_sentence(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, "base/a")
    put(store, "base/b")

    def overtaken(reader: Store, ref: str) -> VersionInfo:
        info = get_version(reader, ref)
        prune(store, plan_prune(store, ["base/a"]))
        return info

    monkeypatch.setattr("guided_store.versions._embedding.get_version", overtaken)
    with pytest.raises(UnknownVersionError, match=r"base/a was removed .* while it was being read"):
        load_embedding(open(store.root), "base/a")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> VersionInfo:
    """A row that others are made from: planning looks at rows, and they may share one content."""
    with create(tmp_path_factory.mktemp("shared") / "s") as store:
        return put(store, "base/v0")


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_no_plan_takes_what_something_kept_needs(shared: VersionInfo, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 6))
    parents = [
        data.draw(st.sets(st.integers(0, number - 1), max_size=2)) if number else set()
        for number in range(size)
    ]
    served = data.draw(st.lists(st.integers(0, size - 1), max_size=3))
    keep = data.draw(st.integers(0, 2))
    with tempfile.TemporaryDirectory() as folder, create(Path(folder) / "s") as store:
        put(store, "base/v0")
        for number in range(1, size):
            made_from = tuple(f"base/v{parent}" for parent in sorted(parents[number]))
            add_row(store, replace(shared, ref=Ref("base", f"v{number}"), parents=made_from))
        for number in served:
            set_alias(store, "production", f"base/v{number}")
        plan = plan_prune(store, keep=keep)
    gone = {int(name.removeprefix("base/v")) for name in going(plan)}
    kept = set(range(size)) - gone
    assert all(parents[number] <= kept for number in kept)
    assert not gone & set(served[-1:])
    assert not gone & set(range(size - keep, size))
    back = next((number for number in reversed(served) if number != served[-1]), None)
    assert back not in gone
    # and nothing stays without a reason: every old version without kept children goes
    wanted = {*served[-1:], *range(max(size - keep, 0), size)} | ({back} - {None})
    assert all(number in wanted or any(number in parents[child] for child in kept) for number in kept)
