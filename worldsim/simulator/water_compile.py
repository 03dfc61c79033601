"""The water's step through torch.compile, where a C++ compiler exists."""

import functools
from collections.abc import Callable

import torch

from worldsim.simulator.water_step import runge_kutta_step, stable_step

EAGER = (runge_kutta_step, stable_step)

# Each combination of shape, sides and gravity is one specialisation; past the limit fullgraph
# raises instead of silently running eagerly.
VARIANTS = 64


def _with_limit(function: Callable) -> Callable:
    @functools.wraps(function)
    def call(*args: object) -> object:
        with torch._dynamo.config.patch(recompile_limit=VARIANTS):
            return function(*args)

    return call


@functools.cache
def compiled_functions() -> tuple[Callable, Callable]:
    """`runge_kutta_step` and `stable_step`, compiled on their first call."""
    step = torch.compile(runge_kutta_step, dynamic=False, fullgraph=True)
    stable = torch.compile(stable_step, dynamic=False, fullgraph=True)
    return _with_limit(step), _with_limit(stable)
