"""One member's video, frame by frame."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from worldsim.camera import shading
from worldsim.camera.boxes import Boxes, MujocoBoxes
from worldsim.camera.detail import facade, visibility
from worldsim.camera.markers import Marker, coverage, hidden, small_debris
from worldsim.camera.projection import Camera
from worldsim.camera.states import DEBRIS, STOREY, MemberStates, rotations
from worldsim.camera.surface import CHANNELS, Surface
from worldsim.camera.tracing import Band, Hits, Scene

SKY, GROUND, WATER = -1, -2, -3
"""Values of the segmentation layer besides the index of a body."""

SUPERSAMPLE = 2
"""Samples per pixel and direction."""

SAMPLES_PER_BAND = 60_000
"""Rows of a picture are rendered in bands of about so many samples, which bounds memory."""


class Film:
    """One member's video."""

    def __init__(self, states: MemberStates, camera: Camera, size: tuple[int, int]) -> None:
        self._states, self._camera, self._size = states, camera, size
        self._surface = Surface(states)
        self._rotation = rotations(states.quaternion)
        self._cast = None
        if camera.projection == "perspective":
            self._cast = MujocoBoxes(states.half_size.max(axis=0))
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
        exact = [name for name in ("depth", "segmentation") if name in layers]
        near = np.empty((frames, *self._size), dtype=np.float32)
        blocks = self._row_blocks()
        for number, rows in enumerate(blocks):
            inside = slice(*rows)
            fine = self._band(rows, SUPERSAMPLE)
            centre = self._band(rows, 1) if exact else None
            for k in range(frames):
                scene = self._scene(k)
                hits = fine.see(self._surface.fields[k], scene)
                layers["rgb"][k, inside] = _to_pixels(self._colour(fine, hits, scene), fine)
                near[k, inside] = _farthest_sample(hits.distance, fine)
                if centre is not None:
                    exactly = centre.see(self._surface.fields[k], scene)
                    seen = {"depth": exactly.distance, "segmentation": _labels(exactly)}
                    for name in exact:
                        layers[name][k, inside] = seen[name].reshape(centre.shape)
                advance((number * frames + k + 1) / len(blocks))
        for k in range(frames):
            for marker in self._markers[k]:
                self._stamp(marker, {name: layer[k] for name, layer in layers.items()}, near[k])

    def _stamp(self, marker: Marker, layers: dict[str, np.ndarray], near: np.ndarray) -> None:
        """Draw a disc into one frame unless the scene hides the body."""
        touched = coverage(marker, self._size)
        if touched is None or hidden(marker, near):
            return
        block, share = touched
        behind = layers["rgb"][block].astype(np.float32)
        colour = self._states.colour[marker.body]
        layers["rgb"][block] = (
            shading.mix(behind, colour, share[..., None]) + np.float32(0.5)
        ).astype(np.uint8)
        for name, value in (("depth", marker.depth), ("segmentation", marker.body)):
            if name in layers:
                layers[name][block][share > 0.5] = value

    def _row_blocks(self) -> list[tuple[int, int]]:
        per_row = self._size[1] * SUPERSAMPLE**2
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
        light = light * self._facades(band, hits, scene, at)
        colour[:, at] = self._states.colour[hits.body[at]].T * light
        if perspective:
            colour = shading.haze(colour, np.minimum(hits.distance, np.float32(1e6)))
            sky = np.flatnonzero(np.isinf(hits.distance))
            colour[:, sky] = shading.sky_colour(band.upward[sky])
        return colour


    def _facades(self, band: Band, hits: Hits, scene: Scene, at: np.ndarray) -> np.ndarray:
        """Relative brightness (m,) of the samples `at` (m,), which see bodies."""
        factor = np.ones(len(at), dtype=np.float32)
        # A face can be somewhat nearer than its body's centre: hence twice.
        nearest = 2 * self._camera.pixels_per_metre(scene.boxes.position, self._size)
        if not np.any(visibility(nearest[scene.drawn])):
            return factor
        shown = band.detail(at, hits.distance[at])
        near = np.flatnonzero((shown > 0) & (self._states.kind[hits.body[at]] == STOREY))
        seen = at[near]
        body = hits.body[seen]
        offset = band.points(seen, hits.distance[seen]).T - scene.boxes.position[body]
        rotation = scene.boxes.rotation[body]
        local = np.einsum("ni,nij->nj", offset, rotation)
        normal = np.einsum("ni,nij->nj", hits.normal[seen], rotation)
        relief = facade(local, scene.boxes.half_size[body], normal)
        factor[near] = shading.mix(factor[near], relief, shown[near])
        return factor


def _to_pixels(colour: np.ndarray, band: Band) -> np.ndarray:
    """Mean colour of each pixel's samples: (rows, columns, 3) uint8 from (3, n)."""
    n = band.supersample
    samples = colour.reshape(3, *band.shape)
    total = np.zeros((3, band.shape[0] // n, band.shape[1] // n), dtype=np.float32)
    for i, j in itertools.product(range(n), repeat=2):
        total += samples[:, i::n, j::n]
    mean = np.clip(total * np.float32(1.0 / (n * n)) + np.float32(0.5), 0, 255)
    return np.moveaxis(mean.astype(np.uint8), 0, -1)


def _farthest_sample(distance: np.ndarray, band: Band) -> np.ndarray:
    """(rows, columns) from (n,): how far each pixel lets one see."""
    n = band.supersample
    samples = distance.reshape(band.shape)
    farthest = samples[::n, ::n].copy()
    for i, j in itertools.product(range(n), repeat=2):
        np.maximum(farthest, samples[i::n, j::n], out=farthest)
    return farthest


def _labels(hits: Hits) -> np.ndarray:
    surface = np.where(hits.surface[CHANNELS.index("wet")] > 0.5, np.int16(WATER),
                       np.int16(GROUND))
    label = np.where(np.isfinite(hits.distance), surface, np.int16(SKY))
    return np.where(hits.body >= 0, hits.body, label)
