"""What `doctor` and `status` say of a small store: sound, and damaged in one place after the other."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from guided_store.encoders import EncoderConfig, EncoderManifest, SASRec
from guided_store.encoders._encoder import save_encoder
from guided_store.health import Check, check_all, store_status
from guided_store.journal import Job, write_job
from guided_store.store import create, open
from guided_store.versions import Ref, embedding_digest, parse_ref, set_alias, write_version
from indexes import VectorIndex

IDS = tuple(f"i{row}" for row in range(20))
VECTORS = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
BIAS = np.zeros(20, np.float32)


def fill(root: Path) -> None:
    """Interactions, a version with an encoder and an index, and an alias for them."""
    ref: Ref = parse_ref("base/x")
    digest = embedding_digest(IDS, VECTORS, BIAS)
    with create(root) as store:
        store.append("interactions", pa.table({"user": ["u", "v"], "item": ["i1", "i2"]}))
        config = EncoderConfig(dim=4, blocks=1, heads=1, max_length=5)
        with store.publish("encoders", "base/x") as folder:
            save_encoder(folder, EncoderManifest(ref, digest, config), SASRec(config))
        write_version(store, ref, IDS, VECTORS, bias=BIAS, recipe={"training": {"epochs": 1}})
        index = VectorIndex.build(VECTORS, BIAS)
        store.artifact("indexes", "base/x").mkdir(parents=True)
        index.save(store.artifact("indexes", "base/x/flat"), version_digest=digest)
        set_alias(store, "production", ref, index="flat")


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound store; never changed."""
    root = tmp_path_factory.mktemp("sound") / "s"
    fill(root)
    return root


@pytest.fixture
def root(sound: Path, tmp_path: Path) -> Path:
    """A copy of the sound store, to damage."""
    return Path(shutil.copytree(sound, tmp_path / "s"))


def findings(root: Path, state: str = "fault") -> dict[str, str]:
    return {check.subject: check.finding for check in check_all(root) if check.state == state}


def test_a_sound_store_has_no_faults(sound: Path) -> None:
    checks = check_all(sound)
    assert {check.state for check in checks} == {"good"}
    subjects = {check.subject for check in checks}
    tables = {"table aliases", "table base", "table interactions", "table versions"}
    assert {"python", "store", "registry", *tables} <= subjects
    assert {"base/x", "encoder base/x", "index base/x/flat", "alias production"} <= subjects
    assert Check("good", "table interactions", "2 rows can be read") in checks


def test_status_of_a_sound_store(sound: Path) -> None:
    status = json.loads(json.dumps(store_status(open(sound))))
    assert status["store"] == str(sound)
    assert list(status["tables"]) == ["aliases", "base", "interactions", "versions"]
    assert status["tables"]["interactions"]["rows"] == 2
    assert status["embeddings"] == [{"version": "base/x", "rows": 20, "dim": 4}]
    assert status["aliases"] == {"production": "base/x"}
    assert status["encoders"] == ["base/x"]
    assert status["indexes"] == ["base/x/flat"]
    assert status["unfinished"] == []
    files = [path for path in sound.rglob("*") if path.is_file()]
    assert status["octets"] == sum(path.stat().st_size for path in files)
    assert status["tables"]["base"]["octets"] < status["octets"]


def test_unfinished_is_what_has_a_checkpoint_and_no_version(root: Path) -> None:
    (root / "checkpoints" / "base").mkdir(parents=True)
    for name in ("x", "half", ".tmp-half"):
        (root / "checkpoints" / "base" / f"{name}.safetensors").write_bytes(b"tensors")
    assert store_status(open(root))["unfinished"] == ["base/half"]
    assert "checkpoint base/x" in " ".join(
        check.finding for check in check_all(root) if check.state == "note"
    )


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:100])])
def test_every_table_is_read(root: Path, damage: Callable[[Path], object]) -> None:
    for data in (root / "tables" / "interactions.lance" / "data").iterdir():
        damage(data)
    assert set(findings(root)) == {"table interactions"}


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("base", {"table base", "tags of base", "base/x"}),
        ("aliases", {"table aliases", "aliases"}),
        ("versions", {"table versions", "registry"}),
    ],
)
def test_junk_manifests_are_faults_and_the_rest_is_checked(
    root: Path, table: str, expected: set[str]
) -> None:
    for manifest in (root / "tables" / f"{table}.lance" / "_versions").glob("*.manifest"):
        manifest.write_bytes(b"junk")
    assert set(findings(root)) == expected
    good = findings(root, "good")
    assert {"store", "table interactions", "index base/x/flat"} <= set(good)
    assert "alias production" in good or table == "aliases"


def test_a_table_without_manifests_is_a_note(root: Path) -> None:
    for manifest in (root / "tables" / "interactions.lance" / "_versions").iterdir():
        manifest.unlink()
    assert "counts as absent" in findings(root, "note")["table interactions"]


def test_a_missing_encoder(root: Path) -> None:
    shutil.rmtree(root / "encoders" / "base" / "x")
    found = findings(root)
    assert set(found) == {"encoder base/x", "alias production"}
    assert "was trained" in found["encoder base/x"]
    assert "encoder base/x, which does not exist" in found["alias production"]


def test_a_missing_index(root: Path) -> None:
    shutil.rmtree(root / "indexes" / "base" / "x" / "flat")
    assert set(findings(root)) == {"alias production"}


def test_a_missing_tag(root: Path) -> None:
    with open(root, write=True) as store:
        store.untag("base", "x")
    assert "its tag is gone" in findings(root)["base/x"]


def test_what_a_kill_left_is_a_note(root: Path) -> None:
    (root / ".tmp-writer.json-1").write_text("{")
    (root / "indexes" / "base" / "x" / ".flat.saving-1").mkdir()
    (root / "encoders" / "base" / ".tmp-y-1").mkdir()
    shutil.copytree(root / "encoders" / "base" / "x", root / "encoders" / "base" / "orphan")
    assert findings(root) == {}
    notes = [check.finding for check in check_all(root) if check.state == "note"]
    assert ".tmp-writer.json-1" in notes[0]
    assert "encoders/base/.tmp-y-1" in notes[0]
    assert "indexes/base/x/.flat.saving-1" in notes[0]
    assert "encoder base/orphan" in notes[1]
    open(root, write=True).close()
    assert findings(root, "note") == {}


def test_an_index_whose_replacement_was_cut_short(root: Path) -> None:
    folder = root / "indexes" / "base" / "x"
    (folder / "flat").rename(folder / ".flat.replaced-1")
    open(root, write=True).close()
    found = findings(root)
    assert "rename" in found["index base/x/flat"]
    assert ".flat.replaced-1" in found["index base/x/flat"]


def test_what_scoring_left_is_told_and_one_damaged_job_does_not_hide_the_others(root: Path) -> None:
    journal = root / "journal" / "r"
    journal.mkdir(parents=True)
    (journal / "00000001.jsonl").write_bytes(b"")
    (journal / "damaged-00000001.jsonl").write_bytes(b"junk\n")
    job = Job("first", "r", "submitted", 0.0, 1, 2, 10, None, {}, None, "OPENAI_API_KEY")
    for name in ("first", "lost", "torn", "whole"):
        (root / "batches" / name).mkdir(parents=True)
        write_job(root / "batches" / name, replace(job, job=name))
        (root / "batches" / name / "sent.jsonl").write_bytes(b"")
    (root / "batches" / "lost" / "sent.jsonl").unlink()
    (root / "batches" / "torn" / "job.json").write_text("{")
    assert set(findings(root)) == {"batch job lost", "batch job torn"}
    good = findings(root, "good")
    assert good["batch job first"] == good["batch job whole"] == "is submitted, 0 items wait in it"
    notes = [check for check in check_all(root) if check.subject == "journal r"]
    assert [check.state for check in notes] == ["note", "note"]
    assert "the next write moves them" in notes[0].finding
    assert str(journal / "damaged-00000001.jsonl") in notes[1].finding


def test_sizes_are_told_while_files_come_and_go(root: Path) -> None:
    """As they do where a scoring run or a build goes on."""
    passing, over = root / "journal" / "r", threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            passing.mkdir(parents=True, exist_ok=True)
            for number in range(20):
                (passing / str(number)).write_bytes(b"line")
            shutil.rmtree(passing)

    other = threading.Thread(target=come_and_go)
    other.start()
    try:
        for _ in range(30):
            assert store_status(open(root))["octets"] > 0
    finally:
        over.set()
        other.join()
