"""Whose track is whose: the tracks of a video, given to the true objects.

In the known frames tracks are given by place and colour, one for one (Kuhn 1955). Where a track
ends for good, or an object had none to begin with, a free track that begins later in the object's
colour takes over: the earliest first, of equally early ones the nearest to where the object was
last. Nothing depends on the order in which objects are numbered.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import xarray as xr
from scipy.optimize import linear_sum_assignment

COLOUR_WEIGHT = 0.5
"""Of a colour difference of 255, beside a distance of the picture's width, when tracks are given to
objects at the start. Who continues the known frames has both right; who does not is matched by
place first, colour second."""

ALIKE = 40.0
"""Of 255: colours nearer than this may be the same object's, seen again."""


@dataclasses.dataclass(frozen=True)
class _Member:
    """Tracks of one video beside the objects that the truth shows.

    place : (time, track, 2) px. seen : (time, track). colour : (track, 3).
    true_place : (time, object, 2) px, NaN where it is not shown. true_colour : (object, 3).
    """

    place: np.ndarray
    seen: np.ndarray
    colour: np.ndarray
    true_place: np.ndarray
    true_colour: np.ndarray

    @property
    def shown(self) -> np.ndarray:
        """(time, object) bool."""
        return np.isfinite(self.true_place).all(axis=-1)


def owners(tracks: xr.Dataset, state: xr.Dataset, context: int,
           pitch: float) -> tuple[np.ndarray, np.ndarray]:
    """Which track shows each object, in each frame.

    Parameters
    ----------
    tracks : as `worldsim.instruments.track` gives them.
    state : ``objects`` of the truth; its realization 0 gave the known frames.
    context : number of known frames, at least 1. pitch : m per px.

    Returns
    -------
    (case, realization, time, object) number of the track, or -1; and (case, realization, object)
    how often another track had to take over.
    """
    seen = tracks["seen"].values
    cases, realizations, frames, _ = seen.shape
    slots = state.sizes["object"]
    owner = np.full((cases, realizations, frames, slots), -1)
    breaks = np.zeros((cases, realizations, slots), int)
    there = state["position"].values[:, 0]
    rows, columns = tracks.attrs["rows"], tracks.attrs["columns"]
    true_place = np.stack([rows / 2 - there[..., 1] / pitch, columns / 2 + there[..., 0] / pitch],
                          axis=-1)
    true_place = np.where(state["seen"].values[:, 0][..., None], true_place, np.nan)
    for case, member in np.ndindex(cases, realizations):
        one = _Member(tracks["position"].values[case, member], seen[case, member],
                      tracks["colour"].values[case, member], true_place[case],
                      state["colour"].values[case])
        held = _begin(one, context, columns)
        for slot, track in held.items():
            owner[case, member, one.seen[:, track], slot] = track
        breaks[case, member] = _take_over(one, held, owner[case, member])
    return owner, breaks


def _begun(seen: np.ndarray) -> np.ndarray:
    """(track,) the first frame in which each is seen; the number of frames if in none."""
    return np.where(seen.any(axis=0), seen.argmax(axis=0), len(seen))


def _begin(one: _Member, context: int, columns: int) -> dict[int, int]:
    """{object: track} of those shown in the known frames."""
    known = slice(0, context)
    present = np.flatnonzero(one.shown[known].any(axis=0))
    tracks = np.flatnonzero(_begun(one.seen) < context)
    true, own = one.true_place[known][:, present], one.place[known][:, tracks]
    gap = np.linalg.norm(true[:, :, None] - own[:, None], axis=-1)
    # Who is seen in some known frames only is judged by these; who is never seen when the object is
    # shown by where both are on average, and counts as a picture's width further away.
    there = np.isfinite(gap)
    distance = np.where(there, gap, 0).sum(0) / np.maximum(there.sum(0), 1)
    apart = np.linalg.norm(_mean(true)[:, None] - _mean(own)[None], axis=-1)
    distance = np.where(there.any(0), distance, apart + columns)
    unlike = np.linalg.norm(one.true_colour[present][:, None] - one.colour[tracks][None], axis=-1)
    cost = distance / columns + COLOUR_WEIGHT * np.nan_to_num(unlike) / 255
    return {int(present[row]): int(tracks[column])
            for row, column in zip(*linear_sum_assignment(cost), strict=True)}


def _mean(place: np.ndarray) -> np.ndarray:
    """(n, 2) mean of (time, n, 2) where it is not NaN."""
    known = np.isfinite(place)
    return np.asarray(np.where(known, place, 0).sum(0) / np.maximum(known.sum(0), 1))


def _take_over(one: _Member, held: dict[int, int], owner: np.ndarray) -> np.ndarray:
    """Give later tracks to objects whose own has ended, in place; (object,) how often."""
    begun = _begun(one.seen)
    breaks = np.zeros(owner.shape[1], int)
    colour, last, place = {}, {}, {}
    for slot in np.flatnonzero(one.shown.any(axis=0)):
        track = held.get(int(slot))
        colour[slot] = one.true_colour[slot] if track is None else one.colour[track]
        last[slot] = -1 if track is None else int(np.flatnonzero(one.seen[:, track])[-1])
        place[slot] = (one.true_place[one.shown[:, slot].argmax(), slot] if track is None
                       else one.place[last[slot], track])
    free = set(np.flatnonzero(one.seen.any(axis=0)).tolist()) - set(held.values())
    while True:
        heirs = [
            (int(begun[track]), float(np.linalg.norm(one.place[begun[track], track] - place[slot])),
             slot, track)
            for slot in last for track in free
            if begun[track] > last[slot]
            and np.linalg.norm(one.colour[track] - colour[slot]) < ALIKE
        ]
        if not heirs:
            return breaks
        _, _, slot, track = min(heirs)
        owner[one.seen[:, track], slot] = track
        breaks[slot] += last[slot] >= 0
        last[slot] = int(np.flatnonzero(one.seen[:, track])[-1])
        place[slot] = one.place[last[slot], track]
        free.discard(track)
