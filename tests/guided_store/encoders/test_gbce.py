"""gBCE against its definition and against the transformed logits of the authors' code."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guided_store.encoders._loss import gbce_beta, gbce_loss


def tensors(n: int, items: int, k: int, seed: int) -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor]:
    """Queries, vectors and bias that want gradients; targets; shared negatives."""
    generator = torch.Generator().manual_seed(seed)
    parts = [
        torch.randn(*shape, generator=generator, dtype=torch.float64, requires_grad=True)
        for shape in ((n, 5), (items, 5), (items,))
    ]
    targets, negatives = (torch.randint(items, (size,), generator=generator) for size in (n, k))
    return parts, targets, negatives


def by_definition(
    parts: list[torch.Tensor], targets: torch.Tensor, negatives: torch.Tensor, beta: float
) -> torch.Tensor:
    """Equation by equation: one position, one score at a time."""
    queries, vectors, bias = parts
    total = torch.zeros((), dtype=torch.float64)
    for query, target in zip(queries, targets, strict=True):
        terms = torch.log(torch.sigmoid(query @ vectors[target] + bias[target]) ** beta)
        for item in negatives:
            if item != target:
                terms = terms + torch.log(1 - torch.sigmoid(query @ vectors[item] + bias[item]))
        total = total - terms / (len(negatives) + 1)
    return total / len(queries)


@given(
    n=st.integers(1, 6),
    items=st.integers(2, 12),
    k=st.integers(1, 9),
    t=st.floats(0, 1),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=40)
def test_the_definition_and_its_gradients(n: int, items: int, k: int, t: float, seed: int) -> None:
    parts, targets, negatives = tensors(n, items, k, seed)
    beta = gbce_beta(k, items, t)
    wanted = by_definition(parts, targets, negatives, beta)
    found = gbce_loss(*parts, targets, negatives, beta)
    torch.testing.assert_close(found, wanted)
    pairs = zip(torch.autograd.grad(found, parts), torch.autograd.grad(wanted, parts), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other)


def test_gradients_by_finite_differences() -> None:
    parts, targets, negatives = tensors(4, 9, 5, 1)
    assert torch.autograd.gradcheck(lambda *given: gbce_loss(*given, targets, negatives, 0.3), parts)


@given(items=st.integers(2, 10_000), share=st.floats(0.001, 1), t=st.floats(0, 1))
def test_beta_lies_between_the_sampling_rate_and_one(items: int, share: float, t: float) -> None:
    k = max(1, int(share * (items - 1)))
    alpha = k / (items - 1)
    assert gbce_beta(k, items, 0.0) == pytest.approx(1.0)
    assert gbce_beta(k, items, 1.0) == pytest.approx(alpha)
    # the same line between the two, read off the ends
    assert gbce_beta(k, items, t) == pytest.approx(1 - t * (1 - alpha), rel=1e-9)


def test_beta_with_more_draws_than_items_is_plain_cross_entropy() -> None:
    assert gbce_beta(1024, 31, 0.75) == pytest.approx(1.0)


def test_the_published_setting() -> None:
    """256 negatives of 3,416 items at t = 0.75, by hand."""
    assert gbce_beta(256, 3_416, 0.75) == pytest.approx(0.25 + 0.75 * 256 / 3_415)


@pytest.mark.parametrize("score", [-30.0, -3.0, 0.0, 4.0, 12.0])
def test_the_positive_term_is_that_of_the_authors_code(score: float) -> None:
    """They transform the logit in float64: log(1 / (sigmoid(s)^-beta - 1)), then binary cross-entropy."""
    beta = 0.3
    transformed = math.log(1 / ((1 / (1 + math.exp(-score))) ** -beta - 1))
    theirs = math.log1p(math.exp(-transformed))
    one = torch.ones(1, 1)
    none = torch.zeros(1, dtype=torch.int64)
    loss = gbce_loss(one, one, torch.tensor([score - 1.0]), none, none, beta)  # the only draw is the target
    assert 2 * loss.item() == pytest.approx(theirs, rel=1e-4, abs=1e-7)


def test_large_scores_stay_finite() -> None:
    queries = torch.full((2, 3), 200.0, requires_grad=True)
    vectors = torch.tensor([[200.0] * 3, [-200.0] * 3])
    loss = gbce_loss(queries, vectors, torch.zeros(2), torch.tensor([0, 1]), torch.tensor([1, 0]), 0.5)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(queries.grad).all()
