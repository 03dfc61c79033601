"""A query: what a world model is asked, and what it is told."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from worldsim.errors import InputError
from worldsim.scenario import Scenario, scenario_class

if TYPE_CHECKING:
    import xarray as xr

    from worldsim.simulator.mechanics.scene import Kick


@dataclasses.dataclass(frozen=True)
class Known:
    """A known piece of video: it starts at `start` seconds and is seen by `camera`.

    video : (case, time, row, column, 3) uint8, at the query's size and rate.
    mask : (time, row, column) bool, which pixels are known; None means all of them.
    """

    camera: str
    video: np.ndarray
    start: float = 0.0
    mask: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.video.ndim != 5 or self.video.shape[-1] != 3 or self.video.dtype != np.uint8:
            raise InputError(
                f"known video has shape {self.video.shape}, dtype {self.video.dtype}; "
                "give (case, time, row, column, 3) uint8"
            )
        if self.mask is not None and self.mask.shape != self.video.shape[1:4]:
            raise InputError(
                f"the mask of a known piece has shape {self.mask.shape}; "
                f"give (time, row, column) = {self.video.shape[1:4]}"
            )


@dataclasses.dataclass(frozen=True)
class KnownStates:
    """Known states of one entity, e.g. of ``"body 1"`` or ``"gauges"``.

    values : (case, time, 9) in the units of `worldsim.diffusion.observables`, at the query's rate;
        NaN where not known.
    start : s, of the first of them.
    half_size : m, half extents along a body's own axes, (3,) or (case, 3); None where not known.
    """

    entity: str
    values: np.ndarray
    start: float = 0.0
    half_size: tuple[float, float, float] | np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or self.values.shape[-1] != 9:
            raise InputError(f"known states of {self.entity!r} have shape {self.values.shape}; "
                             "give (case, time, 9)")
        if self.half_size is not None and np.shape(self.half_size) not in (
                (3,), (len(self.values), 3)):
            raise InputError(f"the half size of {self.entity!r} has shape "
                             f"{np.shape(self.half_size)}; give 3 lengths, or (case, 3)")


@dataclasses.dataclass(frozen=True)
class Draft:
    """A video to begin from, and how much of it may change.

    videos : {camera: (case, time, row, column, 3) uint8}, of the query's frames, size and rate.
    strength : 0 keeps all of it, 1 begins from nothing.
    """

    videos: Mapping[str, np.ndarray]
    strength: float

    def __post_init__(self) -> None:
        if not 0 < self.strength <= 1:
            raise InputError(f"strength={self.strength:g}: give more than 0, at most 1")


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a query's cases come from, for world models that are simulators themselves."""

    seed: int
    cases: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Query:
    """What a world model is asked.

    scenario : name of the scenario.
    parameters : any subset of the scenario's parameters, each (case,); choices as codes.
    known : known pieces of video, e.g. the first frames.
    cameras : the views to return.
    size : rows, columns of the video.
    fps : frames per second.
    duration : seconds, known pieces included.
    cases, realizations : how many cases, and how many independent answers for each.
    seed : seed of the answers.
    origin : where the cases come from (only simulators use it).
    text : a caption, for models that read one.
    actions : interventions that the model is told of, the same in every case.
    case_ids : names of the cases in a suite or a folder, one per case, for models whose answers
        are stored by name; empty where they have none.
    states : known states of entities, for models that dream states beside video.
    draft : a video to begin from, for models that can.
    """

    scenario: str
    parameters: Mapping[str, np.ndarray]
    known: tuple[Known, ...] = ()
    cameras: tuple[str, ...] = ("overhead",)
    size: tuple[int, int] = (64, 96)
    fps: float = 5.0
    duration: float = 12.0
    cases: int = 1
    realizations: int = 1
    seed: int = 0
    origin: Origin | None = None
    text: str = ""
    actions: tuple[Kick, ...] = ()
    case_ids: tuple[str, ...] = ()
    states: tuple[KnownStates, ...] = ()
    draft: Draft | None = None

    def __post_init__(self) -> None:
        declared = scenario_class(self.scenario).parameters()
        for name, values in self.parameters.items():
            if name not in declared:
                raise InputError(
                    f"scenario {self.scenario!r} has no parameter {name!r}; "
                    f"it has {', '.join(declared)}"
                )
            if np.shape(values) != (self.cases,):
                raise InputError(
                    f"parameter {name!r} has shape {np.shape(values)}; give one value per case, "
                    f"({self.cases},)"
                )
            for value in np.asarray(values):
                if declared[name].choices:
                    if value not in range(len(declared[name].choices)):
                        raise InputError(f"{name}={value} is not the code of a choice of {name}")
                else:
                    declared[name].check(name, float(value))
        if self.cases < 1 or self.realizations < 1:
            raise InputError(
                f"cases={self.cases}, realizations={self.realizations}: give at least 1 of each"
            )
        if self.case_ids and len(self.case_ids) != self.cases:
            raise InputError(
                f"{len(self.case_ids)} case ids for {self.cases} cases; give one per case, or none"
            )
        if not (self.fps > 0 and self.duration > 0 and round(self.duration * self.fps) >= 1):
            raise InputError(
                f"duration={self.duration:g} s at {self.fps:g} frames/s has no frame; give more"
            )
        if min(self.size) < 1:
            raise InputError(f"size={self.size}: give rows and columns of at least 1")
        for piece in self.known:
            if piece.camera not in self.cameras:
                raise InputError(
                    f"a known piece is of camera {piece.camera!r}, the query asks for "
                    f"{', '.join(self.cameras)}; add it to cameras"
                )
            if piece.video.shape[0] != self.cases or piece.video.shape[2:4] != tuple(self.size):
                raise InputError(
                    f"a known piece has (case, row, column) = "
                    f"{(piece.video.shape[0], *piece.video.shape[2:4])}; the query has "
                    f"{(self.cases, *self.size)}"
                )

        for told in self.states:
            if len(told.values) != self.cases:
                raise InputError(f"known states of {told.entity!r} are of {len(told.values)} "
                                 f"cases; the query has {self.cases}")
        if self.draft is not None:
            wanted = (self.cases, self.frames, *self.size, 3)
            for camera in self.cameras:
                found = self.draft.videos.get(camera)
                if found is None or found.shape != wanted or found.dtype != np.uint8:
                    raise InputError(
                        f"the draft of camera {camera!r} is "
                        f"{'missing' if found is None else f'{found.shape} {found.dtype}'}; give "
                        f"{wanted} uint8")

    @property
    def frames(self) -> int:
        """Number of frames of the answer, known ones included."""
        return round(self.duration * self.fps)


def query(
    scenario: Scenario | list[Scenario],
    *,
    context: xr.DataTree | None = None,
    frames: int = 5,
    realizations: int = 1,
    seed: int = 0,
    cameras: tuple[str, ...] | None = None,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    duration: float | None = None,
    tell: tuple[str, ...] | None = None,
    case_ids: tuple[str, ...] = (),
) -> Query:
    """Ask what happens in a scenario, given the first frames of a rollout.

    Parameters
    ----------
    scenario : one scenario for all cases, or a list with one per case.
    context : a rollout whose realization 0 gives the first frames; None asks from the
        parameters alone (one case per scenario).
    frames : number of context frames.
    realizations, seed, cameras, size, fps, duration : see `Query`; cameras, size and fps default
        to those of the scenario's videos, duration to the context's own length, else to the
        scenario's.
    tell : the parameters that the model is told; all of them by default.
    case_ids : see `Query`.
    """
    listed = scenario if isinstance(scenario, list) else [scenario]
    name = listed[0].name
    if any(s.name != name for s in listed):
        raise InputError("the scenarios of one query must all be of one name")
    cameras = type(listed[0]).film_cameras if cameras is None else cameras
    size = type(listed[0]).size if size is None else size
    fps = type(listed[0]).fps if fps is None else fps
    cases = context.sizes["case"] if context is not None else len(listed)
    if len(listed) == 1:
        listed = listed * cases
    if len(listed) != cases:
        raise InputError(f"{len(listed)} scenarios for {cases} cases; give one, or one per case")
    told = tuple(listed[0].parameters()) if tell is None else tell
    unknown = set(told) - set(listed[0].parameters())
    if unknown:
        raise InputError(f"scenario {name!r} has no parameter {sorted(unknown)[0]!r}")
    parameters = {p: np.array([s.codes()[p] for s in listed]) for p in told}

    known: tuple[Known, ...] = ()
    origin = None
    if context is not None:
        if frames < 1:
            raise InputError(f"frames={frames}: give at least 1 context frame, or context=None")
        if json.loads(context.attrs["scenario"])["name"] != name:
            raise InputError(f"the context is not a rollout of {name!r}")
        known = tuple(
            Known(camera, _first_frames(context, camera, frames, size, fps)) for camera in cameras
        )
        if duration is None:
            duration = _length(context, fps)
        if context.attrs["kind"] == "simulated":
            origin = Origin(int(context.attrs["seed"]), tuple(int(c) for c in context["case"]))
    return Query(
        scenario=name,
        parameters=parameters,
        known=known,
        cameras=cameras,
        size=size,
        fps=fps,
        duration=listed[0].duration if duration is None else duration,
        cases=cases,
        realizations=realizations,
        seed=seed,
        origin=origin,
        text=listed[0].caption(),
        case_ids=tuple(case_ids),
    )


def _first_frames(
    context: xr.DataTree, camera: str, frames: int, size: tuple[int, int], fps: float
) -> np.ndarray:
    """Realization 0 of the context's video; rendered when not stored at this size and rate."""
    if "video" in context.children and camera in context["video"].children:
        stored = context[f"video/{camera}"].dataset
        rgb = stored["rgb"]
        if rgb.shape[3:5] == tuple(size) and stored.attrs["fps"] == fps:
            if rgb.sizes["time"] < frames:
                raise InputError(f"the context has {rgb.sizes['time']} frames, {frames} are wanted")
            return rgb.isel(realization=0, time=slice(0, frames)).values
    if "water" not in context and "bodies" not in context:
        raise InputError(
            f"the context holds no {camera!r} video of size {size} at {fps:g} frames/s and no "
            "states to render one from"
        )
    from worldsim.camera import render

    video = render(context, camera, size=size, fps=fps, realizations=[0])
    return video["rgb"].isel(realization=0, time=slice(0, frames)).values


def _length(context: xr.DataTree, fps: float) -> float:
    """Length of a rollout in seconds: that of its states, else of its first video."""
    for group in ("bodies", "water"):
        if group in context:
            return float(context[group]["time"][-1])
    video = next(iter(context["video"].children.values()))
    return video.sizes["time"] / float(video.attrs["fps"])
