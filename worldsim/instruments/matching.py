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

    position : (n,) px, wherever a part is followed.
    velocity : (m,) px/s, likewise, but for the frames next to a contact of the part, where there
        are two velocities. speed_range : (m,) px/s, from 0 to the greatest speed of that part in
        its member.
    missed : share of the instants at which no track is on the part.
    strays : tracks that are on no part, all members together. tracks : tracks in all.
    switches : times that another track takes over a part. passes : times that two parts touch or
        overlap in the picture: the occasions for it.
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


def track_errors(tracks: xr.Dataset, state: xr.Dataset, contacts: xr.Dataset | None = None,
                 interest: Interest = Interest()) -> TrackErrors:
    """How far tracks are off.

    Parameters
    ----------
    contacts : of `worldsim.instruments.contact_state`; velocities next to one are left out.
    """
    chosen = matched(tracks, state)
    wanted = interest.of(state)
    taken = np.maximum(chosen, 0)
    calm = ~_beside_contacts(state, contacts)
    positions, velocities, ranges, missing = [], [], [], []
    for case, member, part in np.argwhere(wanted.any(axis=2)):
        when = wanted[case, member, :, part]
        if chosen[case, member, part] < 0:
            missing.append(np.ones(when.sum(), dtype=bool))
            continue
        at = (case, member, slice(None), taken[case, member, part])
        true = (case, member, slice(None), part)
        gap = np.linalg.norm(tracks["position"].values[at] - state["position"].values[true],
                             axis=-1)
        missing.append(np.isnan(gap[when]))
        positions.append(gap[when & np.isfinite(gap)])
        speed = state["velocity"].values[true]
        off = np.linalg.norm(tracks["velocity"].values[at] - speed, axis=-1)
        judged = when & np.isfinite(off) & calm[true]
        velocities.append(off[judged])
        fastest = np.linalg.norm(speed[when], axis=-1).max()
        ranges.append(np.full(judged.sum(), fastest))
    found = int(tracks["found"].values.sum())
    switches, passes = _identities(tracks, state)
    return TrackErrors(
        position=_joined(positions), velocity=_joined(velocities), speed_range=_joined(ranges),
        missed=float(np.mean(np.concatenate(missing))) if missing else np.nan,
        strays=found - int((chosen >= 0).sum()), tracks=found, switches=switches, passes=passes,
    )


def _joined(some: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(some) if some else np.zeros(0)


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


def _identities(tracks: xr.Dataset, state: xr.Dataset) -> tuple[int, int]:
    """Times that a part's track changes, and that two parts begin to touch or overlap."""
    switches = passes = 0
    cases, realizations, times, parts = state["visible"].shape
    for case in range(cases):
        for member in range(realizations):
            gap, limit = _gaps(tracks, state, case, member)
            owner = np.full(parts, -1)
            for frame in range(times):
                visible = state["visible"].values[case, member, frame] > 0.25
                cost = np.where(visible[:, None], gap[frame], limit[:, None])
                for part, track in zip(*linear_sum_assignment(cost), strict=True):
                    if cost[part, track] >= 0.999 * limit[part]:
                        continue
                    switches += owner[part] not in (-1, track)
                    owner[part] = track
            passes += _passes(state, case, member)
    return int(switches), passes


def _passes(state: xr.Dataset, case: int, member: int) -> int:
    place = state["position"].values[case, member]
    half = state["extent"].values[case, member].mean(axis=-1) / 2
    distance = np.linalg.norm(place[:, :, None] - place[:, None], axis=-1)
    with np.errstate(invalid="ignore"):
        close = distance < half[:, :, None] + half[:, None] + 1
    upper = np.triu(np.ones(close.shape[1:], dtype=bool), 1)
    return int(((close[1:] & ~close[:-1]) & upper).sum())


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
    chosen = matched(tracks, state)
    wanted = interest.of(state)
    times, fps = state["time"].values, tracks.attrs["fps"]
    errors: list[float] = []
    shown = kinks = true = 0
    for case, member, part in np.argwhere(chosen >= 0):
        kink = tracks["kink"].values[case, member, :, chosen[case, member, part]]
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
