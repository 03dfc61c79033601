"""What a world model is: anything that answers a `Query` with a `Rollout`."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from worldsim.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    from worldsim.query import Query


@dataclasses.dataclass(frozen=True)
class Capabilities:
    """Which parts of a query a world model honours.

    cameras : names of the views it can return; an empty tuple means any.
    parameters : whether it uses the scenario's parameters.
    context : whether it uses known frames.
    masks : whether it honours masks within frames.
    stochastic : whether its realizations differ.
    any_duration, any_size, any_fps : whether that part of the query is free.
    streaming : whether `start` works.
    simulates : whether it needs the query's `origin`.
    """

    cameras: tuple[str, ...] = ()
    parameters: bool = True
    context: bool = True
    masks: bool = False
    stochastic: bool = True
    any_duration: bool = True
    any_size: bool = False
    any_fps: bool = False
    streaming: bool = False
    simulates: bool = False


class Stream(Protocol):
    """A world model in mid-dream."""

    def step(self, action: Any = None) -> dict[str, np.ndarray]:
        """Advance by one chunk; returns {camera: (case, realization, time, row, column, 3)}."""
        ...


@runtime_checkable
class WorldModel(Protocol):
    """Anything that answers queries."""

    @property
    def name(self) -> str:
        """How `load_model` and reports call it."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """Which parts of a query it honours."""
        ...

    def rollout(self, query: Query) -> xr.DataTree:
        """Answer the query with a rollout of kind ``generated``."""
        ...

    def start(self, query: Query) -> Stream:
        """Begin to answer the query piece by piece."""
        ...


class WholeRolloutStream:
    """A stream of a model that only knows whole rollouts: it hands out one frame per step."""

    def __init__(self, rollout: xr.DataTree) -> None:
        self._videos = {name: node["rgb"] for name, node in rollout["video"].children.items()}
        self._next = 0

    def step(self, action: Any = None) -> dict[str, np.ndarray]:
        """The next frame of every camera.

        Raises
        ------
        InputError : an action was given (such models take none).
        StopIteration : the rollout has ended.
        """
        if action is not None:
            raise InputError("this world model takes no actions; call step() without one")
        if self._next >= min(video.sizes["time"] for video in self._videos.values()):
            raise StopIteration
        frame = slice(self._next, self._next + 1)
        self._next += 1
        return {name: video.isel(time=frame).values for name, video in self._videos.items()}


def check_capabilities(model: WorldModel, query: Query) -> None:
    """Raise `InputError` when the query asks for what the model cannot do."""
    can = model.capabilities
    missing = [c for c in query.cameras if can.cameras and c not in can.cameras]
    if missing:
        raise InputError(
            f"{model.name} cannot show camera {missing[0]!r}; it has {', '.join(can.cameras)}"
        )
    if can.simulates and query.origin is None:
        raise InputError(
            f"{model.name} simulates the case itself; make the query from a simulated context"
        )
    if not can.masks and any(piece.mask is not None for piece in query.known):
        raise InputError(f"{model.name} cannot use masks within frames; give whole frames")


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
    if name == "worldsim-small" or _is_directory(name):
        from worldsim.diffusion.model import VideoDiffusion

        return VideoDiffusion.from_pretrained(name)
    near = difflib.get_close_matches(name, BUILT_IN, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(BUILT_IN)}"
    raise InputError(f"unknown world model {name!r}; {hint}")


def _is_directory(name: str) -> bool:
    from pathlib import Path

    return Path(name).is_dir()


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
