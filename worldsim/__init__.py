"""Simulate a physical what-if, let a video world model dream it, and measure the difference.

>>> import worldsim
>>> s = worldsim.make("tsunami", wave_height=6.0, building="timber")
>>> truth = worldsim.simulate(s, cases=4, realizations=8, seed=0)
>>> model = worldsim.load_model("worldsim-small")
>>> dream = model.rollout(worldsim.query(s, context=truth, frames=5, realizations=8, seed=0))
>>> scores = worldsim.evaluate(dream, truth)

Every name is imported when it is first used (PEP 562), so that ``import worldsim`` and the command
line's help stay quick.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from worldsim import outcomes as outcomes
    from worldsim import testing as testing
    from worldsim.answer import generated_rollout as generated_rollout
    from worldsim.camera import Camera as Camera
    from worldsim.camera import render as render
    from worldsim.errors import InputError as InputError
    from worldsim.inspection import inspect as inspect
    from worldsim.model_registry import load_model as load_model
    from worldsim.query import Known as Known
    from worldsim.query import Query as Query
    from worldsim.query import query as query
    from worldsim.rollout import open as open
    from worldsim.rollout import save as save
    from worldsim.scenario import Parameter as Parameter
    from worldsim.scenario import Scenario as Scenario
    from worldsim.scenario import list_scenarios as list_scenarios
    from worldsim.scenario import make as make
    from worldsim.simulator.water.run import simulate_water as simulate_water
    from worldsim.simulator.water.terrain import read_bathymetry as read_bathymetry
    from worldsim.simulator.world import simulate as simulate
    from worldsim.world_model import Capabilities as Capabilities
    from worldsim.world_model import WorldModel as WorldModel

    __version__: str

_HOME = {
    "generated_rollout": "worldsim.answer",
    "Camera": "worldsim.camera",
    "render": "worldsim.camera",
    "InputError": "worldsim.errors",
    "inspect": "worldsim.inspection",
    "Known": "worldsim.query",
    "Query": "worldsim.query",
    "query": "worldsim.query",
    "open": "worldsim.rollout",
    "save": "worldsim.rollout",
    "Parameter": "worldsim.scenario",
    "Scenario": "worldsim.scenario",
    "list_scenarios": "worldsim.scenario",
    "make": "worldsim.scenario",
    "read_bathymetry": "worldsim.simulator.water.terrain",
    "simulate": "worldsim.simulator.world",
    "simulate_water": "worldsim.simulator.water.run",
    "Capabilities": "worldsim.world_model",
    "WorldModel": "worldsim.world_model",
    "load_model": "worldsim.model_registry",
}

_MODULES = ("outcomes", "testing")

__all__ = [*_HOME, *_MODULES, "__version__", "bench", "evaluate"]


def bench(model: Any, suite: str = "quick", **options: Any) -> Any:
    """Score a world model on a suite of the benchmark; see `evaluation.benchmark.api.bench`."""
    return importlib.import_module("evaluation.benchmark.api").bench(model, suite, **options)


def evaluate(dream: Any, truth: Any, **options: Any) -> Any:
    """Score a dream against the truth; see `evaluation.scores.evaluate`.

    The package `evaluation` builds on this one, so it is looked up by name when it is needed.
    """
    return importlib.import_module("evaluation.scores").evaluate(dream, truth, **options)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("worldsim")
    elif name in _MODULES:
        value = importlib.import_module(f"worldsim.{name}")
    elif name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module 'worldsim' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """Keeps `worldsim.query` the function.

    Importing the submodule `worldsim.query` would otherwise bind the module to that name, and the
    meaning of ``worldsim.query(...)`` would depend on what was imported before.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _HOME and isinstance(value, ModuleType):
            return
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
