"""Changed scores: the same ranks as a wholly changed version gives, and a deaf encoder is found out."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from guided_store.encoders import load_encoder
from guided_store.evaluation import Cases
from guided_store.interpretation import interpret
from guided_store.interpretation._change import Columns
from guided_store.interpretation._faithfulness import _Change, _draw, faithfulness
from guided_store.interpretation._moves import _sign_p, judge_moves
from guided_store.interpretation._subject import Reading, Subject, load_subject, read_cases, sample_cases
from guided_store.store import Store


@pytest.mark.parametrize("name", ["s1", "full"])
@pytest.mark.parametrize("history", [False, True])
def test_ranks_are_those_of_a_version_built_with_the_changed_scores(
    store: Store, cases: Cases, name: str, history: bool
) -> None:
    subject = load_subject(store, f"refined/{name}", cases)
    reading = read_cases(subject, cases, sample_cases(cases, 12, 1))
    columns = Columns.of(subject.embedding)
    drawn = _draw(subject, reading, columns, 12, 10, 0)
    change = _Change(drawn.case, drawn.place, drawn.attribute[:, 0], -2.0)
    ranks, means, by = change.ranks(store, subject, reading, columns, history=history, k=10)
    vectors = subject.embedding.vectors
    for pair, (case, place, attribute) in enumerate(
        zip(drawn.case, drawn.place, drawn.attribute[:, 0], strict=True)
    ):
        changed = reading.histories[case] if history else subject.rows[[place]]
        rows = np.unique(changed).astype(np.int64)
        world = vectors.copy()
        world[rows], moved = columns.moved(rows, np.full(len(rows), attribute), np.full(len(rows), -2.0))
        encoder = load_encoder(store, replace(subject.embedding, vectors=world))
        query = encoder.encode([reading.histories[case]])[0]
        scored = world if not history else vectors  # the item is not in its user's history
        bias = subject.embedding.bias
        assert bias is not None
        scores = (scored @ query + bias)[subject.rows]
        scores[~reading.allowed(np.array([case]), len(scores))[0]] = -np.inf
        expected = 1 + int((scores > scores[place]).sum())
        assert abs(ranks[pair] - expected) <= int((np.abs(scores - scores[place]) < 1e-5).sum()) - 1
        best = np.argsort(-scores)[:10]
        assert means[pair] == pytest.approx(columns.raw[subject.rows[best], attribute].mean(), abs=0.3)
        if not history:
            assert by[pair] == pytest.approx(moved[0])


def test_by_the_item_the_direction_is_arithmetic(store: Store, subject: Subject, reading: Reading) -> None:
    found = faithfulness(store, subject, reading)
    assert found is not None
    assert found.pairs == 60  # one a user
    for moves in (found.item.named, found.item.random):
        assert moves.predicted.value == 1
        assert moves.toward.value == moves.places.value > 0
        assert moves.list_shift is None
        assert 2 <= moves.points <= 4
    history = found.history.named
    assert history.moved.value > 0
    assert history.list_shift is not None
    assert found.history.farther.value == pytest.approx(
        history.places.value - found.history.random.places.value
    )


def test_an_encoder_that_does_not_hear_attributes_is_found_out(store: Store, cases: Cases) -> None:
    """Its explanations name attributes with the best of them, and its scores are the same kind of sum."""
    found = interpret(store, "refined/deaf", cases, sample=60).faithfulness
    assert found is not None
    assert found.item.named.moved.value > 0.3
    assert found.item.named.predicted.value == 1
    for moves in (found.history.named, found.history.random):
        assert moves.moved.value == 0
        assert moves.places.value == 0
        assert moves.p == 1
        assert np.isnan(moves.predicted.value)
    json.dumps(found.to_dict(), allow_nan=False)


def test_with_repeats_allowed_a_changed_item_is_read_anew(store: Store, cases: Cases) -> None:
    again = Cases(cases.split, repeats="allow")
    subject = load_subject(store, "refined/s1", again)
    reading = read_cases(subject, again, sample_cases(again, 40, 0))
    columns = Columns.of(subject.embedding)
    place = np.array([np.flatnonzero(subject.rows == history[-1])[0] for history in reading.histories])
    case, humor = np.arange(len(reading)), np.full(len(reading), subject.attributes.index("humor"))
    change = _Change(case, place, humor, 2.0)
    queries, by = change._queries(store, subject, reading, columns, history=False)
    moved = by > 0
    assert moved.any()
    assert (np.abs(queries - reading.queries).max(axis=1)[moved] > 1e-6).all()


def test_one_pair_a_user(store: Store, subject: Subject, cases: Cases) -> None:
    reading = read_cases(subject, cases, sample_cases(cases, 20, 0))
    twice = replace(reading, users=np.repeat(reading.users[:10], 2))
    drawn = _draw(subject, twice, Columns.of(subject.embedding), 100, 10, 0)
    assert len(np.unique(twice.users[drawn.case])) == len(drawn.case) == 10
    assert (np.diff(drawn.case) > 0).all()
    assert (drawn.attribute[:, 0] != drawn.attribute[:, 1]).all()


def test_sums_of_known_moves() -> None:
    # named: forward by 4 as said, back by 2 against it, not at all; random: 1 as said each time
    ranks = np.array([[[5, 1], [2, 1]], [[1, 3], [2, 1]], [[4, 4], [2, 1]]])
    expected = np.ones((3, 2), np.int64)
    found = judge_moves("item", np.arange(3), ranks, expected, np.full((3, 2), 4.0), None)
    assert found.named.moved.value == pytest.approx(2 / 3)
    assert found.named.predicted.value == pytest.approx(1 / 2)
    assert found.named.places.value == 2
    assert found.named.median == 2
    assert found.named.toward.value == pytest.approx(2 / 3)
    assert found.random.predicted.value == 1
    assert found.farther.value == pytest.approx(1)
    assert found.farther_p == 1


def test_the_sign_test_is_that_of_the_coin() -> None:
    assert _sign_p(np.array([1] * 10)) == pytest.approx(2 / 1024)
    assert _sign_p(np.array([1, -1, 0, 0])) == 1
    assert _sign_p(np.zeros(4, np.int64)) == 1
