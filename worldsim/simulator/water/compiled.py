"""The water's kernels through torch.compile, where a C++ compiler exists."""

import functools
from collections.abc import Callable

import torch

from worldsim.simulator.water.solute import TracerKernels
from worldsim.simulator.water.step import Kernels

# Each combination of shape, sides and gravity is one specialisation of a kernel; past the
# limit fullgraph raises instead of silently running eagerly.
VARIANTS = 64


@functools.cache
def compiled_kernels() -> Kernels:
    """The kernels, each compiled at its first call with arguments of a new shape."""
    return Kernels(*(_compiled(f) for f in Kernels()))


@functools.cache
def compiled_tracer_kernels() -> TracerKernels:
    """The same for those of a dissolved tracer."""
    return TracerKernels(*(_compiled(f) for f in TracerKernels()))


def _compiled(kernel: Callable) -> Callable:
    config = torch._dynamo.config
    config.recompile_limit = max(config.recompile_limit, VARIANTS)
    return torch.compile(kernel, dynamic=False, fullgraph=True)
