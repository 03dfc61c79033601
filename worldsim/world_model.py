"""What a world model is: anything that answers a `Query` with a `Rollout`."""

from __future__ import annotations

import dataclasses
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
    continues : whether its answers begin with the known frames that it uses.
    masks : whether it honours masks within frames.
    stochastic : whether its realizations differ.
    seeded : whether they differ from seed to seed, too; those of a stored set do not.
    any_duration, any_size, any_fps : whether that part of the query is free.
    streaming : whether `start` works.
    simulates : whether it needs the query's `origin`.
    scenario : the only one that it knows; empty means any.
    scenarios : those that it knows, where they are several; empty means any.
    states : whether it honours known states (`Query.states`).
    drafts : whether it honours drafts (`Query.draft`).
    actions : whether it honours interventions (`Query.actions`).
    """

    cameras: tuple[str, ...] = ()
    parameters: bool = True
    context: bool = True
    continues: bool = True
    masks: bool = False
    stochastic: bool = True
    seeded: bool = True
    any_duration: bool = True
    any_size: bool = False
    any_fps: bool = False
    streaming: bool = False
    simulates: bool = False
    scenario: str = ""
    scenarios: tuple[str, ...] = ()
    states: bool = False
    drafts: bool = False
    actions: bool = False


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


def knows(model: WorldModel, scenario: str) -> bool:
    """Whether a model can be asked about a scenario at all."""
    can = model.capabilities
    return can.scenario in ("", scenario) and (not can.scenarios or scenario in can.scenarios)


def known_to(model: WorldModel) -> tuple[str, ...]:
    """The scenarios that a model knows, where it does not know any, each in quotes."""
    can = model.capabilities
    return tuple(repr(name) for name in can.scenarios or (can.scenario,) if name)


def check_capabilities(model: WorldModel, query: Query) -> None:
    """Raise `InputError` when the query asks for what the model cannot do."""
    can = model.capabilities
    if not knows(model, query.scenario):
        raise InputError(
            f"{model.name} was trained on {', '.join(known_to(model))}, not on {query.scenario!r}"
        )
    missing = [c for c in query.cameras if can.cameras and c not in can.cameras]
    if missing:
        raise InputError(
            f"{model.name} cannot show camera {missing[0]!r}; it has {', '.join(can.cameras)}"
        )
    if can.simulates and query.origin is None:
        raise InputError(
            f"{model.name} simulates the case itself; make the query from a simulated context"
        )
    if query.actions and not can.actions:
        raise InputError(f"{model.name} cannot be told of interventions; ask without actions")
    if query.states and not can.states:
        raise InputError(f"{model.name} cannot be told states; ask without them")
    if query.draft is not None and not can.drafts:
        raise InputError(f"{model.name} cannot begin from a draft; ask without one")
    if not can.masks and any(piece.mask is not None for piece in query.known):
        raise InputError(f"{model.name} cannot use masks within frames; give whole frames")
