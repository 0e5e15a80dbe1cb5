"""SASRec: self-attentive sequential recommendation (Kang & McAuley 2018, arXiv 1808.09781).

The whole definition of the encoder, in reading order. Pre-norm blocks with GELU instead of the paper's
post-norm with ReLU. Sequences are padded on the right; causal attention then never lets a real event see
padding, so no mask is needed and a query depends on nothing but the events passed in.

Shapes: B sequences, L events, d = `dim`, h heads.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from guided_store.encoders._config import EncoderConfig

INPUT_RMS = 0.1
"""Root mean square per column above which item vectors are turned down on input, before training."""


class Attention(nn.Module):
    """Causal multi-head self-attention."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.project = nn.Linear(config.dim, 3 * config.dim)
        self.out = nn.Linear(config.dim, config.dim)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, dim = x.shape
        q, k, v = (
            self.project(x).view(batch, length, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        )  # each (B, h, L, d/h)
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
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
        self.feed_forward = nn.Sequential(
            nn.Linear(config.dim, config.feed_forward * config.dim),
            nn.GELU(),
            nn.Linear(config.feed_forward * config.dim, config.dim),
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.norm_attention(x)))
        return x + self.dropout(self.feed_forward(self.norm_feed_forward(x)))  # type: ignore[no-any-return]

    def last(self, x: Tensor, ends: Tensor) -> Tensor:
        """Output of each sequence's last event only, (B, d); for encoding, without dropout."""
        rows = torch.arange(len(x), device=x.device)
        y = x[rows, ends] + self.attention.last(self.norm_attention(x), ends)
        return y + self.feed_forward(self.norm_feed_forward(y))  # type: ignore[no-any-return]


class SASRec(nn.Module):
    """Reads item vectors, gives a query per event.

    `forward` maps (B, L, d) item vectors of which the first `lengths` (B,) are real to (B, L, d) queries, the
    one at place t depending on no event after t; `last` maps the same to (B, d), the query after each
    sequence's last event, at `ends` (B,) = `lengths` - 1.

    On input, every column has a learned gain beside the factor sqrt(d) (Vaswani et al. 2017, section 3.4), so
    that a column may weigh much in the score and little in what is read, or the reverse. The output side, and
    with it the additive score, is untouched by it.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.gain = nn.Parameter(torch.ones(config.dim))
        self.position = nn.Embedding(config.max_length, config.dim)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(config.dim)

    def reset(self, generator: torch.Generator) -> None:
        """Initialise: N(0, 0.02) for matrices and positions, zero biases, unit norms."""
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, 0.0, 0.02, generator=generator)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
            else:
                nn.init.ones_(parameter)

    def balance(self, vectors: Tensor) -> None:
        """Start the gains so that no column of the item vectors (V, d) is read louder than `INPUT_RMS`."""
        loudness = vectors.detach().square().mean(dim=0).sqrt()
        with torch.no_grad():
            self.gain.copy_((INPUT_RMS / loudness.clamp(min=INPUT_RMS)).to(self.gain.device))

    def read(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Input of the first block: item vectors (B, L, d), scaled, at their positions.

        Positions count from the end, as the paper's padding on the left has it: the newest event always
        stands at the last one. `lengths` (B,) are the numbers of real events.
        """
        batch, width = vectors.shape[:2]
        last = self.config.max_length
        if batch == 1 and int(lengths[0]) == width:
            positions = self.position.weight[last - width :]
        else:
            place = (last - lengths)[:, None] + torch.arange(width, device=vectors.device)
            positions = self.position(place.clamp(max=last - 1))
        return vectors * (self.gain * math.sqrt(self.config.dim)) + positions

    def forward(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        x = self.dropout(self.read(vectors, lengths))
        for block in self.blocks:
            x = block(x)
        return self.norm(x)  # type: ignore[no-any-return]

    def last(self, vectors: Tensor, ends: Tensor) -> Tensor:
        x = self.read(vectors, ends + 1)
        for block in self.blocks[:-1]:
            x = block(x)
        final = self.blocks[-1]
        assert isinstance(final, Block)
        return self.norm(final.last(x, ends))  # type: ignore[no-any-return]
