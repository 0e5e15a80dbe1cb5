"""`score run/status/check/batch` and `build guided`, as a user types them, against a real server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCHEMA = """\
name = "tiny"
version = 1
item = "film"
scale = [0, 10]
[[attribute]]
name = "humor"
low = "none"
high = "constant comedy"
[[attribute]]
name = "pace"
low = "very slow"
high = "breakneck"
"""

TITLES = [f"Film number {number}" for number in range(30)]


class Shop:
    """A store with thirty films, a schema, and a model behind a server."""

    def __init__(self, terminal: Any, folder: Path, server: Any) -> None:
        self.terminal, self.folder, self.server = terminal, folder, server
        self.store = folder / "store"
        self.schema = folder / "tiny.toml"
        self.schema.write_text(SCHEMA)
        self.add(TITLES)

    def add(self, titles: list[str], first: int = 0) -> None:
        rows = "".join(f"{first + number},{title}\n" for number, title in enumerate(titles))
        (self.folder / "items.csv").write_text("film,name\n" + rows)
        self.terminal.ask(self.store, "ingest items --item film --title name", self.folder / "items.csv")

    @property
    def asks(self) -> tuple[object, ...]:
        """What every first call names."""
        return ("--schema", self.schema, "--model", "m", "--base-url", self.server.url)


@pytest.fixture
def shop(terminal: Any, tmp_path: Path, fake_openai: Callable[..., Any]) -> Shop:
    return Shop(terminal, tmp_path, fake_openai(latency=0.001))


def test_one_command_from_catalogue_to_guided_version(shop: Shop) -> None:
    terminal = shop.terminal
    dry = terminal.ask(shop.store, "score run --dry-run --prices 1,2", *shop.asks)
    assert "30 answers to ask m for, in 30 requests" in dry
    assert "at most $" in dry
    assert shop.server.received() == []

    done = terminal.json(shop.store, "score run --prices 1,2 --max-cost 10 --as films", *shop.asks)
    assert (done["ok"], done["left"], done["stopped"]) == (30, 0, None)
    assert done["version"]["version"] == "guided/films"
    tokens_in, tokens_out, _ = shop.server.usage()
    assert done["spent"] == pytest.approx(tokens_in / 1e6 + tokens_out * 2 / 1e6)

    again = terminal.json(shop.store, "score run", *shop.asks)
    assert (again["requests"], again["already"]) == (0, 30)
    assert len(shop.server.received()) == 30

    shown = terminal.ask(shop.store, "score status")
    assert done["run"] in shown
    assert "100.0%" in shown
    status = terminal.json(shop.store, "score status")[0]
    assert (status["done"], status["left"], status["suspicious"]) == (30, 0, [])
    # The guided version holds what the server said of each film.
    path = shop.folder / "out.csv"
    terminal.ask(shop.store, "score export guided/films --out", path)
    row = path.read_text().splitlines()[1].replace('"', "").split(",")
    fields = {"title": TITLES[int(row[0])]}
    assert [float(score) for score in row[-2:]] == [shop.server.score(fields, a) for a in ("humor", "pace")]


def test_new_items_alone_are_bought_and_old_rows_stay(shop: Shop) -> None:
    terminal = shop.terminal
    run = terminal.json(shop.store, "score run --prices 1,2 --as one", *shop.asks)["run"]
    shop.add(["A new film", "Another new film"], first=100)
    done = terminal.json(shop.store, "score run --run", run)
    assert (done["requests"], done["ok"]) == (2, 2)
    assert done["spent"] > 0  # the prices come from the run's record, too
    extended = terminal.json(shop.store, "build guided --extend guided/one --as two --run", run)
    assert extended["rows"] == 32
    assert extended["recipe"]["new_items"] == 2
    code, sentence = terminal.refuse(shop.store, "build guided --extend guided/two --as three")
    assert (code, "nothing is new" in sentence) == (2, True)


def test_a_maximum_cost_stops_the_run_and_says_so(shop: Shop) -> None:
    result = shop.terminal.invoke(
        shop.store, "score run --prices 1,2 --max-cost 0.008 --concurrency 2 --as films", *shop.asks
    )
    assert result.exit_code == 1
    assert "stopped before the next request could go beyond the maximum cost" in result.stdout
    assert "guided/films is not built yet" in result.stdout
    tokens_in, tokens_out, _ = shop.server.usage()
    assert 0 < tokens_in / 1e6 + tokens_out * 2 / 1e6 <= 0.008


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("score run --model m", 2, "which attributes are to be scored? Give --schema"),
        ("score run --schema films", 2, "which model is to be asked? Give --model"),
        ("score run --schema films --model m --max-cost 1", 2, "needs the model's prices: give --prices"),
        ("score run --schema films --model m --prices 1", 2, "prices '1' are not understood"),
        ("score run --schema films --model m --fields plot", 2, "no column 'plot' to show"),
        ("score run --schema nothing --model m", 2, "neither a file nor a bundled pack"),
        ("score run --run other", 2, "the store has no run 'other'"),
        ("score run --provider local --schema films", 2, "--provider local needs"),
        ("score run --schema films --model m --base-url ftp://x", 2, "is not an http or https address"),
        ("score status --run other", 2, "no run 'other' has asked a model"),
        ("score batch collect --run other", 2, "no run 'other' has asked a model"),
        ("score batch abandon nothing", 2, "no batch job 'nothing'"),
        ("build guided --as x", 2, "nothing was scored yet"),
    ],
)
def test_wrong_requests_get_one_sentence(shop: Shop, command: str, code: int, words: str) -> None:
    found, sentence = shop.terminal.refuse(shop.store, command)
    assert (found, words in sentence) == (code, True), sentence
    assert sentence.count("\n") == 1
    assert shop.server.received() == []


def test_an_endpoint_that_is_not_there_is_a_failure(shop: Shop) -> None:
    shop.server.stop()
    code, sentence = shop.terminal.refuse(shop.store, "score run", *shop.asks)
    assert (code, "cannot be reached" in sentence) == (1, True), sentence


def test_without_a_key_nothing_is_sent(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    code, sentence = shop.terminal.refuse(shop.store, "score run --schema films --model m")
    assert (code, "set the environment variable OPENAI_API_KEY" in sentence) == (2, True)


def test_checking_batches_keeps_its_answers_apart(shop: Shop) -> None:
    found = shop.terminal.json(shop.store, "score check --sample 6 --items-per-request 3", *shop.asks)
    assert found["items"] == 6
    assert (found["alone"], found["batch"], found["differs"]) == (0, 0, False)
    assert [len(run["run"]) > 0 for run in found["runs"]] == [True, True]
    # What was bought for the check is no run to build from unasked.
    assert shop.terminal.refuse(shop.store, "build guided --as x")[0] == 2
    shown = shop.terminal.ask(shop.store, "score status")
    assert shown.count("a check") == 2


def test_a_batch_job_there_and_back(shop: Shop) -> None:
    terminal = shop.terminal
    (job,) = terminal.json(shop.store, "score batch submit --prices 1,2 --items-per-request 5", *shop.asks)
    assert (job["requests"], job["items"], job["state"]) == (6, 30, "submitted")
    live = terminal.json(shop.store, "score run --as films", *shop.asks)
    assert (live["requests"], live["in_batches"], live["version"]) == (0, 30, None)
    assert "score batch collect" in terminal.ask(shop.store, "score run", *shop.asks)
    found = terminal.json(shop.store, "score batch collect --follow 60")
    assert found["faults"] == []
    assert terminal.json(shop.store, "score status")[0]["done"] == 30
    assert "collected" in terminal.ask(shop.store, "score batch list")
    assert terminal.json(shop.store, "build guided --as films")["rows"] == 30


def test_the_key_is_in_no_file(shop: Shop) -> None:
    shop.terminal.ask(shop.store, "score run --limit 10", *shop.asks)
    shop.terminal.ask(shop.store, "score batch submit", *shop.asks)
    files = [path for path in shop.store.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert not [path for path in files if b"test-key" in path.read_bytes()]


def test_a_taken_name_is_told_before_anything_is_bought(shop: Shop) -> None:
    shop.terminal.ask(shop.store, "score run --as films", *shop.asks)
    bought = len(shop.server.received())
    shop.add(["A new film"], first=30)
    for command in ("score run --as films", "score run --as films --dry-run"):
        assert (
            "there is a version guided/films already"
            in shop.terminal.refuse(shop.store, command, *shop.asks)[1]
        )
    assert len(shop.server.received()) == bought


def test_what_was_bought_is_told_when_the_version_cannot_be_built(shop: Shop) -> None:
    shop.server.set(faults={"refusal": 0.5})
    command = "score run --as films --attempts 1 --prices 1,2"
    result = shop.terminal.invoke(shop.store, command, *shop.asks)
    assert result.exit_code == 2, result.output
    assert "failed: no usable answer" in result.stdout
    assert "spent $" in result.stdout
    assert result.stderr.startswith("error: ")
    found = shop.terminal.invoke(shop.store, command, *shop.asks, "--json")
    assert found.exit_code == 2
    assert json.loads(found.stdout)["given_up"] > 0


def test_what_was_bought_is_told_when_the_server_fails_later(shop: Shop) -> None:
    shop.server.set(faults={"refusal": 1.0})
    result = shop.terminal.invoke(shop.store, "score run --attempts 20 --prices 1,2", *shop.asks)
    assert result.exit_code == 1, result.output
    assert "stopped by an error" in result.stdout
    assert "spent $" in result.stdout
    assert "answers of m could be used" in result.stderr


def test_a_limited_call_in_vain_is_no_success(shop: Shop) -> None:
    shop.server.set(faults={"refusal": 1.0})
    result = shop.terminal.invoke(shop.store, "score run --limit 2", *shop.asks)
    assert result.exit_code == 1
    assert "2 failed" in result.stdout


def test_a_version_shows_every_run_it_averages(shop: Shop) -> None:
    for run, more in (("one", []), ("two", ["--again", "--repeats", 2])):
        shop.terminal.ask(shop.store, f"score run --run {run}", *shop.asks, *more)
    shop.terminal.ask(shop.store, "build guided --runs one,two --as both")
    shown = " ".join(shop.terminal.ask(shop.store, "versions show guided/both").split())
    assert "one (m-2026-01-01, 30 items); two (m-2026-01-01, 30 items, 2 answers each)" in shown
    assert "tiny, version 1" in shown


def test_long_names_can_be_copied_from_the_listings(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    asks = ["--schema", shop.schema, "--base-url", shop.server.url]
    for model in ("maker/a-model-with-a-long-name", "other/model"):
        shop.terminal.ask(shop.store, "score run --limit 1", *asks, "--model", model)
        shop.terminal.ask(shop.store, "score batch submit --limit 2", *asks, "--model", model)
    status, jobs = (
        shop.terminal.ask(shop.store, command) for command in ("score status", "score batch list")
    )
    for run in shop.terminal.json(shop.store, "score status"):
        assert run["run"] in status
        assert run["run"] in jobs
    for job in shop.terminal.json(shop.store, "score batch list"):
        assert job["job"] in jobs
    assert "failed" not in status
    assert "in jobs" in status
