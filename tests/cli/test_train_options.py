"""`train`: encoders and losses by name, and what does not go together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

SMALL = "--items refined/start --epochs 1 --length 20"


@pytest.mark.parametrize(
    ("name", "options", "recorded"),
    [
        ("gru", "--encoder gru4rec --hidden 24", {"architecture": "gru4rec", "hidden": 24, "blocks": 1}),
        (
            "bert",
            "--encoder bert4rec --masking 0.3 --mask-last 0.5",
            {"architecture": "bert4rec", "heads": 2},
        ),
        ("ligr", "--block ligr --loss gbce --negatives 20", {"architecture": "sasrec", "block": "ligr"}),
    ],
)
def test_every_encoder_gives_lists_that_add_up(
    terminal: Any, trained: Path, name: str, options: str, recorded: dict[str, object]
) -> None:
    made = terminal.json(trained, f"train --as {name} {SMALL} {options}")
    assert recorded.items() <= made["training"]["encoder"].items()
    found = terminal.json(trained, f"recommend simulated-0007 -k 5 --version refined/{name}")
    assert len(found["items"]) == 5
    for item in found["items"]:
        terms = sum(term["contribution"] for term in item["attributes"])
        assert terms + item["latent"] + item["bias"] == pytest.approx(item["score"], abs=1e-4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--encoder gru4rec --block ligr", "block does not belong to gru4rec"),
        ("--encoder gru4rec --heads 4", "heads does not belong to gru4rec"),
        ("--hidden 24", "hidden does not belong to sasrec"),
        ("--masking 0.3", "masking belongs to encoders with a cloze task"),
        ("--gbce-t 0.5", "gbce_t belongs to the loss gbce"),
    ],
)
def test_what_does_not_go_together(terminal: Any, trained: Path, options: str, words: str) -> None:
    code, sentence = terminal.refuse(trained, f"train --as never {SMALL} {options}")
    assert code == 2
    assert words in " ".join(sentence.split())
