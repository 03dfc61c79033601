"""Metrics of objects against loops and libraries, one oracle each, and laws with known answers."""

import itertools
import math

import numpy as np
import pytest
import xarray as xr
from object_scenes import (
    CONTEXT,
    FLOOR,
    FPS,
    FRAMES,
    HEIGHT,
    PITCH,
    as_seen,
    bouncing,
    contacts,
    dataset,
    sample,
    time,
    without_objects,
)
from scipy import integrate, spatial
from scores.probability import crps_for_ensemble
from skimage.metrics import peak_signal_noise_ratio

from evaluation.ensemble import energy_score, fair_crps
from evaluation.metrics import conservation, permanence, pixel, trajectory
from evaluation.metrics.metric import Sample, observation
from evaluation.metrics.pairs import Contacts, once
from evaluation.metrics.trajectory import disc_iou

METRICS = {m.name: m for module in (trajectory, conservation, permanence) for m in module.METRICS}
STEP = 1 / FPS
SHOWS = 0.5 * PITCH * FPS


def seen_once(hits: list) -> list:
    """Contacts of a video (s, who, m/s), those that are one made one; two at a time."""
    hits = [(at, who - {-1}, jump, at) for at, who, jump in sorted(hits, key=lambda row: row[0])]
    for first, second in itertools.combinations(range(len(hits)), 2):
        a, b = hits[first], hits[second]
        if a[2] and b[2] and b[0] - a[3] < 3 * STEP and (a[1] <= b[1] or b[1] <= a[1]):
            total = a[2] + b[2]
            hits[first] = ((a[0] * a[2] + b[0] * b[2]) / total, a[1] | b[1], total, b[0])
            hits[second] = (b[0], b[1], 0.0, b[0])
    return [(at, who, jump) for at, who, jump, _ in hits if jump]


class One:
    """A member of a dream beside one of the truth, taken from the data sets one by one."""

    def __init__(self, s: Sample, case: int, member: int, truth: int) -> None:
        at = {"case": case, "realization": member}, {"case": case, "realization": truth}
        self.d, self.t = (
            {name: values.isel({k: v for k, v in where.items() if k in values.dims}).values
             for name, values in tree["objects"].data_vars.items()}
            for tree, where in zip((s.observed, s.state), at, strict=True))
        self.hits, self.true_hits = (
            [(float(row["time"]), {int(row["object_a"]), int(row["object_b"])}, float(row["jump"]))
             for e in range(tree["contacts"].sizes["event"])
             for row in [tree["contacts"].to_dataset().isel(event=e, **where)]
             if np.isfinite(row["time"])]
            for tree, where in zip((s.observed, s.state), at, strict=True))
        self.hits = seen_once(self.hits)
        self.scales: dict[str, float] = {}
        self.slots = range(self.t["seen"].shape[1])
        self.held = self.d["position"].copy()
        start = s.state["objects"]["position"].values[case, 0, 0]  # the known frames' member
        for slot in self.slots:
            last = start[slot]
            for k in range(FRAMES):
                if not np.isnan(self.held[k, slot]).any():
                    last = self.held[k, slot]
                self.held[k, slot] = last

    def off(self, k: int, slot: int) -> float:
        return math.dist(self.held[k, slot], self.t["position"][k, slot])

    def judged(self, k: int) -> list[int]:
        return [slot for slot in self.slots if self.t["judged"][k, slot]]

    def calm(self, k: int, slot: int, frames: int) -> bool:
        return not any(slot in who and jump >= SHOWS and abs(at - time[k]) <= frames * STEP + 1e-9
                       for at, who, jump in self.true_hits)

    def own_hits(self, slot: int) -> list[float]:
        return sorted(at for at, who, _ in self.hits if slot in who and at > CONTEXT / FPS)

    def showing(self, slot: int) -> list[float]:
        large = sorted(at for at, who, jump in self.true_hits if slot in who and jump >= SHOWS)
        found = []
        for at in large:
            k = math.floor(at * FPS)
            if at <= CONTEXT / FPS or k < 2 or k + 3 >= FRAMES:
                continue
            if any(other != at and abs(other - at) < 3 * STEP for other in large):
                continue
            if all(self.t["judged"][j, slot] for j in range(k - 2, k + 4)):
                found.append(at)
        return found


def mean(values) -> float:
    known = [float(v) for v in values if not np.isnan(v)]
    return sum(known) / len(known) if known else np.nan


def series(score):
    """Oracle of (case, time): `score(one, frame)` over all pairs."""
    return lambda s: np.array([[mean(score(one, k) for one in of(s, c)) for k in range(FRAMES)]
                               for c in range(s.state["objects"].sizes["case"])])


def single(score):
    """Oracle of (case,)."""
    return lambda s: np.array([mean(score(one) for one in of(s, c))
                               for c in range(s.state["objects"].sizes["case"])])


_CACHE: dict = {}


def of(s: Sample, case: int) -> list[One]:
    key = (id(s), case)
    if key not in _CACHE:
        members, truths = (t["objects"].sizes["realization"] for t in (s.observed, s.state))
        _CACHE[key] = (s, [One(s, case, m, r) for m in range(members) for r in range(truths)])
    return _CACHE[key][1]


def ensemble(score):
    """Oracle of (case, time): `score(dreams (m, n, 2), truths (r, n, 2))` of those judged."""
    def oracle(s: Sample, name: str = "position") -> np.ndarray:
        members, truths = (t["objects"].sizes["realization"] for t in (s.observed, s.state))
        found = np.full((s.state["objects"].sizes["case"], FRAMES), np.nan)
        for c, k in np.ndindex(found.shape):
            ones = of(s, c)
            dreams = np.array([ones[m * truths].held[k] if name == "position" else
                               np.nan_to_num(ones[m * truths].d[name][k]) for m in range(members)])
            true = np.array([ones[r].t[name][k] for r in range(truths)])
            every = [i for i in ones[0].slots if all(i in ones[r].judged(k) for r in range(truths))]
            if every:
                found[c, k] = score(dreams[:, every], true[:, every])
        return found
    return oracle


def crps(dreams: np.ndarray, truths: np.ndarray) -> float:
    forecast = xr.DataArray(dreams, dims=("member", "object", "xy"))
    each = [crps_for_ensemble(forecast, xr.DataArray(truth, dims=("object", "xy")), "member",
                              method="fair", preserve_dims=["object", "xy"]) for truth in truths]
    return float(np.mean([one.sum("xy").mean("object") for one in each]))


def energy(dreams: np.ndarray, truths: np.ndarray) -> float:
    count = len(dreams)
    return mean(
        mean(math.dist(x[i], y[i]) for x in dreams for y in truths)
        - sum(math.dist(x[i], z[i]) for x in dreams for z in dreams) / (2 * count * (count - 1))
        for i in range(dreams.shape[1]))


def spread(dreams: np.ndarray, truths: np.ndarray) -> float:
    count = len(dreams)
    variance = mean(np.var(dreams[:, i, j], ddof=1) for i in range(dreams.shape[1]) for j in (0, 1))
    squared = mean((sum(dreams[:, i, j]) / count - y[i, j]) ** 2 for y in truths
                   for i in range(dreams.shape[1]) for j in (0, 1))
    return math.sqrt(1 + 1 / count) * math.sqrt(variance) / math.sqrt(squared)


def fde(one: One) -> float:
    return mean(next((one.off(k, slot) for k in reversed(range(CONTEXT, FRAMES))
                      if one.t["judged"][k, slot]), np.nan) for slot in one.slots)


def velocity_error(one: One, k: int) -> float:
    return mean(math.dist(np.nan_to_num(one.d["velocity"][k, i]), one.t["velocity"][k, i])
                for i in one.judged(k) if one.calm(k, i, 1))


def acceleration_error(one: One, k: int) -> float:
    if k in (0, FRAMES - 1):
        return np.nan
    own, true = (np.gradient(group["velocity"], STEP, axis=0)[k] for group in (one.d, one.t))
    return mean(math.dist(np.nan_to_num(own[i]), true[i]) for i in one.judged(k)
                if one.calm(k, i, 2) and i in one.judged(k - 1) and i in one.judged(k + 1))


def normalised_ate(one: One) -> float:
    frames = range(CONTEXT, FRAMES)
    who = [i for i in one.slots if any(one.t["judged"][k, i] for k in frames)]
    squared = mean(one.off(k, i) ** 2 for k in frames for i in one.judged(k))
    true = one.t["position"]
    return math.sqrt(squared) / mean(
        sum(math.dist(true[k, i], true[k - 1, i]) for k in frames) for i in who)


def pose(one: One, k: int) -> float:
    def off(i: int) -> float:
        known = [a for a in one.d["orientation"][: k + 1, i] if not np.isnan(a)]
        if not known:
            return math.pi / 4
        return abs(np.angle(np.exp(2j * (known[-1] - one.t["orientation"][k, i])))) / 2
    return mean(off(i) for i in one.judged(k) if not np.isnan(one.t["orientation"][k, i]))


def event_time(one: One) -> float:
    return mean(min([0.5, *(abs(own - at) for own in one.own_hits(i))])
                for i in one.slots for at in one.showing(i))


def area_radius(area: float) -> float:
    return math.sqrt(area / math.pi)


def true_radius(one: One, slot: int) -> float:
    return next((area_radius(a) for a in one.t["area"][CONTEXT - 1:, slot] if a > 0), np.nan)


def horizon(one: One) -> float:
    def valid(i: int) -> float:
        frames = [k for k in range(CONTEXT, FRAMES) if one.t["judged"][k, i]]
        if not frames:
            return np.nan
        wrong = (k for k in frames if one.off(k, i) > true_radius(one, i))
        return (next(wrong, FRAMES) - CONTEXT) * STEP
    return mean(valid(i) for i in one.slots)


def lens(distance: float, first: float, second: float) -> float:
    """Area common to two discs, by strips."""
    def half(x: float) -> float:
        return min(math.sqrt(max(first**2 - x**2, 0.0)),
                   math.sqrt(max(second**2 - (x - distance) ** 2, 0.0)))
    low, high = max(-first, distance - second), min(first, distance + second)
    if high <= low:
        return 0.0
    # Substitution x = m - h cos(u) takes the square roots' steepness at the ends away.
    middle, reach = (low + high) / 2, (high - low) / 2
    kink = ((distance**2 + first**2 - second**2) / (2 * distance) if distance else middle)
    bend = [math.acos(np.clip((middle - kink) / reach, -1, 1))]
    return 2 * integrate.quad(lambda u: half(middle - reach * math.cos(u)) * reach * math.sin(u),
                              0, math.pi, points=bend, epsabs=1e-12)[0]


def mask_iou(one: One, k: int) -> float:
    def iou(i: int) -> float:
        if not one.d["seen"][k, i]:
            return 0.0
        own, true = one.d["area"][k, i] / one.d["visible"][k, i], one.t["area"][k, i]
        both = lens(math.dist(one.d["position"][k, i], one.t["position"][k, i]),
                    area_radius(own), area_radius(true))
        return both / (own + true - both)
    return mean(iou(i) for i in one.judged(k))


def chamfer(one: One, k: int) -> float:
    def places(rows: np.ndarray) -> np.ndarray:
        return rows[~np.isnan(rows).any(axis=1)]

    def far(some: np.ndarray, others: np.ndarray) -> float:
        if not len(some) or not len(others):
            return HEIGHT
        return float(np.minimum(spatial.cKDTree(others).query(some)[0], HEIGHT).mean())
    wanted = one.t["position"][k, one.judged(k)]
    if not len(wanted):
        return np.nan
    dream = places(np.concatenate([one.d["position"][k], one.d["astray"][k]]))
    return (far(wanted, dream) + far(dream, places(one.t["position"][k]))) / 2 / HEIGHT


def parabolas(frames: list[int], place: np.ndarray, cuts: list[float]) -> list[tuple]:
    """(frames, polynomials of x and y in s) of runs of at least six without a cut."""
    runs: list[list[int]] = []
    for k in frames:
        if runs and k == runs[-1][-1] + 1 and not any(
                time[k - 1] <= cut < time[k] for cut in cuts):
            runs[-1].append(k)
        else:
            runs.append([k])
    return [(run, [np.polyfit(time[run], place[run, j], 2) for j in (0, 1)])
            for run in runs if len(run) >= 6]


def both_parabolas(one: One, slot: int) -> tuple[list, list]:
    frames = range(CONTEXT, FRAMES)
    return (parabolas([k for k in frames if one.d["seen"][k, slot]], one.d["position"][:, slot],
                      [at for at, who, _ in one.hits if slot in who]),
            parabolas([k for k in frames if one.t["judged"][k, slot]], one.t["position"][:, slot],
                      [at for at, who, _ in one.true_hits if slot in who]))


def gravities(one: One, slot: int) -> tuple[float, float]:
    found = []
    for group, flights in zip((one.d, one.t), both_parabolas(one, slot), strict=True):
        y = group["position"][:, slot, 1]
        free = [(len(run) ** 5, -2 * fit[1][0]) for run, fit in flights
                if max(y[run]) - min(y[run]) >= 4 * PITCH]
        found.append(sum(w * g for w, g in free) / sum(w for w, _ in free) if free else np.nan)
    return tuple(found)


def gravity_error(one: One) -> float:
    def off(own: float, true: float) -> float:
        return np.nan if np.isnan(true) else min(abs((0 if np.isnan(own) else own) / true - 1), 1)
    return mean(off(*gravities(one, i)) for i in one.slots)


def velocities_at(one: One, group: dict, hits: list, at: float, slot: int) -> list[np.ndarray]:
    found = []
    others = [t for t, who, _ in hits if slot in who and t != at]
    for before in (True, False):
        frames = [k for k in range(FRAMES) if not np.isnan(group["position"][k, slot]).any()
                  and abs(time[k] - at) <= 10 * STEP + 1e-9
                  and ((time[k] <= at and all(t < time[k] or t > at for t in others)) if before
                       else (time[k] > at and all(t >= time[k] or t < at for t in others)))]
        if len(frames) < 5:
            return [np.full(2, np.nan)] * 2
        found.append(np.array([np.polyval(np.polyder(np.polyfit(
            time[frames] - at, group["position"][frames, slot, j], 2)), 0.0)
            for j in (0, 1)]))
    return found


def impact(one: One, group: dict, hits: list, at: float, who: set) -> tuple[float, float]:
    sides = [velocities_at(one, group, hits, at, i) for i in sorted(who - {-1})]
    before, after = (sides[0][j] - (sides[1][j] if len(sides) > 1 else 0) for j in (0, 1))
    way = (after - before) / math.hypot(*(after - before))
    return -float(before @ way), float(after @ way)


def drop(one: One, group: dict, hits: list, slot: int) -> float:
    for at, who, _ in sorted(hits, key=lambda row: row[0]):
        if slot in who and at > CONTEXT / FPS and (
                impact(one, group, hits, at, who)[1] >= PITCH * FPS):
            frames = [k for k in range(FRAMES) if time[k] <= at]
            y = group["position"][frames, slot, 1]
            if np.isnan(y).any():
                return np.nan
            fit = np.polyfit(time[frames], y, 2)
            return at**2 / (fit[2] - np.polyval(fit, at))
    return np.nan


def gravity_ratio(one: One) -> float:
    drops = [drop(one, one.d, one.hits, i) for i in one.slots
             if one.showing(i) and not np.isnan(drop(one, one.t, one.true_hits, i))]
    return mean(1.0 if np.isnan(a + b) else min(abs(math.log(a) - math.log(b)), 1.0)
                for a, b in itertools.combinations(drops, 2))


def restitution(one: One) -> float:
    def fitted(group: dict, hits: list) -> float:
        pairs = [impact(one, group, hits, at, who) for at, who, _ in hits if at > CONTEXT / FPS]
        pairs = [p for p in pairs if p[0] >= PITCH * FPS]
        pairs = np.array([p for p in pairs if p[0] >= max(pairs)[0] / 2]).reshape(-1, 2)
        return np.linalg.lstsq(pairs[:, :1], pairs[:, 1], rcond=None)[0][0] if len(pairs) else (
            np.nan)
    shown = np.where(one.t["judged"][..., None], one.t["position"], np.nan)
    true = fitted(one.t | {"position": shown}, [row for row in one.true_hits if row[2] >= SHOWS])
    own = fitted(one.d, one.hits)
    return np.nan if np.isnan(true) else 1.0 if np.isnan(own) else min(abs(own - true), 1.0)


def friction(one: One) -> float:
    def off(slot: int) -> float:
        fits = [max(flights, key=lambda one: len(one[0]), default=None)
                for flights in both_parabolas(one, slot)]
        if fits[1] is None:
            return np.nan
        own, true = (np.zeros(2) if f is None else np.array([2 * p[0] for p in f[1]]) for f in fits)
        return math.dist(own, true)
    return mean(off(i) for i in one.slots)


def total(one: One, k: int, of_one) -> tuple[np.ndarray, np.ndarray]:
    """Sums over those judged of mass times `of_one(velocity, place)`, of dream and truth."""
    return tuple(sum((one.t["mass"][i] * of_one(np.nan_to_num(g["velocity"][k, i]), p[k, i])
                      for i in one.judged(k)), start=np.zeros(2))
                 for g, p in ((one.d, one.held), (one.t, one.t["position"])))


def residual(name: str, one: One, k: int, of_one, scale_of=None) -> float:
    if not one.judged(k):
        return np.nan
    own, true = total(one, k, of_one)
    if name not in one.scales:
        one.scales[name] = max(math.hypot(*total(one, j, scale_of or of_one)[1])
                               for j in range(CONTEXT, FRAMES))
    scale = one.scales[name]
    return math.dist(own, true) / scale


def momentum(one: One, k: int) -> float:
    return residual("momentum", one, k, lambda v, _: v,
                    lambda v, _: np.array([math.hypot(*v), 0.0]))


def kinetic(one: One, k: int) -> float:
    return residual("kinetic", one, k, lambda v, _: np.array([v @ v / 2, 0.0]))


def mechanical(one: One, k: int) -> float:
    if "gravity" not in one.scales:
        one.scales["gravity"] = mean(gravities(one, i)[1] for i in one.slots)
    gravity = one.scales["gravity"]
    low = min(one.t["position"][j, i, 1] for j in range(FRAMES) for i in one.judged(j))
    return residual("energy", one, k,
                    lambda v, p: np.array([v @ v / 2 + gravity * (p[1] - low), 0.0]))


def penetration(one: One, k: int) -> float:
    def overlap(place: np.ndarray, i: int, j: int) -> float:
        gap = true_radius(one, i) + true_radius(one, j) - math.dist(place[i], place[j])
        return 0.0 if np.isnan(gap) else max(gap, 0.0)
    return max((max(overlap(one.d["position"][k], i, j) - max(
        overlap(one.t["position"][n], i, j) for n in range(FRAMES)
        if one.t["seen"][n, i] and one.t["seen"][n, j]), 0.0)
        for i, j in itertools.combinations(one.slots, 2)
        if not np.isnan(one.t["mass"][[i, j]]).any()), default=0.0)


def paired(first: list[float], second: list[float]) -> int:
    """Largest number of pairs within 0.1 s, by trying all."""
    if not first:
        return 0
    return max([paired(first[1:], second), *(
        1 + paired(first[1:], second[:n] + second[n + 1:])
        for n, other in enumerate(second) if abs(other - first[0]) <= 0.1 + 1e-9)])


def contact_f1(one: One) -> float:
    hit = miss = false = 0
    for i in one.slots:
        true, own = one.showing(i), one.own_hits(i)
        every = [at for at, who, _ in one.true_hits if i in who]
        hit += paired(true, own)
        miss += len(true) - paired(true, own)
        false += len(own) - paired(every, own)
    return 2 * hit / (2 * hit + miss + false) if hit + miss else np.nan


def count_error(one: One, k: int) -> float:
    shown = int(one.t["seen"][k].sum())
    likely = range(len(one.judged(k)), shown + 1)
    return min(abs(int(one.d["count"][k]) - n) for n in likely) / shown if shown else np.nan


def survival(one: One) -> float:
    return mean(next((one.d["seen"][k, i] for k in reversed(range(CONTEXT, FRAMES))
                      if one.t["judged"][k, i]), np.nan) for i in one.slots)


def shape_drift(one: One, k: int) -> float:
    def relative(area: np.ndarray, at: int) -> float:
        known = [a for a in area[:CONTEXT] if not np.isnan(a)] or [
            next((a for a in area if not np.isnan(a)), np.nan)]
        return area[at] / (sum(known) / len(known))
    return mean(abs(np.nan_to_num(relative(one.d["area"][:, i] / one.d["visible"][:, i], k))
                    - relative(np.where(one.t["judged"][:, i], one.t["area"][:, i], np.nan), k))
                for i in one.judged(k))


def delays(one: One) -> list[float]:
    found = []
    for i in one.slots:
        hidden = [k for k in range(FRAMES) if one.t["visible"][k, i] <= 0.02]
        back = {next((j for j in range(k, FRAMES) if one.t["judged"][j, i]), None) for k in hidden}
        for k in back - {None}:
            if k < CONTEXT:
                continue
            reach = 2 * area_radius(one.t["area"][k, i])
            near = [abs(time[j] - time[k]) for j in range(CONTEXT, FRAMES)
                    if math.dist(one.d["position"][j, i], one.t["position"][k, i]) <= reach]
            found.append(min([t for t in near if t <= 0.5 + 1e-9], default=math.inf))
    return found


ORACLES = {
    "trajectory.position_crps": ensemble(crps),
    "trajectory.velocity_crps": lambda s: ensemble(crps)(s, "velocity"),
    "trajectory.energy_score": ensemble(energy),
    "trajectory.spread_skill": ensemble(spread),
    "trajectory.ade": series(lambda one, k: mean(one.off(k, i) for i in one.judged(k))),
    "trajectory.fde": single(fde),
    "trajectory.velocity_error": series(velocity_error),
    "trajectory.acceleration_error": series(acceleration_error),
    "trajectory.normalised_ate": single(normalised_ate),
    "trajectory.pose_error": series(pose),
    "trajectory.event_time_error": single(event_time),
    "trajectory.valid_horizon": single(horizon),
    "trajectory.mask_iou": series(mask_iou),
    "trajectory.chamfer": series(chamfer),
    "conservation.gravity_error": single(gravity_error),
    "conservation.gravity_ratio": single(gravity_ratio),
    "conservation.momentum_residual": series(momentum),
    "conservation.kinetic_energy_residual": series(kinetic),
    "conservation.energy_residual": series(mechanical),
    "conservation.restitution_error": single(restitution),
    "conservation.friction_error": single(friction),
    "conservation.penetration": series(penetration),
    "conservation.contact_f1": single(contact_f1),
    "permanence.count_error": series(count_error),
    "permanence.survival": single(survival),
    "permanence.breaks": single(lambda one: mean(
        one.d["breaks"][i] for i in one.slots if one.t["judged"][:, i].any())),
    "permanence.strays": series(lambda one, k: one.d["strays"][k]),
    "permanence.shape_drift": series(shape_drift),
    "permanence.reappearance": single(lambda one: mean(math.isfinite(d) for d in delays(one))),
    "permanence.reappearance_delay": single(lambda one: mean(min(d, 0.5) for d in delays(one))),
}


@pytest.fixture(scope="module")
def drawn() -> Sample:
    return sample(4)


def value(name: str, s: Sample) -> np.ndarray:
    result = METRICS[name].compute(s)
    assert result.dims in (("case", "time"), ("case",))
    return result.values


def test_every_metric_has_an_oracle():
    assert set(ORACLES) == set(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_metric_is_its_oracle(name, drawn):
    expected = ORACLES[name](drawn)
    assert np.isfinite(expected).any() and np.nanstd(expected) > 0, "nothing to tell apart"
    np.testing.assert_allclose(value(name, drawn), expected, atol=1e-6)


@pytest.fixture(scope="module")
def truth() -> xr.DataTree:
    return sample(5, members=1, truths=1, plain=True).state


WORST = {"penetration": 0.0, "strays": 0.0, "breaks": 0.0, "spread_skill": 0.0}
"""Of a dream of nothing: what can only be wrong with objects there."""


@pytest.mark.parametrize("name", METRICS)
def test_truth_is_perfect_and_a_dream_of_nothing_is_never_without_a_value(name, truth):
    seen = as_seen(truth)
    metric, short = METRICS[name], name.rpartition(".")[2]
    own, none = (metric.over_window(metric.compute(s), CONTEXT).values
                 for s in (seen, without_objects(seen)))
    best = (FRAMES - CONTEXT) / FPS if short == "valid_horizon" else metric.perfect
    if short == "spread_skill":
        assert np.isnan(own).all()  # one member that is right has no error to explain
    else:
        # Balls differ, and of a hidden one's bounces only the dream tells.
        np.testing.assert_allclose(own, best, atol=0.01 if short == "restitution_error" else 1e-6)
    np.testing.assert_array_equal(np.isnan(none), np.isnan(own) & (short != "spread_skill"))
    if short in WORST:
        np.testing.assert_array_equal(none, WORST[short])
    else:
        worse = none < own if metric.direction == "higher" else none > own
        assert worse[np.isfinite(own)].all()


def one_case(places: list, velocities: list, hits: list) -> tuple[xr.Dataset, xr.Dataset]:
    """Objects and contacts of one case and member: (time, 2) of each object, rows of contacts."""
    position, velocity = (np.stack(one, axis=1)[None, None] for one in (places, velocities))
    return dataset(position, velocity), contacts({(0, 0): hits}, (1, 1))


def against(dream: tuple[xr.Dataset, xr.Dataset], truth: tuple[xr.Dataset, xr.Dataset],
            mass: tuple[float, ...]) -> Sample:
    """A sample of one case, of which everything is seen and judged."""
    state = truth[0].assign(
        judged=truth[0]["seen"],
        mass=(("case", "realization", "object"), np.array(mass)[None, None]))
    tree = xr.DataTree.from_dict({"objects": state, "contacts": truth[1]})
    observed = as_seen(xr.DataTree.from_dict({
        "objects": dream[0].assign(judged=0, mass=0, body=0, colour=0), "contacts": dream[1]}))
    return Sample(observed.observed, tree, context=CONTEXT)


def falling(gravity: float, e: float = 0.7) -> tuple[xr.Dataset, xr.Dataset]:
    balls = [bouncing(h, gravity, e, 0.0, x) for h, x in ((1.0, -0.5), (1.6, 0.5))]
    return one_case([b[0] for b in balls], [b[1] for b in balls],
                    [(at, n, -1, jump) for n, b in enumerate(balls) for at, jump in b[2]])


def test_the_gravity_of_a_dream_is_read_and_its_scale_is_not():
    s = against(falling(7.35), falling(9.8), (1.0, 1.0))
    assert value("conservation.gravity_error", s) == pytest.approx(0.25, abs=1e-9)
    assert value("conservation.gravity_ratio", s) == pytest.approx(0.0, abs=1e-9)
    # A lesser gravity leaves less energy: as a share of the whole, what the fall is short of.
    assert value("conservation.energy_residual", s)[0, CONTEXT] > 0


def test_two_falls_with_gravities_of_their_own_are_told():
    slow, fast = falling(5.0), falling(9.8)
    mixed = slow[0].copy(deep=True)
    mixed["position"][..., 1, :] = fast[0]["position"][..., 1, :]
    rows = [(float(t), int(n), -1, float(j)) for part, own in ((slow, 0), (fast, 1))
            for t, n, j in zip(*(part[1][v].values[0, 0] for v in ("time", "object_a", "jump")),
                               strict=True) if n == own]
    s = against((mixed, contacts({(0, 0): rows}, (1, 1))), fast, (1.0, 1.0))
    assert value("conservation.gravity_ratio", s) == pytest.approx(math.log(9.8 / 5.0), abs=1e-9)


@pytest.mark.parametrize("e", [0.3, 0.6, 0.9])
def test_restitution_is_the_ratio_of_speeds(e):
    s = against(falling(9.8, e), falling(9.8, 0.7), (1.0, 1.0))
    assert value("conservation.restitution_error", s) == pytest.approx(abs(e - 0.7), abs=1e-9)


def crash(after: float) -> tuple[xr.Dataset, xr.Dataset]:
    """A ball at 3 m/s meets one at rest at 1 s; it keeps a share `after` of that, which the other
    lacks."""
    late, still = np.maximum(time - 1.0, 0.0), np.zeros_like(time)
    speeds = [np.where(time < 1, 3.0, 3 * after), np.where(time < 1, 0.0, 3 - 3 * after)]
    places = [-3.4 + 3 * np.minimum(time, 1.0) + 3 * after * late, 3 * (1.0 - after) * late]
    return one_case([np.stack([x, still], -1) for x in places],
                    [np.stack([v, still], -1) for v in speeds], [(1.0, 0, 1, 3 - 3 * after)])


def test_collisions_keep_momentum_lose_energy_and_have_a_restitution():
    s = against(crash(0.3), crash(0.1), (2.0, 2.0))
    after = slice(21, FRAMES)
    np.testing.assert_allclose(value("conservation.momentum_residual", s), 0.0, atol=1e-12)
    # Energies after, as shares of that before: 0.09 + 0.49 and 0.01 + 0.81.
    np.testing.assert_allclose(
        value("conservation.kinetic_energy_residual", s)[0, after], 0.24, atol=1e-12)
    assert value("conservation.restitution_error", s) == pytest.approx(0.4, abs=1e-3)
    heavy = against(crash(0.3), crash(0.1), (2.0, 4.0))
    np.testing.assert_allclose(  # 0.4 v to one, 0.8 v from the other, of 0.2 v + 3.6 v
        value("conservation.momentum_residual", heavy)[0, after], 0.4 / 3.8, atol=1e-12)


def test_acceleration_along_a_slope_is_an_error_of_friction():
    def sliding(a: float) -> tuple[xr.Dataset, xr.Dataset]:
        way = np.array([math.cos(0.4), -math.sin(0.4)])
        return one_case([a * time[:, None] ** 2 / 2 * way], [a * time[:, None] * way], [])
    s = against(sliding(1.2), sliding(2.0), (1.0,))
    assert value("conservation.friction_error", s) == pytest.approx(0.8, abs=1e-9)


def test_overlap_counts_from_the_deepest_that_the_truth_shows():
    def apart(gap: float) -> tuple[xr.Dataset, xr.Dataset]:
        still = np.zeros((FRAMES, 2))
        return one_case([still, still + np.array([gap, 0.0])], [still, still], [])
    s = against(apart(0.25), apart(0.39), (1.0, 1.0))
    np.testing.assert_allclose(value("conservation.penetration", s), 0.14, atol=1e-12)


def test_discs_overlap_as_they_must():
    r, s = np.array([0.2, 0.2, 0.1, 0.3, 0.2]), np.array([0.2, 0.2, 0.3, 0.1, 0.2])
    got = disc_iou(np.array([0.0, 0.5, 0.1, 0.2, 0.2]), r, s)
    middle = 2 * math.pi / 3 - math.sqrt(3) / 2  # of unit circles through each other's centres
    np.testing.assert_allclose(
        got, [1, 0, 1 / 9, 1 / 9, middle / (2 * math.pi - middle)], atol=1e-12)


def test_a_contact_that_is_seen_twice_is_one():
    twice = Contacts(np.array([1.0, 0.5, 1.1, 1.1, 1.05, 0.9]),
                     np.array([[0, 1], [0, 1], [1, -1], [1, 2], [2, 3], [4, -1]]),
                     np.array([1.0, 1.0, 3.0, 1.0, 1.0, 1.0]))
    one = once(twice, 0.15)
    assert sorted((round(t, 3), tuple(who), j) for t, who, j in zip(
        one.time, one.objects.tolist(), one.jump, strict=True)) == [
        (0.5, (0, 1), 1.0), (0.9, (4, -1), 1.0), (1.05, (2, 3), 1.0), (1.075, (0, 1), 4.0),
        (1.1, (1, 2), 1.0)]
    assert len(once(Contacts(np.zeros(0), np.zeros((0, 2), int), np.zeros(0)), 0.1).time) == 0


def test_a_stop_at_the_seam_is_no_contact(truth):
    seen = as_seen(truth)
    frozen = seen.observed["objects"].to_dataset()
    for name in ("position", "velocity"):
        frozen[name] = frozen[name].where(frozen["time"] < CONTEXT / FPS).ffill("time")
    shape = (frozen.sizes["case"], 1)
    rows = {(c, 0): [((CONTEXT - 0.5) / FPS, i, -1, 3.0) for i in range(2)] for c in range(2)}
    still = Sample(xr.DataTree.from_dict({"objects": frozen, "contacts": contacts(rows, shape)}),
                   truth, context=CONTEXT)
    assert (value("conservation.contact_f1", still) == 0).all()
    assert (value("trajectory.event_time_error", still) == 0.5).all()
    assert (value("conservation.gravity_ratio", still)[:1] == 1).all()


def test_energy_score_in_one_dimension_is_the_crps(drawn):
    x = drawn.observed["objects"]["position"].isel(object=[0]).fillna(0.0).isel(xy=[0])
    y = observation(drawn.state["objects"]["position"].isel(object=[0], xy=[0]))
    np.testing.assert_allclose(energy_score(x, y, "xy"), fair_crps(x, y).isel(xy=0), atol=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_the_order_of_objects_and_members_does_not_matter(name, drawn):
    turned = drawn.pick([1, 0], [0, 1])
    order = [2, 0, 1]
    trees = []
    for tree in (turned.observed, turned.state):
        hits = tree["contacts"].to_dataset()
        for side in ("object_a", "object_b"):
            hits[side] = hits[side].copy(data=np.where(
                hits[side] < 0, -1, np.argsort(order)[hits[side].values]))
        objects = tree["objects"].to_dataset().isel(object=order)
        trees.append(xr.DataTree.from_dict({
            "objects": objects.assign_coords(object=np.arange(3)),
            "contacts": hits.isel(event=slice(None, None, -1))}))
    np.testing.assert_allclose(value(name, Sample(*trees, context=CONTEXT)), value(name, drawn),
                               atol=1e-9)


def test_pictures_of_the_view_that_is_read():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 255, (1, 1, 4, 16, 16, 3)).astype(np.uint8)
    dream = truth.copy()
    dream[:, :, 2:] = rng.integers(0, 255, dream[:, :, 2:].shape)
    dims = ("case", "realization", "time", "row", "column", "channel")
    coords = {"case": [0], "time": np.arange(4) / FPS}
    a, b = (xr.DataArray(v, dims=dims, coords=coords) for v in (dream, truth))
    s = Sample(xr.DataTree(), xr.DataTree(), {"main": a}, {"main": b}, 1)
    by_name = {m.name: m for m in pixel.MAIN_METRICS}
    assert set(by_name) == {"pixel.mse_main", "pixel.psnr_main", "pixel.ssim_main"}
    psnr = by_name["pixel.psnr_main"].compute(s).values[0]
    assert psnr[2] == pytest.approx(peak_signal_noise_ratio(truth[0, 0, 2], dream[0, 0, 2]))
    assert psnr[0] == pytest.approx(by_name["pixel.psnr_main"].perfect) and np.isfinite(psnr[0])
    assert {m.window for m in by_name.values()} == {"dreamt"}
    ssim = by_name["pixel.ssim_main"]
    assert ssim.over_window(ssim.compute(s), 1) < 0.5 and ssim.compute(s).values[0, 0] == (
        pytest.approx(1.0))


def test_made_up_balls_bounce_on_the_floor():
    place, velocity, hits = bouncing(1.0, 9.8, 0.5, 0.3, 0.0, np.arange(0, 1.9, 1e-4))
    assert place[:, 1].min() == pytest.approx(FLOOR, abs=1e-3)
    assert hits[0] == pytest.approx((math.sqrt(2 / 9.8), 1.5 * math.sqrt(2 * 9.8)))
    # Where nothing touches, velocities are the slopes of places.
    slope = np.gradient(place[:, 1], 1e-4)
    calm = np.all([np.abs(np.arange(0, 1.9, 1e-4) - at) > 1e-3 for at, _ in hits], axis=0)
    np.testing.assert_allclose(slope[1:-1][calm[1:-1]], velocity[1:-1, 1][calm[1:-1]], atol=1e-3)
