"""Writing, finding, loading and naming embedding versions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guided_store.errors import (
    DigestMismatchError,
    StoreError,
    UnknownVersionError,
    UsageError,
    VersionError,
)
from guided_store.store import Store, create, open
from guided_store.versions import (
    Ref,
    alias_history,
    check_name,
    embedding_digest,
    get_version,
    list_aliases,
    list_versions,
    load_embedding,
    parse_ref,
    recover,
    resolve,
    set_alias,
    write_version,
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return create(tmp_path / "s")


def vectors(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def ids(n: int) -> list[str]:
    return [f"i{number}" for number in range(n)]


def test_round_trip_with_everything(store: Store) -> None:
    raw = vectors(4, 12, 1)  # wide enough for LanceDB to take it for a vector
    raw[0, 0] = np.nan
    imputed = np.isnan(raw)
    written = write_version(
        store,
        "guided/films",
        ids(4),
        vectors(4, 12),
        raw=raw,
        imputed=imputed,
        std=np.abs(vectors(4, 12, 2)),
        parents=["base/x"],
        recipe={"attributes": ["a", "b"]},
        metrics={"m": 0.5},
    )
    loaded = load_embedding(store, "guided/films")
    assert loaded.info == written
    assert loaded.item_ids == tuple(ids(4))
    np.testing.assert_array_equal(loaded.vectors, vectors(4, 12))
    np.testing.assert_array_equal(loaded.raw, raw)
    np.testing.assert_array_equal(loaded.imputed, imputed)
    assert loaded.bias is None
    assert loaded.attributes == ("a", "b")
    assert written.parents == ("base/x",)


def test_another_dimension_keeps_older_versions_readable(store: Store) -> None:
    write_version(store, "base/small", ids(3), vectors(3, 4), bias=np.arange(3, dtype=np.float32))
    write_version(store, "base/large", ids(5), vectors(5, 8))
    assert load_embedding(store, "base/small").vectors.shape == (3, 4)
    np.testing.assert_array_equal(load_embedding(store, "base/small").bias, [0, 1, 2])
    assert load_embedding(store, "base/large").vectors.shape == (5, 8)
    assert store.tags("base") == {"small": 1, "large": 2}
    assert [str(info.ref) for info in list_versions(store)] == ["base/small", "base/large"]


def test_a_name_is_given_once(store: Store) -> None:
    write_version(store, "base/x", ids(3), vectors(3, 4))
    with pytest.raises(VersionError, match="base/x already"):
        write_version(store, "base/x", ids(3), vectors(3, 4))
    write_version(store, "refined/x", ids(3), vectors(3, 4))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"item_ids": ["a", "b", "a"]}, "item 'a' stands twice"),
        ({"item_ids": ["a", "b"]}, "2 item ids but 3 vectors"),
        ({"item_ids": [], "vectors": np.empty((0, 4), np.float32)}, "no item"),
        ({"vectors": np.full((3, 4), np.nan, np.float32)}, "item 'a' is not finite"),
        ({"vectors": np.zeros(3, np.float32)}, "must be a matrix"),
        ({"bias": np.zeros(2, np.float32)}, "bias has 2 rows for 3 items"),
        ({"bias": np.full(3, np.inf, np.float32)}, "bias is not finite"),
    ],
)
def test_wrong_content_is_refused_and_nothing_written(store: Store, change: dict, sentence: str) -> None:
    content = {"item_ids": ["a", "b", "c"], "vectors": vectors(3, 4)} | change
    with pytest.raises(VersionError, match=sentence):
        write_version(store, "base/x", **content)
    assert store.table_names() == []


def test_unknown_version_names_near_ones(store: Store) -> None:
    with pytest.raises(UnknownVersionError, match="none was built yet"):
        get_version(store, "base/x")
    write_version(store, "base/sasrec-64", ids(3), vectors(3, 4))
    with pytest.raises(UnknownVersionError, match="did you mean base/sasrec-64"):
        get_version(store, "base/sasrec64")


def test_changed_content_does_not_load(store: Store) -> None:
    write_version(store, "base/x", ids(3), vectors(3, 4))
    table = store.read("base")
    changed = vectors(3, 4)
    changed[1, 2] += 1e-6
    column = pa.FixedSizeListArray.from_arrays(pa.array(changed.ravel()), 4)
    version = store.replace("base", table.set_column(1, "vector", column))
    rows = store.read("versions").to_pydict()
    rows["table_version"] = [version]
    store.replace("versions", pa.table(rows, schema=store.read("versions").schema))
    with pytest.raises(DigestMismatchError, match="base/x does not have the digest"):
        load_embedding(store, "base/x")
    assert load_embedding(store, "base/x", check=False).vectors[1, 2] == changed[1, 2]


def test_damaged_files_name_the_version(store: Store) -> None:
    write_version(store, "base/x", ids(3), vectors(3, 4))
    for path in (store.root / "tables" / "base.lance" / "data").iterdir():
        path.unlink()
    with pytest.raises(StoreError, match="base/x cannot be read"):
        load_embedding(store, "base/x")


def test_two_rows_of_one_name_are_damage(store: Store) -> None:
    write_version(store, "base/x", ids(3), vectors(3, 4))
    store.append("versions", store.read("versions"))
    with pytest.raises(
        StoreError, match=r"base/x stands in it twice, as table version 1 with digest \w{12} and as"
    ):
        list_versions(store)


def test_orphaned_tags_and_encoders_go_on_opening(store: Store) -> None:
    write_version(store, "base/x", ids(3), vectors(3, 4))
    store.tag("base", "orphan", 1)
    with store.publish("encoders", "base/orphan") as folder:
        (folder / "encoder.json").write_text("{}")
    store.close()
    with open(store.root, write=True) as again:
        assert again.tags("base") == {"x": 1}
        assert again.artifacts("encoders") == []
        write_version(again, "base/orphan", ids(3), vectors(3, 4))


def test_a_lost_registry_is_no_reason_to_remove_versions(store: Store) -> None:
    write_version(store, "base/x", ids(3), vectors(3, 4))
    write_version(store, "base/y", ids(3), vectors(3, 4))
    store.close()
    (store.root / "tables" / "versions.lance").rename(store.root / "elsewhere")
    with pytest.raises(StoreError, match=r"registry of .* is gone"):
        open(store.root, write=True)
    (store.root / "elsewhere").rename(store.root / "tables" / "versions.lance")
    with open(store.root, write=True) as again:
        assert again.tags("base") == {"x": 1, "y": 2}


@pytest.mark.parametrize("name", ["a", "9", "sasrec-64", "a.b_c", "x" * 64])
def test_legal_names_are_legal_tags(store: Store, name: str) -> None:
    assert check_name(name) == name
    write_version(store, f"base/{name}", ids(1), vectors(1, 2))


@pytest.mark.parametrize("name", ["", "A", "-a", ".a", "a b", "a/b", "x" * 65, "ü", "a..b", "a.", "a.lock"])
def test_illegal_names(name: str) -> None:
    with pytest.raises(UsageError, match="not a legal name"):
        check_name(name)


@pytest.mark.parametrize("text", ["x", "base", "other/x", "base/", "base/X", "/x"])
def test_illegal_refs(text: str) -> None:
    with pytest.raises(UsageError):
        parse_ref(text)
    assert parse_ref("base/x") == Ref("base", "x")


def test_aliases_move_as_one_row_and_keep_history(store: Store) -> None:
    write_version(store, "base/x", ids(3), vectors(3, 4))
    write_version(store, "base/y", ids(3), vectors(3, 4, 1))
    set_alias(store, "production", "base/x")
    set_alias(store, "production", "base/y")
    assert resolve(store, "production") == (Ref("base", "y"), None)
    assert resolve(store, "base/x") == (Ref("base", "x"), None)
    assert [str(alias.version) for alias in alias_history(store, "production")] == ["base/x", "base/y"]
    assert len(list_aliases(store)) == 1
    with pytest.raises(UsageError, match="neither a version"):
        resolve(store, "staging")
    with pytest.raises(UnknownVersionError):
        set_alias(store, "production", "base/z")
    with pytest.raises(UsageError, match="no index base/x/flat"):
        set_alias(store, "production", "base/x", index="flat")
    with pytest.raises(UsageError, match="is a kind"):
        set_alias(store, "base", "base/x")


def test_recovery_removes_the_checkpoints_of_finished_versions_only(store: Store) -> None:
    write_version(store, "base/v1.2", ids(3), vectors(3, 4))
    folder = store.root / "checkpoints" / "base"
    folder.mkdir(parents=True)
    for name in ("v1.2", "v1.3"):
        (folder / f"{name}.safetensors").write_bytes(b"tensors")
    assert recover(store) == ["checkpoint base/v1.2"]
    assert [path.name for path in folder.iterdir()] == ["v1.3.safetensors"]


@settings(deadline=None)
@given(
    names=st.lists(st.text(min_size=1, max_size=4), min_size=2, max_size=6, unique=True),
    place=st.integers(0, 5),
)
def test_digest_tells_contents_apart(names: list[str], place: int) -> None:
    matrix = vectors(len(names), 3)
    digest = embedding_digest(names, matrix)
    assert digest == embedding_digest(list(names), matrix.copy())
    row = place % len(names)
    moved = matrix.copy()
    moved[row, 0] = np.nextafter(moved[row, 0], np.float32(9))
    assert digest != embedding_digest(names, moved)
    renamed = list(names)
    renamed[row] += "x"
    assert digest != embedding_digest(renamed, matrix)
    # a character moved from one id to the next is another content
    shifted = [names[0] + names[1][:1], names[1][1:], *names[2:]]
    assert digest != embedding_digest(shifted, matrix)
    assert digest != embedding_digest(names, matrix, np.zeros(len(names), np.float32))
