"""Checkpoints of a training run: one safetensors file, replaced atomically."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from guided_store.errors import EncoderError
from guided_store.store import replacing

FORMAT = 2


def save_checkpoint(path: Path, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Write tensors and a JSON-serialisable state to `path`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {name: value.detach().contiguous() for name, value in tensors.items()}
    with replacing(path) as temporary:
        save_file(content, temporary, metadata={"format": str(FORMAT), "state": json.dumps(state)})


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Tensors and state of a checkpoint, or None where there is none.

    Raises:
        EncoderError: the file is damaged or of another format.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != str(FORMAT):
                raise EncoderError(f"{path} is a checkpoint of another format; remove it and train again")
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return tensors, json.loads(metadata["state"])
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise EncoderError(
            f"the checkpoint {path} is damaged ({error}); remove it, or train with --no-resume"
        ) from error


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """An optimiser's per-parameter tensors under flat names."""
    found: dict[str, Tensor] = {}
    for number, values in optimizer.state_dict()["state"].items():
        for name, value in values.items():
            found[f"{number}.{name}"] = value
    return found


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put back what `optimizer_tensors` gave."""
    state = optimizer.state_dict()
    restored: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, _, name = key.partition(".")
        restored.setdefault(int(number), {})[name] = value
    state["state"] = restored
    optimizer.load_state_dict(state)
