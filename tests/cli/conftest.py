"""A small store, built by the command line alone, that the tests of this folder ask."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.main import app

USERS, FILMS = 90, 150


class Terminal:
    """Runs commands in this process, on the store that is given first (None: the default)."""

    users, films = USERS, FILMS

    def invoke(self, store: Path | None, command: str, *arguments: object) -> Result:
        """Run a command, its words split at spaces; anything but a clean end is left in the result."""
        where = [] if store is None else ["--store", str(store)]
        return CliRunner().invoke(app, [*where, *command.split(), *map(str, arguments)])

    def ask(self, store: Path | None, command: str, *arguments: object) -> str:
        """Run a command that must succeed; what it printed on stdout."""
        result = self.invoke(store, command, *arguments)
        assert result.exit_code == 0, f"{command} {arguments}: {result.output} {result.exception!r}"
        return str(result.stdout)

    def json(self, store: Path | None, command: str, *arguments: object) -> Any:
        """Run a command with --json; the document it printed, and nothing else."""
        return json.loads(self.ask(store, command, *arguments, "--json"))

    def refuse(self, store: Path | None, command: str, *arguments: object) -> tuple[int, str]:
        """Run a command that must fail; its exit code, and its one sentence on stderr."""
        result = self.invoke(store, command, *arguments)
        assert result.exit_code != 0, result.stdout
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        return result.exit_code, result.stderr


@pytest.fixture(scope="session")
def terminal() -> Terminal:
    return Terminal()


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """items.csv and events.csv of simulated viewers of a few bundled films."""
    from guided_store.data import films
    from guided_store.simulation import simulate_films

    folder = tmp_path_factory.mktemp("files")
    histories = simulate_films(users=USERS, known=FILMS, seed=3)
    histories.write_csv(folder / "events.csv")
    catalogue = films()
    with (folder / "items.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("film", "name", "year"))
        known = set(histories.item_ids)
        rows = zip(catalogue.ids, catalogue.titles, catalogue.years.tolist(), strict=True)
        writer.writerows(row for row in rows if row[0] in known)
    return folder


@pytest.fixture(scope="session")
def trained(terminal: Terminal, files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with base/b, guided/films, refined/start, refined/r (trained), an index and an alias.

    Tests that write to it add to it only; none may rely on what another has added.
    """
    store = tmp_path_factory.mktemp("stores") / "trained"
    small = "--epochs 2 --length 20 --heads 1 --blocks 1"
    terminal.ask(store, "ingest items --item film --title name", files / "items.csv")
    terminal.ask(store, "ingest interactions", files / "events.csv")
    terminal.ask(store, "score import films --schema films --as films")
    terminal.ask(store, f"train --as b --dim 16 {small}")
    terminal.ask(store, "build refined --base base/b --guided guided/films --dim 32 --as start")
    terminal.ask(store, f"train --items refined/start --as r {small}")
    terminal.ask(store, "index build refined/r")
    terminal.ask(store, "versions alias production refined/r --index flat")
    return store
