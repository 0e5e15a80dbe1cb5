"""Scoring a catalogue: what is embedded, what is written, and what never moves."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from numpy.typing import NDArray

from guided_store.attributes import AttributeSchema
from guided_store.errors import StoreError, UsageError
from guided_store.ledger import find_run, iter_texts, list_runs, read_answers, run_records
from guided_store.local import LocalReport, _score, score_locally
from guided_store.local._embedder import LoadedModel
from guided_store.local._score import score_with
from guided_store.progress import SILENT
from guided_store.store import Store
from guided_store.store import open as open_store

Titles = Callable[..., list[str]]
Put = Callable[..., None]


@pytest.fixture
def score(store: Store, schema: AttributeSchema, model: LoadedModel) -> Callable[..., LocalReport]:
    """`score_with` on the store, with defaults."""

    def call(**settings: Any) -> LocalReport:
        defaults: dict[str, Any] = {
            "run": None,
            "fields": ("title",),
            "max_chars": 2000,
            "again": False,
            "progress": SILENT,
            "began": time.perf_counter(),
        }
        chosen = settings.pop("model", model)
        return score_with(store, settings.pop("schema", schema), chosen, **(defaults | settings))

    return call


def _scores(store: Store, run: str, schema: AttributeSchema) -> dict[str, NDArray[np.float64]]:
    ids = [text.item_id for text in iter_texts(store, ("title",))]
    mean = read_answers(store, run, schema, ids).mean
    return dict(zip(ids, mean, strict=True))


def test_every_item_with_text_is_scored(
    store: Store, put_items: Put, titles: Titles, schema: AttributeSchema, score: Any, words: Any
) -> None:
    shown = titles(60)
    put_items([f"i{row}" for row in range(63)], [*shown, None, "  ", "comedy jokes"])
    report = score()
    assert (report.items, report.scored, report.held, report.without_text) == (63, 61, 0, 2)
    assert report.empty_ids == ("i60", "i61")
    assert report.new_scale
    assert report.scale_texts == 61
    found = _scores(store, report.run, schema)
    assert np.isnan(found["i60"]).all()
    assert np.isnan(found["i61"]).all()
    known = np.array([found[f"i{row}"] for row in range(60)])
    assert known.min() == 0
    assert known.max() == 10
    assert found["i62"][0] == 10  # nothing is nearer to comedy
    by_word = [["comedy" in title for title in shown], ["rockets" in title for title in shown]]
    for column, has in enumerate(np.array(by_word)):
        assert known[has, column].mean() > known[~has, column].mean() + 2
    assert len(words.asked) == len(set(words.asked))  # nothing was embedded twice


def test_the_rows(store: Store, put_items: Put, titles: Titles, schema: AttributeSchema, score: Any) -> None:
    put_items([str(row) for row in range(30)], titles(30))
    report = score()
    rows = store.read("scores")
    assert rows.num_rows == 30
    constants = {
        "status": "ok",
        "provider": "local",
        "model": "words",
        "cost": 0.0,
        "sample": 0,
        "attempt": 1,
    }
    for name, value in constants.items():
        assert pc.unique(rows.column(name)).to_pylist() == [value]
    record = find_run(store, report.run)
    assert record is not None
    assert pc.unique(rows.column("prompt_hash")).to_pylist() == [record.prompt_hash]
    texts = {text.item_id: text.hash for text in iter_texts(store, ("title",))}
    assert (
        dict(zip(rows.column("item_id").to_pylist(), rows.column("text_hash").to_pylist(), strict=True))
        == texts
    )
    assert len(pc.unique(rows.column("row_id"))) == 30
    assert record.settings["identity"] == "sha256:0"
    assert record.fields == ("title",)
    assert "comedy jokes" in record.prompt
    assert report.run.startswith("words-demo-")
    assert list_runs(store)[0].cost == 0


def test_a_second_call_embeds_no_item(
    store: Store, put_items: Put, titles: Titles, score: Any, words: Any
) -> None:
    put_items([str(row) for row in range(40)], titles(40))
    first = score()
    words.asked.clear()
    second = score()
    assert not set(words.asked) & set(titles(40))
    assert (second.run, second.scored, second.held, second.new_scale) == (first.run, 0, 40, False)
    assert store.count("scores") == 40
    assert len(run_records(store)) == 1


def test_new_items_are_put_on_the_old_scale_and_move_nothing(
    store: Store, put_items: Put, titles: Titles, schema: AttributeSchema, score: Any, words: Any
) -> None:
    old, new = titles(40), ["comedy jokes comedy jokes rockets", "garden", *titles(20, seed=1)]
    put_items([f"a{row}" for row in range(40)], old)
    run = score().run
    before = _scores(store, run, schema)
    words.asked.clear()
    put_items(
        [f"a{row}" for row in range(40)] + [f"b{row}" for row in range(22)],
        ["soldiers battle", *old[1:], *new],
    )
    report = score()
    assert (report.scored, report.held, report.changed, report.new_scale) == (23, 39, 1, False)
    assert set(words.asked) & {*old, *new, "soldiers battle"} == {*new, "soldiers battle"}
    after = _scores(store, run, schema)
    for row in range(1, 40):
        np.testing.assert_array_equal(after[f"a{row}"], before[f"a{row}"])
    assert after["a0"][2] > before["a0"][2]
    rows = store.read("scores", ["item_id", "attempt"], where="item_id = 'a0'")
    assert sorted(rows.column("attempt").to_pylist()) == [1, 2]
    # The same words on the old scale get the same scores, whatever else the catalogue holds now.
    put_items([f"c{row}" for row in range(40)], old)
    score()
    again = _scores(store, run, schema)
    for row in range(1, 40):
        np.testing.assert_allclose(again[f"c{row}"], before[f"a{row}"], atol=1e-4)


def test_a_text_that_comes_back_is_not_embedded_again(
    store: Store, put_items: Put, titles: Titles, schema: AttributeSchema, score: Any
) -> None:
    shown = titles(30)
    ids = [str(row) for row in range(30)]
    put_items(ids, shown)
    run = score().run
    before = _scores(store, run, schema)
    put_items(ids, ["soldiers battle", *shown[1:]])
    assert score().scored == 1
    put_items(ids, shown)
    assert score().scored == 0
    np.testing.assert_array_equal(_scores(store, run, schema)["0"], before["0"])


def test_a_kill_midway_loses_one_chunk_at_most(
    store: Store,
    put_items: Put,
    titles: Titles,
    schema: AttributeSchema,
    score: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What stood in the ledger stays, and the rest gets the scores it would have had."""
    monkeypatch.setattr(_score, "CHUNK", 10)
    put_items([str(row) for row in range(35)], titles(35))
    whole = score(run="whole")
    appended = _score.append_rows
    calls: list[int] = []

    def killed(*args: Any, **settings: Any) -> int:
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(1)
        return appended(*args, **settings)

    monkeypatch.setattr(_score, "append_rows", killed)
    with pytest.raises(KeyboardInterrupt):
        score(run="part", again=True)
    monkeypatch.setattr(_score, "append_rows", appended)
    assert store.count("scores") == 55
    report = score(run="part")
    assert (report.scored, report.held, report.new_scale) == (15, 20, False)
    first, second = (_scores(store, run, schema) for run in (whole.run, "part"))
    for item, scores in first.items():
        np.testing.assert_allclose(second[item], scores, atol=1e-4)


def test_a_sample_of_a_large_catalogue_fits_the_scale(
    store: Store, put_items: Put, titles: Titles, score: Any, words: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from guided_store.local import _scale

    monkeypatch.setattr(_scale, "SAMPLE", 25)
    put_items([str(row) for row in range(80)], titles(80))
    report = score()
    assert (report.scored, report.scale_texts) == (80, 25)
    assert 0 < report.beyond < 0.5
    assert len(words.asked) == len(set(words.asked))


def test_fields_are_embedded_apart_and_averaged(
    store: Store, put_items: Put, titles: Titles, schema: AttributeSchema, score: Any, words: Any
) -> None:
    shown = titles(40)
    texts: list[str | None] = [None] * 40
    texts[0], texts[1] = shown[0], "rockets stars"
    put_items([str(row) for row in range(40)], shown, texts)
    report = score(fields=("title", "text"))
    alone = score(fields=("title",))
    assert report.run != alone.run
    assert "rockets stars" in words.asked
    both, single = _scores(store, report.run, schema), _scores(store, alone.run, schema)
    # The same text twice says what it says once, and a second field pulls halfway.
    order = [np.argsort([scores[str(row)][1] for row in range(40) if row != 1]) for scores in (both, single)]
    assert order[0].tolist() == order[1].tolist()
    assert both["1"][1] > single["1"][1]


def test_another_model_schema_or_text_length_is_another_run(
    put_items: Put, titles: Titles, schema: AttributeSchema, model: LoadedModel, score: Any
) -> None:
    put_items([str(row) for row in range(30)], titles(30))
    runs = {
        score().run,
        score(model=replace(model, identity="sha256:1")).run,
        score(schema=replace(schema, version=2)).run,
        score(max_chars=20).run,
    }
    assert len(runs) == 4


def test_a_moved_model_is_the_same_model(put_items: Put, titles: Titles, words: Any, score: Any) -> None:
    put_items([str(row) for row in range(30)], titles(30))
    score(model=LoadedModel(words, "words", "sha256:0"))
    assert score(model=LoadedModel(words, "words", "sha256:0")).scored == 0


def test_names(put_items: Put, titles: Titles, model: LoadedModel, score: Any) -> None:
    put_items([str(row) for row in range(30)], titles(30))
    assert score(run="mine").run == "mine"
    with pytest.raises(UsageError, match=r"run mine has these scores already: go on with --run mine"):
        score()
    other = score(again=True).run
    assert other != "mine"
    assert score(again=True).run == f"{other}-2"
    assert score().run == other
    with pytest.raises(UsageError, match="run 'mine' exists and asks something else"):
        score(run="mine", model=replace(model, identity="sha256:1"))
    with pytest.raises(UsageError, match="not a legal name"):
        score(run="My Run")


def test_again_fits_a_scale_of_today(
    put_items: Put, titles: Titles, schema: AttributeSchema, store: Store, score: Any
) -> None:
    put_items([str(row) for row in range(30)], titles(30))
    first = find_run(store, score().run)
    put_items([str(row) for row in range(60)], titles(60, seed=3))
    second = find_run(store, score(again=True).run)
    assert first is not None
    assert second is not None
    assert first.settings["scale"] != second.settings["scale"]
    assert second.settings["scale"]["texts"] == 60


def test_an_attribute_the_model_is_blind_to_has_no_score(
    put_items: Put, titles: Titles, schema: AttributeSchema, store: Store, score: Any
) -> None:
    class Deaf:
        """Hears the first attribute's words only; everything else is one and the same to it."""

        def encode(self, texts: list[str]) -> NDArray[np.float32]:
            heard = [[1, sum(w in text for w in ("comedy", "jokes"))] for text in texts]
            return np.array([[*row, 0] for row in heard], np.float32)

    class Blind:
        def encode(self, texts: list[str]) -> NDArray[np.float32]:
            return np.ones((len(texts), 4), np.float32)

    put_items([str(row) for row in range(40)], titles(40))
    with pytest.raises(UsageError, match="tells no item from another by any attribute"):
        score(model=LoadedModel(Blind(), "blind", "sha256:2"))
    assert run_records(store) == []
    assert not store.count("scores")
    report = score(model=LoadedModel(Deaf(), "deaf", "sha256:3"))
    assert report.blind == ()  # directions of the others still lean to or from what it hears


def test_one_blind_attribute_is_a_gap(
    put_items: Put, titles: Titles, schema: AttributeSchema, store: Store, score: Any, monkeypatch: Any
) -> None:
    directions = _score.find_directions

    def without_war(*args: Any) -> NDArray[np.float32]:
        found = directions(*args)
        found[2] = 0
        return found

    monkeypatch.setattr(_score, "find_directions", without_war)
    put_items([str(row) for row in range(40)], titles(40))
    report = score()
    assert report.blind == ("war",)
    assert any("not scored" in line and "war" in line for line in report.lines())
    values = store.read("scores").column("values").to_pylist()
    assert all(row[2] is None and row[0] is not None for row in values)
    assert np.isnan(_scores(store, report.run, schema)["0"][2])


def test_too_few_texts_write_nothing(store: Store, put_items: Put, score: Any) -> None:
    put_items([str(row) for row in range(50)], ["the same title"] * 50)
    with pytest.raises(UsageError, match="needs 20 items with different texts, and there are 1"):
        score()
    assert run_records(store) == []


def test_the_report(put_items: Put, titles: Titles, score: Any) -> None:
    put_items([str(row) for row in range(31)], [*titles(30), None])
    report = score()
    text = "\n".join(report.lines())
    assert "30 items scored on 3 attributes by words, from title" in text
    assert "1 of 31 items have no text in these fields, and no score: 30" in text
    assert "fitted on 30 texts" in text
    content = report.to_dict()
    assert content["scored"] == 30
    assert content["fields"] == ["title"]
    put_items(
        [str(row) for row in range(31)], [*titles(29), "comedy jokes", "soldiers battle soldiers battle"]
    )
    later = score()
    assert later.beyond > 0.1
    assert any("--again" in line for line in later.lines())


def test_guided_is_built_from_it(
    store: Store, put_items: Put, titles: Titles, schema: AttributeSchema, score: Any
) -> None:
    from guided_store.scoring import build_guided

    put_items([str(row) for row in range(40)], titles(40))
    info = build_guided(store, "local", schema=schema, run=score().run)
    assert "words-demo" in str(info.recipe["runs"])
    assert info.metrics["coverage"] == 1.0


def test_rows_and_record_fit_the_ledger_schema(
    put_items: Put, titles: Titles, store: Store, score: Any
) -> None:
    from guided_store.ledger import SCHEMA

    put_items([str(row) for row in range(30)], titles(30))
    score()
    stored = store.read("scores").schema
    assert [(field.name, field.type) for field in stored] == [(field.name, field.type) for field in SCHEMA]
    assert pa.types.is_list(stored.field("values").type)


def test_wrong_requests(store: Store, put_items: Put, titles: Titles, schema: AttributeSchema) -> None:
    with pytest.raises(UsageError, match="no items yet"):
        score_locally(store, schema, model="x")
    put_items(["1"], ["a title"])
    with pytest.raises(UsageError, match="at least 1"):
        score_locally(store, schema, model="x", batch_size=0)
    with pytest.raises(UsageError, match="no column 'plot'"):
        score_locally(store, schema, model="x", fields=["plot"])
    store.close()
    reader = open_store(store.root)
    with pytest.raises(StoreError, match="open for reading only"):
        score_locally(reader, schema, model="x")
