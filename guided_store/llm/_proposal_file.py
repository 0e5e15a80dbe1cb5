"""Where a proposal is written: a schema to edit, and until it is there, the raw answers beside it."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from guided_store.errors import UsageError


class ProposalFile:
    """A file that a proposal is to be written to, checked before anything is paid for.

    Each answer goes to `NAME.raw.json` (`NAME.raw-2.json`, ... if an earlier one is there) before it is read.
    That file is removed once the schema is written: what was paid for survives whatever happens between.

    Args:
        path: the schema's file, such as my-schema.toml.
        about: what the raw answers are answers to; written with them.
        force: whether a file that is there already may be replaced.

    Raises:
        UsageError: the file is there already, or cannot be written where it should be.
    """

    def __init__(self, path: str | Path, about: Mapping[str, object], *, force: bool = False) -> None:
        self.path, self._about, self._force = Path(path), dict(about), force
        self._answers: list[dict[str, str]] = []
        self._raw: Path | None = None
        folder = self.path.parent
        if self.path.is_dir():
            raise UsageError(f"{self.path} is a folder; name a file such as my-schema.toml")
        if self.path.exists() and not force:
            raise UsageError(f"{self.path} is there already; name another file, or replace it with --force")
        if not folder.is_dir():
            raise UsageError(f"there is no folder {folder} to write {self.path.name} to; make it first")
        if not os.access(folder, os.W_OK):
            raise UsageError(f"no permission to write to the folder {folder}; name another place")

    @property
    def raw(self) -> Path | None:
        """Where raw answers are kept at the moment, or None."""
        return self._raw

    def keep(self, body: str) -> None:
        """Keep one raw answer."""
        self._answers.append({"received": datetime.now(UTC).isoformat(timespec="seconds"), "body": body})
        if self._raw is None:
            self._raw = self._free_name()
        _replace(self._raw, json.dumps(self._about | {"answers": self._answers}, indent=2) + "\n")

    def write(self, text: str) -> None:
        """Write the schema, whole or not at all, and let go of the raw answers.

        Raises:
            UsageError: somebody else has written the file meanwhile; the raw answers stay.
        """
        if not self._force and self.path.exists():
            raise UsageError(f"{self.path} was written by somebody else meanwhile; it is left as it is")
        _replace(self.path, text)
        if self._raw is not None:
            self._raw.unlink(missing_ok=True)
            self._raw = None

    def _free_name(self) -> Path:
        number = 1
        while True:
            suffix = ".raw.json" if number == 1 else f".raw-{number}.json"
            path = self.path.with_name(self.path.stem + suffix)
            if not path.exists():
                return path
            number += 1


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
