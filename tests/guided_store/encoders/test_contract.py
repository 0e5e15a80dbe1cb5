"""The contract of a sequential model: a query depends on the events passed in, and on nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from guided_store.encoders import EncoderConfig, EncoderManifest, SequenceModel, load_encoder, make_model
from guided_store.encoders._encoder import save_encoder
from guided_store.encoders._histories import encode_histories
from guided_store.encoders._items import ItemTable
from guided_store.errors import EncoderError
from guided_store.store import create
from guided_store.versions import load_embedding, write_version

SIX = EncoderConfig(dim=8, blocks=2, heads=2, max_length=6, dropout=0.5)
CONFIGS = {
    "sasrec": SIX,
    "sasrec-one-block": replace(SIX, blocks=1),
    "sasrec-ligr": replace(SIX, block="ligr"),
    "gru4rec": replace(SIX, architecture="gru4rec", blocks=1),
    "gru4rec-wide": replace(SIX, architecture="gru4rec", hidden=12),
    "bert4rec": replace(SIX, architecture="bert4rec"),
    "bert4rec-ligr": replace(SIX, architecture="bert4rec", block="ligr"),
}
RESIDUAL = {"fixed": 3, "attributes": 2, "residual": True}
for architecture in ("sasrec", "gru4rec", "bert4rec"):
    CONFIGS[f"{architecture}-residual"] = replace(CONFIGS[architecture], **RESIDUAL)
    CONFIGS[f"{architecture}-all"] = replace(CONFIGS[architecture], **RESIDUAL, mix=True, user=True)


@pytest.fixture(scope="module", params=CONFIGS)
def model(request: pytest.FixtureRequest) -> SequenceModel:
    model = make_model(CONFIGS[request.param])
    model.reset(torch.Generator().manual_seed(0))
    with torch.no_grad():  # large enough weights for a leak to show
        for parameter in model.parameters():
            parameter.mul_(5 if model.config.architecture == "sasrec" else 1.5)
        if model.residual is not None:
            fill(model.residual.weight, 3)
        if model.mix is not None:
            model.mix.weight.add_(0.3 * torch.randn(8, 8, generator=torch.Generator().manual_seed(4)))
        if model.user is not None:  # it starts at nothing, with memories that are all alike
            for seed, parameter in enumerate(model.user.parameters(), start=5):
                fill(parameter, seed)
    return model.eval()


def fill(parameter: torch.Tensor, seed: int) -> None:
    parameter.normal_(0.0, 0.5, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def table() -> ItemTable:
    generator = torch.Generator().manual_seed(1)
    return ItemTable(torch.randn(20, 5, generator=generator), torch.randn(20, 3, generator=generator))


def history(*items: int) -> np.ndarray:
    return np.array(items, np.int32)


def vectors(batch: int, seed: int = 2) -> torch.Tensor:
    return torch.randn(batch, 6, 8, generator=torch.Generator().manual_seed(seed))


def test_later_events_change_earlier_queries_only_where_they_may(model: SequenceModel) -> None:
    x = vectors(3)
    changed = x.clone()
    changed[:, 4:] = changed[:, :2]  # a constant shift would vanish in the norm
    with torch.no_grad():
        lengths = torch.full((3,), 6)
        before, after = model(x, lengths), model(changed, lengths)
    assert (before[:, 4:] - after[:, 4:]).abs().max() > 1e-3
    if model.config.objective == "next":
        torch.testing.assert_close(before[:, :4], after[:, :4])
    else:
        assert (before[:, :4] - after[:, :4]).abs().amax(dim=(0, 2)).min() > 1e-3


def test_the_query_of_a_list_is_the_one_that_was_trained(model: SequenceModel) -> None:
    x, ends = vectors(4), torch.tensor([5, 0, 3, 2])
    with torch.no_grad():
        if model.config.objective == "next":
            trained = model.trained(x, ends + 1, torch.arange(4) * 6 + ends)
        else:  # the place after the last event, hidden: what stands there is of no account
            wider = torch.cat([x, vectors(4, seed=3)[:, :1]], dim=1)
            trained = model.trained(wider, ends + 2, torch.arange(4) * 7 + ends + 1)
        torch.testing.assert_close(model.last(x, ends), trained)
        torch.testing.assert_close(model.last(x[:1], ends[:1]), trained[:1])
        torch.testing.assert_close(model.last(x[2:3, :4], ends[2:3]), trained[2:3])


def test_padding_is_not_read(model: SequenceModel) -> None:
    x, lengths = vectors(3), torch.tensor([2, 6, 4])
    real = torch.arange(6) < lengths[:, None]
    filled = torch.where(real[..., None], x, 100.0)
    places = torch.tensor([0, 1, 6, 11, 12, 15])
    with torch.no_grad():
        torch.testing.assert_close(model(x, lengths)[real], model(filled, lengths)[real])
        torch.testing.assert_close(model.last(x, lengths - 1), model.last(filled, lengths - 1))
        torch.testing.assert_close(model.trained(x, lengths, places), model.trained(filled, lengths, places))


def test_padding_and_company_change_nothing(model: SequenceModel, table: ItemTable) -> None:
    histories = [history(1, 2, 3), history(4), history(5, 6, 7, 8, 9, 10), history(3, 3)]
    together = encode_histories(model, table, histories)
    alone = np.concatenate([encode_histories(model, table, [one]) for one in histories])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    swapped = encode_histories(model, table, histories[::-1])[::-1]
    np.testing.assert_allclose(together, swapped, atol=1e-5)


def test_only_the_newest_events_are_read(model: SequenceModel, table: ItemTable) -> None:
    long = encode_histories(model, table, [history(9, 9, 1, 2, 3, 4, 5, 6)])
    np.testing.assert_allclose(long, encode_histories(model, table, [history(1, 2, 3, 4, 5, 6)]), atol=1e-6)


def test_every_event_and_their_order_matter(model: SequenceModel, table: ItemTable) -> None:
    one, swapped, longer, other = encode_histories(
        model, table, [history(1, 2, 3), history(2, 1, 3), history(4, 1, 2, 3), history(1, 2, 5)]
    )
    for found in (swapped, longer, other):
        assert np.abs(one - found).max() > 1e-4  # ten times the rounding that is allowed


def test_many_histories_are_encoded_in_several_passes(
    model: SequenceModel, table: ItemTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    histories = [rng.integers(0, 20, rng.integers(1, 9)).astype(np.int32) for _ in range(40)]
    whole = encode_histories(model, table, histories)
    monkeypatch.setattr("guided_store.encoders._histories.EVENTS_AT_ONCE", 7)
    np.testing.assert_allclose(encode_histories(model, table, histories), whole, atol=1e-5)


def test_an_empty_history_is_refused(model: SequenceModel, table: ItemTable) -> None:
    with pytest.raises(EncoderError, match="empty history"):
        encode_histories(model, table, [history(1), history()])


def test_a_generator_sets_every_weight(model: SequenceModel) -> None:
    one, again, other = (make_model(model.config) for _ in range(3))
    for made, seed in ((one, 1), (again, 1), (other, 2)):
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.fill_(float("nan"))
        made.reset(torch.Generator().manual_seed(seed))
    for name, value in one.state_dict().items():
        assert torch.isfinite(value).all(), name
        assert torch.equal(value, again.state_dict()[name]), name
        alike = value.ndim < 2 or name in {"mix.weight", "user.out.weight"}  # nothing random in these
        assert alike or not torch.equal(value, other.state_dict()[name]), name


def test_every_weight_learns(model: SequenceModel) -> None:
    made = make_model(model.config)
    made.load_state_dict(model.state_dict())
    queries = made.trained(vectors(4), torch.full((4,), 6), torch.tensor([2, 5, 9, 13, 22]))
    assert queries.shape == (5, 8)
    (queries * vectors(1)[0, :5]).sum().backward()
    for name, parameter in made.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_dropout_is_for_training_only(model: SequenceModel) -> None:
    x, lengths, places = vectors(2), torch.full((2,), 6), torch.tensor([3, 8])
    with torch.no_grad():
        calm = [model.trained(x, lengths, places) for _ in range(2)]
        model.train()
        noisy = [model.trained(x, lengths, places) for _ in range(2)]
        model.eval()
    assert torch.equal(*calm)
    assert (noisy[0] - noisy[1]).abs().max() > 1e-3


def test_loud_columns_are_turned_down_on_input_only(model: SequenceModel) -> None:
    made = make_model(model.config)
    loud = torch.randn(500, 8, generator=torch.Generator().manual_seed(3)) * 0.02
    loud[:, :3] *= 50  # root mean square 1 beside 0.02
    made.balance(loud)
    torch.testing.assert_close(made.gain[3:], torch.ones(5))
    torch.testing.assert_close(made.gain[:3], torch.full((3,), 0.1), rtol=0.1, atol=0)
    turned = loud * made.gain * 8**0.5  # a new model's residual map is zero
    torch.testing.assert_close(made.scaled(loud), turned if made.mix is None else made.mix(turned))


def test_a_saved_model_is_the_one_that_is_loaded(
    model: SequenceModel, table: ItemTable, tmp_path: Path
) -> None:
    vectors = table.vectors().detach().numpy()
    ids = [f"i{number}" for number in range(20)]
    with create(tmp_path / "s") as store:
        info = write_version(store, "base/m", ids, vectors)
        with store.publish("encoders", "base/m") as folder:
            save_encoder(folder, EncoderManifest(info.ref, info.digest, model.config), model)
        loaded = load_encoder(store, load_embedding(store, "base/m"))
    assert loaded.config == model.config
    histories = [history(1, 2, 3), history(4), history(5, 6, 7, 8, 9, 10)]
    np.testing.assert_array_equal(loaded.encode(histories), encode_histories(model, table, histories))


def test_hidden_events_are_not_read() -> None:
    for name in ("bert4rec", "bert4rec-ligr", "bert4rec-residual", "bert4rec-all"):
        made = make_model(CONFIGS[name])
        made.reset(torch.Generator().manual_seed(0))
        if made.user is not None:
            with torch.no_grad():
                fill(made.user.out.weight, 1)
        x, lengths, places = vectors(2), torch.tensor([6, 4]), torch.tensor([1, 5, 8])
        changed = x.clone().view(12, 8)
        changed[places] = 7.0
        made.eval()
        with torch.no_grad():
            before = made.trained(x, lengths, places)
            assert torch.equal(before, made.trained(changed.view(2, 6, 8), lengths, places))
