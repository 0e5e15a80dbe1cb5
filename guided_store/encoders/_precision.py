"""Which precision a training step computes in."""

from __future__ import annotations

import torch


def has_bf16(device: torch.device) -> bool:
    """Whether matrix products in bfloat16 are quicker than in float32 on a device."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    # private names of torch: absent, they mean no
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in checks)


def resolve_precision(precision: str, device: torch.device) -> str:
    """What "auto" stands for on a device: "bf16" where it is quicker, else "fp32"."""
    if precision != "auto":
        return precision
    return "bf16" if has_bf16(device) else "fp32"
