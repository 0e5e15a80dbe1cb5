"""Optimisers: AdamW over everything, or over the weights and those item rows alone that a step touched.

torch's own `SparseAdam` moves touched rows as `RowAdamW` does, but has no weight decay, and wants its
gradients as sparse tensors, which no operation between table and loss makes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from guided_store.encoders._config import FULL_SOFTMAX_UP_TO, TrainingConfig
from guided_store.encoders._items import ItemTable
from guided_store.encoders._model import SequenceModel
from guided_store.errors import UsageError

BETAS = (0.9, 0.98)
EPSILON = 1e-8

_NEUTRAL_NOT_ZERO = ("mix.weight", "calibration.raw_slopes")
"""Matrices that change nothing at a value other than zero, from which weight decay would pull them away."""

_ROWS = ("latent", "bias")
"""Parameters of an item table with one row for each item."""


def resolve_row_sparse(config: TrainingConfig, n_items: int) -> bool:
    """Whether a step moves only the item rows it touched.

    Raises:
        UsageError: it is asked for with a loss over all items, which touches every row.
    """
    sampled = config.resolve_loss(n_items) != "full"
    if config.row_sparse is None:
        return sampled and n_items > FULL_SOFTMAX_UP_TO
    if config.row_sparse and not sampled:
        raise UsageError("the full softmax touches every item; row_sparse needs the loss sampled or gbce")
    return config.row_sparse


def make_optimizer(
    model: SequenceModel, table: ItemTable, config: TrainingConfig, row_sparse: bool
) -> torch.optim.AdamW:
    """AdamW over the model and the table, or over what of the table is not `RowAdamW`'s.

    Matrices decay, vectors do not, and neither do matrices whose neutral value is not zero.
    """
    own = [(name, p) for name, p in table.named_parameters() if not (row_sparse and name in _ROWS)]
    named = [(name, p) for name, p in [*model.named_parameters(), *own] if p.requires_grad and p.numel()]
    decays = [parameter.ndim > 1 and name not in _NEUTRAL_NOT_ZERO for name, parameter in named]
    groups = [
        {
            "params": [p for (_, p), decay in zip(named, decays, strict=True) if decay == wanted],
            "weight_decay": config.weight_decay if wanted else 0.0,
        }
        for wanted in (True, False)
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=BETAS, eps=EPSILON, fused=True)


class RowAdamW:
    """AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101) over the item rows that a step touched.

    A row that is not touched rests: it does not decay, and its moments stay. Where every step touches all
    rows this is AdamW. A step works on a `part`, a table of the touched rows alone, so that nothing but the
    weights and two moments is of the catalogue's size.

    Args:
        table: its latent columns and bias are moved, those of them that training changes.
        weight_decay: of the latent columns.
    """

    def __init__(self, table: ItemTable, weight_decay: float) -> None:
        self._table = table
        self._decay = {"latent": weight_decay, "bias": 0.0}
        self._steps = 0
        self._moments = {
            f"{name}.{moment}": torch.zeros_like(value, requires_grad=False)
            for name, value in self._moved(table)
            for moment in ("first", "second")
        }

    def part(self, rows: Tensor) -> ItemTable:
        """A table of some rows, int64 (R,) without repetition, with parameters of its own for them.

        What the items share, a calibration or a cold bias, is shared with the whole table.
        """
        table = self._table
        part = ItemTable(
            table.latent.detach()[rows],
            None if table.fixed is None else table.fixed[rows],
            table.bias.detach()[rows],
            seen=None if table.seen is None else table.seen[rows],
            train_latent=table.latent.requires_grad,
            train_bias=table.bias.requires_grad,
        )
        part.calibration, part.cold_bias = table.calibration, table.cold_bias
        return part

    @torch.no_grad()
    def step(self, part: ItemTable, rows: Tensor, rate: float) -> None:
        """Move the rows of a part by its gradients, at a learning rate; the table follows at `keep`."""
        self._steps += 1
        for name, value in self._moved(part):
            assert value.grad is not None
            first, second = self._moments[f"{name}.first"], self._moments[f"{name}.second"]
            mean = first[rows].lerp_(value.grad, 1 - BETAS[0])
            square = second[rows].mul_(BETAS[1]).addcmul_(value.grad, value.grad, value=1 - BETAS[1])
            first[rows], second[rows] = mean, square
            value.mul_(1 - rate * self._decay[name])
            scale = square.div_(1 - BETAS[1] ** self._steps).sqrt_().add_(EPSILON)
            value.addcdiv_(mean, scale, value=-rate / (1 - BETAS[0] ** self._steps))

    @torch.no_grad()
    def keep(self, part: ItemTable, rows: Tensor) -> None:
        """Write the rows of a part into the table."""
        for name, value in self._moved(part):
            getattr(self._table, name)[rows] = value

    def moved(self, part: ItemTable) -> list[nn.Parameter]:
        """The parameters of a part that have gradients for `step`."""
        return [value for _, value in self._moved(part)]

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint needs to go on exactly."""
        return self._moments | {"steps": torch.tensor(self._steps)}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Put back what `tensors` gave."""
        for name, value in self._moments.items():
            value.copy_(tensors[name])
        self._steps = int(tensors["steps"])

    @staticmethod
    def _moved(table: ItemTable) -> list[tuple[str, nn.Parameter]]:
        named = [(name, getattr(table, name)) for name in _ROWS]
        return [(name, value) for name, value in named if value.requires_grad and value.numel()]
