"""Matching: which track is which part of the truth, and how far off the tracks are.

Everything here takes tracks, as `worldsim.instruments.track` reads them, and a state, as
`worldsim.instruments.mechanics_state` computes it for the same members, camera, size and times.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import xarray as xr
from scipy.optimize import linear_sum_assignment

NEAR = 3.0
"""px, plus half the object's extent: farther than this from a part, a track is not on it."""


@dataclasses.dataclass(frozen=True)
class Interest:
    """At which instants a part is judged: share of it that is visible, and least extent, px."""

    visible: float = 0.75
    extent: float = 4.0

    def of(self, state: xr.Dataset) -> np.ndarray:
        """(case, realization, time, part) bool."""
        tall = state["extent"].values.min(axis=-1)
        with np.errstate(invalid="ignore"):
            return (state["visible"].values >= self.visible) & (tall >= self.extent)


@dataclasses.dataclass(frozen=True)
class TrackErrors:
    """Errors of tracks at the instants of interest, over all members.

    position : (n,) px, wherever a track is on a part (`followed`).
    velocity : (m,) px/s, likewise, but for the frames next to a contact of the part, where there
        are two velocities. speed_range : (m,) px/s, from 0 to the greatest speed of that part in
        its member.
    missed : share of the instants at which no track is on the part.
    strays : tracks that are on no part, all members together. tracks : tracks in all.
    switches : times that another track takes over a part, but for a track that it takes from a
        part of the same colour which it just met: nobody can tell these apart. passes : times that
        two parts touch or overlap in the picture: the occasions for it.
    """

    position: np.ndarray
    velocity: np.ndarray
    speed_range: np.ndarray
    missed: float
    strays: int
    tracks: int
    switches: int
    passes: int


def matched(tracks: xr.Dataset, state: xr.Dataset) -> np.ndarray:
    """Which object of `tracks` follows each part.

    One for one, such that the mean distance over the instants at which the part is visible, where
    not being seen counts as `NEAR`, is least (Kuhn 1955); colour does not enter.

    Returns
    -------
    (case, realization, part) int; -1 where none is near.
    """
    cases, realizations, _, slots = state["visible"].shape
    chosen = np.full((cases, realizations, slots), -1)
    for case in range(cases):
        for member in range(realizations):
            gap, limit = _gaps(tracks, state, case, member)
            weight = (state["visible"].values[case, member] > 0.25).astype(float)
            count = weight.sum(axis=0)
            mean = (gap * weight[:, :, None]).sum(axis=0) / np.maximum(count, 1)[:, None]
            cost = np.where(count[:, None] > 0, mean, limit[:, None])
            for part, track in zip(*linear_sum_assignment(cost), strict=True):
                if cost[part, track] < 0.999 * limit[part]:
                    chosen[case, member, part] = track
    return chosen


def _gaps(tracks: xr.Dataset, state: xr.Dataset, case: int,
          member: int) -> tuple[np.ndarray, np.ndarray]:
    """(time, part, track) distance px, at most what still counts as near; and that (part,)."""
    there = state["position"].values[case, member]
    read = tracks["position"].values[case, member]
    extent = np.nan_to_num(state["extent"].values[case, member]).max(axis=(0, 2), initial=0.0)
    near = NEAR + extent / 2
    gap = np.linalg.norm(there[:, :, None] - read[:, None], axis=-1)
    return np.fmin(gap, near[None, :, None]), near


def followed(tracks: xr.Dataset, state: xr.Dataset) -> np.ndarray:
    """Which track is on each part in each frame.

    A track stays with its part as long as it is near; the others are given out anew in each frame,
    one for one, with the least total distance: the correspondences of CLEAR MOT (Bernardin and
    Stiefelhagen 2008, EURASIP J. Image Video Process., 246309).

    Returns
    -------
    (case, realization, time, part) int; -1 where none is near.
    """
    owner = np.full(state["visible"].shape, -1)
    for case, member in np.ndindex(owner.shape[:2]):
        gap, limit = _gaps(tracks, state, case, member)
        near = gap < 0.999 * limit[None, :, None]
        # What is hidden takes the tracks that what hides it leaves.
        behind = (limit * (1 - np.nan_to_num(state["visible"].values[case, member])))[..., None]
        last = np.full(len(limit), -1)
        for frame in range(len(gap)):
            each = np.flatnonzero(last >= 0)
            stays = each[near[frame, each, last[each]]]
            now = np.full(len(limit), -1)
            now[stays] = last[stays]
            free = np.setdiff1d(np.arange(gap.shape[2]), now[stays])
            parts = np.flatnonzero(now < 0)
            cost = np.where(near[frame], gap[frame] + behind[frame], 1e3)[np.ix_(parts, free)]
            for row, column in zip(*linear_sum_assignment(cost), strict=True):
                if cost[row, column] < 1e3:
                    now[parts[row]] = free[column]
            owner[case, member, frame] = now
            last = np.where(now >= 0, now, last)
    return owner


def track_errors(tracks: xr.Dataset, state: xr.Dataset, contacts: xr.Dataset | None = None,
                 interest: Interest = Interest()) -> TrackErrors:
    """How far tracks are off.

    Parameters
    ----------
    contacts : of `worldsim.instruments.contact_state`; velocities next to one are left out.
    """
    owner = followed(tracks, state)
    wanted = interest.of(state)
    calm = ~_beside_contacts(state, contacts)
    read = {name: _taken(tracks[name].values, owner) for name in ("position", "velocity")}
    gap = np.linalg.norm(read["position"] - state["position"].values, axis=-1)
    speed = state["velocity"].values
    off = np.linalg.norm(read["velocity"] - speed, axis=-1)
    fastest = np.where(wanted, np.linalg.norm(speed, axis=-1), 0.0).max(axis=2, keepdims=True)
    on, judged = wanted & np.isfinite(gap), wanted & np.isfinite(off) & calm
    found = int(tracks["found"].values.sum())
    useful = sum(len(np.unique(one[one >= 0])) for row in owner for one in row)
    switches, passes = _identities(owner, state)
    return TrackErrors(
        position=gap[on], velocity=off[judged],
        speed_range=np.broadcast_to(fastest, off.shape)[judged],
        missed=float(1 - on.sum() / wanted.sum()) if wanted.any() else np.nan,
        strays=found - useful, tracks=found, switches=switches, passes=passes,
    )


def _taken(values: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """(case, realization, time, part, …) of (case, realization, time, track, …); NaN for -1."""
    if not values.shape[3]:
        return np.full((*owner.shape, *values.shape[4:]), np.nan)
    at = (*np.ogrid[tuple(slice(n) for n in owner.shape[:3])],)
    taken = values[(*(index[..., None] for index in at), np.maximum(owner, 0))]
    return np.where((owner >= 0).reshape(*owner.shape, *[1] * (taken.ndim - 4)), taken, np.nan)


def _beside_contacts(state: xr.Dataset, contacts: xr.Dataset | None) -> np.ndarray:
    """(case, realization, time, part) bool: frames within one of a contact of the part."""
    beside = np.zeros(state["visible"].shape, dtype=bool)
    times = state["time"].values
    if contacts is None or len(times) < 2:
        return beside
    frame = times[1] - times[0]
    for side in ("object_a", "object_b"):
        for case, member, row in np.argwhere(contacts[side].values >= 0):
            part = contacts[side].values[case, member, row]
            near = np.abs(times - contacts["time"].values[case, member, row]) <= frame
            beside[case, member, near, part] = True
    return beside


RECENT = 5
"""Frames after which two parts that met are no longer taken for one another."""


def _identities(owner: np.ndarray, state: xr.Dataset) -> tuple[int, int]:
    """Times that a part's track changes, and that two parts begin to touch or overlap."""
    switches = passes = 0
    for case, member in np.ndindex(owner.shape[:2]):
        close = _close(state, case, member)
        passes += int(np.triu((close[1:] & ~close[:-1]).sum(axis=0), 1).sum())
        colour = state["colour"].values[case]
        alike = (colour[:, None] == colour[None]).all(axis=-1)
        met = np.full(alike.shape, -np.inf)  # the last frame in which two parts were close
        of_part = np.full(owner.shape[3], -1)
        of_track: dict[int, int] = {}
        for frame in range(owner.shape[2]):
            met[close[frame]] = frame
            for part in np.flatnonzero(owner[case, member, frame] >= 0):
                track = int(owner[case, member, frame, part])
                before = of_track.get(track, -1)
                if of_part[part] not in (-1, track):
                    exchanged = (before >= 0 and alike[part, before]
                                 and frame - met[part, before] <= RECENT)
                    switches += not exchanged
                of_part[part] = track
                of_track[track] = int(part)
    return switches, passes


def _close(state: xr.Dataset, case: int, member: int) -> np.ndarray:
    """(time, part, part) bool: outlines within a pixel of each other."""
    place = state["position"].values[case, member]
    half = state["extent"].values[case, member].mean(axis=-1) / 2
    distance = np.linalg.norm(place[:, :, None] - place[:, None], axis=-1)
    with np.errstate(invalid="ignore"):
        return np.asarray(distance < half[:, :, None] + half[:, None] + 1)


@dataclasses.dataclass(frozen=True)
class EventErrors:
    """Kinks of tracks against contacts that show.

    time : (n,) s, of the contacts that are found. contacts : contacts that show at all.
    kinks : kinks of matched tracks. true : those of them that belong to any contact.
    """

    time: np.ndarray
    contacts: int
    kinks: int
    true: int


def event_errors(tracks: xr.Dataset, state: xr.Dataset, contacts: xr.Dataset,
                 interest: Interest = Interest(), jump: float = 0.5) -> EventErrors:
    """How well contacts are found, and when.

    A contact shows if one of its objects changes its velocity in the picture by at least `jump`
    px per frame, at instants of interest, with two more frames on either side; it counts for each
    such object. A kink within one and a half frames of a contact is that contact.
    """
    owner = followed(tracks, state)
    jumped = _taken(tracks["kink"].values, owner)
    wanted = interest.of(state)
    times, fps = state["time"].values, tracks.attrs["fps"]
    errors: list[float] = []
    shown = kinks = true = 0
    for case, member, part in np.argwhere((owner >= 0).any(axis=2)):
        kink = jumped[case, member, :, part]
        kink = kink[np.isfinite(kink)]
        begin, size = [], []
        for side in ("a", "b"):
            mine = contacts[f"object_{side}"].values[case, member] == part
            begin.append(contacts["time"].values[case, member, mine])
            size.append(contacts[f"jump_{side}"].values[case, member, mine])
        when, large = np.concatenate(begin), np.concatenate(size) >= jump * fps
        kinks += len(kink)
        true += sum(bool(len(when)) and np.abs(when - at).min() * fps < 1.5 for at in kink)
        for time in when[large]:
            frame = int((time - times[0]) * fps)
            around = wanted[case, member, max(frame - 2, 0) : frame + 4, part]
            if frame < 2 or frame + 3 >= len(times) or not around.all():
                continue
            shown += 1
            off = np.abs(kink - time)
            if len(off) and off.min() * fps < 1.5:
                errors.append(float(off.min()))
    return EventErrors(np.array(errors), shown, kinks, true)
