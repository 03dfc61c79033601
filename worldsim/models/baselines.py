"""Baselines: world models that a learned one must beat to have learned anything.

``frozen`` and ``constant-velocity`` continue the known frames of any scenario. ``climatology`` and
``nearest`` draw on training rollouts: those of a packaged summary for its own scenario, and for
every other one those that they simulate.
"""

from __future__ import annotations

import dataclasses
import functools

import xarray as xr

from worldsim.errors import InputError
from worldsim.models.continuing import ConstantVelocity as ConstantVelocity
from worldsim.models.continuing import Frozen as Frozen
from worldsim.models.ensemble import EnsembleClimatology as EnsembleClimatology
from worldsim.models.nearest import NearestInBank as NearestInBank
from worldsim.models.summarised import Climatology as Climatology
from worldsim.models.summarised import Nearest as Nearest
from worldsim.models.summary import TrainingSummary, packaged
from worldsim.query import Query
from worldsim.scenario import list_scenarios, scenario_class
from worldsim.world_model import Capabilities, Stream, WorldModel


def load_baseline(name: str) -> WorldModel:
    """The baseline ``frozen``, ``constant-velocity``, ``climatology`` or ``nearest``.

    Raises
    ------
    InputError : unknown name, or a training summary that is missing or damaged.
    """
    if name == "frozen":
        return Frozen()
    if name == "constant-velocity":
        return ConstantVelocity()
    if name == "climatology":
        return ByScenario(Climatology(_packaged_summary()), EnsembleClimatology())
    if name == "nearest":
        return ByScenario(Nearest(_packaged_summary()), NearestInBank())
    raise InputError(
        f"unknown baseline {name!r}; there are frozen, constant-velocity, climatology, nearest"
    )


@functools.cache
def _packaged_summary() -> TrainingSummary:
    return TrainingSummary.load(packaged())


class ByScenario:
    """One world model for its own scenario, another one for all others.

    Parameters
    ----------
    own : answers for the only scenario that it knows. others : for every other one.
    """

    def __init__(self, own: WorldModel, others: WorldModel) -> None:
        self.own, self.others = own, others
        self.name = others.name
        self.sha256: str = getattr(own, "sha256", "")

    @functools.cached_property
    def capabilities(self) -> Capabilities:
        """Those of the other model, for the views that either model can show of every scenario."""
        known = self.own.capabilities
        lacks = set(scenario_class(known.scenario).film_cameras) - set(known.cameras)
        shown = {
            camera for name in list_scenarios() for camera in scenario_class(name).film_cameras
        }
        return dataclasses.replace(
            self.others.capabilities, cameras=tuple(sorted(shown - lacks))
        )

    def rollout(self, query: Query) -> xr.DataTree:
        """The answer of the model for the query's scenario."""
        return self._for(query).rollout(query)

    def start(self, query: Query) -> Stream:
        """The same, piece by piece."""
        return self._for(query).start(query)

    def _for(self, query: Query) -> WorldModel:
        return self.own if query.scenario == self.own.capabilities.scenario else self.others
