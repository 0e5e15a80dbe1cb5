"""The row-sparse optimiser: AdamW where all is touched, torch's SparseAdam where not, exact checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from guided_store.catalogue import Split
from guided_store.encoders import EncoderConfig, TrainingConfig, make_model
from guided_store.encoders._batches import Batch, touched
from guided_store.encoders._calibration import Calibration
from guided_store.encoders._items import ItemTable
from guided_store.encoders._optimizer import (
    BETAS,
    EPSILON,
    RowAdamW,
    make_optimizer,
    resolve_row_sparse,
)
from guided_store.encoders._training import Trainer
from guided_store.errors import UsageError

RATES = (0.1, 0.05, 0.2, 0.01)


def table(items: int = 9) -> ItemTable:
    generator = torch.Generator().manual_seed(0)
    fixed = torch.randn(items, 2, generator=generator)
    return ItemTable(
        torch.randn(items, 3, generator=generator), fixed, torch.randn(items, generator=generator)
    )


def loss_of(vectors: Tensor, bias: Tensor) -> Tensor:
    return (vectors**2).sum() * 0.5 + (vectors.sum(dim=1) * bias).sin().sum()


def run_rows(one: ItemTable, rows_of: Callable[[int], Tensor], decay: float) -> None:
    optimizer = RowAdamW(one, decay)
    for number, rate in enumerate(RATES):
        rows = rows_of(number)
        part = optimizer.part(rows)
        loss_of(part.vectors(), part.biases()).backward()
        optimizer.step(part, rows, rate)
        optimizer.keep(part, rows)


def test_with_all_rows_it_is_adamw() -> None:
    sparse, dense = table(), table()
    run_rows(sparse, lambda _: torch.arange(9), 0.3)
    optimizer = torch.optim.AdamW(
        [
            {"params": [dense.latent], "weight_decay": 0.3},
            {"params": [dense.bias], "weight_decay": 0.0},
        ],
        betas=BETAS,
        eps=EPSILON,
    )
    for rate in RATES:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss_of(dense.vectors(), dense.biases()).backward()
        optimizer.step()
    torch.testing.assert_close(sparse.latent, dense.latent)
    torch.testing.assert_close(sparse.bias, dense.bias)


def test_decay_draws_to_zero_only_what_is_neutral_there() -> None:
    """Without a gradient a step is the decay alone."""
    shape = EncoderConfig(dim=8, blocks=1, residual=True, mix=True, user=True, fixed=4, attributes=3)
    model = make_model(shape)
    model.reset(torch.Generator().manual_seed(0))
    start = torch.randn(9, 8, generator=torch.Generator().manual_seed(1))
    items = ItemTable.from_vectors(start.numpy(), fixed_columns=4, calibrated=3)
    with torch.no_grad():
        assert model.user is not None
        model.user.out.weight.fill_(1.0)  # starts at zero, its neutral value
    trained = {**dict(model.named_parameters()), **dict(items.named_parameters())}
    before = {name: value.detach().clone() for name, value in trained.items()}
    for value in trained.values():
        value.grad = torch.zeros_like(value)
    config = TrainingConfig(weight_decay=0.5, learning_rate=0.2)
    make_optimizer(model, items, config, row_sparse=False).step()
    stayed = {name for name, value in trained.items() if torch.equal(value, before[name])}
    for name in trained.keys() - stayed:
        torch.testing.assert_close(trained[name].detach(), before[name] * (1 - 0.2 * 0.5))
    assert {"mix.weight", "calibration.raw_slopes", "gain", "bias", "norm.weight", "user.decay"} <= stayed
    matrices = {name for name, value in trained.items() if value.ndim > 1}
    assert matrices & stayed == {"mix.weight", "calibration.raw_slopes"}
    assert {"latent", "residual.weight", "user.out.weight", "position.weight"} <= matrices - stayed


def test_with_some_rows_it_is_torchs_sparse_adam_and_others_rest() -> None:
    chosen = [torch.tensor(rows) for rows in ([0, 3], [3, 5, 8], [0, 8], [3])]
    sparse, peer = table(), table()
    before = sparse.latent.detach().clone()
    run_rows(sparse, lambda number: chosen[number], 0.0)
    optimizer = torch.optim.SparseAdam([peer.latent, peer.bias], betas=BETAS, eps=EPSILON)
    for rows, rate in zip(chosen, RATES, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss_of(peer.vectors()[rows], peer.biases()[rows]).backward()
        for parameter in (peer.latent, peer.bias):
            assert parameter.grad is not None
            parameter.grad = torch.sparse_coo_tensor(
                rows[None], parameter.grad[rows], parameter.shape, check_invariants=True
            )
        optimizer.step()
    torch.testing.assert_close(sparse.latent, peer.latent)
    torch.testing.assert_close(sparse.bias, peer.bias)
    rested = [1, 2, 4, 6, 7]
    assert torch.equal(sparse.latent[rested], before[rested])
    assert not torch.equal(sparse.latent, before)


def test_a_part_is_its_rows_and_shares_what_items_share() -> None:
    whole = table()
    whole.seen = torch.arange(9) != 4
    whole.calibration = Calibration(whole.fixed)
    whole.learn_cold_bias()
    rows = torch.tensor([2, 4, 7])
    part = RowAdamW(whole, 0.0).part(rows)
    torch.testing.assert_close(part.vectors(), whole.vectors()[rows])
    assert torch.equal(part.candidates(), whole.candidates()[rows])
    assert part.calibration is whole.calibration
    assert part.cold_bias is whole.cold_bias


def test_what_does_not_train_has_no_moments_and_stays() -> None:
    frozen = ItemTable(torch.ones(4, 2), train_latent=False)
    optimizer = RowAdamW(frozen, 0.1)
    assert sorted(optimizer.tensors()) == ["bias.first", "bias.second", "steps"]
    run_rows(frozen, lambda _: torch.arange(4), 0.1)
    assert torch.equal(frozen.latent, torch.ones(4, 2))
    assert frozen.bias.all()


@given(
    codes=st.lists(st.integers(0, 50), min_size=6, max_size=6),
    drawn=st.none() | st.lists(st.integers(0, 50), max_size=5),
)
def test_a_step_in_terms_of_what_it_touches(codes: list[int], drawn: list[int] | None) -> None:
    inputs, users = np.array(codes).reshape(2, 3), np.array([5, 9])
    batch = Batch(inputs, np.array([3, 1]), np.array([0, 1]), np.array([7, 50]), users)
    negatives = None if drawn is None else np.array(drawn, np.int64)
    rows, inside, places = touched(batch, negatives)
    read = codes[:4]  # three events of the first row, one of the second; the others are padding
    np.testing.assert_array_equal(rows, sorted({*read, 7, 50, *(drawn or [])}))
    np.testing.assert_array_equal(rows[inside.inputs].ravel()[:4], read)
    np.testing.assert_array_equal(rows[inside.targets], batch.targets)
    assert inside.users is users
    if negatives is None:
        assert places is None
    else:
        np.testing.assert_array_equal(rows[places], negatives)


def test_when_it_is_used() -> None:
    assert not resolve_row_sparse(TrainingConfig(), 50_000)
    assert resolve_row_sparse(TrainingConfig(), 50_001)
    assert not resolve_row_sparse(TrainingConfig(loss="full"), 90_000)
    assert resolve_row_sparse(TrainingConfig(loss="gbce", row_sparse=True), 10)
    assert not resolve_row_sparse(TrainingConfig(row_sparse=False), 90_000)
    with pytest.raises(UsageError, match="touches every item; row_sparse needs"):
        resolve_row_sparse(TrainingConfig(row_sparse=True), 10)


def trainer(split: Split, given: dict[str, object], checkpoint: Path | None = None) -> Trainer:
    encoder = EncoderConfig(dim=16, blocks=1, max_length=12, dropout=0.0)
    settings: dict[str, object] = {"epochs": 3, "batch_size": 16, "loss": "sampled", "precision": "fp32"}
    model = make_model(encoder)
    model.reset(torch.Generator().manual_seed(1))
    sequences = split.train
    items = ItemTable.learned(sequences.n_items, 16, torch.Generator().manual_seed(2), item_bias=True)
    training = TrainingConfig.from_dict(settings | given)
    return Trainer(model, items, sequences, training, validate=None, checkpoint=checkpoint)


@pytest.mark.parametrize("loss", ["sampled", "gbce"])
def test_training_with_all_rows_touched_is_dense_training(split: Split, loss: str) -> None:
    """1024 negatives of 30 items touch every row."""
    dense, sparse = (trainer(split, {"loss": loss, "row_sparse": on}) for on in (False, True))
    losses = [[row["loss"] for row in run.run().history] for run in (dense, sparse)]
    assert (dense.row_sparse, sparse.row_sparse) == (False, True)
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)
    torch.testing.assert_close(sparse.table.latent, dense.table.latent, rtol=1e-2, atol=1e-3)


def test_few_negatives_leave_rows_alone_and_it_still_learns(split: Split) -> None:
    run = trainer(split, {"row_sparse": True, "negatives": 4, "epochs": 25, "learning_rate": 0.01})
    losses = [row["loss"] for row in run.run().history]
    assert losses[-1] < 0.75 * losses[0]


class Stopped(Exception):
    pass


@pytest.mark.parametrize("extra", [{}, {"loss": "gbce", "delta_bound": 0.05, "cold_share": 0.3}])
def test_a_stopped_run_takes_the_same_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split: Split, extra: dict[str, object]
) -> None:
    monkeypatch.setattr("guided_store.encoders._training.CHECKPOINT_EVERY", -1.0)  # after every step
    given = {"row_sparse": True, "negatives": 4} | extra
    whole = trainer(split, given)
    whole.run()
    if "delta_bound" in extra:
        assert whole.table.latent.norm(dim=1).max() <= 0.0501
    path = tmp_path / "c.safetensors"
    stopped = trainer(split, given, path)
    step = stopped._take_step

    def until_the_fourth(batch: Batch) -> float:
        if stopped._step == 3:
            raise Stopped
        return step(batch)

    monkeypatch.setattr(stopped, "_take_step", until_the_fourth)
    with pytest.raises(Stopped):
        stopped.run()
    resumed = trainer(split, given, path)
    resumed.run()
    for one, other in ((whole.model, resumed.model), (whole.table, resumed.table)):
        for name, value in one.state_dict().items():
            assert torch.equal(value, other.state_dict()[name]), name
