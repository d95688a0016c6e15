"""How exactly the image encoder computes: nearly all of SAM 2's arithmetic, and twice as fast in half the bits.

The decoder always computes in float32, for bfloat16 makes its scores tie.
"""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager

AUTO, FLOAT32, BFLOAT16 = "auto", "float32", "bfloat16"
PRECISIONS = (FLOAT32, BFLOAT16)


def resolve_precision(name: str, device: str) -> str:
    """What ``auto`` means: bfloat16 where the device multiplies it in hardware, else float32. Other names stay."""
    if name != AUTO:
        return name
    return fast_precisions(device)[-1]


def fast_precisions(device: str) -> tuple[str, ...]:
    """Those that a device computes in hardware."""
    return PRECISIONS if has_bfloat16(device) else (FLOAT32,)


def has_bfloat16(device: str) -> bool:
    """Whether a device has instructions for bfloat16: elsewhere it is emulated, and slower than float32."""
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if kind == "cpu":
        able = torch.cpu.get_capabilities()
        return bool(able.get("amx_bf16") or able.get("avx512_bf16") or able.get("bf16"))  # Intel's, AMD's, ARM's
    return False


def autocast(precision: str, device_type: str) -> AbstractContextManager:
    """What the encoder runs in."""
    import torch

    if precision == FLOAT32:
        return contextlib.nullcontext()
    return torch.autocast(device_type, dtype=torch.bfloat16)
