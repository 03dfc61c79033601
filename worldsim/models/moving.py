"""What moves in the first frames of a video, cut out of them, so that it can be moved on.

Objects are those that the instruments follow (`worldsim.instruments.tracks`): of saturated colour
before a dull backdrop. Each goes on in a straight line, at the velocity that a least-squares line
through its places in the given frames has, with its own pixels, in front of all else; it does not
turn, and leaves where it reaches the picture's edge. Where it was, the picture shows what other
frames showed there, or else what is nearest.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage

from worldsim.instruments.amodal import amodal
from worldsim.instruments.linking import link
from worldsim.instruments.mattes import Mattes
from worldsim.instruments.tracks import ColourTracker
from worldsim.instruments.wetness import wet_mask

STILL = 0.15
"""px over all given frames; what moves less stands still."""

EXACT = 0.03
"""px, to which the place of an object that is seen whole is read."""

WHOLE = 0.97
"""Visible share from which on an object is seen whole: areas are read to some percent."""

SURE = 3.0
"""Standard errors from which on a velocity is one."""

ALMOST = 0.05
"""Visible share by which an earlier frame must show more of an object to be the one cut from."""

_AROUND = np.ones((3, 3), dtype=bool)


@dataclasses.dataclass(frozen=True)
class Cutout:
    """A moving object.

    layer : (row, column, [red, green, blue, share]) float, colours times the share that it covers.
    corner : ([row, column]) px, the layer's first pixel in the last given frame.
    velocity : ([row, column]) px per frame. visible : share of it seen in the last frame.
    """

    layer: np.ndarray
    corner: np.ndarray
    velocity: np.ndarray
    visible: float


@dataclasses.dataclass(frozen=True)
class MovingPicture:
    """The last of some frames, taken apart.

    background : (row, column, 3) uint8, without the moving objects.
    moving : what moves, in the order in which it is painted.
    still : (row, column) bool, where objects stand still.
    """

    background: np.ndarray
    moving: tuple[Cutout, ...]
    still: np.ndarray

    def after(self, frames: int, background: np.ndarray | None = None) -> np.ndarray:
        """(frames, row, column, 3) uint8: what follows on the last given frame.

        background : (frames, row, column, 3) uint8, if it changes.
        """
        plain = np.broadcast_to(self.background, (frames, *self.background.shape))
        video = np.array(plain if background is None else background)
        if not self.moving:
            return video
        for step, frame in enumerate(video, start=1):
            canvas = frame.astype(np.float64)
            for cutout in self.moving:
                paste(canvas, cutout.layer, cutout.corner + step * cutout.velocity)
            frame[:] = np.rint(canvas).clip(0, 255).astype(np.uint8)
        return video


def take_apart(frames: np.ndarray, water: bool = False,
               tracker: ColourTracker = ColourTracker()) -> MovingPicture:
    """Find what moves in frames (time, row, column, 3) uint8, and cut it out.

    water : whether what has the colour of water is no object.
    """
    nothing = np.zeros(frames.shape[1:3], dtype=bool)
    if len(frames) < 2:
        return MovingPicture(frames[-1], (), nothing)
    mattes, blobs, kinds = tracker.objects(frames)
    blob, look = link(blobs, kinds, len(frames), tracker.linking)
    if water:
        colour = mattes.looks.colour.numpy()[look].astype(np.uint8)
        solid = ~wet_mask(colour[:, None, None]).reshape(len(look))
        blob, look = blob[:, solid], look[solid]
    position, whole = amodal(blobs, blob, look, mattes, kinds)
    seen = np.isfinite(position).all(axis=-1)
    area = np.where(seen, blobs.area[np.maximum(blob, 0)] if len(blobs) else 0.0, 0.0)
    with np.errstate(invalid="ignore"):
        visible = np.nan_to_num(np.minimum(area / whole, 1.0))
    speeds, error = _velocities(position, visible, np.sqrt(whole / np.pi))
    size = np.linalg.norm(speeds, axis=-1)
    moves = (size * (len(frames) - 1) > STILL) & (size > SURE * error)

    own = np.zeros((2, *frames.shape[:3]), dtype=bool)  # pixels of what stands, of what moves
    for number, moving in enumerate(moves):
        for frame in np.flatnonzero(seen[:, number]):
            own[int(moving), frame] |= blobs.labels[frame] == blob[frame, number] + 1
    if not moves.any():
        return MovingPicture(frames[-1], (), own[0, -1])
    covered = ndimage.binary_dilation(own[1], structure=_AROUND[None])
    behind = _behind(frames, covered)
    cutouts = []
    for number in map(int, np.flatnonzero(moves)):
        share = visible[:, number]
        best = int(np.flatnonzero(seen[:, number] & (share >= share.max() - ALMOST))[-1])
        mask = blobs.labels[best] == blob[best, number] + 1
        layer, corner = _cut(frames[best], behind, mask, mattes, best)
        corner += (len(frames) - 1 - best) * speeds[number]
        cutouts.append(Cutout(layer, corner, speeds[number], float(share[-1])))
    # What is seen whole is in front of what is not.
    cutouts.sort(key=lambda cutout: cutout.visible)
    last_frame = np.where(covered[-1][..., None], behind, frames[-1])
    return MovingPicture(last_frame, tuple(cutouts), own[0, -1])


def _velocities(position: np.ndarray, visible: np.ndarray,
                radius: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes (object, [row, column]) px per frame of weighted least squares, and their standard
    errors (object,); zero and infinite where an object is seen once only.

    A place is read to `EXACT`. The centre of what is hidden by a share h of its area is off by up
    to h / (1 - h) radii, where that much of its rim is cut off; half of that counts as its error.

    Parameters
    ----------
    position : (time, object, 2). visible, radius : (time, object) share, px.
    """
    known = np.isfinite(position).all(axis=-1)
    hidden = np.clip(WHOLE - visible, 0.0, 0.9)
    spread = np.hypot(EXACT, hidden / (1 - hidden) / 2 * np.nan_to_num(radius))
    weight = np.where(known, spread**-2, 0.0)[..., None]
    total = np.maximum(weight.sum(axis=0), 1e-12)
    time = np.arange(len(position), dtype=float)[:, None, None]
    filled = np.where(known[..., None], position, 0.0)
    late = time - (weight * time).sum(axis=0) / total
    bottom = (weight * late**2).sum(axis=0)
    enough = known.sum(axis=0) >= 2
    safe = np.where(enough[:, None], np.maximum(bottom, 1e-12), 1.0)
    speeds = np.where(enough[:, None], (weight * late * filled).sum(axis=0) / safe, 0.0)
    return speeds, np.where(enough, safe[:, 0] ** -0.5, np.inf)


def slope(values: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Least-squares slope along axis 0; zero where fewer than two values are known."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    t = time.reshape(-1, *(1,) * (values.ndim - 1)) * known
    filled = np.where(known, values, 0.0)
    safe = np.maximum(count, 1)
    t_mean, v_mean = t.sum(axis=0) / safe, filled.sum(axis=0) / safe
    top = ((t - t_mean * known) * (filled - v_mean * known)).sum(axis=0)
    bottom = ((t - t_mean * known) ** 2).sum(axis=0)
    return np.where((count >= 2) & (bottom > 0), top / np.where(bottom > 0, bottom, 1.0), 0.0)


def _behind(frames: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """(row, column, 3) uint8: median of each pixel over the frames in which it is not covered;
    where it always is, what is nearest."""
    free = ~covered
    shown = np.ma.masked_array(frames, np.broadcast_to(covered[..., None], frames.shape))
    median = np.rint(np.ma.median(shown, axis=0).filled(0)).astype(np.uint8)
    never = ~free.any(axis=0)
    if not never.any() or never.all():
        return frames[-1] if never.all() else median
    row, column = ndimage.distance_transform_edt(
        never, return_distances=False, return_indices=True
    )
    return median[row, column]


def _cut(frame: np.ndarray, behind: np.ndarray, mask: np.ndarray, mattes: Mattes,
         number: int) -> tuple[np.ndarray, np.ndarray]:
    """The layer of an object in a frame, and the layer's corner, from the object's pixels (row,
    column) bool."""
    # Colour tells how much of a pixel is covered only at the edge; inside, all of it is.
    inside = ndimage.binary_erosion(mask, structure=_AROUND, border_value=1)
    share = np.where(inside, 1.0, mattes.share[number].numpy()) * mask
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    share = share[box][..., None]
    own = (frame[box] - (1 - share) * behind[box]) * (share > 0)
    return np.concatenate([own, share], axis=-1), np.array([rows[0], columns[0]], dtype=float)


def paste(canvas: np.ndarray, layer: np.ndarray, corner: np.ndarray) -> None:
    """Lay a layer over a canvas (row, column, 3) float with its corner at fractional pixels, in
    place: each of its pixels is spread over the four that it falls on, so that centre and area
    stay."""
    whole = np.floor(corner).astype(int)
    down, right = corner - whole
    tall, wide = layer.shape[:2]
    spread = np.zeros((tall + 1, wide + 1, 4))
    for row, up_share in ((0, 1 - down), (1, down)):
        for column, left_share in ((0, 1 - right), (1, right)):
            spread[row : row + tall, column : column + wide] += up_share * left_share * layer
    first = np.maximum(whole, 0)
    last = np.minimum(whole + spread.shape[:2], canvas.shape[:2])
    if (last <= first).any():
        return
    part = spread[first[0] - whole[0] : last[0] - whole[0],
                  first[1] - whole[1] : last[1] - whole[1]]
    at = slice(first[0], last[0]), slice(first[1], last[1])
    canvas[at] = part[..., :3] + (1 - part[..., 3:]) * canvas[at]
