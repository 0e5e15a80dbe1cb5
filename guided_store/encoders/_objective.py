"""What a step is trained on: the batches of the encoder's objective, and the loss of the settings."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from guided_store.catalogue import Sequences
from guided_store.encoders._batches import Batch, cloze_batches, epoch_batches
from guided_store.encoders._config import EncoderConfig, TrainingConfig
from guided_store.encoders._loss import (
    full_softmax_loss,
    gbce_beta,
    gbce_loss,
    log_expected_counts,
    sampled_softmax_loss,
)


def make_batches(
    sequences: Sequences,
    encoder: EncoderConfig,
    training: TrainingConfig,
    batch_size: int,
    rng: np.random.Generator,
) -> Iterator[Batch]:
    """One epoch of what the encoder's objective asks for; it depends on the generator alone."""
    if encoder.objective == "next":
        return epoch_batches(sequences, encoder.max_length, batch_size, training.windows, rng)
    masking, mask_last = training.resolve_masking()
    return cloze_batches(
        sequences,
        encoder.max_length,
        batch_size,
        training.windows,
        rng,
        masking=masking,
        mask_last=mask_last,
    )


class Loss:
    """The loss that the settings ask for over the items of `sequences`.

    Args:
        training: settings.
        sequences: training events.
        products: type of the matrix products, None for that of the queries.
    """

    def __init__(
        self, training: TrainingConfig, sequences: Sequences, products: torch.dtype | None = None
    ) -> None:
        self._n_items, self._drawn, self._products = sequences.n_items, training.negatives, products
        self._kind = training.resolve_loss(self._n_items)
        if self._kind == "sampled":
            proposal, self._log_counts = log_expected_counts(
                torch.from_numpy(sequences.counts()), self._drawn
            )
            self._reached = proposal.double().cumsum(0)
            self._reached /= self._reached[-1].clone()
        if self._kind == "gbce":
            self._beta = gbce_beta(self._drawn, self._n_items, training.resolve_gbce_t())
            # Scores that tell items apart by nothing settle at odds of beta to the number of negatives. They
            # are counted from there (as in Lin et al. 2017, arXiv 1708.02002, section 3.3): else item vectors
            # first grow a large common part to get there, and learning stands still. Ranks are untouched.
            self._prior = math.log(self._beta / self._drawn)

    def draw(self) -> NDArray[np.int64] | None:
        """The negatives of a step, int64 (M,), from torch's global generator; None where there are none."""
        if self._kind == "full":
            return None
        if self._kind == "gbce":
            return torch.randint(self._n_items, (self._drawn,)).numpy()
        place = torch.rand(self._drawn, dtype=torch.float64)
        return torch.searchsorted(self._reached, place, right=True).clamp_(max=self._n_items - 1).numpy()

    def __call__(
        self,
        queries: Tensor,
        vectors: Tensor,
        bias: Tensor,
        targets: Tensor,
        negatives: Tensor | None,
        rows: Tensor | None = None,
    ) -> Tensor:
        """Mean loss.

        Args:
            queries: (N, d).
            vectors, bias: (V, d) and (V,), of all items or of those that the step touches.
            targets: int64 (N,), their places among these.
            negatives: what was drawn, as such places.
            rows: int64 (V,), item codes of these places, None where they are the codes.
        """
        if negatives is None:
            return full_softmax_loss(queries, vectors, bias, targets, products=self._products)
        if self._kind == "gbce":
            return gbce_loss(
                queries, vectors, bias + self._prior, targets, negatives, self._beta, products=self._products
            )
        expected = self._log_counts if rows is None else self._log_counts[rows.cpu()]
        return sampled_softmax_loss(
            queries,
            vectors,
            bias,
            targets,
            negatives,
            expected.to(queries.device),
            products=self._products,
        )
