"""What a step is trained on: the batches of the encoder's objective, and the loss of the settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
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

Loss = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""From queries (N, d), item vectors (V, d), item bias (V,) and targets (N,) to the mean loss."""


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


def make_loss(training: TrainingConfig, sequences: Sequences) -> Loss:
    """The loss that the settings ask for over the items of `sequences`.

    Negatives are drawn from torch's global generator, once per call.
    """
    n_items, drawn = sequences.n_items, training.negatives
    kind = training.resolve_loss(n_items)
    if kind == "full":
        return full_softmax_loss
    if kind == "gbce":
        beta = gbce_beta(drawn, n_items, training.resolve_gbce_t())
        # Scores that tell items apart by nothing settle at odds of beta to the number of negatives. They are
        # counted from there (as in Lin et al. 2017, arXiv 1708.02002, section 3.3): else item vectors first
        # grow a large common part to get there, and learning stands still. Ranks are untouched by it.
        prior = math.log(beta / drawn)

        def gbce(queries: Tensor, vectors: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
            negatives = torch.randint(n_items, (drawn,)).to(queries.device)
            return gbce_loss(queries, vectors, bias + prior, targets, negatives, beta)

        return gbce
    proposal, log_counts = log_expected_counts(torch.from_numpy(sequences.counts()), drawn)

    def sampled(queries: Tensor, vectors: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
        negatives = torch.multinomial(proposal, drawn, replacement=True).to(queries.device)
        return sampled_softmax_loss(queries, vectors, bias, targets, negatives, log_counts.to(queries.device))

    return sampled
