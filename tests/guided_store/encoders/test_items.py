"""The item table: what is fixed, what is hidden in a step, and what is no candidate."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from guided_store.encoders._items import START, ItemTable

SEEN = np.array([True, True, False, True, False, True, True, True])
VECTORS = np.random.default_rng(0).normal(size=(8, 6)).astype(np.float32)
BIAS = np.random.default_rng(1).normal(size=8).astype(np.float32)
ITEMS = torch.tensor([[3, 0], [7, 3]])


@pytest.fixture
def table() -> ItemTable:
    return ItemTable.from_vectors(VECTORS, BIAS, fixed_columns=2, seen=SEEN)


def hidden_rows(table: ItemTable) -> torch.Tensor:
    """Which items are hidden now, by what can be seen of them."""
    return (table.vectors()[:, 2:] == 0).all(dim=1)


def test_rows_and_vectors_are_what_it_starts_at(table: ItemTable) -> None:
    with torch.no_grad():
        np.testing.assert_array_equal(table.vectors().numpy(), VECTORS)
        np.testing.assert_array_equal(table.rows(ITEMS).numpy(), VECTORS[ITEMS.numpy()])
        np.testing.assert_array_equal(table.biases().numpy(), BIAS)
    assert (table.n_items, table.dim) == (8, 6)
    VECTORS_before = VECTORS.copy()
    with torch.no_grad():
        table.latent.fill_(9.0)
    np.testing.assert_array_equal(VECTORS, VECTORS_before)  # it is a copy


def test_from_scratch() -> None:
    made = ItemTable.learned(4000, 8, torch.Generator().manual_seed(0), item_bias=False)
    assert made.latent.std().item() == pytest.approx(START, rel=0.02)
    assert made.content is None
    assert not made.bias.any()
    assert not made.bias.requires_grad
    assert made.latent.requires_grad


def test_items_without_events_are_no_candidates(table: ItemTable) -> None:
    found = table.candidates().detach().numpy()
    assert (np.isneginf(found) == ~SEEN).all()
    np.testing.assert_array_equal(found[SEEN], BIAS[SEEN])
    everyone = ItemTable.from_vectors(VECTORS, BIAS, fixed_columns=2, seen=np.ones(8, bool))
    np.testing.assert_array_equal(everyone.candidates().detach().numpy(), BIAS)
    assert "seen" not in table.state_dict()  # it follows from the data, not from what was learned


def test_hidden_items_lose_their_learned_part_and_bias_within_a_step_only(table: ItemTable) -> None:
    table.learn_cold_bias()
    assert table.cold_bias is not None
    table.cold_bias.data.fill_(-3.0)
    torch.manual_seed(0)
    with torch.no_grad(), table.some_hidden(0.5):
        hidden = hidden_rows(table)
        assert 0 < hidden.sum() < 8
        vectors, rows, bias = table.vectors(), table.rows(ITEMS), table.biases()
        torch.testing.assert_close(vectors[:, :2], torch.from_numpy(VECTORS[:, :2]))
        torch.testing.assert_close(vectors[~hidden], torch.from_numpy(VECTORS)[~hidden])
        torch.testing.assert_close(rows, vectors[ITEMS])  # read as they are scored
        torch.testing.assert_close(bias, torch.where(hidden, -3.0, torch.from_numpy(BIAS)))
        candidates = table.candidates()
        assert (candidates.isneginf().numpy() == ~SEEN).all()
        assert (candidates[hidden & torch.from_numpy(SEEN)] == -3.0).all()
    np.testing.assert_array_equal(table.vectors().detach().numpy(), VECTORS)
    np.testing.assert_array_equal(table.biases().detach().numpy(), BIAS)


def test_what_is_hidden_comes_back_after_an_error(table: ItemTable) -> None:
    with pytest.raises(RuntimeError, match="in a step"), table.some_hidden(0.99):
        raise RuntimeError("in a step")
    np.testing.assert_array_equal(table.vectors().detach().numpy(), VECTORS)


def test_without_a_cold_bias_hidden_items_have_none(table: ItemTable) -> None:
    torch.manual_seed(0)
    with torch.no_grad(), table.some_hidden(0.5):
        assert (table.biases()[hidden_rows(table)] == 0).all()


def test_hidden_items_get_no_gradient_and_teach_the_cold_bias(table: ItemTable) -> None:
    table.learn_cold_bias()
    assert table.cold_bias is not None
    torch.manual_seed(0)
    with table.some_hidden(0.5):
        hidden = hidden_rows(table)
        (table.vectors().sum() + table.rows(ITEMS).sum() + table.biases().sum()).backward()
    assert table.latent.grad is not None
    assert table.bias.grad is not None
    assert (table.latent.grad[hidden] == 0).all()
    assert (table.latent.grad[~hidden] != 0).all()
    assert (table.bias.grad == (~hidden).float()).all()
    assert table.cold_bias.grad == hidden.sum()


def test_the_share_is_the_share_and_no_draw_is_made_without_one() -> None:
    made = ItemTable.from_vectors(np.ones((20_000, 2), np.float32), fixed_columns=1)
    torch.manual_seed(3)
    with torch.no_grad(), made.some_hidden(0.2):
        assert (made.vectors()[:, 1] == 0).float().mean().item() == pytest.approx(0.2, abs=0.01)
    state = torch.random.get_rng_state()
    with made.some_hidden(0.0):
        assert (made.vectors()[:, 1] == 1).all()
    assert torch.equal(torch.random.get_rng_state(), state)


def test_long_learned_parts_are_brought_back_and_short_ones_left(table: ItemTable) -> None:
    norms = np.linalg.norm(VECTORS[:, 2:], axis=1)
    bound = float(np.median(norms))
    table.shorten(bound)
    latent = table.latent.detach().numpy()
    np.testing.assert_array_equal(latent[norms <= bound], VECTORS[norms <= bound, 2:])
    np.testing.assert_allclose(np.linalg.norm(latent[norms > bound], axis=1), bound, rtol=1e-6)
    cosine = (latent * VECTORS[:, 2:]).sum(axis=1) / np.linalg.norm(latent, axis=1) / norms
    np.testing.assert_allclose(cosine, 1, rtol=1e-5)
    zero = ItemTable.from_vectors(np.zeros((2, 3), np.float32))
    zero.shorten(0.5)
    assert not zero.latent.any()


def test_calibration_changes_its_columns_where_they_are_read_and_scored() -> None:
    made = ItemTable.from_vectors(VECTORS, fixed_columns=4, calibrated=3)
    assert made.calibration is not None
    with torch.no_grad():
        np.testing.assert_allclose(made.vectors().numpy(), VECTORS, atol=1e-6)
        made.calibration.raw_slopes.normal_(0, 2, generator=torch.Generator().manual_seed(0))
        vectors = made.vectors()
        torch.testing.assert_close(made.rows(ITEMS), vectors[ITEMS])
        torch.testing.assert_close(vectors[:, :3], made.calibration(torch.from_numpy(VECTORS[:, :3])))
    np.testing.assert_array_equal(vectors[:, 3:].numpy(), VECTORS[:, 3:])
    assert np.abs(vectors[:, :3].numpy() - VECTORS[:, :3]).min(axis=0).max() > 0
    (made.vectors().square().sum() + made.rows(ITEMS).sum()).backward()
    assert made.calibration.raw_slopes.grad is not None
    assert {name for name, value in made.named_parameters() if value.grad is not None} == {
        "latent",
        "calibration.raw_slopes",
    }


def test_attributes_alone() -> None:
    made = ItemTable.from_vectors(VECTORS, fixed_columns=6)
    assert made.latent.shape == (8, 0)
    with torch.no_grad(), made.some_hidden(0.5):
        np.testing.assert_array_equal(made.vectors().numpy(), VECTORS)
        np.testing.assert_array_equal(made.rows(ITEMS).numpy(), VECTORS[ITEMS.numpy()])
    made.shorten(1.0)
    assert made.dim == 6
