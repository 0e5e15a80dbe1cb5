"""Bars, lines, or nothing."""

from __future__ import annotations

import io
import time

import pytest

from cli import _progress
from cli._progress import BarProgress, LineProgress, clock, make_progress
from guided_store.progress import SILENT


def test_quiet_is_silent() -> None:
    assert make_progress(quiet=True) is SILENT


def test_no_bars_into_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert isinstance(make_progress(quiet=False), LineProgress)


def test_bars_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stderr", terminal)
    assert isinstance(make_progress(quiet=False), BarProgress)


def test_lines_come_at_intervals_and_name_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    progress = LineProgress(interval=0.0)
    with progress.task("reading", 4) as task:
        task.advance()
        task.note("loss 1.5")
        task.advance(2)
    with progress.task("counting", None) as task:
        task.advance(7)
    progress.log("epoch 1")
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert lines[0].startswith("reading: 25% (1 of 4), ")
    assert lines[1].endswith("left, loss 1.5")
    assert lines[2].startswith("counting: 7 done in ")
    assert lines[3] == "epoch 1"


def test_quick_work_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with LineProgress().task("reading", 4) as task:
        task.advance(4)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("delay", [0.0, 60.0])
def test_bars_appear_after_a_while_only(
    delay: float, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_progress, "DELAY", delay)
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes the captured stream for a terminal
    progress = BarProgress()
    with progress.task("reading", 4) as task:
        task.advance(2)
        task.note("half")
        with progress.task("inner", None) as inner:
            inner.advance()
            time.sleep(0.05)
        progress.log("a line that stays")
    out, err = capsys.readouterr()
    assert out == ""
    assert "a line that stays" in err
    assert ("reading" in err) == (delay == 0)


def test_clock() -> None:
    assert [clock(seconds) for seconds in (0.4, 59, 185, 7_800)] == ["0 s", "59 s", "3 min 5 s", "2 h 10 min"]
