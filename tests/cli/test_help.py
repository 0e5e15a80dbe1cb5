"""Help is quick, whole, and loads nothing heavy."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from cli.main import app

HEAVY = (
    "torch",
    "lancedb",
    "lance",
    "openai",
    "faiss",
    "polars",
    "pyarrow",
    "scipy",
    "numpy",
    "rich",
)
CPU_SECONDS = 0.3

COMMANDS = [
    "",
    "demo",
    "init",
    "status",
    "doctor",
    "ingest",
    "ingest interactions",
    "ingest items",
    "ingest users",
    "ingest movielens",
    "ingest folder",
    "attributes",
    "attributes list",
    "attributes show",
    "attributes check",
    "attributes propose",
    "score",
    "score import",
    "score run",
    "score status",
    "score check",
    "score agreement",
    "score export",
    "score batch",
    "score batch submit",
    "score batch collect",
    "score batch list",
    "score batch cancel",
    "score batch abandon",
    "train",
    "build",
    "build base",
    "build guided",
    "build refined",
    "build users",
    "versions",
    "versions list",
    "versions show",
    "versions alias",
    "versions diff",
    "versions prune",
    "index",
    "index build",
    "index list",
    "index verify",
    "recommend",
    "explain",
    "profile",
    "similar",
    "evaluate",
    "compare",
    "reproduce",
]


def cpu_of(*arguments: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_costs_little_cpu() -> None:
    # The least of three: what else runs on the machine slows a single run down.
    assert min(cpu_of("-m", "cli.main", "--help") for _ in range(3)) < CPU_SECONDS


@pytest.mark.parametrize("command", ["", "recommend", "ingest interactions"])
def test_help_loads_nothing_heavy(command: str) -> None:
    code = (
        "import json, sys\n"
        "from cli.main import app\n"
        "try:\n"
        "    app(sys.argv[1:])\n"
        "except SystemExit:\n"
        "    pass\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command.split(), "--help"], check=True, capture_output=True, text=True
    )
    assert "Usage:" in done.stdout
    assert not set(json.loads(done.stderr)) & set(HEAVY)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--help"])
    assert result.exit_code == 0
    summary = result.stdout.split("\n\n")[1].strip()
    assert len(summary) > 10
    assert "Traceback" not in result.stderr


def test_the_root_lists_every_command() -> None:
    shown = CliRunner().invoke(app, ["--help"]).stdout
    for command in {command.partition(" ")[0] for command in COMMANDS if command}:
        assert f"\n  {command} " in shown


def test_version() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout == f"guided-store {version('guided-store')}\n"


def test_no_command_shows_help() -> None:
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 2
    assert "Usage:" in result.output


def test_a_mistyped_command_gets_a_suggestion() -> None:
    result = CliRunner().invoke(app, ["recomend"])
    assert result.exit_code == 2
    assert "'recommend'" in result.stderr


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("status --quiet", "guided-store --quiet COMMAND"),
        ("recommend 1 -q", "guided-store -q COMMAND"),
        ("index list --store x", "guided-store --store FOLDER COMMAND"),
        ("train --as x --wait 3", "guided-store --wait SECONDS COMMAND"),
    ],
)
def test_an_option_of_the_root_after_the_command_is_told_its_place(line: str, place: str) -> None:
    result = CliRunner().invoke(app, line.split())
    assert result.exit_code == 2
    assert place in result.stderr


def test_other_unknown_options_keep_their_error() -> None:
    result = CliRunner().invoke(app, ["status", "--quite"])
    assert result.exit_code == 2
    assert "No such option: --quite" in result.stderr
