"""`attributes check` on scores, and `attributes propose` against a real server on loopback."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scripted_server import Reply, Scripted, completion, scripted

from guided_store.attributes import Attribute, AttributeSchema, check_schema, load_schema
from guided_store.data import films

Serve = Callable[..., Scripted]

ASK = "attributes propose --domain films --item film --model m --size 8"
KEY = "secret-of-the-tests"


def answer(**changes: Any) -> Reply:
    elements: list[dict[str, Any]] = [
        {
            "rationale": f"Why {name}.",
            "name": name,
            "low": f"no {name}",
            "high": f"all {name}",
            "hindsight": False,
        }
        for name in ("humor", "action", "war", "pace", "crime", "music", "fame", "space")
    ]
    elements[0] |= changes
    return completion(json.dumps({"attributes": elements}))


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with ExitStack() as stack:
        yield lambda *replies: stack.enter_context(scripted(replies))


@pytest.fixture(scope="module")
def catalogue(terminal: Any, files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with items and nothing else."""
    store = tmp_path_factory.mktemp("stores") / "items"
    terminal.ask(store, "ingest items --item film --title name", files / "items.csv")
    return store


@pytest.fixture(scope="module")
def scored(terminal: Any, files: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A store with events and two runs, `one` and `two`, on a schema, and the schema's file.

    `fame` follows the number of events; the runs disagree on `humor` alone; `war` never varies.
    """
    folder = tmp_path_factory.mktemp("scored")
    store, path = folder / "store", folder / "mine.toml"
    terminal.ask(store, "ingest items --item film --title name", files / "items.csv")
    terminal.ask(store, "ingest interactions", files / "events.csv")
    names = ("humor", "action", "war", "pace", "crime", "music", "reach", "space")
    schema = AttributeSchema(
        "mine", 1, "film", (0, 10), tuple(Attribute(n, f"no {n}", f"all {n}") for n in names)
    )
    path.write_text(schema.to_toml(), encoding="utf-8")
    with (files / "items.csv").open(encoding="utf-8", newline="") as file:
        ids = [row["film"] for row in csv.DictReader(file)]
    with (files / "events.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        events = list(reader)
    column = "item_id" if "item_id" in events[0] else next(n for n in events[0] if "item" in n or "film" in n)
    counts = np.array([sum(event[column] == item for event in events) for item in ids])
    rng = np.random.default_rng(5)
    first = rng.integers(0, 11, (len(ids), len(names)))
    first[:, 2] = 3
    first[:, 6] = np.round(10 * counts.argsort().argsort() / len(ids))
    second = first.copy()
    second[:, 0] = rng.integers(0, 11, len(ids))
    for run, scores in (("one", first), ("two", second)):
        with (folder / f"{run}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("item_id", *names))
            writer.writerows((item, *row) for item, row in zip(ids, scores.tolist(), strict=True))
        terminal.ask(
            store, "score import", folder / f"{run}.csv", "--schema", path, "--as", run, "--run", run
        )
    return store, path


# attributes list and check ---------------------------------------------------------------------------------


def test_all_packs_are_listed(terminal: Any) -> None:
    packs = {pack["name"]: pack for pack in terminal.json(None, "attributes list")}
    assert {"films", "games", "office", "news", "fashion", "shop"} <= set(packs)
    assert packs["games"]["item"] == "video game product"
    assert "0 remarks" in terminal.ask(None, "attributes check games")
    text = terminal.ask(None, "attributes show shop")
    assert "used up within weeks" in " ".join(text.split())


def test_a_run_is_measured_with_popularity_and_agreement(terminal: Any, scored: tuple[Path, Path]) -> None:
    store, path = scored
    found = terminal.json(store, "attributes check", path, "--run", "one", "--against", "two")
    assert found["items"] == 150
    assert found["measured"] == ["variance", "synonyms", "popularity", "agreement"]
    assert {(remark["attribute"], remark["kind"]) for remark in found["remarks"]} == {
        ("war", "constant"),
        ("reach", "follows-popularity"),
        ("humor", "unreliable"),
    }
    text = terminal.ask(store, "attributes check", path, "--version", "guided/one")
    assert "8 attributes, 2 remarks, measured on 150 items (variance, synonyms, popularity)" in text
    assert "- war: every score is 3" in text


def test_popularity_counts_training_events_alone(terminal: Any, scored: tuple[Path, Path]) -> None:
    from guided_store import store as stores
    from guided_store.catalogue import leave_one_out, load_sequences
    from guided_store.versions import load_embedding

    store, path = scored
    with stores.open(str(store)) as opened:
        sequences, embedding = load_sequences(opened), load_embedding(opened, "guided/one")
    assert embedding.raw is not None
    messages = []
    for options, events in (
        ((), leave_one_out(sequences).train),
        (("--split", "none"), sequences),
    ):
        found = terminal.json(store, "attributes check", path, "--version", "guided/one", *options)
        counts = events.restrict(embedding.item_ids).counts()
        expected = check_schema(load_schema(path), embedding.raw, popularity=counts)
        assert found["remarks"] == [vars(remark) for remark in expected]
        messages.append(found["remarks"][-1]["message"])
    assert messages[0] != messages[1]


def test_without_interactions_popularity_is_not_measured(terminal: Any, catalogue: Path) -> None:
    terminal.ask(catalogue, "score import films --schema films --as films --run films")
    found = terminal.json(catalogue, "attributes check films --run films")
    assert found["measured"] == ["variance", "synonyms"]
    expected = check_schema(load_schema("films"), _scores_of(catalogue))
    assert found["remarks"] == [vars(remark) for remark in expected]


def _scores_of(store: Path) -> np.ndarray:
    from guided_store import store as stores
    from guided_store.catalogue import load_items

    bundled = films()
    with stores.open(str(store)) as opened:
        rows = [bundled.ids.index(item) for item in load_items(opened).ids]
    return bundled.scores[rows]


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ("--version guided/one --run one", 2, "give one of them"),
        ("--against two", 2, "--against needs scores"),
        ("--at 2001-01-01", 2, "--at needs scores"),
        ("--run three", 2, "no run 'three'"),
        ("--run one --against three", 2, "no run 'three'"),
        ("--run one --at 2001-01-01", 2, "--split none counts all events"),
    ],
)
def test_checks_that_cannot_be_made(
    terminal: Any, scored: tuple[Path, Path], options: str, code: int, words: str
) -> None:
    store, path = scored
    found, sentence = terminal.refuse(store, "attributes check", path, *options.split())
    assert found == code
    assert words in sentence


# attributes propose ----------------------------------------------------------------------------------------


def test_a_proposal_becomes_a_file_to_edit(
    terminal: Any, catalogue: Path, serve: Serve, tmp_path: Path
) -> None:
    server, path = serve(answer()), tmp_path / "my-films.toml"
    before = {file: file.stat().st_mtime_ns for file in catalogue.rglob("*") if file.is_file()}
    text = terminal.ask(
        catalogue, ASK, "--base-url", server.url, "--sample", 7, "--prices", "1,10", "--to", path
    )
    assert "8 attributes by scripted-1 from 7 items, in 1 answer: 1,000 tokens in, 200 out, $0.0030" in text
    assert "- fame: reads as if a scorer could know" in text
    assert f"written to {path}" in text
    schema = load_schema(path)
    assert (schema.name, schema.item, len(schema)) == ("my-films", "film", 8)
    written = path.read_text(encoding="utf-8")
    assert "# Why humor.\n[[attribute]]" in written
    assert "proposed by scripted-1 on " in written
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    # The request shows the items' text and nothing else of them.
    (request,) = server.requests
    items = json.loads(request["messages"][1]["content"])["items"]
    assert len(items) == 7
    assert all(set(fields) == {"title"} for fields in items)
    # The key went to the server, and the store was only read.
    assert server.keys == [f"Bearer {KEY}"]
    assert KEY not in written
    assert {file: file.stat().st_mtime_ns for file in catalogue.rglob("*") if file.is_file()} == before


def test_the_seed_draws_the_sample(terminal: Any, catalogue: Path, serve: Serve, tmp_path: Path) -> None:
    server = serve(*[answer()] * 3)
    for number, seed in enumerate((0, 0, 1)):
        terminal.ask(
            catalogue, ASK, "--base-url", server.url, "--seed", seed, "--to", tmp_path / f"{number}.toml"
        )
    shown = [request["messages"][1]["content"] for request in server.requests]
    assert shown[0] == shown[1] != shown[2]
    assert len(json.loads(shown[0])["items"]) == 40


def test_json(terminal: Any, catalogue: Path, serve: Serve, tmp_path: Path) -> None:
    server = serve(completion("no"), answer())
    found = terminal.json(
        catalogue, ASK, "--base-url", server.url, "--name", "x", "--to", tmp_path / "a.toml"
    )
    assert found["schema"]["name"] == "x"
    assert found["usage"] == {"tokens_in": 2000, "tokens_out": 400, "tokens_cached": 0}
    assert (found["answers"], found["cost"]) == (2, None)
    assert found["rationale"]["war"] == "Why war."
    assert [remark["attribute"] for remark in found["remarks"]] == ["fame"]


def test_nothing_that_was_paid_for_is_lost(
    terminal: Any, catalogue: Path, serve: Serve, tmp_path: Path
) -> None:
    bad = answer(name="Not A Name")
    server, path = serve(bad, bad, bad), tmp_path / "mine.toml"
    code, sentence = terminal.refuse(
        catalogue, ASK, "--base-url", server.url, "--prices", "1,10", "--to", path
    )
    raw = tmp_path / "mine.raw.json"
    assert code == 1
    assert "no schema in 3 answers of m; the last one: the answer: attribute 1 is named" in sentence
    assert f"3,000 tokens in, 600 out, $0.0090; the answers are kept in {raw}" in sentence
    assert sentence.count("\n") == 1
    assert not path.exists()
    content = json.loads(raw.read_text(encoding="utf-8"))
    assert [held["body"] for held in content["answers"]] == [bad.body] * 3
    assert KEY not in raw.read_text(encoding="utf-8")
    assert KEY not in sentence


def test_an_interrupted_proposal_says_where_its_answer_is(
    terminal: Any, catalogue: Path, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("guided_store.llm.ProposalFile.write", interrupted)
    server = serve(answer())
    code, said = terminal.refuse(catalogue, ASK, "--base-url", server.url, "--to", tmp_path / "mine.toml")
    raw = tmp_path / "mine.raw.json"
    assert code == 130
    assert f"what was answered is kept in {raw}" in said
    assert json.loads(raw.read_text(encoding="utf-8"))["answers"][0]["body"] == answer().body


def test_a_server_that_never_answered_leaves_no_file(
    terminal: Any, catalogue: Path, serve: Serve, tmp_path: Path
) -> None:
    server = serve(Reply('{"error": {"message": "no such model"}}', 404))
    code, sentence = terminal.refuse(catalogue, ASK, "--base-url", server.url, "--to", tmp_path / "mine.toml")
    assert code == 1
    assert "no such model" in sentence
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_only_by_force(
    terminal: Any, catalogue: Path, serve: Serve, tmp_path: Path
) -> None:
    server, path = serve(answer()), tmp_path / "mine.toml"
    path.write_text("mine", encoding="utf-8")
    code, sentence = terminal.refuse(catalogue, ASK, "--base-url", server.url, "--to", path)
    assert code == 2
    assert "--force" in sentence
    assert server.requests == []  # nothing was paid for either
    assert path.read_text(encoding="utf-8") == "mine"
    terminal.ask(catalogue, ASK, "--base-url", server.url, "--to", path, "--force")
    assert len(load_schema(path)) == 8


def test_an_estimate_asks_nothing(terminal: Any, catalogue: Path, serve: Serve, tmp_path: Path) -> None:
    server, path = serve(), tmp_path / "mine.toml"
    arguments = (ASK, "--base-url", server.url, "--prices", "1,10", "--to", path, "--dry-run")
    text = terminal.ask(catalogue, *arguments)
    found = terminal.json(catalogue, *arguments)
    assert "would show 40 items and ask for 8 attributes" in text
    assert found["usage"]["tokens_out"] == 600
    assert found["cost"] == pytest.approx((found["usage"]["tokens_in"] + 6000) / 1e6)
    assert server.requests == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--size", "3"], "3 attributes cannot be asked for"),
        (["--prices", "x"], "prices 'x' are not understood"),
        (["--fields", "plot"], "no column 'plot'"),
        (["--base-url", "ftp://x"], "not an http or https address"),
        (["--domain", " "], "the domain is empty"),
    ],
)
def test_requests_that_make_no_sense(
    terminal: Any, catalogue: Path, serve: Serve, tmp_path: Path, options: list[str], words: str
) -> None:
    code, sentence = terminal.refuse(catalogue, ASK, "--to", tmp_path / "mine.toml", *options)
    assert code == 2
    assert words in sentence
    assert list(tmp_path.iterdir()) == []


def test_no_key_no_request(
    terminal: Any, catalogue: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    code, sentence = terminal.refuse(catalogue, ASK, "--to", tmp_path / "mine.toml")
    assert code == 2
    assert "OPENAI_API_KEY" in sentence
