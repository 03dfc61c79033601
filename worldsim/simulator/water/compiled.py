"""The water's kernels through torch.compile, where a C++ compiler exists."""

import functools

import torch

from worldsim.simulator.water.step import Kernels

# Each combination of shape, sides and gravity is one specialisation of a kernel; past the
# limit fullgraph raises instead of silently running eagerly.
VARIANTS = 64


@functools.cache
def compiled_kernels() -> Kernels:
    """The kernels, each compiled at its first call with arguments of a new shape."""
    config = torch._dynamo.config
    config.recompile_limit = max(config.recompile_limit, VARIANTS)
    return Kernels(*(torch.compile(f, dynamic=False, fullgraph=True) for f in Kernels()))
