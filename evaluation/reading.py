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
============  ==================================================  ==============================
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import xarray as xr

from evaluation.objects import objects_state, objects_video
from evaluation.observe import CAMERA, has_town, observe_state, observe_video
from worldsim.camera.projection import Camera
from worldsim.instruments import observe_water, state
from worldsim.mechanics import MechanicalScene
from worldsim.scenario import scenario_class


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
        """The children that its trees have."""
        found = {"water", "debris", "buildings"} if self.town else set()
        found |= {"water"} if self.water else set()
        found |= {"objects"} if self.objects else set()
        return frozenset(found | ({"contacts"} if self.objects and not self.water else set()))

    def of_state(self, truth: xr.DataTree, size: tuple[int, int], time: np.ndarray) -> xr.DataTree:
        """The observables of a simulated rollout's states at (time,) s."""
        if self.town:
            return observe_state(truth, time)
        groups = objects_state(truth, self.camera, size, time) if self.objects else {}
        if self.water:
            groups["water"] = state.water_state(truth, time)
        return xr.DataTree.from_dict(groups)

    def of_video(self, video: xr.Dataset, truth: xr.DataTree, context: int) -> xr.DataTree:
        """The observables of a video of `camera`, its objects numbered as in `truth`.

        Parameters
        ----------
        truth : what `of_state` gave for the same cases. context : number of known frames.
        """
        if self.town:
            return observe_video(video)
        groups: dict[str, xr.Dataset] = {}
        if self.objects:
            groups = objects_video(video, truth["objects"].dataset, context, self.height_m)
            if self.water:
                groups.pop("contacts")
        if self.water:
            groups["water"] = observe_water(video)
        return xr.DataTree.from_dict(groups)


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
