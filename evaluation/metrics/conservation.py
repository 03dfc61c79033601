"""Metrics of laws: gravity, momentum, energy, restitution, friction, solidity, contacts.

What a law's constant is in truth comes from the state by the estimator that reads the dream, so
that nothing beyond the pictures and the states is needed. A dream in which nothing happens that the
constant could be read from errs by all of it: by 1.
"""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from evaluation.metrics.flights import Flight, fall, flights
from evaluation.metrics.impacts import (
    TOLERANCE,
    fitted_restitution,
    impact,
    same_contacts,
    speeds,
)
from evaluation.metrics.metric import Metric
from evaluation.metrics.pairs import JUMP, Contacts, Objects, Pair, known_mean, per_pair
from evaluation.metrics.trajectory import HITS, NEEDS, STRUCK

MOST = 1.0
"""Relative errors count up to this: as wrong as no such law at all."""


def _flights(pair: Pair, objects: Objects, number: int, usable: np.ndarray,
             cuts: np.ndarray) -> list[Flight]:
    """Flights of an object at instants that were not known."""
    wanted = usable[:, number] & (np.arange(len(pair.time)) >= pair.context)
    return flights(pair.time, objects.position[:, number], wanted, cuts)


def _falls(pair: Pair) -> np.ndarray:
    """(object, 2) m/s2 downward acceleration in flight, in the dream and in truth; NaN of what does
    not fly."""
    return np.array([
        [fall(_flights(pair, pair.dream, n, pair.dream.seen, pair.hits.times(n)), pair.pitch),
         fall(_flights(pair, pair.truth, n, pair.judged, pair.true_hits.times(n)), pair.pitch)]
        for n in range(pair.judged.shape[1])
    ]).reshape(-1, 2)


def _gravity_error(pair: Pair) -> np.ndarray:
    dream, truth = _falls(pair).T
    off = np.minimum(np.abs(np.nan_to_num(dream) / truth - 1), MOST)
    return known_mean(off)


def _drop(pair: Pair, objects: Objects, hits: Contacts, number: int) -> float:
    """t2 / h of an object's fall, from rest in the first frame to its first bounce, s2/m; NaN if
    it does not."""
    bounces = [(hits.time[n], n) for n in hits.of(number) if hits.time[n] > pair.begins
               and impact(pair, objects, hits, n)[1] * pair.step >= pair.pitch]
    if not bounces:
        return np.nan
    contact = min(bounces)[0]
    until = np.flatnonzero(pair.time <= contact)[-1] + 1
    seen = np.isfinite(objects.position[:until, number]).all(axis=-1)
    found = flights(pair.time[:until], objects.position[:until, number], seen, np.zeros(0), least=4)
    if len(found) != 1 or found[0].first != 0:
        return np.nan
    height = found[0].place(pair.time[0])[1] - found[0].place(contact)[1]
    return float((contact - pair.time[0]) ** 2 / height) if height > 0 else np.nan


def _gravity_ratio(pair: Pair) -> np.ndarray:
    falling = [n for n in range(pair.judged.shape[1]) if len(pair.shown_hits(n))
               and np.isfinite(_drop(pair, pair.truth, pair.true_hits, n))]
    drops = [_drop(pair, pair.dream, pair.hits, n) for n in falling]
    off = [min(abs(float(np.log(a / b))), MOST) if np.isfinite(a + b) else MOST
           for a, b in itertools.combinations(drops, 2)]
    return np.array(np.mean(off) if off else np.nan)


def _moving(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Velocities (time, object, xy) m/s of the dream, 0 of what is lost, and of the truth; both 0
    where an object is not judged."""
    shown = pair.judged[..., None]
    return (np.where(shown, np.nan_to_num(pair.dream.velocity), 0.0),
            np.where(shown, pair.truth.velocity, 0.0))


def _in_view(pair: Pair, values: np.ndarray) -> np.ndarray:
    return np.where(pair.judged.any(axis=1), values, np.nan)


def _momentum_residual(pair: Pair) -> np.ndarray:
    mass = np.nan_to_num(pair.mass)
    dream, truth = (np.einsum("o,tox->tx", mass, v) for v in _moving(pair))
    each = np.linalg.norm(_moving(pair)[1], axis=-1) @ mass
    scale = each[pair.dreamt].max(initial=0.0)
    return _in_view(pair, np.linalg.norm(dream - truth, axis=-1) / scale if scale > 0
                    else np.full(len(pair.time), np.nan))


def _kinetic_residual(pair: Pair) -> np.ndarray:
    mass = np.nan_to_num(pair.mass)
    dream, truth = ((v**2).sum(axis=-1) @ mass / 2 for v in _moving(pair))
    scale = truth[pair.dreamt].max(initial=0.0)
    return _in_view(pair, np.abs(dream - truth) / scale if scale > 0
                    else np.full(len(pair.time), np.nan))


def _energy_residual(pair: Pair) -> np.ndarray:
    gravity = known_mean(_falls(pair)[:, 1])
    mass = np.where(np.isfinite(pair.mass), pair.mass, 0.0)
    floor = np.nanmin(np.where(pair.judged, pair.truth.position[..., 1], np.nan), initial=np.inf)
    dream, truth = (
        ((v**2).sum(axis=-1) / 2
         + gravity * np.where(pair.judged, place[..., 1] - floor, 0.0)) @ mass
        for v, place in zip(_moving(pair), (pair.placed, pair.truth.position), strict=True)
    )
    scale = truth[pair.dreamt].max(initial=0.0)
    return _in_view(pair, np.abs(dream - truth) / scale if scale > 0
                    else np.full(len(pair.time), np.nan))


def _restitution_error(pair: Pair) -> np.ndarray:
    large = pair.true_hits.jump >= JUMP * pair.pitch / pair.step
    in_view = np.where(pair.judged[..., None], pair.truth.position, np.nan)
    truth = fitted_restitution(speeds(
        pair, dataclasses.replace(pair.truth, position=in_view), pair.true_hits.only(large)))
    dream = fitted_restitution(speeds(pair, pair.dream, pair.hits))
    return np.array(np.nan if np.isnan(truth) else MOST if np.isnan(dream)
                    else min(abs(dream - truth), MOST))


def _acceleration(pair: Pair, objects: Objects, usable: np.ndarray, cuts: np.ndarray,
                  number: int) -> np.ndarray:
    """([x, y]) m/s2 in the longest flight (from contact to contact) that was not known; NaN without
    one."""
    found = _flights(pair, objects, number, usable, cuts)
    return (max(found, key=lambda one: one.weight).acceleration if found else np.full(2, np.nan))


def _friction_error(pair: Pair) -> np.ndarray:
    off = np.full(pair.judged.shape[1], np.nan)
    for number in range(len(off)):
        true = _acceleration(pair, pair.truth, pair.judged, pair.true_hits.times(number), number)
        own = _acceleration(pair, pair.dream, pair.dream.seen, pair.hits.times(number), number)
        off[number] = np.linalg.norm(np.nan_to_num(own) - true)
    return known_mean(off)


def _overlaps(pair: Pair, position: np.ndarray) -> np.ndarray:
    """(time, pair of objects) m by which discs of the true objects' area overlap; 0 if not seen."""
    pairs = np.array(list(itertools.combinations(range(position.shape[1]), 2)), int).reshape(-1, 2)
    one, other = pairs.T
    apart = np.linalg.norm(position[:, one] - position[:, other], axis=-1)
    return np.nan_to_num(np.maximum(pair.radius[one] + pair.radius[other] - apart, 0.0))


def _penetration(pair: Pair) -> np.ndarray:
    true = _overlaps(pair, np.where(pair.truth.seen[..., None], pair.truth.position, np.nan))
    own = _overlaps(pair, pair.dream.position)
    beyond = np.maximum(own - true.max(axis=0, initial=0.0), 0.0)
    return beyond.max(axis=1, initial=0.0)


def _contact_f1(pair: Pair) -> np.ndarray:
    hits = missed = false = 0
    for number in range(pair.judged.shape[1]):
        own, true = pair.dreamt_hits(number), pair.shown_hits(number)
        found = same_contacts(true, own)
        # Who shows a contact that is too faint to be asked for is not wrong.
        right = same_contacts(pair.true_hits.times(number), own)
        hits, missed, false = hits + found, missed + len(true) - found, false + len(own) - right
    return np.array(2 * hits / (2 * hits + missed + false) if hits + missed else np.nan)


FLYING = ("free_fall", "projectile")
SLIDING = ("collision", "collisions")
"""On an air table: what is in view has no other forces on it than those between its bodies."""

METRICS = (
    Metric("conservation.gravity_error", "1", "relative error of the downward acceleration in "
           "flight (parabolas between contacts), at most 1, which it is where nothing flies",
           per_pair(_gravity_error), needs=HITS, scenarios=FLYING,
           concerns=("gravity",)),
    Metric("conservation.gravity_ratio", "1", "|ln(t1^2 h2 / (t2^2 h1))| of two falls from rest to "
           "the first bounce: 0 for any gravity and scale, at most 1, which it is without bounces",
           per_pair(_gravity_ratio), needs=HITS, scenarios=("free_fall",)),
    Metric("conservation.momentum_residual", "1", "size of the error of the total momentum of what "
           "is in view, with the true masses, over the greatest sum of momenta's sizes",
           per_pair(_momentum_residual), window="dreamt", needs=NEEDS, scenarios=SLIDING,
           concerns=("mass", "vanish", "frozen", "backwards")),
    Metric("conservation.kinetic_energy_residual", "1", "error of the total kinetic energy of what "
           "is in view, with the true masses, over the greatest true one",
           per_pair(_kinetic_residual), window="dreamt", needs=NEEDS, scenarios=SLIDING,
           concerns=("restitution", "energy_loss", "energy_gain", "vanish", "frozen")),
    Metric("conservation.energy_residual", "1", "error of kinetic and potential energy together, "
           "with the truth's gravity, above the lowest true place, over the greatest true one",
           per_pair(_energy_residual), window="dreamt", needs=HITS, scenarios=FLYING,
           concerns=("gravity", "energy_loss", "energy_gain")),
    Metric("conservation.restitution_error", "1", "error of the ratio of parting to closing speeds "
           "of all contacts, at most 1, which it is without contacts",
           per_pair(_restitution_error), needs=HITS, scenarios=("free_fall", "collision"),
           concerns=("restitution",)),
    Metric("conservation.friction_error", "m s-2", "size of the error of the acceleration along "
           "the slope in the longest run between contacts; over g cos(slope) it is that of the "
           "coefficient of sliding friction", per_pair(_friction_error), needs=HITS,
           scenarios=("incline",), concerns=("friction",)),
    Metric("conservation.penetration", "m", "greatest overlap of two discs of the objects' areas "
           "beyond the deepest that the truth ever shows of them", per_pair(_penetration),
           window="dreamt", needs=NEEDS,
           scenarios=("collision", "collisions", "balls_in_box", "granular_pour"),
           skilled=False,  # a still picture of objects apart is perfect
           concerns=("overlap",)),
    Metric("conservation.contact_f1", "1", "F1 of contacts per object, paired within "
           f"{TOLERANCE:g} s; contacts too faint to show ({JUMP:g} px per frame) may be missing",
           per_pair(_contact_f1), direction="higher", perfect=1.0, needs=HITS, scenarios=STRUCK),
)
