"""`profile --explain`: the user's own attribute vector, its parts and its movers."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli._profile import mover_table, vector_table
from guided_store.retrieval import Mover, UserAttribute, UserVector

VIEWER = "simulated-0007"


def test_a_vector_is_shown_beside_the_profile(terminal: Any, trained: Path) -> None:
    text = terminal.ask(trained, f"profile {VIEWER} --explain --movers 2")
    assert "a description only, this encoder reads none" in text
    vector = terminal.json(trained, f"profile {VIEWER} --explain --movers 2")["user_vector"]
    assert vector["events"] == 20  # --length of the encoder
    for attribute in vector["attributes"]:
        assert attribute["value"] == pytest.approx(attribute["history"] + attribute["prior"])
        assert len(attribute["movers"]) == 2
    top = max(vector["attributes"], key=lambda attribute: abs(attribute["value"]))
    rows = text.split("a description only")[1].split("What moved")[0].splitlines()
    first = next(row for row in rows if row.startswith(top["attribute"]))
    shown = [float(number) for number in re.findall(r"[+-]\d+\.\d\d", first.replace("−", "-"))]
    assert shown[0] == pytest.approx(top["value"], abs=0.006)
    assert shown[0] == pytest.approx(shown[1] + shown[2])
    assert top["movers"][0]["title"][:15] in text.split("What moved")[1]


def test_an_encoder_that_reads_the_vector_says_so(terminal: Any, trained: Path) -> None:
    terminal.ask(
        trained, "train --items refined/start --as u --user --epochs 1 --length 20 --heads 1 --blocks 1"
    )
    text = terminal.ask(trained, f"profile {VIEWER} --explain --version refined/u")
    assert "which this encoder reads at each event: the newest 20 events" in text
    vector = terminal.json(trained, f"profile {VIEWER} --explain --version refined/u")["user_vector"]
    assert vector["read_by_encoder"] is True
    assert all(attribute["memory"] > 1 for attribute in vector["attributes"])


def test_wrong_requests(terminal: Any, trained: Path) -> None:
    code, sentence = terminal.refuse(trained, f"profile {VIEWER} --prior users/x")
    assert (code, sentence) == (2, "error: --prior belongs to --explain\n")
    code, sentence = terminal.refuse(trained, f"profile {VIEWER} --explain --prior users/x")
    assert "there is no version users/x" in sentence


def test_the_tables_fit_into_80_columns() -> None:
    movers = tuple(Mover(str(n), "A title that is a good deal too long " * 2, -0.5 / n) for n in (1, 2, 3))
    attributes = tuple(
        UserAttribute(f"attribute_of_22_letters{n}"[-22:], 0.305, 0.305, 0.09, 1234.5, -1.25, movers)
        for n in range(3)
    )
    vector = UserVector(True, 50, "users/x", attributes)
    for table in (vector_table(vector), mover_table(vector, blocks=False)):
        console = Console(width=80, file=io.StringIO(), color_system=None)
        console.print(table)
        lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
        assert max(len(line.rstrip()) for line in lines) <= 80
    console = Console(width=80, file=io.StringIO(), color_system=None)
    console.print(vector_table(vector, blocks=False))
    shown = [
        float(number)
        for number in re.findall(r"[+-]\d+\.\d\d", console.file.getvalue())  # type: ignore[attr-defined]
    ]
    assert shown[0] == 0.61
    assert sum(shown[1:3]) == pytest.approx(0.61)  # each part is 0.305
