"""Opening, locking, reading and writing stores."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from guided_store.errors import StoreError, StoreLockedError, UsageError
from guided_store.store import create, find_leftovers, open, open_or_create
from indexes._artifact import _draft


def rows(*values: int) -> pa.Table:
    return pa.table({"key": pa.array([f"k{value}" for value in values]), "value": pa.array(values)})


def test_create_then_open(tmp_path: Path) -> None:
    with create(tmp_path / "s") as store:
        assert store.writable
        assert store.table_names() == []
    again = open(tmp_path / "s")
    assert again.uuid == store.uuid
    assert not again.writable


def test_create_refuses_a_store_a_file_and_a_full_folder(tmp_path: Path) -> None:
    create(tmp_path / "s").close()
    with pytest.raises(StoreError, match="holds a store already"):
        create(tmp_path / "s")
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="is a file"):
        create(tmp_path / "file")
    with pytest.raises(StoreError, match="not empty"):
        create(tmp_path)


def test_open_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no store at .* init"):
        open(tmp_path / "absent")
    with pytest.raises(StoreError, match="not a guided store"):
        open(tmp_path)
    with pytest.raises(UsageError, match="local folder"):
        open("s3://bucket/store")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": "x", "uuid": "u"}', '{"format": 1}'])
def test_damaged_marker(tmp_path: Path, content: str) -> None:
    create(tmp_path / "s").close()
    (tmp_path / "s" / "guided-store.json").write_text(content)
    with pytest.raises(StoreError, match="damaged"):
        open(tmp_path / "s")


def test_newer_format(tmp_path: Path) -> None:
    create(tmp_path / "s").close()
    marker = tmp_path / "s" / "guided-store.json"
    marker.write_text(json.dumps(json.loads(marker.read_text()) | {"format": 99}))
    with pytest.raises(StoreError, match="newer than this program"):
        open(tmp_path / "s")


def test_open_or_create(tmp_path: Path) -> None:
    open_or_create(tmp_path / "s").close()
    with open_or_create(tmp_path / "s") as store:
        assert store.writable


def test_append_replace_and_older_versions(tmp_path: Path) -> None:
    with create(tmp_path / "s") as store:
        first = store.append("numbers", rows(1, 2))
        store.append("numbers", rows(3))
        assert store.read("numbers")["value"].to_pylist() == [1, 2, 3]
        store.replace("numbers", pa.table({"other": pa.array([1.5])}))
        assert store.read("numbers").column_names == ["other"]
        assert store.read("numbers", version=first)["value"].to_pylist() == [1, 2]
        assert store.count("numbers") == 1
        assert store.count("absent") == 0


def test_append_streams_batches(tmp_path: Path) -> None:
    schema = rows(1).schema
    with create(tmp_path / "s") as store:
        reader = pa.RecordBatchReader.from_batches(schema, (rows(n).to_batches()[0] for n in range(5)))
        store.append("numbers", reader)
        got = list(store.batches("numbers", batch_size=2))
        assert all(batch.num_rows <= 2 for batch in got)
        assert pa.Table.from_batches(got)["value"].to_pylist() == [0, 1, 2, 3, 4]


def test_merge_updates_and_inserts(tmp_path: Path) -> None:
    schema = pa.schema([pa.field("key", pa.string(), nullable=False), pa.field("value", pa.int64())])
    with create(tmp_path / "s") as store:
        store.merge("numbers", "key", rows(1, 2).cast(schema))
        changed = pa.table({"key": ["k2", "k3"], "value": [20, 30]}).cast(schema)
        store.merge("numbers", "key", changed)
        assert dict(zip(*store.read("numbers").to_pydict().values(), strict=True)) == {
            "k1": 1,
            "k2": 20,
            "k3": 30,
        }


def test_a_second_connection_sees_new_rows(tmp_path: Path) -> None:
    with create(tmp_path / "s") as writer:
        writer.append("numbers", rows(1))
        reader = open(tmp_path / "s")
        assert reader.count("numbers") == 1
        writer.append("numbers", rows(2))
        assert reader.count("numbers") == 2


def test_readers_cannot_write(tmp_path: Path) -> None:
    create(tmp_path / "s").close()
    store = open(tmp_path / "s")
    with pytest.raises(StoreError, match="reading only"):
        store.append("numbers", rows(1))
    with pytest.raises(StoreError, match="reading only"):
        store.publish("encoders", "x")


def test_missing_and_damaged_tables(tmp_path: Path) -> None:
    with create(tmp_path / "s") as store:
        with pytest.raises(StoreError, match="no table 'numbers' yet"):
            store.read("numbers")
        store.append("numbers", rows(*range(1000)))
        for data in (store.root / "tables" / "numbers.lance" / "data").iterdir():
            data.write_bytes(data.read_bytes()[:100])
        with pytest.raises(StoreError, match="numbers"):
            store.read("numbers")


def test_a_table_without_its_first_manifest_does_not_exist(tmp_path: Path) -> None:
    with create(tmp_path / "s") as store:
        (store.root / "tables" / "numbers.lance" / "_versions").mkdir(parents=True)
        assert not store.has_table("numbers")
        assert store.table_names() == []
        store.append("numbers", rows(1))
        assert store.count("numbers") == 1


def test_one_writer_and_the_second_is_told_who(tmp_path: Path) -> None:
    with create(tmp_path / "s"):
        with pytest.raises(StoreLockedError, match=r"being written by process \d+ on"):
            open(tmp_path / "s", write=True)
        assert open(tmp_path / "s").root == tmp_path / "s"
    open(tmp_path / "s", write=True).close()


def test_a_second_writer_waits(tmp_path: Path) -> None:
    create(tmp_path / "s").close()
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from guided_store.store import open\n"
            "with open(sys.argv[1], write=True): print('held', flush=True); time.sleep(0.7)",
            str(tmp_path / "s"),
        ],
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(StoreLockedError):
        open(tmp_path / "s", write=True)
    open(tmp_path / "s", write=True, wait=30).close()
    holder.communicate()
    assert holder.returncode == 0


def test_a_killed_writer_leaves_no_lock(tmp_path: Path) -> None:
    create(tmp_path / "s").close()
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, signal, sys; from guided_store.store import open\n"
            "store = open(sys.argv[1], write=True); os.kill(os.getpid(), signal.SIGKILL)",
            str(tmp_path / "s"),
        ],
        check=False,
    )
    assert done.returncode == -9
    open(tmp_path / "s", write=True).close()


def test_publish_is_all_or_nothing(tmp_path: Path) -> None:
    with create(tmp_path / "s") as store:
        with pytest.raises(ZeroDivisionError), store.publish("encoders", "base/x") as folder:
            (folder / "half").write_text(str(1 / 0))
        assert store.artifacts("encoders") == []
        assert list((store.root / "encoders" / "base").iterdir()) == []
        with store.publish("encoders", "base/x") as folder:
            (folder / "whole").write_text("whole")
        assert store.artifacts("encoders") == ["base/x"]
        with pytest.raises(StoreError, match="exists already"), store.publish("encoders", "base/x"):
            pass


def test_what_a_kill_left_is_removed_on_opening(tmp_path: Path) -> None:
    with create(tmp_path / "s") as store:
        left = store.root / "indexes" / "base" / "x" / ".tmp-flat-1"
        left.mkdir(parents=True)
        (left / "index.faiss").write_text("half")
    open(tmp_path / "s", write=True).close()
    assert not left.exists()


def test_temporary_files_of_a_kill_are_removed_on_opening(tmp_path: Path) -> None:
    with create(tmp_path / "s") as store:
        version = store.root / "indexes" / "base" / "x"
        checkpoints = store.root / "checkpoints" / "base"
        for folder in (
            version / ".flat.saving-1",
            version / ".flat.replaced-1",
            version / "flat",
            checkpoints,
        ):
            folder.mkdir(parents=True)
        for file in (
            store.root / ".tmp-writer.json-1",
            store.root / ".tmp-demo.json-1",
            version / ".flat.saving-1" / "index.faiss",
            version / ".flat.replaced-1" / "index.faiss",
            checkpoints / ".tmp-x.safetensors-1",
        ):
            file.write_text("half")
    assert len(find_leftovers(store.root)) == 5
    assert open(tmp_path / "s").root.exists()
    assert len(find_leftovers(store.root)) == 5  # reading removes nothing
    open(tmp_path / "s", write=True).close()
    assert find_leftovers(store.root) == []
    assert [path.name for path in version.iterdir()] == ["flat"]
    assert not list(store.root.glob(".*"))


def test_an_index_moved_aside_without_a_successor_is_kept(tmp_path: Path) -> None:
    with create(tmp_path / "s") as store:
        aside = store.root / "indexes" / "base" / "x" / ".flat.replaced-1"
        aside.mkdir(parents=True)
    open(tmp_path / "s", write=True).close()
    assert aside.is_dir()


def test_an_index_save_that_still_runs_is_left_alone(tmp_path: Path) -> None:
    create(tmp_path / "s").close()
    version = tmp_path / "s" / "indexes" / "base" / "x"
    version.mkdir(parents=True)
    with _draft(version / "flat") as running:
        open(tmp_path / "s", write=True).close()
        assert running.is_dir()


def test_a_create_killed_at_its_marker_does_not_block_the_folder(tmp_path: Path) -> None:
    for name, make in (("created", create), ("opened", open_or_create)):
        root = tmp_path / name
        root.mkdir()
        left = root / ".tmp-guided-store.json-abc"
        left.write_text("{")
        make(root).close()
        assert open(root).root == root
        assert not left.exists()


def test_many_small_appends_become_few_fragments(tmp_path: Path) -> None:
    with create(tmp_path / "s") as store:
        store.append("t", rows(0))
        first = store.table_version("t")
        store.tag("t", "kept", first)
        for value in range(1, 70):
            store.append("t", rows(value))
            if store.compact("t"):
                compacted = value
        assert compacted == 63
        assert len(store.dataset("t").get_fragments()) == 1 + 69 - 63
        assert store.read("t").column("value").to_pylist() == list(range(70))
        assert store.read("t", version=first).num_rows == 1  # tagged
        assert store.read("t", version=first + 5).num_rows == 6  # young: somebody may be reading it


def test_compacting_removes_old_versions_but_for_tagged_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guided_store.store._compact._KEPT", timedelta(0))
    with create(tmp_path / "s") as store:
        for value in range(64):
            store.append("t", rows(value))
        store.tag("t", "kept", 5)
        assert store.compact("t")
        assert {entry["version"] for entry in store.dataset("t").versions()} == {5, store.table_version("t")}
        assert store.read("t", version=5).num_rows == 5
        assert not store.compact("t")
        store.append("t", rows(64))  # by another engine than the one that compacted
        assert store.read("t").column("value").to_pylist() == list(range(65))


def test_compacting_that_fails_leaves_the_table_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("guided_store.store._compact.compact", full)
    with create(tmp_path / "s") as store:
        store.append("t", rows(0))
        assert not store.compact("t")
        assert store.count("t") == 1


def test_a_full_disk_leaves_the_writers_lock_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    create(tmp_path / "s").close()
    with monkeypatch.context() as patched:
        patched.setattr("guided_store.store._lock.write_json", full)
        with pytest.raises(OSError, match="No space left") as caught:
            open(tmp_path / "s", write=True)
    open(tmp_path / "s", write=True).close()
    assert caught.value.errno == 28  # the error, and with it the frames that hold the lock, lived until here
