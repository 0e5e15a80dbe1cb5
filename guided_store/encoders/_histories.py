"""Encoding many histories at once: grouped by length, padded on the right, last event only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from guided_store.encoders._items import ItemTable
from guided_store.encoders._model import SequenceModel
from guided_store.errors import EncoderError

EVENTS_AT_ONCE = 16_384
"""Padded events per forward pass; their activations stay within tens of megabytes."""


def encode_histories(
    model: SequenceModel,
    table: ItemTable,
    histories: Sequence[NDArray[np.int32]],
    priors: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Queries float32 (m, d) after the newest event of each history.

    Args:
        model: the encoder, in evaluation mode.
        table: item vectors to read.
        histories: item codes (table rows), oldest first; only the newest `max_length` are read.
        priors: float32 (m, A), what is known of the users beside their events, or None; only models with a
            user's vector read it.

    Raises:
        EncoderError: a history is empty.
    """
    limit = model.config.max_length
    device = table.latent.device
    lengths = np.array([min(len(history), limit) for history in histories], np.int64)
    if len(lengths) and lengths.min() == 0:
        raise EncoderError("an empty history cannot be encoded")
    queries = np.empty((len(histories), table.dim), np.float32)
    order = np.argsort(lengths, kind="stable")
    start = 0
    with torch.inference_mode():
        while start < len(order):
            # ascending lengths: take as many as fit when padded to the longest of them
            size = 1
            while start + size < len(order) and (size + 1) * lengths[order[start + size]] <= EVENTS_AT_ONCE:
                size += 1
            group = order[start : start + size]
            inputs = np.zeros((size, int(lengths[group[-1]])), np.int64)
            for row, number in enumerate(group):
                inputs[row, : lengths[number]] = histories[number][-limit:]
            x = table.rows(torch.from_numpy(inputs).to(device))
            ends = torch.from_numpy(lengths[group] - 1).to(device)
            prior = None if priors is None else torch.from_numpy(priors[group]).to(device)
            queries[group] = model.last(x, ends, prior=prior).cpu().numpy()
            start += size
    return queries
