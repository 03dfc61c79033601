"""Events: bounces, collisions, starts, stops, and when objects come into view or leave it.

A bounce or a collision is a kink of a track (`worldsim.instruments.kinks`); it is a collision if
another object touches at that instant on the side that the change of velocity points away from.
A start or a stop is where the speed, extrapolated from the moving side, is zero. Objects are seen
and not seen in whole frames, so that these events lie half way between two.
"""

from __future__ import annotations

import dataclasses
import enum

import numpy as np
import xarray as xr


class Event(enum.StrEnum):
    """What happens; its code in a data set is its place in this list."""

    BOUNCE = "bounce"
    """Off something that is not tracked: a floor, a wall."""
    COLLISION = "collision"
    """With another object."""
    START = "start"
    STOP = "stop"
    APPEARANCE = "appearance"
    DISAPPEARANCE = "disappearance"


@dataclasses.dataclass(frozen=True)
class EventSettings:
    """When what is an event.

    touching : px, greatest gap between two outlines that touch.
    aside : cosine of the greatest angle between the change of velocity and the line of centres.
    rest : px per frame, speed below which an object may be at rest.
    lasting : frames that rest and motion last at least.
    """

    touching: float = 2.0
    aside: float = 0.5
    rest: float = 0.06
    lasting: int = 4


Row = tuple[float, int, int, int, float]


def events(tracks: xr.Dataset, settings: EventSettings = EventSettings()) -> xr.Dataset:
    """The events of all tracks, in order of time.

    Parameters
    ----------
    tracks : as `worldsim.instruments.track` gives them.

    Returns
    -------
    ``time`` (case, realization, event) s; ``kind`` code of `Event`, -1 in empty rows; ``object_a``,
    ``object_b`` numbers of the objects, -1 for none; ``jump`` px/s, size of the change of
    velocity (of `object_a`), NaN of other events; ``count`` (case, realization).
    """
    cases, realizations, times, objects = tracks["seen"].shape
    rows: dict[tuple[int, int], list[Row]] = {}
    for case in range(cases):
        for member in range(realizations):
            one = {name: tracks[name].values[case, member]
                   for name in ("position", "velocity", "extent", "seen", "kink")}
            found = _jumps(one, tracks, settings) if objects else []
            if objects and times > 1:
                found += _rests(one, tracks, settings) + _sights(one, tracks)
            rows[case, member] = sorted(found)
    most = max((len(some) for some in rows.values()), default=0)
    table = np.full((cases, realizations, most, 5), np.nan)
    table[..., 1:4] = -1
    for at, some in rows.items():
        if some:
            table[at][: len(some)] = some
    dims = ("case", "realization", "event")
    return xr.Dataset(
        {
            "time": (dims, table[..., 0], {"units": "s"}),
            "kind": (dims, table[..., 1].astype(int),
                     {"flag_values": list(range(len(Event))), "flag_meanings": " ".join(Event)}),
            "object_a": (dims, table[..., 2].astype(int)),
            "object_b": (dims, table[..., 3].astype(int)),
            "jump": (dims, table[..., 4], {"units": "px s-1"}),
            "count": (dims[:2], np.array([[len(rows[case, member]) for member in
                                           range(realizations)] for case in range(cases)],
                                         dtype=int).reshape(cases, realizations)),
        },
        coords={name: tracks[name] for name in ("case", "realization") if name in tracks.coords},
    )


def _code(kind: Event) -> int:
    return list(Event).index(kind)


def _jumps(one: dict[str, np.ndarray], tracks: xr.Dataset, settings: EventSettings) -> list[Row]:
    """Bounces, and collisions once for both objects."""
    found: list[Row] = []
    frame_time = 1.0 / tracks.attrs["fps"]
    taken: set[tuple[int, int]] = set()
    kinks = [(float(one["kink"][frame, number]), int(frame), int(number))
             for frame, number in np.argwhere(np.isfinite(one["kink"]))]
    for time, frame, number in sorted(kinks):
        if (frame, number) in taken:
            continue
        change = one["velocity"][frame, number] - one["velocity"][frame - 1, number]
        jump = float(np.linalg.norm(change))
        other = _touched(one, frame, number, change, settings)
        if other < 0:
            found.append((time, _code(Event.BOUNCE), number, -1, jump))
            continue
        # The other's kink is the same event: their mean instant is the better one.
        mates = [(t, f, n) for t, f, n in kinks
                 if n == other and abs(t - time) < 1.5 * frame_time and (f, n) not in taken]
        if mates:
            taken.add(mates[0][1:])
            time = (time + mates[0][0]) / 2
        found.append((time, _code(Event.COLLISION), number, other, jump))
    return found


def _touched(one: dict[str, np.ndarray], frame: int, number: int, change: np.ndarray,
             settings: EventSettings) -> int:
    """The object that touches on the side from which the change of velocity comes; -1 for none."""
    best, nearest = -1, settings.touching
    for at in (frame - 1, frame):
        away = one["position"][at] - one["position"][at, number]
        distance = np.linalg.norm(away, axis=-1)
        half = one["extent"][at].mean(axis=-1) / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            towards = -(away @ change) / (distance * np.linalg.norm(change))
        gap = np.where(towards > settings.aside, distance - half - half[number], np.nan)
        gap[number] = np.nan
        if np.isfinite(gap).any() and np.nanmin(gap) < nearest:
            best, nearest = int(np.nanargmin(gap)), float(np.nanmin(gap))
    return best


def _rests(one: dict[str, np.ndarray], tracks: xr.Dataset,
           settings: EventSettings) -> list[Row]:
    """Starts and stops."""
    fps, times = tracks.attrs["fps"], tracks["time"].values
    speed = np.linalg.norm(one["velocity"], axis=-1) / fps
    found: list[Row] = []
    for number in range(speed.shape[1]):
        still = speed[:, number] < settings.rest
        moving = speed[:, number] >= settings.rest
        for frame in range(settings.lasting, len(still) - settings.lasting + 1):
            before = slice(frame - settings.lasting, frame)
            after = slice(frame, frame + settings.lasting)
            if still[before].all() and moving[after].all():
                kind, side, away = Event.START, np.arange(frame, frame + settings.lasting), -1
            elif moving[before].all() and still[after].all():
                kind, side, away = Event.STOP, np.arange(frame - settings.lasting, frame), 1
            else:
                continue
            kinks = one["kink"][max(frame - 1, 0) : frame + 2, number]
            if np.isfinite(kinks).any():
                at = float(kinks[np.isfinite(kinks)][0])
            else:
                slope, level = np.polyfit(side - frame, speed[side, number], 1)
                reach = -level / slope if slope * away < 0 else -0.5
                at = times[0] + (frame + float(np.clip(reach, -2.0, 2.0))) / fps
            found.append((at, _code(kind), number, -1, np.nan))
    return found


def _sights(one: dict[str, np.ndarray], tracks: xr.Dataset) -> list[Row]:
    """Appearances and disappearances."""
    seen, times = one["seen"], tracks["time"].values
    found: list[Row] = []
    for frame, number in np.argwhere(seen[1:] != seen[:-1]):
        kind = Event.APPEARANCE if seen[frame + 1, number] else Event.DISAPPEARANCE
        middle = float(times[frame] + times[frame + 1]) / 2
        found.append((middle, _code(kind), int(number), -1, np.nan))
    return found
