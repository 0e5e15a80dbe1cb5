"""From exceptions to one sentence on stderr and an exit code.

| what happened                          | exit code |
|----------------------------------------|-----------|
| the request was wrong (`exit_code` 2)  | 2         |
| any other error raised on purpose      | 1         |
| no memory, no space, no permission     | 1         |
| a bug                                  | 1         |
| Ctrl-C                                 | 130       |
| the reader of our output went away     | 141       |
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from cli._output import harmless

DEBUG = "GUIDED_STORE_DEBUG"
INTERRUPTED = "interrupted; what is finished stays, run the same command again to resume"


@contextmanager
def reported() -> Iterator[None]:
    """Turn every exception of the block into its sentence and `typer.Exit`; the parser's own pass through."""
    try:
        yield
        sys.stdout.flush()
    except (typer.Exit, typer.Abort, typer.TyperException):
        raise
    except KeyboardInterrupt:
        typer.echo(INTERRUPTED, err=True)
        raise typer.Exit(130) from None
    except BrokenPipeError:
        # The interpreter flushes stdout once more on its way out; let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(141) from None
    except Exception as error:
        if os.environ.get(DEBUG):
            sys.excepthook(type(error), error, error.__traceback__)
        sentence, code = describe(error)
        typer.echo(f"error: {harmless(sentence)}", err=True)
        raise typer.Exit(code) from None


def describe(error: Exception) -> tuple[str, int]:
    """The sentence and the exit code of an exception; writes a log file where it is a bug."""
    from guided_store.errors import GuidedStoreError

    if isinstance(error, GuidedStoreError):
        return str(error), error.exit_code
    if (code := _index_error(error)) is not None:
        return str(error), code
    if isinstance(error, MemoryError):
        return "not enough memory: close other programs, or use smaller sizes (--batch, --dim, --length)", 1
    if isinstance(error, OSError):
        return _system(error), 1
    return _bug(error), 1


def _index_error(error: Exception) -> int | None:
    """The exit code of an error of `indexes`, None for any other."""
    # Such an error can only exist once that package is imported; FAISS is not loaded to ask.
    indexes = sys.modules.get("indexes")
    if indexes is not None and isinstance(error, indexes.VectorIndexError):
        return int(error.exit_code)
    return None


def _system(error: OSError) -> str:
    """What the operating system refused, with the file where it is known."""
    where = f" ({error.filename})" if error.filename else ""
    # LanceDB passes the system's refusals on as text, without a number.
    text = str(error).lower()
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or "no space left" in text:
        return f"no space left on the disk{where}: free some and run the same command again to resume"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) or "permission denied" in text:
        return f"no permission to read or write{where}: check the owner and mode, or name another place"
    if isinstance(error, FileNotFoundError):
        # Libraries raise it with a sentence of their own, and without the name apart.
        return f"there is no such file{where or _said(error)}"
    if isinstance(error, IsADirectoryError):
        return f"a file was expected, this is a folder{where}"
    reason = error.strerror or (str(error).splitlines() or [type(error).__name__])[0]
    return f"the operating system says: {reason}{where}"


def _said(error: OSError) -> str:
    text = " ".join(str(error).split())
    return f" ({text})" if text else ""


def _bug(error: Exception) -> str:
    import tempfile
    import traceback

    what = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    if os.environ.get(DEBUG):
        return f"this is a bug in guided-store ({what})"
    report = "".join(traceback.format_exception(error))
    try:
        handle, path = tempfile.mkstemp(prefix="guided-store-", suffix=".log", text=True)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{' '.join(sys.argv)}\n\n{report}")
    except OSError:
        return f"this is a bug in guided-store ({what}); set {DEBUG}=1 to see where"
    return f"this is a bug in guided-store ({what}); please report it with {path}"
