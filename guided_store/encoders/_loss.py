"""Losses over next items that never hold all logits at once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

CHUNK_BYTES = 8 << 20
"""Logits held at a time: few enough for the passes over them to stay in the last-level cache."""


class _FullSoftmax(torch.autograd.Function):
    """Mean cross-entropy of `queries @ vectors.T + bias`, its gradients made in the forward pass.

    Chunk by chunk: logits, log-sum-exp, softmax in place, and at once their products with the queries and
    vectors. Twice the logits' matrix product is saved against recomputing, and all but one chunk of memory
    against storing.
    """

    @staticmethod
    def forward(ctx: Any, queries: Tensor, vectors: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
        n, n_items = len(queries), len(vectors)
        step = max(32, CHUNK_BYTES // (4 * n_items))
        need_queries, need_vectors, need_bias = ctx.needs_input_grad[:3]
        grad_queries = torch.empty_like(queries) if need_queries else None
        grad_vectors = torch.zeros_like(vectors) if need_vectors else None
        grad_bias = torch.zeros_like(bias) if need_bias else None
        total = queries.new_zeros(())
        scale = 1.0 / n
        transposed = vectors.t()
        for start in range(0, n, step):
            chunk = queries[start : start + step]
            target = targets[start : start + step, None]
            logits = torch.addmm(bias, chunk, transposed)
            wanted = logits.gather(1, target)
            top = logits.amax(dim=1, keepdim=True)
            logits.sub_(top).exp_()
            mass = logits.sum(dim=1, keepdim=True)
            total += (mass.log() + top - wanted).sum()
            logits.mul_(scale / mass)
            logits.scatter_add_(1, target, logits.new_full(target.shape, -scale))
            if grad_queries is not None:
                torch.mm(logits, vectors, out=grad_queries[start : start + step])
            if grad_vectors is not None:
                grad_vectors.addmm_(logits.t(), chunk)
            if grad_bias is not None:
                grad_bias += logits.sum(dim=0)
        ctx.save_for_backward(grad_queries, grad_vectors, grad_bias)
        return total * scale

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        grad = grads[0]
        parts = [None if part is None else part * grad for part in ctx.saved_tensors]
        return (*parts, None)


def full_softmax_loss(queries: Tensor, vectors: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy over all items.

    Args:
        queries: float32 (N, d).
        vectors: float32 (V, d).
        bias: float32 (V,).
        targets: int64 (N,), item codes.
    """
    result = _FullSoftmax.apply(queries, vectors, bias, targets)  # type: ignore[no-untyped-call]
    assert isinstance(result, Tensor)
    return result


def log_expected_counts(counts: Tensor, negatives: int) -> tuple[Tensor, Tensor]:
    """Proposal distribution of `sampled_softmax_loss` from training counts.

    Returns:
        Q, float32 (V,): proportional to (count + 1) ** 0.75 as in word2vec (Mikolov et al. 2013, section
        2.2); and log(negatives * Q), the log of each item's expected number of draws.
    """
    proposal = (counts.double() + 1.0).pow(0.75)
    proposal /= proposal.sum()
    return proposal.float(), (negatives * proposal).log().float()


def sampled_softmax_loss(
    queries: Tensor,
    vectors: Tensor,
    bias: Tensor,
    targets: Tensor,
    negatives: Tensor,
    log_counts: Tensor,
) -> Tensor:
    """Mean cross-entropy of each target against shared negatives, with logQ correction.

    Importance sampling of the softmax's partition function (Bengio & Senecal 2008): a negative's logit is
    lowered by the log of its expected number of draws, so that the draws add up to the sum over all other
    items in expectation, and the loss tends to the full softmax's for any proposal. The target itself is no
    draw and keeps its logit; draws equal to it are left out (the correction of the usual logQ correction, as
    in Khrylchenko et al. 2025, arXiv 2507.09331).

    Args:
        queries: float32 (N, d).
        vectors: float32 (V, d).
        bias: float32 (V,).
        targets: int64 (N,).
        negatives: int64 (M,), draws from Q, shared by all positions.
        log_counts: float32 (V,), see `log_expected_counts`.
    """
    positive = (queries * vectors[targets]).sum(dim=1) + bias[targets]
    against = queries @ vectors[negatives].t() + (bias - log_counts)[negatives]
    against = against.masked_fill(targets[:, None] == negatives[None, :], float("-inf"))
    logits = torch.cat([positive[:, None], against], dim=1)
    return -logits.log_softmax(dim=1)[:, 0].mean()


def gbce_beta(negatives: int, n_items: int, t: float) -> float:
    """The exponent of the positive's probability in gBCE (Petrov & Macdonald 2023, arXiv 2308.07192).

    With the sampling rate alpha = negatives / (n_items - 1), at most 1:
    beta = alpha * (t * (1 - 1 / alpha) + 1 / alpha), so that t = 0 gives 1, plain binary cross-entropy, and
    t = 1 gives alpha, whose probabilities are calibrated again.
    """
    alpha = min(1.0, negatives / max(1, n_items - 1))
    return alpha * (t * (1.0 - 1.0 / alpha) + 1.0 / alpha)


def gbce_loss(
    queries: Tensor, vectors: Tensor, bias: Tensor, targets: Tensor, negatives: Tensor, beta: float
) -> Tensor:
    """Generalised binary cross-entropy (Petrov & Macdonald 2023, arXiv 2308.07192).

    For a position with score s+ of its target and s_j of its k negatives,
    -(log sigmoid(s+)^beta + sum_j log(1 - sigmoid(s_j))) / (k + 1), averaged over positions. The k negatives
    are drawn once for all positions (the paper draws them for each); a draw equal to a position's target is
    no negative of it and adds nothing.

    The authors' code turns s+ into log(1 / (sigmoid(s+)^-beta - 1)), which cancels and needs float64;
    beta * log sigmoid(s+) is the same term without cancellation, in the precision of the scores.

    Args:
        queries: float32 (N, d).
        vectors: float32 (V, d).
        bias: float32 (V,).
        targets: int64 (N,).
        negatives: int64 (k,), uniform draws, shared by all positions.
        beta: see `gbce_beta`.
    """
    positive = (queries * vectors[targets]).sum(dim=1) + bias[targets]
    against = torch.addmm(bias[negatives], queries, vectors[negatives].t())
    against = nn.functional.logsigmoid(-against).masked_fill(targets[:, None] == negatives[None, :], 0.0)
    terms = beta * nn.functional.logsigmoid(positive) + against.sum(dim=1)
    return -terms.mean() / (len(negatives) + 1)
