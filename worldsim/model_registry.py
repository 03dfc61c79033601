"""World models by name.

Apart from the protocol, because every world model imports the protocol and the registry imports
the world models.
"""

from __future__ import annotations

import difflib
import importlib
from pathlib import Path

from worldsim.errors import InputError
from worldsim.world_model import WorldModel

BUILT_IN = {
    "worldsim-small": "the packaged video diffusion transformer",
    "mujoco": "the simulator with other hidden draws; mujoco:gravity=-20% with wrong physics",
    "baseline:frozen": "the last known frame, for ever",
    "baseline:constant-velocity": "what moves goes on as it moved in the known frames",
    "baseline:climatology": "training rollouts of the nearest parameters",
    "baseline:nearest": "the training rollout that looks and is most alike",
}


def load_model(name: str) -> WorldModel:
    """A world model by name.

    Parameters
    ----------
    name : one of `BUILT_IN`, ``mujoco:gravity=-20%``, a directory with a checkpoint, or
        ``python:package.module:Class`` for one of your own (called without arguments).

    Raises
    ------
    InputError : unknown name (with the nearest one), or a checkpoint that cannot be read.
    """
    kind, _, rest = name.partition(":")
    if kind == "mujoco":
        from worldsim.models.simulated import SimulatedWorld

        return SimulatedWorld.from_name(name)
    if kind == "baseline" and name in BUILT_IN:
        from worldsim.models.baselines import load_baseline

        return load_baseline(rest)
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
        raise InputError(f"python:{spec} cannot be imported: {error}") from error
    model = factory()
    if not isinstance(model, WorldModel):
        raise InputError(f"python:{spec} lacks name, capabilities, rollout or start")
    return model
