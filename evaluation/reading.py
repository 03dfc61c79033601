"""How a scenario's videos are read: which view, and which observables come of it.

A reading turns a video into a tree of observables, and the simulator's state into the same tree:

============  ==================================================  ==============================
child         of which scenarios                                  see
============  ==================================================  ==============================
``objects``   rigid bodies; blocks in water                       `evaluation.objects`
``contacts``  rigid bodies                                        `evaluation.objects`
``water``     water seen from above                               `worldsim.instruments.water`
``debris``    towns                                               `worldsim.instruments.debris`
``buildings`` towns                                               `worldsim.instruments.buildings`
``outcomes``  towns with people                                   `evaluation.consequences`
============  ==================================================  ==============================

A rollout that says more than its pictures show, having states as the simulator writes them, adds
``consequences`` (see `evaluation.consequences`); the simulator's own always do where water is.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import xarray as xr

from evaluation.consequences import (
    consequences_of,
    seen_outcomes_of_states,
    seen_outcomes_of_video,
)
from evaluation.objects import objects_state, objects_video
from evaluation.observe import CAMERA, has_town, observe_state, observe_video
from worldsim.camera.projection import Camera
from worldsim.errors import InputError
from worldsim.instruments import observe_water, state
from worldsim.mechanics import MechanicalScene
from worldsim.scenario import scenario_class

LENGTH_TOLERANCE = 0.15
"""s; records of states are kept ten times a second, and their lengths rounded to that."""


@dataclasses.dataclass(frozen=True)
class Reading:
    """How the videos of one scenario are read.

    scenario : its name. camera : the view that instruments read.
    town : water, debris and buildings, as a town shows them.
    water : where water shows, without a town. objects : coloured objects are followed.
    height_m : of the view's picture, m.
    """

    scenario: str
    camera: str
    town: bool
    water: bool
    objects: bool
    height_m: float

    @property
    def groups(self) -> frozenset[str]:
        """The children that its trees have, those that only some have among them."""
        found = {"water", "debris", "buildings", "outcomes"} if self.town else set()
        found |= {"water"} if self.water else set()
        found |= {"consequences"} if "water" in found else set()
        found |= {"objects"} if self.objects else set()
        return frozenset(found | ({"contacts"} if self.objects and not self.water else set()))

    def of_state(self, truth: xr.DataTree, size: tuple[int, int], time: np.ndarray) -> xr.DataTree:
        """The observables of a simulated rollout's states at (time,) s."""
        said = consequences_of(truth, time) if self.town or self.water else None
        told: dict[str, xr.Dataset | xr.DataTree] = {} if said is None else {"consequences": said}
        if self.town:
            seen = seen_outcomes_of_states(truth, said)
            told |= {} if seen is None else {"outcomes": seen}
            return observe_state(truth, time).assign(_as_trees(told))
        groups = objects_state(truth, self.camera, size, time) if self.objects else {}
        if self.water:
            groups["water"] = state.water_state(truth, time)
        return xr.DataTree.from_dict(groups).assign(_as_trees(told))

    def of_video(self, video: xr.Dataset, truth: xr.DataTree, context: int,
                 rollout: xr.DataTree | None = None) -> xr.DataTree:
        """The observables of a video of `camera`, its objects numbered as in `truth`.

        Parameters
        ----------
        truth : what `of_state` gave for the same cases. context : number of known frames.
        rollout : what the video belongs to, if its states are to be heard as well.

        Raises
        ------
        InputError : the rollout's states are of another length than the truth's.
        """
        said = _said(rollout, video, truth)
        if self.town:
            observed = observe_video(video)
            if "outcomes" in truth.children:
                said["outcomes"] = seen_outcomes_of_video(observed, truth["outcomes"])
            return observed.assign(_as_trees(said))
        groups: dict[str, xr.Dataset] = {}
        if self.objects:
            groups = objects_video(video, truth["objects"].dataset, context, self.height_m)
            if self.water:
                groups.pop("contacts")
        if self.water:
            groups["water"] = observe_water(video, buildings=False)
        return xr.DataTree.from_dict({**groups, **said})


def _said(rollout: xr.DataTree | None, video: xr.Dataset,
          truth: xr.DataTree) -> dict[str, xr.Dataset]:
    """The child of what the rollout's states say, if they say anything."""
    if rollout is None or "consequences" not in truth.children:
        return {}
    said = consequences_of(rollout, video["time"].values, video["case"].values.tolist())
    if said is None:
        return {}
    ends, wanted = said.attrs["until"], truth["consequences"].attrs["until"]
    if abs(ends - wanted) > LENGTH_TOLERANCE:
        raise InputError(f"the rollout's states end at {ends:g} s, the truth's at {wanted:g} s; "
                         "damage adds up over time, so simulate both for the same time")
    return {"consequences": said}


def _as_trees(children: dict[str, xr.Dataset | xr.DataTree]) -> dict[str, xr.DataTree]:
    return {name: child if isinstance(child, xr.DataTree) else xr.DataTree(child)
            for name, child in children.items()}


@functools.cache
def reading_of(scenario: str) -> Reading:
    """How a scenario's videos are read."""
    cls = scenario_class(scenario)
    scene = cls().scene(0, 0)
    rigid = isinstance(scene, MechanicalScene)
    town = has_town(scene)
    camera = cls.film_cameras[0] if rigid else CAMERA
    view: Camera = scene.cameras[camera]
    return Reading(scenario, camera, town, not rigid and not town, rigid or not town,
                   float(view.height_m))
