"""The journal: whole lines whatever happens, flushed within a second, each file complete in itself."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guided_store.errors import StoreError, StoreLockedError, UsageError
from guided_store.journal._journal import Journal, journal_folder
from guided_store.journal._lock import is_running
from guided_store.journal._reading import Reading, damaged_files, journal_files, read_journal, set_aside
from guided_store.journal._records import Outcome, Record, Sealed, Sent, decode, encode
from guided_store.llm import Prices

MakeSent = Callable[..., Sent]

# Holds the run until it is killed or its input ends.
HOLDING = """
import sys
from pathlib import Path
from guided_store.journal._journal import Journal

with Journal.open(Path(sys.argv[1]), "r"):
    print("ready", flush=True)
    sys.stdin.read()
"""

text = st.text(st.characters(), max_size=20)  # lone surrogates and newlines among them
finite = st.floats(0, 1e9)
prices = st.none() | st.builds(Prices, finite, finite, st.none() | finite)


@st.composite
def sents(draw: st.DrawFn) -> Sent:
    n = draw(st.integers(1, 4))
    several = st.lists(text, min_size=n, max_size=n).map(tuple)
    return Sent(
        request_id=draw(text),
        run=draw(text),
        sample=draw(st.integers(0, 9)),
        item_ids=draw(several),
        text_hashes=draw(several),
        attempts=draw(st.lists(st.integers(1, 9), min_size=n, max_size=n).map(tuple)),
        estimate=draw(st.none() | finite),
        prices=draw(prices),
        time=draw(finite),
        batch=draw(st.none() | text),
    )


outcomes = st.builds(
    Outcome,
    text,
    st.sampled_from(["answer", "error", "unknown"]),
    finite,
    st.none() | st.integers(100, 599),
    st.none() | text,
    st.none() | text,
    st.none() | finite,
)


def answer(request_id: str, body: str = "{}") -> Outcome:
    return Outcome(request_id, "answer", 2.0, 200, body, latency=0.1)


def contents(folder: Path) -> list[tuple[str, str | None]]:
    """Request ids and kinds of outcomes in a journal."""
    return [
        (sent.request_id, outcome and outcome.kind) for sent, outcome in read_journal(journal_files(folder))
    ]


@given(sents() | outcomes | st.builds(Sealed, st.integers(1, 10**9)))
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    line = encode(record)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    json.loads(line)  # a line is JSON to any other program, too
    assert decode(line) == record


@given(sents() | outcomes, st.data())
@settings(max_examples=200)
def test_a_changed_line_is_no_record(record: Record, data: st.DataObject) -> None:
    line = bytearray(encode(record))
    place = data.draw(st.integers(0, len(line) - 2))
    line[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ValueError):
        decode(bytes(line))


@given(sents() | outcomes)
@settings(max_examples=20)
def test_a_cut_line_is_no_record(record: Record) -> None:
    line = encode(record)
    for length in range(len(line) - 1):
        with pytest.raises(ValueError):
            decode(line[:length])
    assert decode(line[:-1]) == record


def test_each_request_gets_its_outcome_in_the_order_of_outcomes(tmp_path: Path, make_sent: MakeSent) -> None:
    with Journal.open(tmp_path, "r") as journal:
        for name in "abcd":
            journal.sent(make_sent(name))
        journal.outcome(answer("c", "body of c"))
        journal.outcome(Outcome("a", "unknown", 3.0, reason="dropped"))
        assert (journal.pending, journal.in_flight) == (2, 2)
    pairs = list(read_journal(journal_files(journal_folder(tmp_path, "r"))))
    assert pairs == [
        (make_sent("c"), answer("c", "body of c")),
        (make_sent("a"), Outcome("a", "unknown", 3.0, reason="dropped")),
        (make_sent("b"), None),
        (make_sent("d"), None),
    ]


def test_a_record_is_one_write(tmp_path: Path, make_sent: MakeSent, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    real = os.write

    def write(descriptor: int, data: bytes) -> int:
        written.append(bytes(data))
        return real(descriptor, data)

    with Journal.open(tmp_path, "r") as journal:
        monkeypatch.setattr(os, "write", write)
        journal.sent(make_sent("a", [str(i) for i in range(500)]))
        journal.outcome(answer("a", "x" * 200_000))
    assert [type(decode(line)) for line in written] == [Sent, Outcome]


def test_one_process_per_run(tmp_path: Path) -> None:
    folder = journal_folder(tmp_path, "r")
    command = [sys.executable, "-c", HOLDING, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        assert is_running(folder)
        with pytest.raises(StoreLockedError, match=f"run 'r' is being run by process {holder.pid} on"):
            Journal.open(tmp_path, "r")
        Journal.open(tmp_path, "other").close()
        holder.kill()
    assert not is_running(folder)
    with Journal.open(tmp_path, "r"):
        assert is_running(folder)
        with pytest.raises(StoreLockedError):
            Journal.open(tmp_path, "r")
    assert not is_running(folder)


def test_looking_at_the_lock_hinders_nobody(tmp_path: Path) -> None:
    folder = journal_folder(tmp_path, "r")
    Journal.open(tmp_path, "r").close()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            is_running(folder)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for _ in range(20):
            Journal.open(tmp_path, "r").close()
    finally:
        stop.set()
        watcher.join()


def test_a_journal_without_records_leaves_no_file(tmp_path: Path) -> None:
    assert not is_running(journal_folder(tmp_path, "r"))
    with Journal.open(tmp_path, "r") as journal:
        assert journal.seal() == []
    assert journal_files(journal_folder(tmp_path, "r")) == []
    journal.close()  # a second time: nothing happens


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden"])
def test_only_names_of_runs(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        Journal.open(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_wrong_use_is_refused(tmp_path: Path, make_sent: MakeSent) -> None:
    with Journal.open(tmp_path, "r") as journal:
        journal.sent(make_sent("a"))
        with pytest.raises(ValueError, match="sent before"):
            journal.sent(make_sent("a"))
        with pytest.raises(ValueError, match="not in flight"):
            journal.outcome(answer("b"))
        journal.outcome(answer("a"))
        with pytest.raises(ValueError, match="not in flight"):
            journal.outcome(answer("a"))
        with pytest.raises(ValueError, match="not a sealed file"):
            journal.discard(journal_files(journal_folder(tmp_path, "r"))[0])
    with pytest.raises(ValueError, match="closed"):
        journal.sent(make_sent("c"))
    assert contents(journal_folder(tmp_path, "r")) == [("a", "answer")]


# sealing ---------------------------------------------------------------------------------------------------


def test_a_sealed_file_says_all_that_is_in_it_and_nothing_in_flight(
    tmp_path: Path, make_sent: MakeSent
) -> None:
    with Journal.open(tmp_path, "r") as journal:
        for name in "abc":
            journal.sent(make_sent(name))
        assert journal.seal() == []  # no outcome yet
        journal.outcome(answer("a"))
        (first,) = journal.seal()
        assert journal.seal() == [first]
        journal.outcome(answer("b"))
        first_again, second = journal.seal()
        assert first_again == first
        reading = Reading()
        assert [(s.request_id, o and o.kind) for s, o in read_journal([first], reading)] == [("a", "answer")]
        assert reading.in_flight == 2
        # The second was begun in the first file, which need not be there any more.
        assert [(s.request_id, o and o.kind) for s, o in read_journal([second])] == [("b", "answer")]
        assert journal.pending == 2
        journal.discard(first)
        assert journal.pending == 1
        assert not first.exists()
        assert journal.seal() == [second]
        journal.discard(second)
        assert (journal.pending, journal.in_flight) == (0, 1)
    assert contents(journal_folder(tmp_path, "r")) == [("c", None)]


def test_the_new_file_is_on_the_disk_before_the_old_one_counts_as_sealed(
    tmp_path: Path, make_sent: MakeSent, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    folder = journal_folder(tmp_path, "r")
    names = {}
    real_sync, real_write = os.fsync, os.write

    def name_of(descriptor: int) -> str:
        inode = os.fstat(descriptor).st_ino
        return next(
            (path.name for path in [*folder.iterdir(), folder] if path.stat().st_ino == inode), "other"
        )

    def fsync(descriptor: int) -> None:
        steps.append(f"sync {name_of(descriptor)}")
        real_sync(descriptor)

    def write(descriptor: int, data: bytes) -> int:
        names[descriptor] = name_of(descriptor)
        records = [type(decode(line)).__name__ for line in bytes(data).splitlines()]
        steps.append(f"write {' '.join(records)} to {names[descriptor]}")
        return real_write(descriptor, data)

    with Journal.open(tmp_path, "r") as journal:
        for name in "abc":
            journal.sent(make_sent(name))
        journal.outcome(answer("a"))
        monkeypatch.setattr(os, "fsync", fsync)
        monkeypatch.setattr(os, "write", write)
        journal.seal()
        monkeypatch.undo()
    assert steps[:5] == [
        "write Sent Sent to 00000002.jsonl",
        "sync 00000002.jsonl",
        "sync r",
        "write Sealed to 00000001.jsonl",
        "sync 00000001.jsonl",
    ]


@pytest.mark.parametrize("step", range(3))
def test_dying_while_sealing_leaves_each_request_once(
    tmp_path: Path, make_sent: MakeSent, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """As after a kill after each of: the new file is written, its name is flushed, the old one is marked."""
    folder = journal_folder(tmp_path, "r")

    class Killed(BaseException):
        pass

    def dying(number: int) -> Callable[[int], None]:
        calls = iter(range(100))

        def fsync(_: int) -> None:
            if next(calls) == number:
                raise Killed

        return fsync

    journal = Journal.open(tmp_path, "r")
    for name in "abc":
        journal.sent(make_sent(name))
    journal.outcome(answer("a"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", dying(step))
        with pytest.raises(Killed):
            journal.seal()
    assert len(journal_files(folder)) == 2
    assert contents(folder) == [("a", "answer"), ("b", None), ("c", None)]
    # A living process that met an error there goes on.
    journal.outcome(answer("b"))
    files = journal.seal()
    assert [(s.request_id, o and o.kind) for s, o in read_journal(files)] == [
        ("a", "answer"),
        ("b", "answer"),
    ]
    journal.close()
    assert contents(folder) == [("a", "answer"), ("b", "answer"), ("c", None)]


def test_files_of_an_earlier_process_can_be_moved_by_the_next(tmp_path: Path, make_sent: MakeSent) -> None:
    with Journal.open(tmp_path, "r") as journal:
        for name in "ab":
            journal.sent(make_sent(name))
        journal.outcome(answer("a"))
    with Journal.open(tmp_path, "r") as journal:
        assert journal.pending == 1
        (left,) = journal.seal()
        for name in "cd":
            journal.sent(make_sent(name))
        journal.outcome(answer("c"))
        files = journal.seal()
        assert files[0] == left
        # "b" is lost with its process; "d" is in flight.
        got = [(s.request_id, o and o.kind) for s, o in read_journal(files)]
        assert got == [("a", "answer"), ("c", "answer"), ("b", None)]


def test_writing_goes_on_while_another_thread_seals(tmp_path: Path, make_sent: MakeSent) -> None:
    moved: list[str] = []
    finished = threading.Event()

    def move() -> None:
        while not finished.is_set():
            for path in journal.seal():
                moved.extend(s.request_id for s, o in read_journal([path]) if o is not None)
                journal.discard(path)

    with Journal.open(tmp_path, "r") as journal:
        mover = threading.Thread(target=move)
        mover.start()
        names = [f"q{number}" for number in range(600)]
        for first, second in zip(names[::2], names[1::2], strict=True):
            journal.sent(make_sent(first))
            journal.sent(make_sent(second))
            journal.outcome(answer(second))
            journal.outcome(answer(first))
        finished.set()
        mover.join()
    left = [name for name, kind in contents(journal_folder(tmp_path, "r")) if kind]
    assert sorted(moved + left) == sorted(names)
    assert len(moved) > 0


# the disk --------------------------------------------------------------------------------------------------


def test_flushed_within_a_second_and_only_when_written(
    tmp_path: Path, make_sent: MakeSent, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed = threading.Semaphore(0)
    real = os.fsync

    def fsync(descriptor: int) -> None:
        real(descriptor)
        flushed.release()

    with Journal.open(tmp_path, "r") as journal:
        monkeypatch.setattr(os, "fsync", fsync)
        assert not flushed.acquire(timeout=0.8)  # nothing to flush
        for name in "ab":
            journal.sent(make_sent(name))
            started = time.perf_counter()
            assert flushed.acquire(timeout=5)
            assert 0.3 < time.perf_counter() - started < 1.0
        monkeypatch.undo()


def test_a_flush_that_fails_stops_the_buying_and_keeps_what_comes_in(
    tmp_path: Path, make_sent: MakeSent, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = threading.Event()

    def fsync(_: int) -> None:
        failed.set()
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    journal = Journal.open(tmp_path, "r")
    journal.sent(make_sent("a"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        journal.outcome(answer("a"))
        assert failed.wait(5)
        for _ in range(100):
            if journal._fault:
                break
            time.sleep(0.01)
    with pytest.raises(StoreError, match="may not have reached the disk"):
        journal.sent(make_sent("b"))
    with pytest.raises(StoreError, match="may not have reached the disk"):
        journal.close()
    assert not is_running(journal_folder(tmp_path, "r"))
    assert contents(journal_folder(tmp_path, "r")) == [("a", "answer")]


def test_a_full_disk_loses_no_record_before_or_after(
    tmp_path: Path, make_sent: MakeSent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills up at each octet of a record in turn; there is room again afterwards."""
    real = os.write
    length = len(encode(answer("q0", "body")))
    room = 0

    def write(descriptor: int, data: bytes) -> int:
        nonlocal room
        if room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done = real(descriptor, data[:room])
        room -= done
        return done

    with Journal.open(tmp_path, "r") as journal:
        for number in range(length):
            name = f"q{number}"[:2]
            journal.sent(make_sent(name))
            room = number
            with monkeypatch.context() as patch:
                patch.setattr(os, "write", write)
                with pytest.raises(OSError, match="No space left") as caught:
                    journal.outcome(answer(name, "body"))
            assert caught.value.filename == str(journal_files(journal_folder(tmp_path, "r"))[0])
            assert journal.in_flight == 1
            journal.outcome(answer(name, "body"))
        assert journal.pending == length
    reading = Reading()
    pairs = list(read_journal(journal_files(journal_folder(tmp_path, "r")), reading))
    assert [outcome and outcome.body for _, outcome in pairs] == ["body"] * length
    assert reading.damaged == {}


def test_a_torn_record_that_cannot_be_taken_back_harms_no_other(
    tmp_path: Path, make_sent: MakeSent, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write

    def write(descriptor: int, data: bytes) -> int:
        if len(data) < 10:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data[: len(data) - 5])

    def ftruncate(descriptor: int, length: int) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    with Journal.open(tmp_path, "r") as journal:
        journal.sent(make_sent("a"))
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", write)
            patch.setattr(os, "ftruncate", ftruncate)
            with pytest.raises(OSError, match="No space left"):
                journal.outcome(answer("a"))
        journal.outcome(answer("a"))
    reading = Reading()
    files = journal_files(journal_folder(tmp_path, "r"))
    assert [(s.request_id, o and o.kind) for s, o in read_journal(files, reading)] == [("a", "answer")]
    assert reading.damaged == {files[0]: [encode(answer("a"))[:-5] + b"\n"]}


def test_a_file_that_may_not_grow(tmp_path: Path, make_sent: MakeSent) -> None:
    """A real limit of the operating system, not a patched one."""
    with Journal.open(tmp_path, "r") as journal:
        journal.sent(make_sent("a"))
        (path,) = journal_files(journal_folder(tmp_path, "r"))
        held = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 50, held[1]))
            with pytest.raises(OSError, match="File too large"):
                journal.outcome(answer("a"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, held)
            signal.signal(signal.SIGXFSZ, handler)
        assert path.read_bytes() == encode(make_sent("a"))
        journal.outcome(answer("a"))
    assert contents(journal_folder(tmp_path, "r")) == [("a", "answer")]


def test_a_full_disk_while_sealing_leaves_all_where_it_was(
    tmp_path: Path, make_sent: MakeSent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Journal.open(tmp_path, "r") as journal:
        for name in "ab":
            journal.sent(make_sent(name))
        journal.outcome(answer("a"))
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", write)
            with pytest.raises(OSError, match="No space left"):
                journal.seal()
        assert [path.name for path in journal_files(journal_folder(tmp_path, "r"))] == ["00000001.jsonl"]
        journal.outcome(answer("b"))
        (path,) = journal.seal()
        assert [s.request_id for s, o in read_journal([path])] == ["a", "b"]


# reading what is damaged -----------------------------------------------------------------------------------


def test_cut_at_every_octet_of_the_last_two_lines(tmp_path: Path, make_sent: MakeSent) -> None:
    lines = [encode(make_sent("a")), encode(make_sent("b")), encode(answer("a")), encode(answer("b"))]
    whole = b"".join(lines)
    path = tmp_path / "00000001.jsonl"
    for length in range(len(lines[0]) + len(lines[1]), len(whole) + 1):
        path.write_bytes(whole[:length])
        reading = Reading()
        got = {s.request_id: o and o.kind for s, o in read_journal([path], reading)}
        # A line that lacks nothing but its newline is a line.
        first = length >= len(b"".join(lines[:3])) - 1
        second = length >= len(whole) - 1
        assert got == {"a": "answer" if first else None, "b": "answer" if second else None}
        assert reading.damaged == {}
        ends = [len(b"".join(lines[:number])) for number in (2, 3, 4)]
        assert bool(reading.torn) == (length not in {*ends, ends[1] - 1, ends[2] - 1})


def test_damaged_lines_are_set_aside_and_the_rest_is_used(tmp_path: Path, make_sent: MakeSent) -> None:
    damaged = encode(answer("b")).replace(b"answer", b"anwser")
    orphan = encode(answer("never sent"))
    zeros = b"\0" * 40 + b"\n"
    path = tmp_path / "00000007.jsonl"
    path.write_bytes(
        b"".join(
            [
                encode(make_sent("a")),
                encode(make_sent("b")),
                zeros,
                damaged,
                orphan,
                encode(answer("a")),
            ]
        )
    )
    reading = Reading()
    assert [(s.request_id, o and o.kind) for s, o in read_journal([path], reading)] == [
        ("a", "answer"),
        ("b", None),
    ]
    assert reading.damaged == {path: [zeros, damaged, orphan]}
    assert reading.damaged_lines == 3
    assert list(tmp_path.iterdir()) == [path]  # reading writes nothing
    for _ in range(2):
        assert set_aside(reading) == [tmp_path / "damaged-00000007.jsonl"]
        assert damaged_files(tmp_path) == [tmp_path / "damaged-00000007.jsonl"]
        assert damaged_files(tmp_path)[0].read_bytes() == zeros + damaged + orphan
    assert journal_files(tmp_path) == [path]


def test_numbers_are_not_used_again_while_damaged_lines_stand_under_them(tmp_path: Path) -> None:
    folder = journal_folder(tmp_path, "r")
    folder.mkdir(parents=True)
    (folder / "damaged-00000041.jsonl").write_bytes(b"x\n")
    with Journal.open(tmp_path, "r"):
        assert [path.name for path in journal_files(folder)] == ["00000042.jsonl"]


@given(st.binary(max_size=300))
def test_no_content_of_a_file_stops_the_reading(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("journal") / "00000001.jsonl"
    path.write_bytes(data)
    reading = Reading()
    assert list(read_journal([path, path.with_name("00000002.jsonl")], reading)) == []
    assert reading.damaged_lines == data.count(b"\n")
    assert bool(reading.torn) == (data != b"" and not data.endswith(b"\n"))
