"""Losses against their textbook definitions."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guided_store.encoders import _loss
from guided_store.encoders._loss import full_softmax_loss, log_expected_counts, sampled_softmax_loss


def tensors(n: int, items: int, dim: int, seed: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    queries = torch.randn(n, dim, generator=generator, dtype=torch.float64, requires_grad=True)
    vectors = torch.randn(items, dim, generator=generator, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(items, generator=generator, dtype=torch.float64, requires_grad=True)
    return [queries, vectors, bias, torch.randint(items, (n,), generator=generator)]


@given(n=st.integers(1, 90), items=st.integers(2, 40), seed=st.integers(0, 99))
@settings(deadline=None)
def test_full_softmax_and_its_gradients(n: int, items: int, seed: int) -> None:
    queries, vectors, bias, targets = tensors(n, items, 5, seed)
    wanted = torch.nn.functional.cross_entropy(queries @ vectors.t() + bias, targets)
    expected = torch.autograd.grad(3 * wanted, [queries, vectors, bias])
    loss = full_softmax_loss(queries, vectors, bias, targets)
    found = torch.autograd.grad(3 * loss, [queries, vectors, bias])
    torch.testing.assert_close(loss, wanted)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_full_softmax_in_many_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    queries, vectors, bias, targets = tensors(1000, 17, 5, 0)
    whole = full_softmax_loss(queries, vectors, bias, targets)
    monkeypatch.setattr(_loss, "CHUNK_BYTES", 1)
    torch.testing.assert_close(full_softmax_loss(queries, vectors, bias, targets), whole)


def test_full_softmax_survives_large_logits() -> None:
    queries = torch.full((2, 3), 200.0, requires_grad=True)
    vectors = torch.tensor([[200.0] * 3, [-200.0] * 3])
    loss = full_softmax_loss(queries, vectors, torch.zeros(2), torch.tensor([0, 0]))
    assert loss.item() == pytest.approx(0.0)
    loss.backward()
    assert torch.isfinite(queries.grad).all()


def test_frozen_vectors_get_no_gradient() -> None:
    queries, vectors, bias, targets = tensors(4, 6, 5, 0)
    full_softmax_loss(queries, vectors.detach(), bias.detach(), targets).backward()
    assert queries.grad is not None
    assert vectors.grad is None


def test_sampled_softmax_tends_to_the_full_one_for_any_proposal() -> None:
    queries, vectors, bias, targets = tensors(8, 50, 4, 3)
    draws = 200_000
    proposal, log_counts = log_expected_counts(torch.arange(50), draws)
    generator = torch.Generator().manual_seed(0)
    negatives = torch.multinomial(proposal, draws, replacement=True, generator=generator)
    assert proposal.sum().item() == pytest.approx(1.0)
    sampled = sampled_softmax_loss(queries, vectors, bias, targets, negatives, log_counts.double())
    full = full_softmax_loss(queries, vectors, bias, targets)
    torch.testing.assert_close(sampled, full, rtol=5e-3, atol=5e-3)


def test_negatives_equal_to_the_target_do_not_count() -> None:
    queries, vectors, bias, targets = tensors(1, 6, 5, 0)
    negatives = targets.repeat(9)
    loss = sampled_softmax_loss(queries, vectors, bias, targets, negatives, torch.zeros(6).double())
    assert loss.item() == pytest.approx(0.0)
