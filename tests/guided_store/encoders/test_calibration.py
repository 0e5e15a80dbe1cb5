"""Monotone calibration: the identity at first, increasing whatever is learned, the same outside of torch."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guided_store.encoders._calibration import PIECES, Calibration, apply_calibration, knots_of


def columns(seed: int = 0, rows: int = 200) -> np.ndarray:
    """Standard scores of three attributes: 0..10 in whole steps, two values alone, and one value."""
    rng = np.random.default_rng(seed)
    scores = np.stack([rng.integers(0, 11, rows), rng.integers(0, 2, rows) * 10, np.full(rows, 4)], axis=1)
    spread = scores.std(axis=0)
    return ((scores - scores.mean(axis=0)) / np.where(spread > 0, spread, 1)).astype(np.float32)


def with_slopes(values: np.ndarray, seed: int) -> Calibration:
    made = Calibration(torch.from_numpy(values))
    with torch.no_grad():
        made.raw_slopes.normal_(0.0, 3.0, generator=torch.Generator().manual_seed(seed))
    return made


def by_interpolation(x: np.ndarray, knots: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """One attribute by its corners, in float64: numpy interpolates between them, lines go on outside."""
    heights = knots[0] + np.concatenate([[0.0], np.cumsum(np.diff(knots) * slopes[1:-1])])
    inner = np.interp(x, knots, heights)
    below, above = slopes[0] * np.minimum(x - knots[0], 0), slopes[-1] * np.maximum(x - knots[-1], 0)
    return np.asarray(inner + below + above)


def test_it_starts_as_the_identity() -> None:
    values = columns()
    wide = np.concatenate([values, values * 3])  # beyond all knots too
    made = Calibration(torch.from_numpy(values))
    assert made.knots.shape == (3, PIECES - 1)
    torch.testing.assert_close(made.slopes, torch.ones(3, PIECES))
    with torch.no_grad():
        np.testing.assert_allclose(made(torch.from_numpy(wide)).numpy(), wide, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_higher_is_more_for_any_slopes(seed: int) -> None:
    made = with_slopes(columns(seed), seed)
    line = torch.linspace(-4, 4, 400)[:, None].expand(400, 3)
    with torch.no_grad():
        assert (made.slopes > 0).all()
        steps = made(line).double().diff(dim=0)
    assert steps.min() > -1e-6  # rounding of float32 alone
    assert (steps.sum(dim=0) > 0).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_it_is_the_line_through_its_corners(seed: int) -> None:
    values = columns(seed)
    made = with_slopes(values, seed)
    x = np.concatenate([values, np.random.default_rng(seed).normal(0, 2, (50, 3)).astype(np.float32)])
    knots, slopes = made.knots.double().numpy(), made.slopes.detach().double().numpy()
    expected = np.stack([by_interpolation(x[:, a], knots[a], slopes[a]) for a in range(3)], axis=1)
    with torch.no_grad():
        np.testing.assert_allclose(made(torch.from_numpy(x)).numpy(), expected, rtol=1e-5, atol=1e-5)


def test_outside_of_torch_it_is_the_same_to_the_bit() -> None:
    made = with_slopes(columns(1), 1)
    x = columns(2)
    with torch.no_grad():
        inside = made(torch.from_numpy(x)).numpy()
    knots, slopes = (np.array(json.loads(json.dumps(p.tolist()))) for p in (made.knots, made.slopes))
    found = apply_calibration(x, knots, slopes)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, inside)


def test_knots_are_quantiles_and_may_fall_together() -> None:
    knots = knots_of(columns())
    assert knots.dtype == np.float32
    assert (np.diff(knots, axis=1) >= 0).all()
    np.testing.assert_allclose(knots[0], np.quantile(columns()[:, 0], np.arange(1, PIECES) / PIECES))
    assert len(np.unique(knots[0])) == PIECES - 1
    assert len(np.unique(knots[1])) == 2
    assert len(np.unique(knots[2])) == 1


def test_gradients_reach_the_slopes_of_pieces_that_hold_something() -> None:
    values = torch.from_numpy(columns())
    made = Calibration(values)
    made(values).square().sum().backward()
    grad = made.raw_slopes.grad
    assert grad is not None
    assert torch.isfinite(grad).all()
    assert (grad[0].abs() > 0).all()  # eleven values: every piece
    between = grad[1].abs() > 0  # two values: the piece between them, and none outside
    assert between.tolist() == [length > 0 for length in [0, *made.knots[1].diff().tolist(), 0]]
    assert (grad[2] == 0).all()  # one value says nothing about steps


@pytest.mark.parametrize("shape", [(3,), (7, 3), (2, 5, 3)])
def test_any_leading_dimensions(shape: tuple[int, ...]) -> None:
    made = with_slopes(columns(), 3)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(made(x).view(-1, 3), made(x.view(-1, 3)))
