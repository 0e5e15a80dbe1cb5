"""The contract of an encoder: the query depends on the events passed in, and on nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from guided_store.encoders import EncoderConfig, SASRec
from guided_store.encoders._histories import encode_histories
from guided_store.encoders._items import ItemTable
from guided_store.errors import EncoderError, UsageError

CONFIG = EncoderConfig(dim=8, blocks=2, heads=2, max_length=6, dropout=0.5)


@pytest.fixture(scope="module")
def model() -> SASRec:
    model = SASRec(CONFIG)
    model.reset(torch.Generator().manual_seed(0))
    with torch.no_grad():  # large enough weights for a leak to show
        for parameter in model.parameters():
            parameter.mul_(5)
    return model.eval()


@pytest.fixture(scope="module")
def table() -> ItemTable:
    generator = torch.Generator().manual_seed(1)
    return ItemTable(torch.randn(20, 5, generator=generator), torch.randn(20, 3, generator=generator))


def history(*items: int) -> np.ndarray:
    return np.array(items, np.int32)


def test_later_events_do_not_change_earlier_queries(model: SASRec) -> None:
    x = torch.randn(3, 6, 8, generator=torch.Generator().manual_seed(2))
    changed = x.clone()
    changed[:, 4:] = changed[:, :2]  # a constant shift would vanish in the norm
    with torch.no_grad():
        lengths = torch.full((3,), 6)
        before, after = model(x, lengths), model(changed, lengths)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert (before[:, 4:] - after[:, 4:]).abs().max() > 1e-3


def test_the_last_only_path_is_the_full_one(model: SASRec) -> None:
    x = torch.randn(4, 6, 8, generator=torch.Generator().manual_seed(2))
    ends = torch.tensor([5, 0, 3, 2])
    with torch.no_grad():
        whole = model(x, ends + 1)
        torch.testing.assert_close(model.last(x, ends), whole[torch.arange(4), ends])
        torch.testing.assert_close(model.last(x[:1], ends[:1]), whole[:1, 5])
        torch.testing.assert_close(model.last(x[2:3, :4], ends[2:3]), whole[2:3, 3])


def test_padding_and_company_change_nothing(model: SASRec, table: ItemTable) -> None:
    histories = [history(1, 2, 3), history(4), history(5, 6, 7, 8, 9, 10), history(3, 3)]
    together = encode_histories(model, table, histories)
    alone = np.concatenate([encode_histories(model, table, [one]) for one in histories])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    swapped = encode_histories(model, table, histories[::-1])[::-1]
    np.testing.assert_allclose(together, swapped, atol=1e-5)


def test_only_the_newest_events_are_read(model: SASRec, table: ItemTable) -> None:
    long = encode_histories(model, table, [history(9, 9, 1, 2, 3, 4, 5, 6)])
    np.testing.assert_allclose(long, encode_histories(model, table, [history(1, 2, 3, 4, 5, 6)]), atol=1e-6)


def test_order_matters(model: SASRec, table: ItemTable) -> None:
    one, other = encode_histories(model, table, [history(1, 2, 3), history(2, 1, 3)])
    assert np.abs(one - other).max() > 1e-3


def test_many_histories_are_encoded_in_several_passes(
    model: SASRec, table: ItemTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    histories = [rng.integers(0, 20, rng.integers(1, 9)).astype(np.int32) for _ in range(40)]
    whole = encode_histories(model, table, histories)
    monkeypatch.setattr("guided_store.encoders._histories.EVENTS_AT_ONCE", 7)
    np.testing.assert_allclose(encode_histories(model, table, histories), whole, atol=1e-5)


def test_an_empty_history_is_refused(model: SASRec, table: ItemTable) -> None:
    with pytest.raises(EncoderError, match="empty history"):
        encode_histories(model, table, [history(1), history()])


def test_loud_columns_are_turned_down_on_input_only() -> None:
    model = SASRec(CONFIG)
    vectors = torch.randn(500, 8, generator=torch.Generator().manual_seed(3)) * 0.02
    vectors[:, :3] *= 50  # root mean square 1 beside 0.02
    model.balance(vectors)
    torch.testing.assert_close(model.gain[3:], torch.ones(5))
    torch.testing.assert_close(model.gain[:3], torch.full((3,), 0.1), rtol=0.1, atol=0)


def test_fixed_columns_come_first_and_stay(table: ItemTable) -> None:
    assert table.dim == 8
    torch.testing.assert_close(table.vectors()[:, :3], table.fixed)
    torch.testing.assert_close(table.rows(torch.tensor([[2, 7]])), table.vectors()[[2, 7]][None])
    assert [name for name, _ in table.named_parameters()] == ["latent", "bias"]


@pytest.mark.parametrize(
    "wrong",
    [{"heads": 3}, {"dim": 0}, {"dropout": 1.0}, {"max_length": 0}, {"architecture": "other"}],
)
def test_impossible_shapes(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        EncoderConfig.from_dict({"dim": 8, "heads": 2} | wrong)


def test_settings_round_trip() -> None:
    assert EncoderConfig.from_dict(CONFIG.to_dict()) == CONFIG
    with pytest.raises(UsageError, match="no setting width"):
        EncoderConfig.from_dict({"width": 3})
