"""What the transformer encoders share: positions, attention and blocks.

Shapes: B sequences, L events, d = `dim`, h heads. Sequences are padded on the right.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from guided_store.encoders._config import EncoderConfig
from guided_store.encoders._dropout import Dropout


def positions_from_the_end(table: nn.Embedding, lengths: Tensor, width: int) -> Tensor:
    """Position vectors that count from the end: a sequence's newest event stands at the table's last place.

    Args:
        table: one vector per place.
        lengths: int64 (B,), real events of each sequence.
        width: L.

    Returns:
        (B, L, d), or (L, d) where one whole sequence is read.
    """
    last = table.num_embeddings
    if len(lengths) == 1 and int(lengths[0]) == width:
        return table.weight[last - width :]
    place = (last - lengths)[:, None] + torch.arange(width, device=lengths.device)
    return table(place.clamp(max=last - 1))  # type: ignore[no-any-return]


def attend(q: Tensor, k: Tensor, v: Tensor, real: Tensor | None) -> Tensor:
    """Scaled dot-product attention, each (B, h, L, d/h); causal, or over the keys that are `real`, (B, L).

    torch's fused kernel, but not for bfloat16 on a CPU: its backward pass takes five times as long there as
    the products written out.
    """
    if q.dtype != torch.bfloat16 or q.device.type != "cpu":
        mask = None if real is None else real[:, None, None, :]
        return nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=real is None)
    length = q.shape[2]
    shut = (
        ~real[:, None, None, :] if real is not None else torch.ones(length, length, dtype=torch.bool).triu(1)
    )
    closed = q.new_zeros(shut.shape).masked_fill_(shut, float("-inf"))
    scores = torch.add(closed, q @ k.transpose(2, 3), alpha=q.shape[3] ** -0.5)
    return scores.softmax(dim=3) @ v


class Attention(nn.Module):
    """Multi-head self-attention: causal, or over all real events of a sequence."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.project = nn.Linear(config.dim, 3 * config.dim)
        self.out = nn.Linear(config.dim, config.dim)

    def forward(self, x: Tensor, real: Tensor | None = None) -> Tensor:
        """Attention output (B, L, d); causal, or over the events that are `real`, bool (B, L)."""
        batch, length, dim = x.shape
        q, k, v = (
            self.project(x).view(batch, length, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        )  # each (B, h, L, d/h)
        y = attend(q, k, v, real)
        return self.out(y.transpose(1, 2).reshape(batch, length, dim))  # type: ignore[no-any-return]

    def last(self, x: Tensor, ends: Tensor) -> Tensor:
        """Attention output of each sequence's last event only, (B, d); `ends` (B,) are their positions."""
        batch, length, dim = x.shape
        width = dim // self.heads
        weight, bias = self.project.weight, self.project.bias
        newest = x[torch.arange(batch, device=x.device), ends]  # (B, d)
        q = nn.functional.linear(newest, weight[:dim], bias[:dim]).view(batch, self.heads, 1, width)
        k, v = (
            nn.functional.linear(x, weight[dim:], bias[dim:])
            .view(batch, length, 2, self.heads, width)
            .permute(2, 0, 3, 1, 4)
        )
        mask = None
        if batch > 1:
            mask = (torch.arange(length, device=x.device) <= ends[:, None])[:, None, None, :]
        y = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out(y.reshape(batch, dim))  # type: ignore[no-any-return]


class Block(nn.Module):
    """x + attention(norm(x)), then x + feed-forward(norm(x))."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(config.dim)
        self.attention = Attention(config)
        self.norm_feed_forward = nn.LayerNorm(config.dim)
        self.feed_forward: nn.Module = self._feed_forward(config)
        self.dropout = Dropout(config.dropout)

    def _feed_forward(self, config: EncoderConfig) -> nn.Module:
        return nn.Sequential(
            nn.Linear(config.dim, config.feed_forward * config.dim),
            nn.GELU(),
            nn.Linear(config.feed_forward * config.dim, config.dim),
        )

    def _after_attention(self, x: Tensor, y: Tensor) -> Tensor:
        return self.dropout.onto(x, y)

    def _after_feed_forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.dropout.onto(x, y)

    def forward(self, x: Tensor, real: Tensor | None = None) -> Tensor:
        """(B, L, d) to (B, L, d); `real` as in `Attention.forward`."""
        x = self._after_attention(x, self.attention(self.norm_attention(x), real))
        return self._after_feed_forward(x, self.feed_forward(self.norm_feed_forward(x)))

    def last(self, x: Tensor, ends: Tensor) -> Tensor:
        """Output of each sequence's last event only, (B, d); for encoding, in evaluation mode."""
        newest = x[torch.arange(len(x), device=x.device), ends]
        y = self._after_attention(newest, self.attention.last(self.norm_attention(x), ends))
        return self._after_feed_forward(y, self.feed_forward(self.norm_feed_forward(y)))


class GatedBlock(Block):
    """LiGR: each branch is gated by what enters it, and the feed-forward layer is a SwiGLU.

    x + sigmoid(G x) * branch(norm(x)), for both branches (Borisyuk et al. 2025, arXiv 2502.03417; with
    SASRec's objective this is eSASRec, arXiv 2508.06450).
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        self.gate_attention = nn.Linear(config.dim, config.dim)
        self.gate_feed_forward = nn.Linear(config.dim, config.dim)

    def _feed_forward(self, config: EncoderConfig) -> nn.Module:
        return SwiGLU(config.dim, config.feed_forward * config.dim)

    def _after_attention(self, x: Tensor, y: Tensor) -> Tensor:
        return x + torch.sigmoid(self.gate_attention(x)) * self.dropout(y)  # type: ignore[no-any-return]

    def _after_feed_forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + torch.sigmoid(self.gate_feed_forward(x)) * self.dropout(y)  # type: ignore[no-any-return]


class SwiGLU(nn.Module):
    """(silu(x U) * x V) W, without biases (Shazeer 2020, arXiv 2002.05202, equation 6)."""

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(dim, 2 * width, bias=False)
        self.out = nn.Linear(width, dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.project(x).chunk(2, dim=-1)
        return self.out(nn.functional.silu(gate) * value)  # type: ignore[no-any-return]


BLOCKS: dict[str, type[Block]] = {"prenorm": Block, "ligr": GatedBlock}
"""Kinds of block by `EncoderConfig.block`."""


def make_blocks(config: EncoderConfig) -> nn.ModuleList:
    """The blocks of an encoder, first to last."""
    return nn.ModuleList(BLOCKS[config.block](config) for _ in range(config.blocks))


def normal_start(model: nn.Module, generator: torch.Generator) -> None:
    """Initialise: N(0, 0.02) for matrices and positions, zero biases, unit gains and norms."""
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, 0.0, 0.02, generator=generator)
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)
        else:
            nn.init.ones_(parameter)
