"""What objects do wrong in one case: where they are, whether they are lost, when they touch."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import xarray as xr

from evaluation.benchmark.cases import Case
from evaluation.benchmark.explain import Explanation, departure, limit_of
from evaluation.ensemble import fair_crps
from evaluation.metrics.metric import Sample, observation
from evaluation.metrics.pairs import Pair, pairs_of
from evaluation.metrics.trajectory import EVENT_WINDOW, judged, moving, placed
from worldsim.mechanics import MechanicalScene


@dataclasses.dataclass(frozen=True)
class Followed:
    """One object over time.

    offset : (time, xy) m, mean place in the dream less mean place in truth. error, floor : (time,)
    m, fair CRPS of its place, x and y added, and what nobody can be blamed for; NaN where it is not
    judged. spread, true_spread : (time,) m, standard deviation of its place over realizations.
    velocity, true_velocity : (time, xy) m/s, means over realizations.
    lost : (time,) share of realizations of the dream that do not show it though they should.
    departure : number of the frame at which its error leaves the floor, if it does.
    """

    number: int
    name: str
    offset: np.ndarray
    error: np.ndarray
    floor: np.ndarray
    spread: np.ndarray
    true_spread: np.ndarray
    velocity: np.ndarray
    true_velocity: np.ndarray
    lost: np.ndarray
    departure: int | None


@dataclasses.dataclass(frozen=True)
class Touch:
    """A true contact of an object that shows, beside the dream's.

    order : 0 for its first after the known frames. partner : name, empty for a bounce. time : s, in
    truth, mean over realizations. late : s, by how much the dream's comes later, mean over those
    that have it. missing, of : realizations in which the dream has none within `EVENT_WINDOW`.
    """

    name: str
    order: int
    partner: str
    time: float
    late: float | None
    missing: int
    of: int


def object_names(case: Case, state: xr.Dataset) -> list[str]:
    """Of the objects that are followed, as the scenario calls their bodies."""
    scene = case.scenario.scene(case.seed, case.number)
    bodies = state["body"].values[0]
    if not isinstance(scene, MechanicalScene):
        return [f"block {n + 1}" for n in range(len(bodies))]
    return [scene.bodies[b].name if b >= 0 else f"object {n + 1}" for n, b in enumerate(bodies)]


def followed(found: Explanation) -> list[Followed]:
    """Every object that is judged at any time; empty without objects or without a dream."""
    sample = found.sample
    if sample is None or "objects" not in sample.state.children:
        return []
    error, floor = _scores(sample), _floors(found.own_video, found.realization)
    place, truth = placed(sample)[0].values, sample.state["objects"]["position"][0].values
    shown = judged(sample)[0].values
    seen = sample.observed["objects"]["seen"][0].values
    moves = moving(sample)[0].mean("realization").values
    truly = sample.state["objects"]["velocity"][0].mean("realization").values
    result = []
    for number, name in enumerate(object_names(found.case, sample.state["objects"].dataset)):
        if not shown[:, number].any():
            continue
        own, least = error[:, number], floor[:, number]
        limit = limit_of(least, sample.context)
        result.append(Followed(
            number, name, place[:, :, number].mean(axis=0) - truth[:, :, number].mean(axis=0),
            own, least, _scatter(place[:, :, number]), _scatter(truth[:, :, number]),
            moves[:, number], truly[:, number],
            np.where(shown[:, number], (~seen[:, :, number]).mean(axis=0), 0.0),
            departure(own, limit, sample.context)))
    return result


def _scatter(place: np.ndarray) -> np.ndarray:
    """(time,) m of (realization, time, xy)."""
    return np.asarray(np.sqrt(place.var(axis=0).sum(axis=-1)))


def _scores(sample: Sample) -> np.ndarray:
    """(time, object) m; as ``trajectory.position_crps`` before objects are averaged."""
    truth = observation(sample.state["objects"]["position"])
    score = fair_crps(placed(sample), truth).sum("xy", skipna=False).where(judged(sample))
    return np.asarray(score.transpose("case", "time", "object").values[0])


def _floors(own_video: Sample, realization: int | None) -> np.ndarray:
    """(time, object) m: the instruments' error on the truth's own video or the error of the truth's
    other members, whichever is larger; of one realization, or the mean over all."""
    members = range(own_video.state["objects"].sizes["realization"])
    wanted = members if realization is None else [realization]
    own = np.mean([_scores(own_video.pick([m], [m])) for m in wanted], axis=0)
    if len(members) < 2:
        return np.asarray(own)
    if realization is None:
        others = [_scores(own_video.pick([o for o in members if o != m], [m])) for m in members]
    else:
        others = [_scores(own_video.pick([o], [realization])) for o in members if o != realization]
    return np.fmax(own, np.mean(others, axis=0))


def touches(found: Explanation, most: int = 2) -> list[Touch]:
    """The first true contacts of every object that show, with how late the dream has them."""
    sample = found.sample
    if sample is None or "contacts" not in sample.state.children:
        return []
    names = object_names(found.case, sample.state["objects"].dataset)
    pairs = pairs_of(sample)[0]
    members = sample.observed["objects"].sizes["realization"]
    truths = sample.state["objects"].sizes["realization"]
    # Member r of the dream beside member r of the truth; a single one beside all.
    chosen = [pairs[min(r, members - 1) * truths + r] for r in range(truths)
              if members == 1 or r < members]
    result = []
    for number, name in enumerate(names):
        rows = [_hits(pair, number) for pair in chosen]
        for order in range(min(most, *map(len, rows))):
            here = [row[order] for row in rows]
            partner = _partner(here, names)
            if partner in names[:number]:
                continue  # told with the other one's
            lates = [late for _, late, _ in here if late is not None]
            result.append(Touch(
                name, order, partner, float(np.mean([at for at, _, _ in here])),
                float(np.mean(lates)) if lates else None, len(here) - len(lates), len(here)))
    return result


def _hits(pair: Pair, number: int) -> list[tuple[float, float | None, int]]:
    """(when in truth, how late the dream's nearest is, partner) of an object's contacts."""
    dreamt, found = pair.dreamt_hits(number), []
    for at in pair.shown_hits(number):
        late = None
        if len(dreamt):
            nearest = float(dreamt[np.abs(dreamt - at).argmin()] - at)
            late = nearest if abs(nearest) < EVENT_WINDOW else None
        own = pair.true_hits.of(number)
        both = pair.true_hits.objects[own[np.abs(pair.true_hits.time[own] - at).argmin()]]
        found.append((float(at), late, int(both[both != number].max(initial=-1))))
    return found


def _partner(rows: Sequence[tuple[float, float | None, int]], names: Sequence[str]) -> str:
    """The one that all realizations agree on."""
    partners = {partner for _, _, partner in rows}
    only = partners.pop() if len(partners) == 1 else -1
    return names[only] if only >= 0 else ""


def strays(found: Explanation) -> float:
    """Greatest number of things in a dreamt frame that the truth does not have, mean over
    realizations."""
    if found.sample is None or "objects" not in found.sample.observed.children:
        return 0.0
    count = found.sample.observed["objects"]["strays"][0, :, found.sample.context:]
    return float(count.mean("realization").max()) if count.sizes["time"] else 0.0
