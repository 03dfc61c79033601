"""From stored states to video."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from worldsim.camera.crew import Crew
from worldsim.camera.film import Film
from worldsim.camera.projection import DEFAULT_CAMERAS, Camera
from worldsim.camera.solids_film import SolidsFilm
from worldsim.camera.solids_states import check_solids, read_stage
from worldsim.camera.states import (
    check_groups,
    domain_of,
    frame_times,
    grid_of,
    positions_of,
    read_member,
    stored_cameras,
    stored_times,
)
from worldsim.errors import InputError
from worldsim.rollout import video_dataset
from worldsim.scenario import Scenario, scenario_class

LARGEST_SIDE = 4096

Progress = Callable[[int, int], None]


def camera_of(rollout: xr.DataTree, camera: str | Camera) -> Camera:
    """The camera of that name: the one the rollout describes, or else the default one for the
    rollout's domain.

    Raises
    ------
    InputError : neither knows the name.
    """
    if isinstance(camera, Camera):
        return camera
    described = stored_cameras(rollout)
    if camera in described:
        return Camera.from_json(described[camera])
    usual = {} if is_mechanical(rollout) else DEFAULT_CAMERAS
    if camera in usual:
        return usual[str(camera)](domain_of(grid_of(rollout)))
    known = sorted({*described, *usual})
    if not known:
        raise InputError(f"camera {camera!r} is not known; the rollout describes none, give a "
                         "worldsim.camera.Camera")
    near = difflib.get_close_matches(str(camera), known, n=1, cutoff=0.0)
    raise InputError(f"camera {camera!r} is not known; did you mean {near[0]!r}? "
                     f"(known: {', '.join(known)})")


def render(
    rollout: xr.DataTree,
    camera: str | Camera | None = None,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    depth: bool = False,
    segmentation: bool = False,
    cases: int | Sequence[int] | None = None,
    realizations: int | Sequence[int] | None = None,
    progress: Progress | None = None,
    times: Sequence[float] | None = None,
) -> xr.Dataset:
    """Video of a simulated rollout, from its stored states alone, in the layout of
    ``/video/<camera>``. The same states give the same pixels, whatever else is rendered.

    A rollout of rigid bodies alone shows their solids and links before its backdrop. Elsewhere
    people out of doors are drawn where half a metre or less makes a pixel; coarser pictures are
    the same with and without them.

    Parameters
    ----------
    camera : a name, or any `Camera`; by default the first that the scenario shows.
    size : (rows, columns). fps : frames per second; frame k shows the instant k / fps; states
        between stored instants are interpolated. By default what the scenario says.
    depth : add ``depth`` float32 [m]: distance along the ray through the pixel's centre, for an
        orthographic camera from its plane; infinite for the sky.
    segmentation : add ``segmentation`` int16: the index of the body at the pixel's centre, or -1
        sky, -2 ground, -3 water, -4 a person; of rigid bodies alone the index in `/parts`, or -1
        backdrop, -2 a link.
    cases, realizations : values of those coordinates; all, if None.
    progress : called as ``progress(frames done, frames in all)`` after every few frames of a band.
    times : instants [s] to show instead of ``k / fps``, e.g. for a still.

    Raises
    ------
    InputError : unknown camera, case or realization; impossible size or fps; a rollout without
        states.
    """
    mechanical = is_mechanical(rollout)
    if mechanical:
        check_solids(rollout)
    else:
        check_groups(rollout)
    if size is None or fps is None or camera is None:
        usual = _scenario(rollout)
        size = usual.size if size is None else size
        fps = usual.fps if fps is None else fps
        camera = usual.film_cameras[0] if camera is None else camera
    rows, columns = _checked_size(size)
    taken_by = camera_of(rollout, camera)
    instants = frame_times(rollout, fps) if times is None else _checked_times(times, rollout)
    at_case = positions_of(rollout["case"].values, cases, "case")
    at_realization = positions_of(rollout["realization"].values, realizations, "realization")
    shape = (len(at_case), len(at_realization), len(instants), rows, columns)
    layers: dict[str, Any] = {"rgb": np.empty((*shape, 3), dtype=np.uint8)}
    if depth:
        layers["depth"] = np.empty(shape, dtype=np.float32)
    if segmentation:
        layers["segmentation"] = np.empty(shape, dtype=np.int16)
    members = [(i, j) for i in range(len(at_case)) for j in range(len(at_realization))]

    def solids_of(member: tuple[int, int]) -> SolidsFilm:
        stage = read_stage(rollout, at_case[member[0]], at_realization[member[1]], instants)
        return SolidsFilm(stage, taken_by, (rows, columns))

    def film_of(member: tuple[int, int]) -> Film | SolidsFilm:
        if mechanical:
            return solids_of(member)
        states = read_member(rollout, at_case[member[0]], at_realization[member[1]], instants)
        return Film(states, taken_by, (rows, columns))

    def layers_of(member: tuple[int, int]) -> dict[str, Any]:
        return {name: layer[member] for name, layer in layers.items()}

    total = len(members) * len(instants)
    with Crew() as crew:
        if mechanical and len(members) > 1:
            # Members are short work: each is one's.
            def shoot(member: tuple[int, int]) -> None:
                solids_of(member).expose(layers_of(member), map, _advance(None, 0, 0))

            for done, _ in enumerate(crew(shoot, members), start=1):
                _advance(progress, 0, total)(done * len(instants))
        else:
            for number, member in enumerate(members):
                film_of(member).expose(layers_of(member), crew,
                                       _advance(progress, number * len(instants), total))
    video = video_dataset(layers.pop("rgb"), float(fps), taken_by.to_json(), **layers)
    return video.assign_coords(
        case=("case", rollout["case"].values[at_case]),
        realization=("realization", rollout["realization"].values[at_realization]),
        time=("time", instants, video["time"].attrs),
    )


def is_mechanical(rollout: xr.DataTree) -> bool:
    """Whether the rollout is one of rigid bodies alone, without water."""
    return "parts" in rollout.children


def _scenario(rollout: xr.DataTree) -> type[Scenario]:
    """The scenario's class; that of all scenarios, if the rollout does not name any."""
    named = rollout.attrs.get("scenario")
    return scenario_class(json.loads(named)["name"]) if named else Scenario


def _advance(progress: Progress | None, done: int, total: int) -> Callable[[float], None]:
    def report(frames: float) -> None:
        if progress is not None:
            progress(done + int(frames), total)

    return report


def _checked_size(size: tuple[int, int]) -> tuple[int, int]:
    sides = tuple(size) if isinstance(size, Sequence | np.ndarray) else (size,)
    if len(sides) != 2 or not all(
        isinstance(side, int | np.integer) and 2 <= side <= LARGEST_SIDE for side in sides
    ):
        raise InputError(
            f"size={size}: give (rows, columns), each an integer between 2 and {LARGEST_SIDE} px"
        )
    return int(sides[0]), int(sides[1])


def _checked_times(times: Sequence[float], rollout: xr.DataTree) -> np.ndarray:
    instants = np.atleast_1d(np.asarray(times, dtype=np.float64))
    stored = stored_times(rollout)
    if instants.ndim != 1 or not instants.size or not np.all(
        (instants >= stored[0] - 1e-9) & (instants <= stored[-1] + 1e-9)
    ):
        raise InputError(
            f"times={times}: give one or more instants from {stored[0]:g} to {stored[-1]:g} s, "
            "which the rollout holds"
        )
    return instants
