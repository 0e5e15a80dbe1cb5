"""Exceptions become one sentence and an exit code."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from cli import _errors
from cli._errors import describe, reported
from guided_store.errors import DataError, StoreLockedError, UsageError
from indexes import IndexRequestError, VectorIndexError


def code_of(error: BaseException) -> int:
    with pytest.raises(typer.Exit) as caught, reported():
        raise error
    return caught.value.exit_code


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv(_errors.DEBUG, raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("no such option"), 2),
        (DataError("bad line"), 1),
        (StoreLockedError("held"), 1),
        (VectorIndexError("damaged"), 1),
        (IndexRequestError("bad factory"), 2),
    ],
)
def test_expected_errors_say_their_sentence(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(error) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"error: {error}\n"


def test_interrupt(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(KeyboardInterrupt()) == 130
    assert "run the same command again to resume" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/x/y"), "no space left on the disk (/x/y)"),
        (OSError("lance: No space left on device"), "no space left on the disk"),
        (PermissionError(errno.EACCES, "Permission denied", "/x/y"), "no permission to read or write (/x/y)"),
        (FileNotFoundError(errno.ENOENT, "No such file", "/x/y"), "no such file (/x/y)"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "/x/y"), "this is a folder (/x/y)"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files"),
        (FileNotFoundError("cannot open /x/y\nfor writing"), "no such file (cannot open /x/y for writing)"),
        (OSError("first line\nsecond"), "first line"),
        (MemoryError(), "not enough memory"),
    ],
)
def test_the_system_refuses(error: Exception, words: str) -> None:
    sentence, code = describe(error)
    assert words in sentence
    assert "\n" not in sentence
    assert code == 1


def test_a_bug_leaves_its_traceback_in_a_file(temporary: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(ZeroDivisionError("by zero")) == 1
    err = capsys.readouterr().err
    (log,) = temporary.glob("guided-store-*.log")
    assert "this is a bug" in err
    assert str(log) in err
    assert "Traceback" not in err
    assert "ZeroDivisionError: by zero" in log.read_text()


def test_a_bug_shows_its_traceback_when_debugging(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(_errors.DEBUG, "1")
    assert code_of(ZeroDivisionError("by zero")) == 1
    assert "Traceback" in capsys.readouterr().err
    assert not list(temporary.glob("*.log"))


def test_the_parser_keeps_its_own_errors() -> None:
    with pytest.raises(typer.BadParameter), reported():
        raise typer.BadParameter("no")
    with pytest.raises(typer.Exit) as caught, reported():
        raise typer.Exit(7)
    assert caught.value.exit_code == 7


def test_a_reader_that_goes_away_is_no_error() -> None:
    # More output than a pipe holds, to a reader that is closed already.
    code = (
        "import typer\nfrom cli._app import RootGroup\napp = typer.Typer(cls=RootGroup)\n"
        "@app.callback()\ndef root() -> None: ...\n"
        "@app.command()\ndef much() -> None:\n    print('x' * 1_000_000)\n"
        "app(['much'])"
    )
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert done.returncode == 141
    assert done.stderr == b""
