"""World models by name.

Apart from the protocol, because every world model imports the protocol and the registry imports
the world models.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path

from worldsim.errors import InputError
from worldsim.world_model import WorldModel

BUILT_IN = {
    "worldsim-small": "the packaged transformer of eighteen scenarios, with states of bodies, "
    "gauges, houses and people",
    "mujoco": "the simulator with other hidden draws; mujoco:gravity=-20%,vanish=5% wrong by that "
    "(worldsim.models.simulated lists what can be)",
    "truth": "the simulator with the truth's own hidden draws, to check what is measured",
    "baseline:frozen": "the last known frame, for ever",
    "baseline:constant-velocity": "what moves goes on as it moved in the known frames",
    "baseline:climatology": "training cases at the same parameters (tsunami: of the nearest)",
    "baseline:nearest": "the training rollout that looks and is most alike",
    "videos:DIR": "a folder of videos, <case id>[.<camera>][.r<k>].mp4, of any rate and size",
}


def load_model(name: str) -> WorldModel:
    """A world model by name.

    Parameters
    ----------
    name : one of `BUILT_IN`, ``mujoco:gravity=-20%`` (see
        `worldsim.models.simulated.SimulatedWorld`), ``videos:DIR``, a directory with a
        checkpoint, or ``python:package.module:Class`` for one of your own (called without
        arguments).

    Raises
    ------
    InputError : unknown name (with the nearest one), a checkpoint or folder that cannot be read, or
        a class that cannot be imported or called without arguments.
    """
    kind, _, rest = name.partition(":")
    if kind in ("mujoco", "truth"):
        from worldsim.models.simulated import SimulatedWorld

        return SimulatedWorld.from_name(name)
    if kind == "baseline" and name in BUILT_IN:
        from worldsim.models.baselines import load_baseline

        return load_baseline(rest)
    if kind == "videos":
        from worldsim.models.videos import VideoFolder

        return VideoFolder.from_name(name)
    if kind == "python":
        return _python_model(rest)
    if name == "worldsim-small" or Path(name).is_dir():
        from worldsim.diffusion.model import VideoDiffusion

        return VideoDiffusion.from_pretrained(name)
    near = difflib.get_close_matches(name, BUILT_IN, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(BUILT_IN)}"
    raise InputError(f"unknown world model {name!r}; {hint}")


def _python_model(spec: str) -> WorldModel:
    module_name, _, class_name = spec.partition(":")
    if not module_name or not class_name:
        raise InputError(f"python:{spec}: write python:package.module:Class")
    try:
        factory = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"python:{spec} cannot be imported: {error}; is its folder on PYTHONPATH?"
        ) from error
    if not callable(factory):
        raise InputError(
            f"python:{spec} is a {type(factory).__name__}; name a class, or a function that "
            "returns a world model"
        )
    wanted = _required_arguments(factory)
    if wanted:
        raise InputError(
            f"python:{spec} needs {', '.join(wanted)}; give defaults, or name a function without "
            "arguments that returns the model"
        )
    model = factory()
    if not isinstance(model, WorldModel):
        lacks = [n for n in ("name", "capabilities", "rollout", "start") if not hasattr(model, n)]
        raise InputError(
            f"python:{spec} makes a {type(model).__name__}, which lacks {', '.join(lacks)}"
        )
    return model


def _required_arguments(factory: Callable[..., object]) -> list[str]:
    """The arguments without which it cannot be called, as far as Python knows its signature."""
    try:
        declared = inspect.signature(factory).parameters.values()
    except ValueError:  # some built-in types have none
        return []
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in declared if p.default is p.empty and p.kind not in optional]
