"""Settings: what belongs to which architecture, what is refused, what is written down."""

from __future__ import annotations

import pytest
import torch

from guided_store.encoders import EncoderConfig, GRU4Rec, TrainingConfig, make_model
from guided_store.encoders._config import ARCHITECTURES
from guided_store.encoders._items import ItemTable
from guided_store.encoders._models import MODELS
from guided_store.errors import UsageError


def test_every_architecture_has_a_model() -> None:
    assert tuple(MODELS) == ARCHITECTURES
    for name in ARCHITECTURES:
        made = make_model(EncoderConfig.of(name, dim=6, heads=None))
        assert type(made) is MODELS[name]
        assert made.config.architecture == name


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"heads": 3}, "heads .3. must divide dim .8."),
        ({"dim": 0}, "dim must be at least 1"),
        ({"dropout": 1.0}, "dropout"),
        ({"max_length": 0}, "max_length must be at least 1"),
        ({"hidden": 0, "architecture": "gru4rec"}, "hidden must be at least 1"),
        ({"architecture": "other"}, "there are sasrec, gru4rec, bert4rec"),
        ({"block": "postnorm"}, "block must be one of prenorm, ligr"),
        ({"hidden": 32}, "hidden does not belong to sasrec"),
        ({"hidden": 32, "architecture": "bert4rec"}, "hidden does not belong to bert4rec"),
        ({"heads": 4, "architecture": "gru4rec"}, "heads does not belong to gru4rec"),
        ({"block": "ligr", "architecture": "gru4rec"}, "block does not belong to gru4rec"),
        ({"feed_forward": 2, "architecture": "gru4rec"}, "feed_forward does not belong to gru4rec"),
        ({"width": 3}, "no setting width"),
    ],
)
def test_impossible_shapes(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        EncoderConfig.from_dict({"dim": 8} | wrong)


@pytest.mark.parametrize(
    "config",
    [
        EncoderConfig(dim=8),
        EncoderConfig(dim=8, block="ligr"),
        EncoderConfig(dim=7, architecture="gru4rec", hidden=100),
        EncoderConfig(dim=8, architecture="gru4rec"),
        EncoderConfig(dim=8, architecture="bert4rec", heads=4),
    ],
)
def test_shapes_round_trip(config: EncoderConfig) -> None:
    assert EncoderConfig.from_dict(config.to_dict()) == config


def test_only_what_belongs_to_an_architecture_is_written_down() -> None:
    plain = EncoderConfig(architecture="gru4rec").to_dict()
    assert set(plain) == {"dim", "blocks", "max_length", "dropout", "architecture"}
    assert EncoderConfig(block="ligr").to_dict()["block"] == "ligr"


def test_what_suits_an_architecture_is_filled_in() -> None:
    assert EncoderConfig.of("sasrec", dim=64) == EncoderConfig(dim=64, blocks=2, heads=2)
    assert EncoderConfig.of("bert4rec", dim=63).heads == 1
    assert EncoderConfig.of("gru4rec", dim=63) == EncoderConfig(architecture="gru4rec", dim=63, blocks=1)
    assert EncoderConfig.of("gru4rec", blocks=3, hidden=None).blocks == 3
    with pytest.raises(UsageError, match="must divide"):
        EncoderConfig.of("sasrec", dim=63, heads=2)


def test_a_wide_gru_still_asks_in_the_space_of_the_items() -> None:
    made = make_model(EncoderConfig.of("gru4rec", dim=7, hidden=20))
    assert isinstance(made, GRU4Rec)
    assert made.gru.hidden_size == 20
    assert made(torch.zeros(2, 3, 7), torch.tensor([3, 1])).shape == (2, 3, 7)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"loss": "bpr"}, "there are auto, full, sampled, gbce"),
        ({"gbce_t": 0.5}, "gbce_t belongs to the loss gbce, not to auto"),
        ({"loss": "gbce", "gbce_t": 1.5}, "gbce_t must be in"),
        ({"masking": -0.1}, "masking must be in"),
        ({"mask_last": 2.0}, "mask_last must be in"),
        ({"negatives": 0}, "negatives must be at least 1"),
    ],
)
def test_impossible_training(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        TrainingConfig.from_dict(wrong)


def test_a_masking_needs_a_cloze_task() -> None:
    for name in ("masking", "mask_last"):
        given = TrainingConfig.from_dict({name: 0.3})
        given.check_objective(EncoderConfig.of("bert4rec"))
        for architecture in ("sasrec", "gru4rec"):
            with pytest.raises(UsageError, match=f"{name} belongs to .* not to {architecture}"):
                given.check_objective(EncoderConfig.of(architecture))


def test_a_cloze_task_gets_more_epochs_unless_told() -> None:
    assert TrainingConfig().resolve_epochs(48, "cloze") == 4 * TrainingConfig().resolve_epochs(48) == 168
    assert TrainingConfig(epochs=7).resolve_epochs(48, "cloze") == 7


def test_training_round_trips() -> None:
    given = TrainingConfig(loss="gbce", gbce_t=0.9, masking=0.4)
    assert TrainingConfig.from_dict(given.to_dict()) == given
    assert given.to_dict()["masking"] == 0.4
    assert "mask_last" not in given.to_dict()
    assert (given.resolve_masking()[0], given.resolve_gbce_t()) == (0.4, 0.9)


def test_fixed_columns_come_first_and_stay() -> None:
    generator = torch.Generator().manual_seed(1)
    table = ItemTable(torch.randn(20, 5, generator=generator), torch.randn(20, 3, generator=generator))
    assert table.dim == 8
    torch.testing.assert_close(table.vectors()[:, :3], table.fixed)
    torch.testing.assert_close(table.rows(torch.tensor([[2, 7]])), table.vectors()[[2, 7]][None])
    assert [name for name, _ in table.named_parameters()] == ["latent", "bias"]
