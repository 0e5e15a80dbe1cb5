"""Items without training events: the learned part and bias that they get from their content."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from guided_store.encoders._items import ItemTable

RIDGE = 1.0
"""Penalty of the map from content to learned columns, in units of one item of average size."""


def fit_map(content: NDArray[np.floating], learned: NDArray[np.floating]) -> NDArray[np.float64]:
    """Ridge regression of learned columns on content (Hoerl & Kennard 1970), float64 (k, F + 1).

    The last column is the intercept, which is not penalised. Content without variance predicts the mean.

    Args:
        content: (n, F), n at least 1.
        learned: (n, k).
    """
    x, y = np.asarray(content, np.float64), np.asarray(learned, np.float64)
    middle, mean = x.mean(axis=0), y.mean(axis=0)
    centred = x - middle
    gram = centred.T @ centred
    penalty = RIDGE * (np.trace(gram) / max(1, x.size))
    # without variance any penalty gives weights of zero, and none a singular system
    weight = np.linalg.solve(gram + (penalty or 1.0) * np.eye(x.shape[1]), centred.T @ (y - mean)).T
    return np.concatenate([weight, (mean - weight @ middle)[:, None]], axis=1)


def apply_map(weight: NDArray[np.floating], content: NDArray[np.floating]) -> NDArray[np.float32]:
    """What a map (k, F + 1) of `fit_map` predicts from content (m, F), float32 (m, k)."""
    result: NDArray[np.float32] = (content @ weight[:, :-1].T + weight[:, -1]).astype(np.float32)
    return result


def rare_bias(bias: NDArray[np.floating], counts: NDArray[np.integer]) -> float:
    """Mean bias of the tenth of the seen items with the fewest training events.

    An item that was never seen is at first no more popular than those; 0 where nothing was seen.

    Args:
        bias: (V,).
        counts: (V,), training events of each item.
    """
    seen = np.flatnonzero(counts > 0)
    if not len(seen):
        return 0.0
    rarest = seen[np.argsort(counts[seen], kind="stable")[: max(1, len(seen) // 10)]]
    return float(bias[rarest].mean())


class Settler:
    """Gives a table's unseen items their learned part and bias, whenever it is asked to.

    In the residual form the learned part is zero, as the encoder's map speaks for it; in the plain form it is
    predicted from the content by ridge regression over the seen items. The bias is the table's `cold_bias`
    where that is learned, else `rare_bias`. What training leaves as it was for all items (a frozen latent
    part, a bias that does not learn) stays as it was for unseen ones too.

    Args:
        table: changed in place, in rows that training does not touch.
        counts: int64 (V,), training events of each item.
        residual: the form.
    """

    def __init__(self, table: ItemTable, counts: NDArray[np.integer], residual: bool) -> None:
        self._table, self._counts, self._residual = table, counts, residual
        self._seen = counts > 0

    @torch.no_grad()
    def settle(self) -> None:
        """Write the rows of unseen items from what the seen ones are now."""
        table = self._table
        if table.seen is None or table.content is None:
            return
        unseen = torch.from_numpy(np.flatnonzero(~self._seen)).to(table.bias.device)
        if table.bias.requires_grad:
            table.bias[unseen] = self.bias()
        if not table.latent.requires_grad:
            return
        if self._residual:
            table.latent[unseen] = 0.0
        elif table.latent.shape[1]:
            content = table.content.cpu().numpy()
            predicted = apply_map(self.map(), content[~self._seen])
            table.latent[unseen] = torch.from_numpy(predicted).to(table.latent.device)

    def bias(self) -> float:
        """Bias of an unseen item."""
        if self._table.cold_bias is not None:
            return float(self._table.cold_bias.detach())
        return rare_bias(self._table.bias.detach().cpu().numpy(), self._counts)

    def map(self) -> NDArray[np.float64]:
        """Map of the plain form from content to learned columns, (k, F + 1)."""
        content = self._table.content
        assert content is not None
        learned = self._table.latent.detach().cpu().numpy()
        return fit_map(content.detach().cpu().numpy()[self._seen], learned[self._seen])
