"""From stored states to video."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from worldsim.camera import shading
from worldsim.camera.boxes import Boxes, MujocoBoxes
from worldsim.camera.markers import Marker, coverage, small_debris
from worldsim.camera.projection import DEFAULT_CAMERAS, Camera
from worldsim.camera.states import (
    DEBRIS,
    MemberStates,
    check_groups,
    domain_of,
    frame_times,
    grid_of,
    positions_of,
    read_member,
    rotations,
    stored_cameras,
)
from worldsim.camera.surface import CHANNELS, Surface
from worldsim.camera.tracing import Band, Hits, Scene
from worldsim.errors import InputError
from worldsim.rollout import video_dataset

SKY, GROUND, WATER = -1, -2, -3
"""Values of the segmentation layer besides the index of a body."""

LARGEST_SIDE = 4096
SAMPLES_PER_BAND = 60_000

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
    if camera in DEFAULT_CAMERAS:
        return DEFAULT_CAMERAS[camera](domain_of(grid_of(rollout)))
    known = sorted({*described, *DEFAULT_CAMERAS})
    near = difflib.get_close_matches(str(camera), known, n=1, cutoff=0.0)
    raise InputError(f"camera {camera!r} is not known; did you mean {near[0]!r}? "
                     f"(known: {', '.join(known)})")


def render(
    rollout: xr.DataTree,
    camera: str | Camera = "overhead",
    size: tuple[int, int] = (64, 96),
    fps: float = 5.0,
    depth: bool = False,
    segmentation: bool = False,
    cases: int | Sequence[int] | None = None,
    realizations: int | Sequence[int] | None = None,
    progress: Progress | None = None,
    times: Sequence[float] | None = None,
) -> xr.Dataset:
    """Video of a simulated rollout, from its stored states alone, in the layout of
    ``/video/<camera>``. The same states give the same pixels, whatever else is rendered.

    Parameters
    ----------
    camera : a name, or any `Camera`.
    size : (rows, columns). fps : frames per second; frame k shows the instant k / fps; states
        between stored instants are interpolated.
    depth : add ``depth`` float32 [m]: distance along the ray through the pixel's centre, for an
        orthographic camera from its plane; infinite for the sky.
    segmentation : add ``segmentation`` int16: the index of the body at the pixel's centre, or -1
        sky, -2 ground, -3 water.
    cases, realizations : values of those coordinates; all, if None.
    progress : called as ``progress(frames done, frames in all)`` after each frame or band.
    times : instants [s] to show instead of ``k / fps``, e.g. for a still.

    Raises
    ------
    InputError : unknown camera, case or realization; impossible size or fps; a rollout without
        states.
    """
    rows, columns = _checked_size(size)
    check_groups(rollout)
    taken_by = camera_of(rollout, camera)
    instants = frame_times(rollout, fps) if times is None else _checked_times(times)
    at_case = positions_of(rollout["case"].values, cases, "case")
    at_realization = positions_of(rollout["realization"].values, realizations, "realization")
    shape = (len(at_case), len(at_realization), len(instants), rows, columns)
    layers: dict[str, Any] = {"rgb": np.empty((*shape, 3), dtype=np.uint8)}
    if depth:
        layers["depth"] = np.empty(shape, dtype=np.float32)
    if segmentation:
        layers["segmentation"] = np.empty(shape, dtype=np.int16)
    done, total = 0, shape[0] * shape[1] * shape[2]
    for i, case in enumerate(at_case):
        for j, realization in enumerate(at_realization):
            states = read_member(rollout, case, realization, instants)
            film = _Film(states, taken_by, (rows, columns))
            member = {name: layer[i, j] for name, layer in layers.items()}
            film.expose(member, _advance(progress, done, total))
            done += len(instants)
    video = video_dataset(layers.pop("rgb"), float(fps), taken_by.to_json(), **layers)
    return video.assign_coords(
        case=("case", rollout["case"].values[at_case]),
        realization=("realization", rollout["realization"].values[at_realization]),
        time=("time", instants, video["time"].attrs),
    )


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


def _checked_times(times: Sequence[float]) -> np.ndarray:
    instants = np.atleast_1d(np.asarray(times, dtype=np.float64))
    if instants.ndim != 1 or not instants.size or not np.all(np.isfinite(instants)):
        raise InputError(f"times={times}: give one or more finite instants in seconds")
    return instants


class _Film:
    """One member's video."""

    def __init__(self, states: MemberStates, camera: Camera, size: tuple[int, int]) -> None:
        self._states, self._camera, self._size = states, camera, size
        self._surface = Surface(states)
        self._rotation = rotations(states.quaternion)
        self._cast = None
        if camera.projection == "perspective":
            self._cast = MujocoBoxes(states.half_size.max(axis=0))
        self._supersample = 2
        self._markers = [
            small_debris(camera, size, self._boxes(k), self._debris())
            for k in range(len(states.time))
        ]

    def _debris(self) -> np.ndarray:
        return self._states.present & (self._states.kind == DEBRIS)

    def _boxes(self, frame: int) -> Boxes:
        return Boxes(self._states.position[frame], self._rotation[frame],
                     self._states.half_size[frame])

    def _scene(self, frame: int) -> Scene:
        drawn = self._states.present.copy()
        drawn[[marker.body for marker in self._markers[frame]]] = False
        if self._cast is not None:
            self._cast.pose(self._states.position[frame], self._states.quaternion[frame],
                            self._states.half_size[frame], drawn)
        return Scene(self._boxes(frame), drawn, self._cast)

    def expose(self, layers: dict[str, np.ndarray], advance: Callable[[float], None]) -> None:
        """Fill rgb (frame, row, column, 3) and, where given, depth and segmentation."""
        frames = len(self._states.time)
        exact = "depth" in layers or "segmentation" in layers
        near = np.empty((frames, *self._size), dtype=np.float32)
        label = np.empty((frames, *self._size), dtype=np.int16)
        blocks = self._row_blocks()
        for number, rows in enumerate(blocks):
            inside = slice(*rows)
            fine = self._band(rows, self._supersample)
            centre = self._band(rows, 1) if exact and self._supersample != 1 else None
            for k in range(frames):
                scene = self._scene(k)
                hits = fine.see(self._surface.fields[k], scene)
                colour = self._colour(fine, hits, scene)
                layers["rgb"][k, inside] = _to_pixels(colour, fine)
                near[k, inside] = _centre_samples(hits.distance, fine)
                if centre is not None:
                    exactly = centre.see(self._surface.fields[k], scene)
                    near[k, inside] = exactly.distance.reshape(centre.shape)
                    label[k, inside] = _labels(exactly, centre)
                advance((number * frames + k + 1) / len(blocks))
        for k in range(frames):
            for marker in self._markers[k]:
                _stamp(marker, self._states.colour[marker.body], layers["rgb"][k], near[k],
                       label[k])
        if "depth" in layers:
            layers["depth"][:] = near
        if "segmentation" in layers:
            layers["segmentation"][:] = label

    def _row_blocks(self) -> list[tuple[int, int]]:
        per_row = self._size[1] * self._supersample**2
        height = max(1, SAMPLES_PER_BAND // per_row)
        return [(row, min(row + height, self._size[0])) for row in range(0, self._size[0], height)]

    def _band(self, rows: tuple[int, int], supersample: int) -> Band:
        return Band(self._camera, self._size, rows, supersample, self._surface.grid,
                    self._surface.ground)

    def _colour(self, band: Band, hits: Hits, scene: Scene) -> np.ndarray:
        """Colour (3, n) of every sample."""
        perspective = self._camera.projection == "perspective"
        wet = shading.ramp(hits.surface[CHANNELS.index("wet")], 0.3, 0.7)
        water = hits.surface[CHANNELS.index("red") :]
        if perspective:
            water = shading.mix(water, shading.rgb(shading.REFLECTED_SKY), band.mirrored)
        colour = shading.mix(band.ground_colour, water, wet)
        shaded = band.shaded(hits, scene)
        dark = np.flatnonzero(shaded & (hits.body < 0))
        colour[:, dark] *= shading.mix(
            band.ground_in_shade[dark], np.float32(shading.WATER_IN_SHADE), wet[dark]
        )
        at = np.flatnonzero(hits.body >= 0)
        light = shading.brightness_of_face(hits.normal[at], ~shaded[at])
        colour[:, at] = self._states.colour[hits.body[at]].T * light
        if perspective:
            colour = shading.haze(colour, np.minimum(hits.distance, np.float32(1e6)))
            sky = np.flatnonzero(np.isinf(hits.distance))
            colour[:, sky] = shading.sky_colour(band.upward[sky])
        return colour


def _to_pixels(colour: np.ndarray, band: Band) -> np.ndarray:
    """Mean colour of each pixel's samples: (rows, columns, 3) uint8 from (3, n)."""
    n = band.supersample
    samples = colour.reshape(3, *band.shape)
    total = np.zeros((3, band.shape[0] // n, band.shape[1] // n), dtype=np.float32)
    for i in range(n):
        for j in range(n):
            total += samples[:, i::n, j::n]
    mean = np.clip(total * np.float32(1.0 / (n * n)) + np.float32(0.5), 0, 255)
    return np.moveaxis(mean.astype(np.uint8), 0, -1)


def _centre_samples(values: np.ndarray, band: Band) -> np.ndarray:
    n = band.supersample
    return values.reshape(band.shape)[n // 2 :: n, n // 2 :: n]


def _labels(hits: Hits, band: Band) -> np.ndarray:
    surface = np.where(hits.surface[CHANNELS.index("wet")] > 0.5, np.int16(WATER), np.int16(GROUND))
    label = np.where(np.isfinite(hits.distance), surface, np.int16(SKY))
    return np.where(hits.body >= 0, hits.body, label).reshape(band.shape)


def _stamp(marker: Marker, colour: np.ndarray, rgb: np.ndarray, near: np.ndarray,
           label: np.ndarray) -> None:
    """Draw a disc unless something hides the body's centre."""
    rows, columns = near.shape
    centre = (min(max(int(marker.row), 0), rows - 1), min(max(int(marker.column), 0), columns - 1))
    touched = coverage(marker, (rows, columns))
    if touched is None or near[centre] < marker.depth - marker.reach:
        return
    block, share = touched
    behind = rgb[block].astype(np.float32)
    rgb[block] = (behind + (colour - behind) * share[..., None] + np.float32(0.5)).astype(np.uint8)
    mostly = share > 0.5
    near[block][mostly] = marker.depth
    label[block][mostly] = marker.body
