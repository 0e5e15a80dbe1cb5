"""Items that nobody has met: maps from content against numpy, and who is given what."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guided_store.encoders._cold import RIDGE, Settler, apply_map, fit_map, rare_bias
from guided_store.encoders._items import ItemTable

COUNTS = np.array([5, 0, 2, 9, 0, 1, 3, 4, 2, 7, 6, 8])
UNSEEN = COUNTS == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 5), st.integers(0, 10_000))
def test_the_map_is_least_squares_with_a_penalty(n: int, width: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(3, 2, (n, width))
    y = rng.normal(-1, 1, (n, k))
    found = fit_map(x, y)
    assert found.shape == (k, width + 1)
    centred = x - x.mean(axis=0)
    penalty = RIDGE * (centred**2).mean() * (1 if n > 1 else 0) or 1.0
    # a ridge is least squares with rows of its own that ask for zero; the intercept is not asked
    rows = np.concatenate([centred, np.sqrt(penalty) * np.eye(width)])
    wanted = np.concatenate([y - y.mean(axis=0), np.zeros((width, k))])
    weight = np.linalg.lstsq(rows, wanted, rcond=None)[0].T
    np.testing.assert_allclose(found[:, :-1], weight, atol=1e-8)
    predicted = y.mean(axis=0) + centred @ weight.T
    np.testing.assert_allclose(apply_map(found, x), predicted, rtol=1e-5, atol=1e-5)
    assert apply_map(found, x).dtype == np.float32


def test_content_that_does_not_vary_predicts_the_mean() -> None:
    y = np.random.default_rng(0).normal(size=(5, 3))
    for x in (np.ones((5, 2)), np.zeros((5, 2))):
        np.testing.assert_allclose(apply_map(fit_map(x, y), x[:1]), y.mean(axis=0)[None], rtol=1e-5)
    np.testing.assert_allclose(apply_map(fit_map(x[:1], y[:1]), x[:1] + 7), y[:1], rtol=1e-5)


def test_more_items_make_the_penalty_matter_less() -> None:
    rng = np.random.default_rng(1)
    truth = np.array([[2.0, -1.0]])
    error = []
    for n in (10, 1000):
        x = rng.normal(size=(n, 2))
        error.append(np.abs(fit_map(x, x @ truth.T)[:, :-1] - truth).max())
    assert error[1] < 0.01 < error[0]


def test_a_rare_items_bias_is_that_of_the_tenth_with_the_fewest_events() -> None:
    bias = np.arange(12, dtype=np.float32)
    assert rare_bias(bias, COUNTS) == 5.0  # ten are seen: the one with a single event
    counts = np.concatenate([np.ones(15, int), np.full(15, 9), np.zeros(3, int)])
    assert rare_bias(np.arange(33.0), counts) == 1.0  # three of thirty, the first of those alike
    assert rare_bias(bias, np.zeros(12, int)) == 0.0


def table(*, latent: int = 3, **settings: object) -> ItemTable:
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(12, 4 + latent)).astype(np.float32)
    bias = rng.normal(size=12).astype(np.float32)
    return ItemTable.from_vectors(vectors, bias, fixed_columns=4, seen=~UNSEEN, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("learned_bias", [True, False])
def test_unseen_items_get_their_rows_and_no_other_moves(residual: bool, learned_bias: bool) -> None:
    made = table()
    before = {name: value.clone() for name, value in made.state_dict().items()}
    if learned_bias:
        made.learn_cold_bias()
        assert made.cold_bias is not None
        made.cold_bias.data.fill_(-1.5)
    settler = Settler(made, COUNTS, residual)
    settler.settle()
    bias, latent = made.bias.detach().numpy(), made.latent.detach().numpy()
    np.testing.assert_array_equal(bias[~UNSEEN], before["bias"][~UNSEEN])
    np.testing.assert_array_equal(latent[~UNSEEN], before["latent"][~UNSEEN])
    assert settler.bias() == pytest.approx(-1.5 if learned_bias else float(before["bias"][5]))
    np.testing.assert_allclose(bias[UNSEEN], settler.bias())
    content = made.content
    assert content is not None
    weight = fit_map(content.numpy()[~UNSEEN], before["latent"].numpy()[~UNSEEN])
    np.testing.assert_array_equal(settler.map(), weight)
    expected = np.zeros((2, 3)) if residual else apply_map(weight, content.numpy()[UNSEEN])
    np.testing.assert_array_equal(latent[UNSEEN], expected)
    settler.settle()  # again: nothing more
    np.testing.assert_array_equal(made.latent.detach().numpy(), latent)


def test_what_does_not_learn_stays_for_unseen_items_too() -> None:
    made = table(train_latent=False, train_bias=False)
    before = {name: value.clone() for name, value in made.state_dict().items()}
    for residual in (True, False):
        Settler(made, COUNTS, residual).settle()
    for name, value in made.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_the_map_reads_content_as_it_scores() -> None:
    made = table(calibrated=4)
    assert made.calibration is not None
    with torch.no_grad():
        made.calibration.raw_slopes.normal_(0, 2, generator=torch.Generator().manual_seed(0))
    settler = Settler(made, COUNTS, residual=False)
    settler.settle()
    vectors = made.vectors().detach().numpy()
    np.testing.assert_array_equal(vectors[UNSEEN, 4:], apply_map(settler.map(), vectors[UNSEEN, :4]))
    fixed = made.fixed
    assert fixed is not None
    assert np.abs(vectors[:, :4] - fixed.numpy()).max() > 0.1


def test_without_learned_columns_only_the_bias_is_settled() -> None:
    made = table(latent=0)
    Settler(made, COUNTS, residual=False).settle()
    bias = made.bias.detach().numpy()
    np.testing.assert_array_equal(bias[UNSEEN], bias[5])


def test_where_all_are_seen_or_nothing_is_known_nothing_is_done() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(12, 5)).astype(np.float32)
    base = ItemTable.from_vectors(vectors)
    Settler(base, COUNTS, residual=False).settle()
    all_seen = ItemTable.from_vectors(vectors, fixed_columns=2, seen=np.ones(12, bool))
    assert all_seen.seen is None
    Settler(all_seen, np.ones(12, int), residual=True).settle()
    for made in (base, all_seen):
        np.testing.assert_array_equal(made.vectors().detach().numpy(), vectors)
