"""Opening a store moves what killed processes left, once, whatever moment they were killed at."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import guided_store.journal._rows as rows_module
from guided_store.journal._journal import Journal, journal_folder
from guided_store.journal._reading import damaged_files, journal_files
from guided_store.journal._records import Outcome, Sent, encode
from guided_store.journal._replay import ReplayReport, pending, replay, waiting
from guided_store.journal._rows import INTERRUPTED
from guided_store.ledger import TABLE, RunRecord
from guided_store.llm import make_keys
from guided_store.store import Store, open

MakeRecord = Callable[..., RunRecord]
MakeSent = Callable[..., Sent]
MakeAnswer = Callable[..., Outcome]

# Sends and answers requests without end, several in flight, and says so after each record; if told so, seals
# and moves all the time from another thread, as a run does.
ENDLESS = """
import json, os, sys, threading, time, uuid
from pathlib import Path
from guided_store.llm import make_keys
from guided_store.journal._journal import Journal
from guided_store.journal._records import Outcome, Sent
from guided_store.journal._rows import move
from guided_store.store import open

root = Path(sys.argv[1])

def answer(request_id):
    scores = {"humor": 3, "pace": 7}
    items = [{"id": key, "scores": scores} for key in make_keys(request_id, 2)]
    message = {"role": "assistant", "content": json.dumps({"items": items})}
    body = {"choices": [{"finish_reason": "stop", "message": message}], "usage": None}
    return Outcome(request_id, "answer", time.time(), 200, json.dumps(body))

def moving(journal):
    while True:
        with open(root, write=True, wait=60) as store:
            move(store, journal.seal(), "r", done=journal.discard)
        os.write(1, b"moved\\n")

with Journal.open(root, "r") as journal:
    if sys.argv[2] == "move":
        threading.Thread(target=moving, args=(journal,), daemon=True).start()
    flying = []
    while True:
        request_id = uuid.uuid4().hex
        sent = Sent(request_id, "r", 0, ("a", "b"), ("1", "2"), (1, 1), 0.5, None, time.time())
        journal.sent(sent)
        os.write(1, f"sent {request_id}\\n".encode())
        flying.append(request_id)
        if len(flying) > 5:
            done = flying.pop(0)
            journal.outcome(answer(done))
            os.write(1, f"answered {done}\\n".encode())
        time.sleep(0.0005)
"""

# Opens the store for writing and dies between the rows' arrival in the table and the removal of the file.
DYING = """
import os, sys
import guided_store.journal._rows as rows
from guided_store.store import open

append, calls = rows.append_rows, iter(range(100))

def dying(store, table):
    added = append(store, table)
    if next(calls) == int(sys.argv[2]):
        os._exit(9)
    return added

rows.append_rows = dying
rows._ROWS = 2
open(sys.argv[1], write=True)
"""


def write_journal(root: Path, run: str, *records: Sent | Outcome) -> Path:
    """A journal file as a killed process leaves it."""
    folder = journal_folder(root, run)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{len(journal_files(folder)) + 1:08d}.jsonl"
    path.write_bytes(b"".join(encode(record) for record in records))
    return path


def statuses(store: Store) -> dict[str, str]:
    """Status by row id; each row once."""
    rows = store.read(TABLE, ["row_id", "status"]).to_pylist() if store.has_table(TABLE) else []
    found = {row["row_id"]: row["status"] for row in rows}
    assert len(found) == len(rows)
    return found


def test_killed_at_random_moments(store: Store, record: RunRecord) -> None:
    """kill -9 ten times: all that was answered is in the table once, all that was sent has a fate."""
    moments = random.Random(20260901)
    store.close()
    told: dict[str, str] = {}
    moves = 0
    for number in range(10):
        # Three of them move; the others leave their files to those after them.
        what = "move" if number % 3 == 1 else "keep"
        command = [sys.executable, "-c", ENDLESS, str(store.root), what]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            said = [writer.stdout.readline()]
            while what == "move" and said[-1] != "moved\n":
                said.append(writer.stdout.readline())
            timer = time.monotonic() + moments.uniform(0.02, 0.4)
            while time.monotonic() < timer:
                said.append(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            said += writer.stdout.readlines()
        assert writer.returncode == -signal.SIGKILL
        moves += said.count("moved\n")
        whole = [line.split() for line in said if line.endswith("\n") and line != "moved\n"]
        told |= {name: word for word, name in whole}
    with open(store.root, write=True) as opened:
        assert replay(opened) == ReplayReport()
        found = statuses(opened)
    assert moves >= 3
    assert sum(word == "answered" for word in told.values()) > 500
    for name, word in told.items():
        got = {found.pop(f"{name}-{position}") for position in (0, 1)}
        assert got == {"ok"} or (word == "sent" and got <= {"ok", "unknown"})
    # Of what was written and not told any more there is at most one request for each kill.
    assert len(found) <= 2 * 10
    assert journal_files(journal_folder(store.root, "r")) == []
    assert damaged_files(journal_folder(store.root, "r")) == []


@pytest.mark.parametrize("part", [0, 1])
def test_killed_between_the_table_and_the_removal(
    store: Store, record: RunRecord, make_sent: MakeSent, make_answer: MakeAnswer, part: int
) -> None:
    path = write_journal(
        store.root,
        "r",
        *[make_sent(name) for name in "abcde"],
        *[make_answer(name) for name in "abc"],
    )
    store.close()
    died = subprocess.run([sys.executable, "-c", DYING, str(store.root), str(part)], check=False)
    assert died.returncode == 9
    assert path.exists()
    assert len(statuses(open(store.root))) == 2 * (part + 1)
    with open(store.root, write=True) as opened:
        assert statuses(opened) == {
            "a-0": "ok",
            "b-0": "ok",
            "c-0": "ok",
            "d-0": "unknown",
            "e-0": "unknown",
        }
    assert not path.exists()


@pytest.mark.parametrize("moment", range(4))
def test_an_error_while_removing_files_adds_nothing_twice(
    store: Store,
    record: RunRecord,
    make_sent: MakeSent,
    make_answer: MakeAnswer,
    monkeypatch: pytest.MonkeyPatch,
    moment: int,
) -> None:
    for name in "abc":
        write_journal(store.root, "r", make_sent(name), make_answer(name))
    calls = iter(range(100))
    real = os.unlink

    def unlink(path: object, *args: object, **kwargs: object) -> None:
        if str(path).endswith(".jsonl") and next(calls) == moment:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        real(path, *args, **kwargs)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", unlink)
        report = replay(store)
    assert len(report.problems) == (moment < 3)
    assert len(journal_files(journal_folder(store.root, "r"))) == (3 - moment if moment < 3 else 0)
    replay(store)
    assert statuses(store) == {"a-0": "ok", "b-0": "ok", "c-0": "ok"}
    assert journal_files(journal_folder(store.root, "r")) == []


def test_cut_at_every_octet_of_the_last_two_lines(
    store: Store, record: RunRecord, make_sent: MakeSent, make_answer: MakeAnswer
) -> None:
    """Each cut is one run's journal; all are replayed at once."""
    first, last = make_answer("p"), make_answer("q")
    whole = b"".join(encode(entry) for entry in (make_sent("p"), make_sent("q"), first, last))
    start = len(whole) - len(encode(first)) - len(encode(last))
    path = write_journal(store.root, "r")
    cuts = range(start, len(whole) + 1)
    expected = []
    for cut in cuts:
        path.write_bytes(whole[:cut])
        kept = {sent.request_id for sent, outcome in pending(store) if outcome is not None}
        expected.append(kept)
    # 0 to 2 answers, and never one that was not written whole (but for its newline).
    middle = start + len(encode(first)) - 1
    assert expected == [
        set() if cut < middle else {"p"} if cut < len(whole) - 1 else {"p", "q"} for cut in cuts
    ]
    path.write_bytes(whole[:-2])
    assert replay(store).rows == 2
    assert statuses(store) == {"p-0": "ok", "q-0": "unknown"}


def test_opening_for_writing_replays_and_opening_for_reading_does_not(
    store: Store, record: RunRecord, make_sent: MakeSent, make_answer: MakeAnswer
) -> None:
    write_journal(store.root, "r", make_sent("a"), make_answer("a"))
    store.close()
    assert statuses(open(store.root)) == {}
    with open(store.root, write=True) as opened:
        assert statuses(opened) == {"a-0": "ok"}


def test_the_report(
    store: Store, make_record: MakeRecord, make_sent: MakeSent, make_answer: MakeAnswer
) -> None:
    assert replay(store) == ReplayReport()
    assert ReplayReport().lines() == []
    for run in ("x", "y"):
        make_record(run)
        write_journal(store.root, run, make_sent(f"{run}1", run=run), make_answer(f"{run}1"))
    path = write_journal(store.root, "y", make_sent("y2", run="y"))
    path.write_bytes(b"damaged\n" + path.read_bytes())
    write_journal(store.root, "nobody", make_sent("z", run="nobody"))
    report = replay(store)
    assert (report.runs, report.rows, report.damaged) == (("x", "y"), 3, 1)
    (problem,) = report.problems
    assert "run nobody was not moved" in problem
    assert report.lines() == [
        "3 rows that an earlier process left are now in the ledger (x, y)",
        "1 damaged lines of the journal were set aside; `doctor` says where they are",
        problem,
    ]
    assert damaged_files(journal_folder(store.root, "y"))[0].read_bytes() == b"damaged\n"
    assert replay(store) == ReplayReport(problems=(problem,))
    make_record("nobody")
    assert replay(store).rows == 1


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyError("a bug")])
def test_what_cannot_be_moved_stays_and_stops_nobody(
    store: Store,
    make_record: MakeRecord,
    make_sent: MakeSent,
    make_answer: MakeAnswer,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    for run in ("x", "y"):
        make_record(run)
        write_journal(store.root, run, make_sent(run, run=run), make_answer(run))
    real = rows_module.append_rows

    def append(to: Store, rows: object) -> int:
        if rows.column("run")[0].as_py() == "x":  # type: ignore[attr-defined]
            raise error
        return real(to, rows)

    with monkeypatch.context() as patch:
        patch.setattr(rows_module, "append_rows", append)
        report = replay(store)
    assert report.runs == ("y",)
    assert len(report.problems) == 1
    assert replay(store).runs == ("x",)
    assert statuses(store) == {"x-0": "ok", "y-0": "ok"}


def test_a_run_that_is_being_run_is_left_alone(
    store: Store, make_record: MakeRecord, make_sent: MakeSent, make_answer: MakeAnswer
) -> None:
    for run in ("live", "dead"):
        make_record(run)
    write_journal(store.root, "dead", make_sent("d", run="dead"), make_answer("d"))
    with Journal.open(store.root, "live") as journal:
        for name in "lm":
            journal.sent(make_sent(name, run="live"))
        journal.outcome(make_answer("l"))
        assert replay(store).runs == ("dead",)
        assert statuses(store) == {"d-0": "ok"}
        (view,) = waiting(store, "live")
        assert view.running
        assert [sent.request_id for sent, _ in pending(store)] == ["l"]
    assert replay(store).runs == ("live",)
    assert statuses(store) == {"d-0": "ok", "l-0": "ok", "m-0": "unknown"}
    assert waiting(store, "never") == []


def test_what_was_interrupted_says_so(store: Store, record: RunRecord, make_sent: MakeSent) -> None:
    write_journal(store.root, "r", make_sent("q", ["a", "b"], estimate=0.5))
    assert [(sent.request_id, outcome) for sent, outcome in pending(store, "r")] == [("q", None)]
    replay(store)
    rows = store.read(TABLE).to_pylist()
    assert [(row["status"], row["reason"], row["cost"]) for row in rows] == [
        ("unknown", INTERRUPTED, 0.25)
    ] * 2


def test_keys_need_not_be_stored(
    store: Store, record: RunRecord, make_sent: MakeSent, make_answer: MakeAnswer
) -> None:
    """The answer names keys, which follow from the request's id alone."""
    answer = make_answer("q", [(1, 2), (3, 4)])
    assert answer.body is not None
    assert all(key in answer.body for key in make_keys("q", 2))
    write_journal(store.root, "r", make_sent("q", ["a", "b"]), answer)
    replay(store)
    rows = store.read(TABLE).to_pylist()
    assert {row["item_id"]: row["values"] for row in rows} == {"a": [1, 2], "b": [3, 4]}


def test_a_folder_that_cannot_be_read_stops_nobody(
    store: Store,
    record: RunRecord,
    make_sent: MakeSent,
    make_answer: MakeAnswer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for run in ("locked", "r"):
        folder = journal_folder(store.root, run)
        folder.mkdir(parents=True)
        lines = encode(make_sent("q", run=run)) + encode(make_answer("q"))
        (folder / "00000001.jsonl").write_bytes(lines)

    def names(folder: Path) -> list[Path]:
        if folder.name == "locked":
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return journal_files(folder)

    monkeypatch.setattr("guided_store.journal._replay.journal_files", names)
    report = replay(store)
    assert (report.runs, report.rows) == (("r",), 1)
    (problem,) = report.problems
    assert "run locked was not moved" in problem
