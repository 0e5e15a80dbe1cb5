"""What a finished run leaves: one JSON file, and for a chosen run the ranks of its test cases beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import guided_store
from guided_store.errors import DataError
from guided_store.reproduction._settings import RunSettings
from guided_store.store import replacing, write_json

FORMAT = 1
SELECT_BY = "ndcg@10"

Kind = Literal["trial", "run"]

_TRAINED_BY = ("catalogue", "embeddings", "encoders", "evaluation", "reproduction")


@dataclass(frozen=True)
class Record:
    """A finished trial or run.

    Attributes:
        kind: "trial" (judged on validation cases alone) or "run" (chosen, and read on the test cases).
        content: the JSON file's content, see `write_record`.
        ranks: float64 (C,) of a run's test cases, None of a trial or a failed run.
    """

    kind: Kind
    content: Mapping[str, Any]
    ranks: NDArray[np.float64] | None = None

    @property
    def failed(self) -> bool:
        return self.content["error"] is not None

    @property
    def score(self) -> float:
        """What trials are compared by; -1 for one that failed."""
        return -1.0 if self.failed else float(self.content["validation"][SELECT_BY])

    @property
    def seconds(self) -> float:
        return float(self.content["seconds"])


def record_path(work: Path, kind: Kind, settings: RunSettings) -> Path:
    """Where the run with these settings is recorded."""
    cell = settings.cell
    seed = "" if kind == "trial" else f"s{cell.seed}-"
    return work / "runs" / cell.dataset / cell.encoder / cell.system / f"{kind}-{seed}{settings.digest}.json"


def write_record(
    path: Path,
    kind: Kind,
    settings: RunSettings,
    content: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]] | None = None,
) -> None:
    """Write a record whole or not at all; the arrays first, so that a record with a test has its ranks.

    Args:
        path: from `record_path`.
        kind: "trial" or "run".
        settings: of the run.
        content: "split", "validation", "history", "best_epoch", "epochs", "stopped", "seconds",
            "seconds_before", "version", "made_from", "threads", "torch", "device", "error".
        arrays: "ranks", "users" and "targets" of the test cases.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if arrays is not None:
        with replacing(path.with_suffix(".npz")) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
    write_json(
        path,
        {
            "format": FORMAT,
            "kind": kind,
            "cell": str(settings.cell),
            "settings": settings.to_dict(),
            "trial": dict(settings.trial),
            "digest": settings.digest,
            "package": guided_store.__version__,
            "code": code_digest(),
            **content,
        },
    )


def read_record(path: Path, kind: Kind, settings: RunSettings, split: str | None) -> Record | None:
    """The record of a run, or None where it is not finished.

    Args:
        path: from `record_path`.
        kind: "trial" or "run".
        settings: that it must have been made with.
        split: digest of the split that it must have been made on; None accepts any.

    Raises:
        DataError: the file is damaged, or was made on another split.
    """
    if not path.exists():
        return None
    advice = "remove it, and it is made again"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content["digest"] != settings.digest or content["kind"] != kind:
            raise DataError(f"{path} is not the record of {settings.cell}; {advice}")
        if split is not None and content["split"] != split:
            raise DataError(f"{path} was made on another split ({content['split'][:12]}); {advice}")
        ranks = None
        if kind == "run" and content["error"] is None:
            with np.load(path.with_suffix(".npz"), allow_pickle=False) as arrays:
                ranks = arrays["ranks"].astype(np.float64)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is damaged ({error}); {advice}") from None
    return Record(kind, content, ranks)


@cache
def code_digest() -> str:
    """SHA-256 over the source of the rooms that a run's figures depend on, 12 digits.

    It is recorded, not compared: a run stays when the code around it moves on, and a table can say so.
    """
    root = Path(guided_store.__file__).parent
    sha = hashlib.sha256()
    for room in _TRAINED_BY:
        for path in sorted((root / room).glob("*.py")):
            sha.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return sha.hexdigest()[:12]
