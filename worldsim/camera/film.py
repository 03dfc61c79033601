"""One member's video."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from worldsim.camera import shading
from worldsim.camera.boxes import Boxes
from worldsim.camera.crew import Crew
from worldsim.camera.detail import facade, visibility
from worldsim.camera.markers import small_debris, stamp, visible
from worldsim.camera.people import draw, strokes
from worldsim.camera.projection import Camera
from worldsim.camera.states import DEBRIS, STOREY, WORK, MemberStates
from worldsim.camera.surface import Surface
from worldsim.camera.tracing import Band, BodyHits, band_of
from worldsim.camera.view import view_of
from worldsim.simulator.rotation import rotation_matrices

SKY, GROUND, WATER = -1, -2, -3
"""Values of the segmentation layer besides the index of a body and `PERSON`."""

SUPERSAMPLE = 2
"""Samples per pixel and direction."""

SAMPLES_PER_BAND = 32_768
"""Rows of a picture are rendered in bands of about so many samples, which bounds memory."""

BANDS_TOGETHER = 64
"""Bands of a picture that are kept at a time."""

FRAMES_TOGETHER = 16
"""Frames traced at once: what they share is found once."""


@dataclass(frozen=True)
class Take:
    """Some consecutive frames: their surface, boxes and the boxes that are drawn as such,
    (frame, body)."""

    frames: slice
    surface: Surface
    boxes: Boxes
    drawn: np.ndarray


class Film:
    """One member's video."""

    def __init__(self, states: MemberStates, camera: Camera, size: tuple[int, int]) -> None:
        self._states, self._camera, self._size = states, camera, size
        self._boxes = Boxes(states.position, rotation_matrices(states.quaternion),
                            states.half_size)
        self._markers = small_debris(
            camera, size, self._boxes, states.shown & (states.kind == DEBRIS)
        )
        self._people = strokes(states.people, camera, size)
        self._drawn = states.shown.copy()
        self._drawn[self._markers.frame, self._markers.body] = False

    def _take(self, start: int) -> Take:
        frames = slice(start, min(start + FRAMES_TOGETHER, len(self._states.time)))
        boxes = Boxes(self._boxes.position[frames], self._boxes.rotation[frames],
                      self._boxes.half_size[frames])
        return Take(frames, Surface(self._states, frames), boxes, self._drawn[frames])

    def expose(self, layers: dict[str, np.ndarray], crew: Crew,
               advance: Callable[[float], None]) -> None:
        """Fill rgb (frame, row, column, 3) and, where given, depth and segmentation.

        The work is shared out among the `crew`: each pixel is the work of one, so that their
        number does not change it.
        """
        frames = len(self._states.time)
        near = np.empty((frames, *self._size), dtype=np.float32)
        takes = list(crew(self._take, range(0, frames, FRAMES_TOGETHER)))
        blocks = self._row_blocks()
        exact = layers.keys() & {"depth", "segmentation"}
        scales = (SUPERSAMPLE, 1) if exact else (SUPERSAMPLE,)

        def bands(rows: tuple[int, int]) -> list[Band]:
            surface = takes[0].surface
            return [
                band_of(view_of(self._camera, self._size, rows, scale, surface.grid),
                        surface.ground)
                for scale in scales
            ]

        def shoot(task: tuple[list[Band], Take]) -> None:
            self._shoot(*task, layers, near)

        done = 0
        for first in range(0, len(blocks), BANDS_TOGETHER):
            ready = list(crew(bands, blocks[first : first + BANDS_TOGETHER]))
            for _, take in zip(crew(shoot, itertools.product(ready, takes)),
                               itertools.cycle(takes), strict=False):
                done += take.frames.stop - take.frames.start
                advance(done / len(blocks))
        shown = self._markers.chosen(visible(self._markers, near))
        stamp(shown, layers, self._states.colour)
        draw(self._people, layers, near)

    def _shoot(self, bands: list[Band], take: Take, layers: dict[str, np.ndarray],
               near: np.ndarray) -> None:
        """Fill some rows of some frames, and how `near` what they see is."""
        fine = bands[0]
        here = take.frames, slice(*fine.view.rows)
        seen = self._see(fine, take)
        layers["rgb"][here] = _to_pixels(self._colour(fine, take, seen), fine)
        near[here] = _farthest_sample(seen.distance, fine)
        for centre in bands[1:]:
            exactly = self._see(centre, take)
            found = {
                "depth": exactly.distance.numpy(),
                "segmentation": _labels(exactly, self._states.kind),
            }
            for name in layers.keys() & found.keys():
                layer = layers[name][here]
                layer[:] = found[name].reshape(layer.shape)

    def _row_blocks(self) -> list[tuple[int, int]]:
        per_row = self._size[1] * SUPERSAMPLE**2
        height = max(1, SAMPLES_PER_BAND // per_row)
        return [(row, min(row + height, self._size[0])) for row in range(0, self._size[0], height)]

    def _see(self, band: Band, take: Take) -> Seen:
        distance, looks = band.see_surface(take.surface.heights, take.surface.looks)
        bodies = band.see_bodies(distance, take.boxes, take.drawn, take.surface.blocked)
        return Seen(distance, looks, bodies)

    def _colour(self, band: Band, take: Take, seen: Seen) -> torch.Tensor:
        """Colour (frame, 3, n) of every sample."""
        perspective = self._camera.projection == "perspective"
        wet, colour = shading.ramp_(seen.looks[:, :1], 0.3, 0.7), seen.looks[:, 1:]
        if perspective:
            mirrored = torch.from_numpy(shading.mirrored_share(band.view.upward))
            sky = torch.from_numpy(shading.rgb(shading.REFLECTED_SKY)) * mirrored
            colour.mul_(1.0 - mirrored).add_(sky)
        colour.sub_(band.ground_colour).mul_(wet).add_(band.ground_colour)
        shaded = band.shaded(seen.distance, take.boxes, take.drawn)
        in_shade = np.zeros(seen.distance.numel(), dtype=bool)
        in_shade[shaded] = True
        frame, at = np.divmod(shaded, len(band.view))
        shade = shading.mix(band.ground_in_shade[at], np.float32(shading.WATER_IN_SHADE),
                            wet.numpy()[frame, 0, at])
        hits = seen.bodies
        light = shading.brightness_of_face(hits.normal.T, ~in_shade[hits.at])
        light = light * self._facades(band, take, seen)
        paint = self._states.colour[hits.body].T * light
        on_bodies = hits.at - hits.frame * len(band.view)
        for channel, brush in zip(colour.numpy().swapaxes(0, 1), paint, strict=True):
            channel[frame, at] *= shade
            channel[hits.frame, on_bodies] = brush
        if perspective:
            self._through_air(band, seen.distance, colour)
        return colour

    def _through_air(self, band: Band, distance: torch.Tensor, colour: torch.Tensor) -> None:
        """Add haze and sky to `colour` (frame, 3, n) of what is at `distance` (frame, n)."""
        for far in band.hazy:
            colour[:, :, far] = shading.haze(colour[:, :, far], distance[:, None, far])
        for up in band.view.skies:
            sky = torch.from_numpy(shading.sky_colour(band.view.upward[up]))
            is_sky = torch.isinf(distance[:, None, up])
            colour[:, :, up] = torch.where(is_sky, sky, colour[:, :, up])

    def _facades(self, band: Band, take: Take, seen: Seen) -> np.ndarray:
        """Relative brightness (m,) of the samples that see bodies."""
        hits, boxes = seen.bodies, take.boxes
        factor = np.ones(len(hits.at), dtype=np.float32)
        # A face can be somewhat nearer than its body's centre: hence twice.
        nearest = 2 * self._camera.pixels_per_metre(boxes.position, self._size)
        if not np.any(visibility(nearest[take.drawn])):
            return factor
        at = hits.at - hits.frame * len(band.view)
        distance = seen.distance.view(-1).numpy()[hits.at]
        points = band.view.points(torch.from_numpy(at), torch.from_numpy(distance))
        shown = band.view.detail(points)
        near = np.flatnonzero((shown > 0) & (self._states.kind[hits.body] == STOREY))
        which = hits.frame[near], hits.body[near]
        offset = points.numpy().T[near] - boxes.position[which]
        rotation = boxes.rotation[which]
        local = np.einsum("ni,nij->nj", offset, rotation)
        normal = np.einsum("in,nij->nj", hits.normal[:, near], rotation)
        relief = facade(local, boxes.half_size[which], normal)
        factor[near] = shading.mix(factor[near], relief, shown[near])
        return factor


@dataclass(frozen=True)
class Seen:
    """What the samples of a band see in some frames: ``distance`` (frame, n) [m], infinite for
    the sky; ``looks`` (frame, channel, n) of `Surface` where the ray meets ground or water, or
    would behind a body; the samples that see ``bodies``."""

    distance: torch.Tensor
    looks: torch.Tensor
    bodies: BodyHits


def _to_pixels(colour: torch.Tensor, band: Band) -> np.ndarray:
    """Mean colour of each pixel's samples: (frame, rows, columns, 3) uint8 from (frame, 3, n)."""
    places, rows, columns = band.view.shape
    samples = colour.view(-1, 3, places, rows * columns)
    total = samples[:, :, 0].clone()
    for place in range(1, places):
        total += samples[:, :, place]
    mean = total.mul_(1.0 / places).add_(0.5).clamp_(0, 255).to(torch.uint8)
    return mean.view(-1, 3, rows, columns).permute(0, 2, 3, 1).numpy()


def _farthest_sample(distance: torch.Tensor, band: Band) -> np.ndarray:
    """(frame, rows, columns) from (frame, n): how far each pixel lets one see."""
    return distance.view(-1, *band.view.shape).amax(dim=1).numpy()


def _labels(seen: Seen, kind: np.ndarray) -> np.ndarray:
    """(frame, n) int16; walls and trees, which are no bodies, count as ground."""
    surface = np.where(seen.looks[:, 0].numpy() > 0.5, np.int16(WATER), np.int16(GROUND))
    label = np.where(np.isfinite(seen.distance.numpy()), surface, np.int16(SKY))
    body = seen.bodies.body
    label.reshape(-1)[seen.bodies.at] = np.where(kind[body] == WORK, GROUND, body)
    return label
