"""bfloat16 products: near float32 in losses, gradients and attention; weights stay float32."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from guided_store.catalogue import Split
from guided_store.encoders import EncoderConfig, TrainingConfig, make_model
from guided_store.encoders._items import ItemTable
from guided_store.encoders._loss import (
    full_softmax_loss,
    gbce_loss,
    log_expected_counts,
    sampled_softmax_loss,
)
from guided_store.encoders._precision import has_bf16, resolve_precision
from guided_store.encoders._training import Trainer
from guided_store.encoders._transformer import attend

Loss = Callable[..., Tensor]
ITEMS, DRAWN = 300, 120


def full(queries: Tensor, vectors: Tensor, bias: Tensor, targets: Tensor, **given: object) -> Tensor:
    return full_softmax_loss(queries, vectors, bias, targets, **given)  # type: ignore[arg-type]


def sampled(queries: Tensor, vectors: Tensor, bias: Tensor, targets: Tensor, **given: object) -> Tensor:
    _, log_counts = log_expected_counts(torch.arange(ITEMS), DRAWN)
    negatives = torch.randint(ITEMS, (DRAWN,), generator=torch.Generator().manual_seed(1))
    return sampled_softmax_loss(queries, vectors, bias, targets, negatives, log_counts, **given)  # type: ignore[arg-type]


def gbce(queries: Tensor, vectors: Tensor, bias: Tensor, targets: Tensor, **given: object) -> Tensor:
    negatives = torch.randint(ITEMS, (DRAWN,), generator=torch.Generator().manual_seed(1))
    return gbce_loss(queries, vectors, bias - 4.0, targets, negatives, 0.3, **given)  # type: ignore[arg-type]


LOSSES = pytest.mark.parametrize("loss", [full, sampled, gbce])


def tensors(n: int = 700) -> tuple[list[Tensor], Tensor]:
    """Scores of about the size of a trained encoder's."""
    generator = torch.Generator().manual_seed(0)
    queries = torch.randn(n, 64, generator=generator)
    vectors = 0.4 * torch.randn(ITEMS, 64, generator=generator)
    bias = torch.randn(ITEMS, generator=generator)
    targets = torch.randint(ITEMS, (n,), generator=generator)
    return [part.requires_grad_() for part in (queries, vectors, bias)], targets


@LOSSES
def test_losses_and_gradients_are_near_those_of_float32(loss: Loss) -> None:
    parts, targets = tensors()
    exact, near = (loss(*parts, targets, products=kind) for kind in (None, torch.bfloat16))
    assert near.item() == pytest.approx(exact.item(), rel=1e-3)
    assert near.item() != exact.item()  # else the products were not in bfloat16
    pairs = zip(torch.autograd.grad(exact, parts), torch.autograd.grad(near, parts), strict=True)
    for one, other in pairs:
        assert other.dtype == torch.float32
        assert torch.cosine_similarity(one.flatten(), other.flatten(), dim=0) > 0.999
        assert other.norm().item() == pytest.approx(one.norm().item(), rel=5e-3)


@LOSSES
@pytest.mark.parametrize("products", [None, torch.bfloat16])
def test_items_that_are_no_candidates(loss: Loss, products: torch.dtype | None) -> None:
    (queries, vectors, bias), targets = tensors()
    out = torch.zeros(ITEMS, dtype=torch.bool)
    out[::3] = True
    targets = torch.where(out[targets], (targets + 1) % ITEMS, targets)
    hidden = bias.detach().masked_fill(out, float("-inf")).requires_grad_()
    found = loss(queries, vectors, hidden, targets, products=products)
    grads = torch.autograd.grad(found, [queries, vectors, hidden])
    assert torch.isfinite(found)
    for grad in grads:
        assert torch.isfinite(grad).all()
    assert not grads[1][out].any()
    assert not grads[2][out].any()
    assert grads[2][~out].any()
    # what stands in their rows is of no account
    moved = vectors.detach().clone()
    moved[out] = 9.0
    assert loss(queries, moved, hidden, targets, products=products).item() == found.item()


def test_full_softmax_over_the_candidates_is_that_of_a_smaller_catalogue() -> None:
    (queries, vectors, bias), targets = tensors()
    targets = targets % 200
    hidden = bias.detach().clone()
    hidden[200:] = float("-inf")
    torch.testing.assert_close(
        full_softmax_loss(queries, vectors, hidden, targets),
        torch.nn.functional.cross_entropy(queries @ vectors[:200].t() + bias[:200], targets),
    )


def test_a_target_without_others_has_no_loss_and_no_gradient() -> None:
    (queries, vectors, _), targets = tensors(2)
    alone = torch.full((ITEMS,), float("-inf"))
    alone[targets[0]] = 0.0
    loss = full_softmax_loss(queries[:1], vectors, alone, targets[:1])
    assert loss.item() == 0.0
    for grad in torch.autograd.grad(loss, [queries, vectors]):
        assert not grad.any()


@pytest.mark.parametrize("causal", [True, False])
def test_attention_written_out_is_torchs(causal: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    parts = [torch.randn(3, 2, 11, 8, generator=generator).requires_grad_() for _ in range(3)]
    real = None if causal else torch.arange(11) < torch.tensor([11, 4, 1])[:, None]
    exact = attend(*parts, real)
    near = attend(*(part.bfloat16() for part in parts), real).float()
    torch.testing.assert_close(near, exact, rtol=0.03, atol=0.03)
    weight = torch.randn(exact.shape, generator=generator)
    found = torch.autograd.grad((near * weight).sum(), parts)
    wanted = torch.autograd.grad((exact * weight).sum(), parts)
    for one, other in zip(found, wanted, strict=True):
        assert torch.cosine_similarity(one.flatten(), other.flatten(), dim=0) > 0.999


def test_attention_in_bfloat16_never_looks_ahead() -> None:
    q, k, v = (torch.randn(2, 2, 9, 8, dtype=torch.bfloat16) for _ in range(3))
    before = attend(q, k, v, None)
    k[:, :, 6:], v[:, :, 6:] = 7.0, -7.0
    after = attend(q, k, v, None)
    assert torch.equal(after[:, :, :6], before[:, :, :6])
    assert not torch.equal(after[:, :, 6:], before[:, :, 6:])


def test_auto_is_what_the_hardware_has(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: False, raising=False)
    assert resolve_precision("auto", cpu) == "fp32"
    assert resolve_precision("bf16", cpu) == "bf16"
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    assert resolve_precision("auto", cpu) == "bf16"
    assert resolve_precision("fp32", cpu) == "fp32"
    # a torch without these private names
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name)
    assert not has_bf16(cpu)
    assert not has_bf16(torch.device("meta"))


def trainer(split: Split, architecture: str, precision: str, checkpoint: Path | None = None) -> Trainer:
    encoder = EncoderConfig.of(architecture, dim=16, blocks=1, max_length=12)
    training = TrainingConfig(epochs=2, batch_size=32, precision=precision)
    model = make_model(encoder)
    model.reset(torch.Generator().manual_seed(1))
    sequences = split.train
    table = ItemTable.learned(sequences.n_items, 16, torch.Generator().manual_seed(2), item_bias=True)
    return Trainer(model, table, sequences, training, validate=None, checkpoint=checkpoint)


@pytest.mark.parametrize("architecture", ["sasrec", "gru4rec", "bert4rec"])
def test_weights_and_optimiser_stay_float32(split: Split, architecture: str) -> None:
    runs = {precision: trainer(split, architecture, precision) for precision in ("fp32", "bf16")}
    losses = {precision: run.run().history[-1]["loss"] for precision, run in runs.items()}
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=0.01)
    assert losses["bf16"] != losses["fp32"]
    run = runs["bf16"]
    assert run.precision == "bf16"
    state = run.model.state_dict() | run.table.state_dict()
    state |= {str(n): v for values in run._optimizer.state.values() for n, v in values.items()}
    assert {value.dtype for value in state.values()} == {torch.float32}


class Stopped(Exception):
    pass


@pytest.mark.parametrize("architecture", ["sasrec", "gru4rec"])
def test_a_stopped_run_in_bfloat16_takes_the_same_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split: Split, architecture: str
) -> None:
    monkeypatch.setattr("guided_store.encoders._training.CHECKPOINT_EVERY", -1.0)  # after every step
    whole = trainer(split, architecture, "bf16")
    whole.run()
    path = tmp_path / "c.safetensors"
    stopped = trainer(split, architecture, "bf16", path)
    step = stopped._take_step

    def until_the_third(batch: object) -> float:
        if stopped._step == 2:
            raise Stopped
        return step(batch)  # type: ignore[arg-type]

    monkeypatch.setattr(stopped, "_take_step", until_the_third)
    with pytest.raises(Stopped):
        stopped.run()
    resumed = trainer(split, architecture, "bf16", path)
    resumed.run()
    for one, other in ((whole.model, resumed.model), (whole.table, resumed.table)):
        for name, value in one.state_dict().items():
            assert torch.equal(value, other.state_dict()[name]), name
