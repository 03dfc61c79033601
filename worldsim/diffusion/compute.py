"""What a training costs, measured: the machine's matrix rate, and FLOPs counted in the code."""

from __future__ import annotations

import ctypes
import functools
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def matrix_rate(precision: str, width: int = 256, rows: int = 4096, seconds: float = 0.2) -> float:
    """Best rate [FLOP/s] of a matrix product of the size that matters here."""
    dtype = PRECISIONS[precision]
    a, b = torch.randn(rows, width).to(dtype), torch.randn(4 * width, width).to(dtype)
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        torch.nn.functional.linear(a, b)
        best = min(best, time.perf_counter() - start)
    return 2 * a.numel() * len(b) / best


def faster_precision() -> str:
    """The precision in which this machine multiplies matrices faster.

    Not every CPU that knows bfloat16 is faster in it; float32 is preferred within 20%.
    """
    rates = {name: matrix_rate(name) for name in PRECISIONS}
    return "bfloat16" if rates["bfloat16"] > 1.2 * rates["float32"] else "float32"


@functools.cache
def in_bfloat16() -> bool:
    """Whether `faster_precision` is bfloat16; measured once."""
    return faster_precision() == "bfloat16"


def count_flops(work: Callable[[], object]) -> float:
    """Floating-point operations of matrix products and attention in `work` (run uncompiled)."""
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def keep_freed_memory() -> None:
    """Let the C library keep what is freed: fetching fresh pages costs 7% of a training step.

    Only glibc has these settings (mallopt(3)); elsewhere nothing changes.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    arena_max, mmap_max, trim_threshold = -8, -4, -1
    libc = ctypes.CDLL("libc.so.6")
    for option, value in ((arena_max, 1), (mmap_max, 0), (trim_threshold, 2**31 - 1)):
        libc.mallopt(option, value)


def processor() -> str:
    """The processor's name and number of cores used."""
    info = Path("/proc/cpuinfo")
    names = ([line.partition(":")[2].strip() for line in info.read_text().splitlines()
              if line.startswith("model name")] if info.is_file() else [])
    return f"{names[0] if names else platform.processor()}, {torch.get_num_threads()} threads"
