"""Losses over next items that never hold all scores at once.

Each weighs the score of one wanted item against the scores of many others: of all, or of drawn ones. The
wanted score is made on its own in full precision; the others come chunk by chunk, and with them at once their
gradients. Products may be in bfloat16, which rounds the others' scores to 8 bits; bias, exponentials and sums
stay in float32.

An item with a bias of -inf is no candidate: it adds nothing and gets no gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

CHUNK_BYTES = 4 << 20
"""Scores held at a time on a CPU: few enough for the passes over them to stay in the last-level cache."""

CHUNK_BYTES_CUDA = 256 << 20
"""Scores held at a time on a GPU: enough to keep it busy."""


class _Parts(NamedTuple):
    """What a loss says of one chunk: n positions, M others.

    Attributes:
        losses: (n, 1).
        slopes: (n, M), derivative by each of the other scores, up to `factor`; takes their memory.
        factor: (n, 1).
        wanted: (n, 1), derivative by the wanted score.
    """

    losses: Tensor
    slopes: Tensor
    factor: Tensor
    wanted: Tensor


class _AgainstOthers(torch.autograd.Function):
    """Mean loss of wanted scores against `queries @ vectors.T + bias`, gradients made in the forward pass.

    The scores' matrix product is not made twice, as with recomputing, and no more than one chunk is held,
    where storing would hold all.
    """

    @staticmethod
    def forward(
        ctx: Any,
        queries: Tensor,
        vectors: Tensor,
        bias: Tensor,
        wanted: Tensor,
        hide: Callable[[Tensor, slice], object],
        weigh: Callable[[Tensor, Tensor], _Parts],
        products: torch.dtype | None,
    ) -> Tensor:
        n, columns = len(queries), len(vectors)
        chunk = CHUNK_BYTES_CUDA if queries.is_cuda else CHUNK_BYTES
        step = min(n, max(32, chunk // (4 * columns)))
        precise, low = queries.dtype, products or queries.dtype
        need_queries, need_vectors, need_bias = ctx.needs_input_grad[:3]
        grad_queries = torch.empty_like(queries) if need_queries else None
        grad_vectors = torch.zeros_like(vectors) if need_vectors else None
        grad_bias = torch.zeros_like(bias) if need_bias else None
        grad_wanted = torch.empty_like(wanted)
        total = queries.new_zeros(())
        asked, answers = queries.to(low), vectors.to(low)
        # one chunk's memory for all: a fresh piece of this size would be paged in anew each time
        exact = queries.new_empty(step, columns)
        rounded = exact if low == precise else exact.new_empty(step, columns, dtype=low)
        for start in range(0, n, step):
            rows = slice(start, min(start + step, n))
            size = rows.stop - start
            scores = exact[:size]
            if low == precise:
                torch.addmm(bias, asked[rows], answers.t(), out=scores)
            else:
                torch.mm(asked[rows], answers.t(), out=rounded[:size])
                scores.copy_(rounded[:size]).add_(bias)
            hide(scores, rows)
            parts = weigh(scores, wanted[rows, None])
            total += parts.losses.sum()
            grad_wanted[rows] = parts.wanted[:, 0] / n
            slopes, factor = parts.slopes, parts.factor / n
            if grad_bias is not None:
                grad_bias += (factor.t() @ slopes)[0]
            if low != precise:
                slopes = rounded[:size].copy_(slopes)
            if grad_queries is not None:
                torch.mul(slopes @ answers, factor, out=grad_queries[rows])
            if grad_vectors is not None:
                grad_vectors += slopes.t() @ (queries[rows] * factor).to(low)
        ctx.save_for_backward(grad_queries, grad_vectors, grad_bias, grad_wanted)
        return total / n

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        grad = grads[0]
        parts = [None if part is None else part * grad for part in ctx.saved_tensors]
        return (*parts, None, None, None)


def _softmax(scores: Tensor, wanted: Tensor) -> _Parts:
    """Cross-entropy: log(1 + exp(log-sum-exp of the others - wanted))."""
    top = scores.amax(dim=1, keepdim=True)
    shares = torch.softmax(scores, dim=1, out=scores)
    alone = top.isneginf()  # all others are hidden
    if alone.any():
        shares.masked_fill_(alone, 0.0)
    # log-sum-exp by the largest share, which never underflows
    rest = top - torch.where(alone, 1.0, shares.amax(dim=1, keepdim=True)).log()
    missed = torch.sigmoid(rest - wanted)
    return _Parts(nn.functional.softplus(rest - wanted), shares, missed, -missed)


def _mean_loss(
    queries: Tensor,
    vectors: Tensor,
    bias: Tensor,
    wanted: Tensor,
    hide: Callable[[Tensor, slice], object],
    weigh: Callable[[Tensor, Tensor], _Parts],
    products: torch.dtype | None,
) -> Tensor:
    with torch.autocast(queries.device.type, enabled=False):
        result = _AgainstOthers.apply(  # type: ignore[no-untyped-call]
            queries, vectors, bias, wanted, hide, weigh, products
        )
    assert isinstance(result, Tensor)
    return result


def _wanted(queries: Tensor, vectors: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
    """Scores of the targets, (N,)."""
    return (queries * vectors.index_select(0, targets)).sum(dim=1) + bias.index_select(0, targets)


def full_softmax_loss(
    queries: Tensor,
    vectors: Tensor,
    bias: Tensor,
    targets: Tensor,
    *,
    products: torch.dtype | None = None,
) -> Tensor:
    """Mean cross-entropy over all items.

    Args:
        queries: float32 (N, d).
        vectors: float32 (V, d).
        bias: float32 (V,), -inf for items that are no candidates.
        targets: int64 (N,), item codes.
        products: type of the matrix products, None for that of the queries.
    """

    def hide(scores: Tensor, rows: slice) -> None:
        scores.scatter_(1, targets[rows, None], float("-inf"))

    wanted = _wanted(queries, vectors, bias, targets)
    return _mean_loss(queries, vectors, bias, wanted, hide, _softmax, products)


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
    *,
    products: torch.dtype | None = None,
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
        products: as in `full_softmax_loss`.
    """
    wanted = _wanted(queries, vectors, bias, targets)
    drawn = vectors.index_select(0, negatives)
    lowered = (bias - log_counts).index_select(0, negatives)
    return _mean_loss(queries, drawn, lowered, wanted, _hide_own(targets, negatives), _softmax, products)


def _hide_own(targets: Tensor, negatives: Tensor) -> Callable[[Tensor, slice], object]:
    """Take a position's own target from among its negatives."""
    return lambda scores, rows: scores.masked_fill_(targets[rows, None] == negatives, float("-inf"))


def gbce_beta(negatives: int, n_items: int, t: float) -> float:
    """The exponent of the positive's probability in gBCE (Petrov & Macdonald 2023, arXiv 2308.07192).

    With the sampling rate alpha = negatives / (n_items - 1), at most 1:
    beta = alpha * (t * (1 - 1 / alpha) + 1 / alpha), so that t = 0 gives 1, plain binary cross-entropy, and
    t = 1 gives alpha, whose probabilities are calibrated again.
    """
    alpha = min(1.0, negatives / max(1, n_items - 1))
    return alpha * (t * (1.0 - 1.0 / alpha) + 1.0 / alpha)


def gbce_loss(
    queries: Tensor,
    vectors: Tensor,
    bias: Tensor,
    targets: Tensor,
    negatives: Tensor,
    beta: float,
    *,
    products: torch.dtype | None = None,
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
        products: as in `full_softmax_loss`.
    """
    terms = len(negatives) + 1

    def weigh(scores: Tensor, wanted: Tensor) -> _Parts:
        losses = nn.functional.softplus(scores).sum(dim=1, keepdim=True)
        losses = (losses + beta * nn.functional.softplus(-wanted)) / terms
        factor = torch.full_like(wanted, 1.0 / terms)
        return _Parts(losses, scores.sigmoid_(), factor, torch.sigmoid(-wanted) * (-beta / terms))

    wanted = _wanted(queries, vectors, bias, targets)
    drawn, its_bias = vectors.index_select(0, negatives), bias.index_select(0, negatives)
    return _mean_loss(queries, drawn, its_bias, wanted, _hide_own(targets, negatives), weigh, products)
