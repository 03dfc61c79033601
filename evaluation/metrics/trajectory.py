"""Metrics of trajectories: where objects are and how fast they move, in metres and seconds.

Distances are Euclidean, per object, and then averaged over the objects that the truth shows well
enough (``judged``). An object that the dream has lost counts as where it was last seen, standing
still.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from evaluation.ensemble import energy_score, fair_crps, spread_skill
from evaluation.metrics.debris import standing_in
from evaluation.metrics.metric import Metric, Sample, observation
from evaluation.metrics.pairs import JUMP, Pair, known_mean, over_judged, per_pair

MECHANICS = ("gravity", "restitution", "friction", "mass", "drag", "overlap", "energy_loss",
             "energy_gain", "teleport", "vanish", "merge", "frozen", "backwards")
"""Ladders along which everything that moves has to go wrong."""

MOVED = tuple(ladder for ladder in MECHANICS if ladder not in ("vanish", "merge"))
"""Those of ensemble scores: a fair score hardly sees a single wrong member among right ones, which
is how objects vanish or merge in some dreams of many. `trajectory.mask_iou` sees each."""

EVENT_WINDOW = 0.5
"""s: a contact that the dream does not have within so long counts as that late."""


def judged(sample: Sample) -> xr.DataArray:
    """(case, time, object) bool: instants at which every member of the truth shows the object
    large and visible enough, so that not seeing it is the dream's fault."""
    return sample.state["objects"]["judged"].all("realization")


def placed(sample: Sample) -> xr.DataArray:
    """(case, realization, time, object, xy) m: where the video shows each object; one that is lost
    counts as where it was last seen, before it is first seen as where it truly was at the start."""
    start = sample.state["objects"]["position"].isel(time=0, realization=0, drop=True)
    return standing_in(sample.observed["objects"]["position"], start)


def moving(sample: Sample) -> xr.DataArray:
    """(case, realization, time, object, xy) m/s; what is lost counts as standing still."""
    return sample.observed["objects"]["velocity"].fillna(0.0)


def _over_objects(score: xr.DataArray, sample: Sample) -> xr.DataArray:
    """(case, time): mean over the objects judged; NaN where none is."""
    return score.where(judged(sample)).mean("object")


def _position_crps(sample: Sample) -> xr.DataArray:
    truth = observation(sample.state["objects"]["position"])
    return _over_objects(fair_crps(placed(sample), truth).sum("xy", skipna=False), sample)


def _velocity_crps(sample: Sample) -> xr.DataArray:
    truth = observation(sample.state["objects"]["velocity"])
    return _over_objects(fair_crps(moving(sample), truth).sum("xy", skipna=False), sample)


def _energy_score(sample: Sample) -> xr.DataArray:
    truth = observation(sample.state["objects"]["position"])
    return _over_objects(energy_score(placed(sample), truth, "xy"), sample)


def _spread_skill(sample: Sample) -> xr.DataArray:
    shown = judged(sample)
    truth = observation(sample.state["objects"]["position"]).where(shown)
    return spread_skill(placed(sample).where(shown), truth, ("object", "xy"))


def _ade(pair: Pair) -> np.ndarray:
    return over_judged(pair.error, pair.judged)


def _fde(pair: Pair) -> np.ndarray:
    shown = pair.judged[pair.dreamt]
    last = len(shown) - 1 - shown[::-1].argmax(axis=0)
    final = np.take_along_axis(pair.error[pair.dreamt], last[None], axis=0)[0]
    return known_mean(np.where(shown.any(axis=0), final, np.nan))


def _velocity_error(pair: Pair) -> np.ndarray:
    off = np.linalg.norm(np.nan_to_num(pair.dream.velocity) - pair.truth.velocity, axis=-1)
    return over_judged(off, pair.judged & pair.calm(1))


def _central(velocity: np.ndarray, step: float) -> np.ndarray:
    """(time, object, xy) m/s2, (v[k+1] - v[k-1]) / 2 dt; NaN in the first and the last frame."""
    found = np.full(velocity.shape, np.nan)
    found[1:-1] = (velocity[2:] - velocity[:-2]) / (2 * step)
    return found


def _acceleration_error(pair: Pair) -> np.ndarray:
    own = np.nan_to_num(_central(pair.dream.velocity, pair.step))
    off = np.linalg.norm(own - _central(pair.truth.velocity, pair.step), axis=-1)
    shown = pair.judged.copy()
    shown[1:-1] &= pair.judged[2:] & pair.judged[:-2]
    return over_judged(off, shown & pair.calm(2))


def _normalised_ate(pair: Pair) -> np.ndarray:
    shown = pair.judged[pair.dreamt]
    steps = np.linalg.norm(np.diff(pair.truth.position[max(pair.context - 1, 0):], axis=0), axis=-1)
    path = np.nansum(steps, axis=0)[shown.any(axis=0)]
    if not len(path) or path.mean() < pair.pitch:
        return np.array(np.nan)
    return np.sqrt((pair.error[pair.dreamt][shown] ** 2).mean()) / path.mean()


def _pose_error(pair: Pair) -> np.ndarray:
    known = pair.dream.orientation.copy()
    for frame in range(1, len(known)):
        known[frame] = np.where(np.isnan(known[frame]), known[frame - 1], known[frame])
    apart = np.abs(known - pair.truth.orientation) % np.pi
    off = np.minimum(apart, np.pi - apart)
    off = np.where(np.isnan(known), np.pi / 4, off)
    return over_judged(off, pair.judged & np.isfinite(pair.truth.orientation))


def _event_time_error(pair: Pair) -> np.ndarray:
    late = [
        np.abs(own - at).min(initial=EVENT_WINDOW)
        for number in range(pair.judged.shape[1])
        for own in [pair.dreamt_hits(number)] for at in pair.shown_hits(number)
    ]
    return np.array(np.mean(late) if late else np.nan)


def _valid_horizon(pair: Pair) -> np.ndarray:
    frames = len(pair.time) - pair.context
    shown = pair.judged[pair.dreamt]
    off = (pair.error[pair.dreamt] > pair.radius) & shown
    valid = np.where(off.any(axis=0), off.argmax(axis=0), frames) * pair.step
    return known_mean(np.where(shown.any(axis=0), valid, np.nan))


def disc_iou(distance: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Overlap over union of two discs whose centres are a distance apart, of radii above 0; m.

    The lens of two circles is two circular segments.
    """
    near = np.clip(distance, np.abs(first - second), first + second)
    near = np.maximum(near, 1e-12)
    lens = np.zeros(np.broadcast_shapes(near.shape, first.shape, second.shape))
    for one, other in ((first, second), (second, first)):
        # Of the circle `one`: half the angle of the chord, and the segment beyond it.
        cosine = np.clip((near**2 + one**2 - other**2) / (2 * near * one), -1.0, 1.0)
        angle = np.arccos(cosine)
        lens = lens + one**2 * (angle - cosine * np.sqrt(1 - cosine**2))
    return np.asarray(lens / (np.pi * (first**2 + second**2) - lens))


def _mask_iou(pair: Pair) -> np.ndarray:
    seen = pair.dream.seen & (pair.dream.area > 0)
    whole = np.where(seen, pair.dream.area / np.where(seen, pair.dream.visible, 1.0), 1.0)
    distance = np.linalg.norm(pair.dream.position - pair.truth.position, axis=-1)
    shown = pair.judged & (pair.truth.area > 0)
    iou = disc_iou(np.where(seen & shown, distance, 0.0), np.sqrt(whole / np.pi),
                   np.sqrt(np.where(shown, pair.truth.area, 1.0) / np.pi))
    return over_judged(np.where(seen, iou, 0.0), shown)


def _chamfer(pair: Pair) -> np.ndarray:
    found = np.full(len(pair.time), np.nan)
    everything = np.concatenate([pair.dream.position, pair.astray], axis=1)
    for frame in np.flatnonzero(pair.judged.any(axis=1)):
        dream, truth = (places[np.isfinite(places).all(axis=-1)]
                        for places in (everything[frame], pair.truth.position[frame]))
        wanted = pair.truth.position[frame, pair.judged[frame]]
        gaps = [
            np.linalg.norm(some[:, None] - others[None], axis=-1).min(axis=1, initial=pair.height)
            for some, others in ((wanted, dream), (dream, truth))
        ]
        found[frame] = np.mean([gap.mean() if len(gap) else pair.height for gap in gaps])
    return found / pair.height


NEEDS = ("objects",)
HITS = ("objects", "contacts")
SMOOTH = ("free_fall", "projectile", "pendulum", "double_pendulum", "spring_mass", "incline")
"""Scenarios in which objects accelerate between contacts as well; elsewhere a still picture has the
right acceleration nearly always."""
STRUCK = ("free_fall", "projectile", "balls_in_box", "collision", "collisions", "incline")
"""Scenarios whose contacts the instruments find; slow ones of neighbours they do not."""

LONG = ("dominoes", "gyroscope")
"""Scenarios with objects that have a long axis."""

METRICS = (
    Metric("trajectory.position_crps", "m", "fair CRPS of position, x and y added, mean over the "
           "objects in view; a lost object counts as where it was last seen", _position_crps,
           ensemble=True, window="dreamt", needs=NEEDS, headline=True, concerns=MOVED),
    Metric("trajectory.velocity_crps", "m s-1", "fair CRPS of velocity, x and y added; a lost "
           "object counts as standing still", _velocity_crps, ensemble=True, window="dreamt",
           needs=NEEDS, concerns=("gravity", "restitution", "mass", "drag", "energy_loss",
                                  "energy_gain", "frozen", "backwards")),
    Metric("trajectory.energy_score", "m", "fair energy score of position in the plane",
           _energy_score, ensemble=True, window="dreamt", needs=NEEDS, concerns=MOVED),
    Metric("trajectory.spread_skill", "1", "spread of the dreamed positions over the error of "
           "their mean; 1 if dreams scatter as truths do, less if they are too alike",
           _spread_skill, direction="none", ensemble=True, window="dreamt", perfect=1.0,
           skilled=False, needs=NEEDS),
    Metric("trajectory.ade", "m", "average displacement error: distance from where each object "
           "truly is", per_pair(_ade), window="dreamt", needs=NEEDS, concerns=MECHANICS),
    Metric("trajectory.fde", "m", "final displacement error: the same where each object is last in "
           "view", per_pair(_fde), needs=NEEDS, concerns=("mass", "energy_loss", "backwards")),
    Metric("trajectory.velocity_error", "m s-1", "size of the error of velocity (slope of the "
           "quartic through five smoothed positions), frames beside true contacts left out",
           per_pair(_velocity_error), window="dreamt", needs=NEEDS, concerns=MECHANICS),
    Metric("trajectory.acceleration_error", "m s-2", "size of the error of acceleration (central "
           "difference of velocities, over two frames), two frames beside true contacts left out",
           per_pair(_acceleration_error), window="dreamt", needs=NEEDS, scenarios=SMOOTH,
           concerns=("frozen",)),
    Metric("trajectory.normalised_ate", "1", "root mean squared displacement over the mean length "
           "of the true paths; nothing is aligned, for the camera stands still",
           per_pair(_normalised_ate), needs=NEEDS, concerns=MECHANICS),
    Metric("trajectory.pose_error", "rad", "angle between dreamed and true long axis, 0 to pi/2; "
           "what is lost keeps its last one, what never had one is a guess (pi/4)",
           per_pair(_pose_error), window="dreamt", needs=NEEDS, scenarios=LONG,
           concerns=("gravity", "frozen")),
    Metric("trajectory.event_time_error", "s", f"how far true contacts that show ({JUMP:g} px per "
           "frame) are in time from the same object's nearest one in the dream, at most "
           f"{EVENT_WINDOW:g} s", per_pair(_event_time_error), needs=HITS, scenarios=STRUCK,
           concerns=("gravity", "drag")),
    Metric("trajectory.valid_horizon", "s", "how long an object stays within its radius of where "
           "it truly is", per_pair(_valid_horizon), direction="higher", perfect=np.inf,
           needs=NEEDS, concerns=MECHANICS),
    Metric("trajectory.mask_iou", "1", "overlap over union of discs of the dreamed and the true "
           "object's whole area, at their places", per_pair(_mask_iou), direction="higher",
           perfect=1.0, window="dreamt", needs=NEEDS, headline=True,
           concerns=(*MECHANICS, "blur")),
    Metric("trajectory.chamfer", "1", "mean distance of true objects from the nearest dreamed one, "
           "and the reverse, halved, over the picture's height; labels do not count",
           per_pair(_chamfer), window="dreamt", needs=NEEDS, concerns=MECHANICS),
)
