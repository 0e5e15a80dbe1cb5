"""The residual form: stored vectors and folded queries score as the whole latent vectors would."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guided_store.encoders import BERT4Rec, EncoderConfig, make_model
from guided_store.encoders._residual import Residual


def filled(fixed: int, learned: int, seed: int) -> tuple[Residual, torch.Tensor, torch.Tensor]:
    """A map, stored vectors (20, d) and unfolded queries (6, d)."""
    generator = torch.Generator().manual_seed(seed)
    made = Residual(fixed, learned)
    with torch.no_grad():
        made.weight.normal_(0.0, 0.5, generator=generator)
    vectors, queries = (torch.randn(n, fixed + learned, generator=generator) for n in (20, 6))
    return made, vectors, queries


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 20), st.integers(0, 10_000))
def test_the_folded_query_scores_stored_vectors_as_the_whole_ones(
    fixed: int, learned: int, seed: int
) -> None:
    made, vectors, queries = filled(fixed, learned, seed)
    with torch.no_grad():
        folded, read = made.fold(queries), made.read(vectors)
    weight = made.weight.detach().double().numpy()
    f, delta = np.split(vectors.double().numpy(), [fixed], axis=1)
    q_f, q_l = np.split(queries.double().numpy(), [fixed], axis=1)
    whole = f @ weight.T + delta
    np.testing.assert_allclose(read.numpy(), np.concatenate([f, whole], axis=1), atol=1e-5)
    expected = q_f @ f.T + q_l @ whole.T
    found = (folded @ vectors.T).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * max(1.0, np.abs(expected).max()))
    # the learned columns of a query are its own: what is folded goes to the attributes
    assert torch.equal(folded[:, fixed:], queries[:, fixed:])


def test_an_item_without_a_part_of_its_own_scores_by_its_content_alone() -> None:
    made, vectors, queries = filled(4, 3, 0)
    vectors[:, 4:] = 0
    with torch.no_grad():
        folded = made.fold(queries)
        torch.testing.assert_close(folded @ vectors.T, folded[:, :4] @ vectors[:, :4].T)
        torch.testing.assert_close(folded @ vectors.T, queries @ made.read(vectors).T)


def test_shapes_may_have_any_leading_dimensions() -> None:
    made, vectors, queries = filled(4, 3, 1)
    with torch.no_grad():
        torch.testing.assert_close(made.read(vectors.view(4, 5, 7)).view(20, 7), made.read(vectors))
        torch.testing.assert_close(made.fold(queries.view(2, 3, 7)).view(6, 7), made.fold(queries))


def test_gradients_reach_the_map_from_both_sides() -> None:
    made, vectors, queries = filled(4, 3, 2)
    for side in (made.fold(queries) * 1.0, made.read(vectors)):
        made.weight.grad = None
        side.square().sum().backward()
        assert made.weight.grad is not None
        assert made.weight.grad.abs().min() > 0


@pytest.mark.parametrize("architecture", ["sasrec", "gru4rec", "bert4rec"])
def test_a_model_of_the_residual_form_is_the_plain_one_on_whole_vectors(architecture: str) -> None:
    """One network, two ways to store its items: scores are the same to rounding."""
    shape = {"dim": 8, "max_length": 6, "blocks": 1, "dropout": 0.0}
    plain = make_model(EncoderConfig.of(architecture, **shape))
    plain.reset(torch.Generator().manual_seed(0))
    residual = make_model(EncoderConfig.of(architecture, **shape, fixed=5, attributes=5, residual=True))
    residual.load_state_dict(plain.state_dict(), strict=False)
    made, vectors, _ = filled(5, 3, 3)
    assert residual.residual is not None
    residual.residual.load_state_dict(made.state_dict())
    codes, ends = torch.tensor([[1, 2, 3, 4], [5, 6, 0, 0]]), torch.tensor([3, 1])
    with torch.no_grad():
        whole = made.read(vectors)
        if isinstance(plain, BERT4Rec):  # the vector at hidden places is stored as items are
            plain.mask.copy_(made.read(plain.mask))
        plain.balance(whole)
        residual.balance(vectors)
        torch.testing.assert_close(residual.gain, plain.gain)
        expected = plain.eval().last(whole[codes], ends) @ whole.T
        found = residual.eval().last(vectors[codes], ends) @ vectors.T
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
