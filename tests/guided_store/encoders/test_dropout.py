"""Dropout: the right share, the right mean, gradients through what stays."""

from __future__ import annotations

import pytest
import torch

from guided_store.encoders._dropout import Dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_share_and_mean(p: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    n = 400_003  # no multiple of four: the last word is cut
    x = torch.ones(n, dtype=dtype)
    y = Dropout(p)(x)
    assert y.dtype == dtype
    dropped = (y == 0).double().mean().item()
    assert dropped == pytest.approx(p, abs=4 * (p * (1 - p) / n) ** 0.5)
    assert len(y.unique()) == 2
    assert y.double().mean().item() == pytest.approx(1.0, abs=0.01)


def test_every_place_is_drawn_alike() -> None:
    """Each of the four pieces of a random word is uniform over its whole range."""
    torch.manual_seed(0)
    for p in (0.02, 0.5, 0.98):
        dropped = (Dropout(p)(torch.ones(200_000, 4)) == 0).double().mean(dim=0)
        torch.testing.assert_close(dropped, torch.full((4,), p).double(), rtol=0, atol=0.005)
    pieces = Dropout(0.5)(torch.ones(200_000, 4)).double()
    assert torch.corrcoef(pieces.t()).triu(1).abs().max() < 0.01  # and apart from the others


def test_the_generator_decides() -> None:
    layer, x = Dropout(0.3), torch.ones(1000)
    torch.manual_seed(4)
    first, second = layer(x), layer(x)
    torch.manual_seed(4)
    assert torch.equal(layer(x), first)
    assert not torch.equal(first, second)


def test_a_branch_is_added_and_its_gradient_is_the_mask() -> None:
    layer = Dropout(0.25)
    x, branch = torch.randn(50, 3, requires_grad=True), torch.randn(50, 3, requires_grad=True)
    torch.manual_seed(1)
    y = layer.onto(x, branch)
    mask = torch.autograd.grad(y.sum(), [x, branch])
    assert torch.equal(mask[0], torch.ones(50, 3))
    assert mask[1].unique().tolist() == pytest.approx([0.0, 4 / 3])
    torch.testing.assert_close(y, x + mask[1] * branch)


def test_off_when_it_should_be() -> None:
    x, branch = torch.randn(9), torch.randn(9)
    for layer in (Dropout(0.4).eval(), Dropout(0.0)):
        assert layer(x) is x
        assert torch.equal(layer.onto(x, branch), x + branch)


def test_a_low_precision_branch_joins_in_the_precision_of_the_trunk() -> None:
    y = Dropout(0.5).onto(torch.zeros(64), torch.ones(64, dtype=torch.bfloat16))
    assert y.dtype == torch.float32
