"""The user's attribute vector: against a loop, and what it may and may not depend on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from guided_store.encoders._user import UserCondition


def condition(attributes: int = 3, dim: int = 5, seed: int = 0) -> UserCondition:
    """One whose memories, priors' weights and map are all different."""
    made = UserCondition(attributes, dim)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 1.5)
    return made


def normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def by_loop(made: UserCondition, guided: Tensor, prior: Tensor, seen: Tensor) -> np.ndarray:
    """The formula of the module's head, event by event, in float64."""
    rho = made.rho.detach().double().numpy()
    kappa = made.kappa.detach().double().numpy()
    out = np.zeros(guided.shape)
    for row in range(len(guided)):
        known, whole = kappa * prior[row].double().numpy(), kappa.copy()
        memory, weight = np.zeros_like(rho), np.zeros_like(rho)
        for place in range(guided.shape[1]):
            if seen[row, place]:
                memory = rho * memory + guided[row, place].double().numpy()
                weight = rho * weight + 1
            out[row, place] = (known + memory) / (whole + weight)
    return out


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(1, 40), st.integers(1, 4), st.integers(0, 10_000), st.booleans())
def test_states_follow_the_formula(batch: int, width: int, attributes: int, seed: int, hide: bool) -> None:
    made = condition(attributes, seed=seed)
    rng = np.random.default_rng(seed)
    guided, prior = normal(batch, width, attributes, seed=seed), normal(batch, attributes, seed=seed + 1)
    lengths = torch.from_numpy(rng.integers(1, width + 1, batch))
    real = torch.arange(width) < lengths[:, None]
    seen = torch.from_numpy(rng.random((batch, width)) < 0.6) if hide else torch.ones_like(real)
    expected = by_loop(made, guided, prior, seen & real)
    with torch.no_grad():
        found = made.states(guided, lengths, prior, seen if hide else None)
    np.testing.assert_allclose(found[real].numpy(), expected[real.numpy()], atol=1e-5)


def test_no_prior_is_a_prior_of_zero() -> None:
    made, guided, lengths = condition(), normal(2, 6, 3), torch.tensor([6, 4])
    assert torch.equal(made(guided, lengths), made(guided, lengths, torch.zeros(2, 3)))
    assert not torch.allclose(made(guided, lengths), made(guided, lengths, torch.ones(2, 3)))


def test_a_place_knows_nothing_of_later_ones() -> None:
    made, guided, lengths = condition(), normal(2, 9, 3), torch.tensor([9, 9])
    changed = guided.clone()
    changed[:, 5:] = 3.0
    before, after = made(guided, lengths), made(changed, lengths)
    assert torch.equal(before[:, :5], after[:, :5])
    assert (before[:, 5:] - after[:, 5:]).abs().amin(dim=1).min() > 1e-3


def test_padding_and_company_change_nothing() -> None:
    made, guided, lengths = condition(), normal(3, 8, 3), torch.tensor([2, 8, 5])
    prior = normal(3, 3)
    real = torch.arange(8) < lengths[:, None]
    filled = torch.where(real[..., None], guided, torch.nan)
    together = made(filled, lengths, prior)
    assert torch.equal(together[real], made(guided, lengths, prior)[real])
    hiding = made(filled, lengths, prior, torch.ones_like(real))
    torch.testing.assert_close(hiding[real], together[real])
    for row, length in enumerate(lengths.tolist()):
        alone = made(guided[row : row + 1, :length], lengths[row : row + 1], prior[row : row + 1])
        torch.testing.assert_close(alone[0], together[row, :length], atol=1e-6, rtol=1e-5)


def test_a_hidden_place_is_no_event() -> None:
    made, lengths, prior = condition(), torch.tensor([5]), normal(1, 3)
    guided = normal(1, 5, 3)
    seen = torch.tensor([[False, True, False, True, False]])
    changed = torch.where(seen[..., None], guided, 9.0)
    states = made.states(guided, lengths, prior, seen)
    assert torch.equal(states, made.states(changed, lengths, prior, seen))
    without = made.states(guided[:, [1, 3]], torch.tensor([2]), prior)
    torch.testing.assert_close(states[0, [1, 3]], without[0])
    torch.testing.assert_close(states[0, [2, 4]], without[0])  # the user as the events before left them
    torch.testing.assert_close(states[0, 0], prior[0])


def test_shares_are_what_a_state_is_made_of() -> None:
    made, guided, prior = condition(), normal(1, 7, 3), normal(1, 3)
    with torch.no_grad():
        events, start = made.shares(7)
        state = made.states(guided, torch.tensor([7]), prior)[0, -1]
    assert events.shape == (7, 3)
    torch.testing.assert_close(events.sum(dim=0) + start, torch.ones(3))
    torch.testing.assert_close((events * guided[0]).sum(dim=0) + start * prior[0], state)


def test_an_untrained_condition_adds_nothing_and_can_learn_all_the_same() -> None:
    made, guided, lengths = UserCondition(3, 5), normal(2, 6, 3), torch.tensor([6, 6])
    added = made(guided, lengths)
    assert added.shape == (2, 6, 5)
    assert not added.any()
    torch.testing.assert_close(made.rho, torch.full((3,), 0.9))
    torch.testing.assert_close(made.kappa, torch.ones(3))
    goal = normal(2, 6, 5, seed=2)
    optimizer = torch.optim.Adam(made.parameters(), lr=0.05)
    losses = []
    for _ in range(30):
        loss = (made(guided, lengths) - goal).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.95 * losses[0]
    for parameter in made.parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().min() > 0
    made.reset()
    assert not made(guided, lengths).any()


@pytest.mark.parametrize("logit", [-60.0, 60.0])
def test_extreme_memories_stay_finite(logit: float) -> None:
    """No memory at all is the last event, a whole memory the mean."""
    made, guided, lengths = UserCondition(2, 2), normal(1, 300, 2), torch.tensor([300])
    with torch.no_grad():
        made.decay.fill_(logit)
        made.strength.fill_(-60.0)
        made.out.weight.fill_(1.0)
    state = made.states(guided, lengths)[0, -1]
    expected = guided[0, -1] if logit < 0 else guided[0].mean(dim=0)
    torch.testing.assert_close(state, expected, atol=1e-5, rtol=1e-5)
    made(guided, lengths).sum().backward()
    for parameter in made.parameters():
        assert parameter.grad is not None
        assert torch.isfinite(parameter.grad).all()


def test_half_precision_around_it_does_not_blur_the_vector() -> None:
    """Sums over hundreds of events are taken in float32 under autocast too."""
    made, guided, lengths = condition(), normal(2, 200, 3), torch.tensor([200, 150])
    plain = made.states(guided, lengths)
    with torch.autocast("cpu", torch.bfloat16):
        blurred = made.states(guided, lengths)
    assert blurred.dtype == torch.float32
    torch.testing.assert_close(blurred, plain)
