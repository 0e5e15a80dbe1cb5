"""Simulated histories: the same for a seed, of sane shape, and driven by what the model says drives them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyarrow import csv

from guided_store.data import films
from guided_store.errors import UsageError
from guided_store.simulation import Behaviour, SimulatedHistories, simulate, simulate_films

DIGEST = """
import hashlib
from guided_store.simulation import simulate_films
made = simulate_films(users=300, known=400, seed=3)
print(hashlib.sha256(made.items.tobytes() + made.times.tobytes()).hexdigest())
"""


def digest(made: SimulatedHistories) -> str:
    return hashlib.sha256(made.items.tobytes() + made.times.tobytes()).hexdigest()


@pytest.fixture(scope="module")
def made() -> SimulatedHistories:
    return simulate_films(users=1500, known=1500, seed=1)


@pytest.fixture(scope="module")
def attributes() -> NDArray[np.float64]:
    """Standardised scores of the same 1,500 films."""
    catalogue = films()
    fame = catalogue.scores[:, catalogue.schema.names.index("mainstream_popularity")]
    scores = catalogue.scores[np.sort(np.argsort(-fame, kind="stable")[:1500])].astype(np.float64)
    return (scores - scores.mean(axis=0)) / scores.std(axis=0)


def rows_of(made: SimulatedHistories) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(made.user_ids)), np.diff(made.indptr))


def test_a_seed_gives_the_same_histories_in_any_process() -> None:
    here = digest(simulate_films(users=300, known=400, seed=3))
    assert digest(simulate_films(users=300, known=400, seed=3)) == here
    assert digest(simulate_films(users=300, known=400, seed=4)) != here
    for threads in ("1", "2"):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "PYTHONHASHSEED": threads}
        there = subprocess.run(
            [sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True
        )
        assert there.stdout.strip() == here


def test_fast_enough_for_a_demo() -> None:
    simulate_films(users=10)
    started = time.process_time()
    simulate_films(users=2000, known=len(films()))
    assert time.process_time() - started < 2


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    users=st.integers(1, 40),
    n_items=st.integers(30, 90),
    n_attributes=st.integers(1, 6),
    in_mind=st.integers(1, 120),
    follow_up=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_no_repeats_and_rising_times(
    seed: int, users: int, n_items: int, n_attributes: int, in_mind: int, follow_up: float
) -> None:
    scores = np.random.default_rng(seed).integers(0, 11, (n_items, n_attributes))
    behaviour = Behaviour(in_mind=in_mind, follow_up=follow_up)
    made = simulate(scores, users=users, seed=seed, behaviour=behaviour)
    assert made.indptr[-1] == len(made.items) == len(made.times)
    assert made.items.dtype == np.int32
    assert ((made.items >= 0) & (made.items < n_items)).all()
    pairs = rows_of(made) * n_items + made.items
    assert len(np.unique(pairs)) == len(pairs)
    inside = np.diff(rows_of(made)) == 0
    assert (np.diff(made.times)[inside] > 0).all()
    lengths = np.diff(made.indptr)
    assert (lengths >= min(5, n_items // 3, in_mind)).all()
    assert (lengths <= min(n_items // 3, in_mind)).all()


def test_lengths_are_lognormal_about_thirty(made: SimulatedHistories) -> None:
    lengths = np.diff(made.indptr)
    assert 27 < lengths.mean() < 33
    assert 23 <= np.median(lengths) <= 27
    assert 0.5 < np.log(lengths).std() < 0.7
    assert lengths.min() >= 5
    assert lengths.max() <= 150


def test_popularity_is_skewed_and_only_partly_the_prior(made: SimulatedHistories) -> None:
    counts = np.bincount(made.items, minlength=1500)
    share = np.sort(counts)[::-1][:150].sum() / counts.sum()
    assert 0.3 < share < 0.5
    catalogue = films()
    column = catalogue.scores[:, catalogue.schema.names.index("mainstream_popularity")]
    fame = dict(zip(catalogue.ids, column, strict=True))
    prior = np.array([fame[item] for item in made.item_ids])
    assert 0.4 < np.corrcoef(prior, np.log1p(counts))[0, 1] < 0.9
    flat = simulate_films(users=1500, behaviour=Behaviour(popularity=0.0))
    even = np.sort(np.bincount(flat.items, minlength=1500))[::-1][:150].sum() / flat.n_events
    assert even < share - 0.05


def test_tastes_show_in_what_is_watched(made: SimulatedHistories, attributes: NDArray[np.float64]) -> None:
    """Users agree with their own history more than with another user's."""
    rows = rows_of(made)
    mean = np.zeros((1500, attributes.shape[1]))
    np.add.at(mean, rows, attributes[made.items])
    mean /= np.diff(made.indptr)[:, None]
    mean -= mean.mean(axis=0)
    tastes = made.tastes / np.linalg.norm(made.tastes, axis=1, keepdims=True)
    own = (tastes * mean).sum(axis=1)
    other = (tastes[np.random.default_rng(0).permutation(1500)] * mean).sum(axis=1)
    assert own.mean() > 0.3
    assert abs(other.mean()) < 0.1 * own.mean()


def test_without_taste_attributes_explain_nothing_of_a_user(attributes: NDArray[np.float64]) -> None:
    made = simulate_films(users=1500, seed=1, behaviour=Behaviour(taste=0.0, mood=0.0, follow_up=0.0))
    mean = np.zeros((1500, attributes.shape[1]))
    np.add.at(mean, rows_of(made), attributes[made.items])
    mean = mean / np.diff(made.indptr)[:, None]
    mean -= mean.mean(axis=0)
    tastes = made.tastes / np.linalg.norm(made.tastes, axis=1, keepdims=True)
    assert abs((tastes * mean).sum(axis=1).mean()) < 0.03


def neighbour_similarity(made: SimulatedHistories, attributes: NDArray[np.float64], shuffle: bool) -> float:
    """Mean attribute product of consecutive films; shuffled within users it loses the order."""
    rows, items = rows_of(made), made.items
    if shuffle:
        items = items[np.lexsort((np.random.default_rng(0).random(len(items)), rows))]
    inside = np.diff(rows) == 0
    product = (attributes[items[1:]] * attributes[items[:-1]]).sum(axis=1)
    return float(product[inside].mean())


def test_order_matters(made: SimulatedHistories, attributes: NDArray[np.float64]) -> None:
    """Moods and follow-ups make consecutive films alike; without both, order says nothing."""
    ordered = neighbour_similarity(made, attributes, shuffle=False)
    shuffled = neighbour_similarity(made, attributes, shuffle=True)
    assert ordered > 1.3 * shuffled
    plain = simulate_films(users=1500, seed=1, behaviour=Behaviour(mood=0.0, follow_up=0.0))
    difference = neighbour_similarity(plain, attributes, False) - neighbour_similarity(
        plain, attributes, True
    )
    assert abs(difference) < 0.1 * (ordered - shuffled)


def test_hidden_communities_make_histories_overlap_beyond_attributes() -> None:
    """With nothing but hidden factors at work, some pairs of users share far more films than chance gives."""

    def spread(hidden: float) -> float:
        behaviour = Behaviour(
            popularity=0.0, taste=0.0, hidden=hidden, mood=0.0, follow_up=0.0, in_mind=40, most=30, fewest=30
        )
        made = simulate_films(users=400, known=300, seed=2, behaviour=behaviour)
        seen = np.zeros((400, 300))
        seen[rows_of(made), made.items] = 1
        together = (seen @ seen.T)[np.triu_indices(400, 1)]
        return float(together.var() / together.mean())

    # Two independent draws of 30 from 300 overlap hypergeometrically: variance over mean is 0.9 * 270 / 299.
    chance = 0.9 * 270 / 299
    assert spread(0.0) == pytest.approx(chance, rel=0.05)
    assert spread(1.5) > 1.5 * chance


def test_sittings(made: SimulatedHistories) -> None:
    """Films come hours apart within a sitting and half a day or more between two."""
    gaps = np.diff(made.times)[np.diff(rows_of(made)) == 0]
    hours = gaps / 3600
    assert (hours >= 2).all()
    within = hours < 8
    assert 0.45 < within.mean() < 0.55
    assert (hours[~within] >= 12).all()


def test_forms(made: SimulatedHistories, tmp_path: Path) -> None:
    table = made.table()
    assert table.column_names == ["user_id", "item_id", "timestamp"]
    assert table.num_rows == made.n_events
    sequences = made.sequences()
    assert sequences.history("simulated-0002") == [
        row["item_id"] for row in table.to_pylist() if row["user_id"] == "simulated-0002"
    ]
    assert set(made.item_ids) <= set(films().ids)
    made.write_csv(tmp_path / "views.csv")
    again = csv.read_csv(tmp_path / "views.csv")
    assert again["timestamp"].to_pylist() == made.times.tolist()
    assert again["user_id"][0].as_py().startswith("simulated-")


def test_wrong_requests() -> None:
    scores = np.ones((40, 3))
    with pytest.raises(UsageError, match="30 items or more"):
        simulate(scores[:29])
    with pytest.raises(UsageError, match="do not belong together"):
        simulate(scores, popularity=np.ones(3))
    with pytest.raises(UsageError, match="39 item ids"):
        simulate(scores, item_ids=[str(i) for i in range(39)])
    with pytest.raises(UsageError, match="finite numbers"):
        simulate(np.full((40, 3), np.nan))
    with pytest.raises(UsageError, match="1 user or more"):
        simulate(scores, users=0)
    with pytest.raises(UsageError, match="not 9,999"):
        simulate_films(known=9999)
    with pytest.raises(UsageError, match="stay of the simulated behaviour must be between 0 and 1"):
        Behaviour(stay=1.5)
    with pytest.raises(UsageError, match="in_mind of the simulated behaviour must be a number from 1"):
        Behaviour(in_mind=0)
    with pytest.raises(UsageError, match="above the most"):
        Behaviour(fewest=10, most=5)
    with pytest.raises(UsageError, match="median"):
        Behaviour(median_events=0.0)
    # Constant attributes are no attributes, and no error.
    assert simulate(scores, users=3).n_events > 0
