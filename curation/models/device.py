"""Where to compute and in which number format, found out when it runs."""

import os
from typing import Literal, TypeAlias

import torch

Device: TypeAlias = Literal["auto", "cpu", "cuda"]
Dtype: TypeAlias = Literal["auto", "float32", "bfloat16"]


def resolve(device: Device) -> torch.device:
    """`auto` is the GPU where there is one. RuntimeError where cuda was asked for in vain."""
    if device == "cuda" and not torch.cuda.is_available():
        raise RuntimeError("device is cuda, but this machine has no CUDA device")
    on_gpu = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    return torch.device("cuda" if on_gpu else "cpu")


def computes_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 runs in hardware: emulated, it is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    found = torch.cpu.get_capabilities()
    return any(bool(found.get(feature)) for feature in ("avx512_bf16", "amx_bf16", "bf16"))


def resolve_dtype(dtype: Dtype, device: torch.device) -> torch.dtype:
    if dtype == "auto":
        return torch.bfloat16 if computes_bfloat16(device) else torch.float32
    return torch.bfloat16 if dtype == "bfloat16" else torch.float32


def limit_threads() -> None:
    """One thread a process, or OMP_NUM_THREADS.

    A worker runs on each core: with a neighbour on the core, two threads are slower than one.
    """
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or 1))
