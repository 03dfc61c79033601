"""One member of a video beside one of the truth, as arrays: what metrics of objects compare.

A metric that is a function of such a pair becomes one of a sample by `per_pair`: its mean over all
pairs, but for those in which there is nothing to judge (NaN).
"""

from __future__ import annotations

import dataclasses
import functools
import warnings
import weakref
from collections.abc import Callable

import numpy as np
import xarray as xr

from evaluation.metrics.debris import standing_in
from evaluation.metrics.metric import Sample

JUMP = 0.5
"""px per frame: a contact that changes no velocity by as much does not show."""

BEFORE, AFTER = 2, 3
"""Frames before the one in which a contact falls, and after it, in which its object has to be in
view for the contact to show."""

APART = 3
"""Frames between two contacts of one object that tracks can tell apart. What a video shows of the
same objects at a shorter distance is one contact, seen twice."""


@dataclasses.dataclass(frozen=True)
class Objects:
    """Objects of one member, numbered as in the truth; NaN where not seen.

    position, velocity : (time, object, [x, y]) m, m/s. area : (time, object) m2 of the visible
    part. visible : (time, object) share. orientation : (time, object) rad modulo pi.
    seen : (time, object) bool.
    """

    position: np.ndarray
    velocity: np.ndarray
    area: np.ndarray
    visible: np.ndarray
    orientation: np.ndarray
    seen: np.ndarray


@dataclasses.dataclass(frozen=True)
class Contacts:
    """Contacts of one member, in no order: time (n,) s, objects (n, 2) or -1, jump (n,) m/s."""

    time: np.ndarray
    objects: np.ndarray
    jump: np.ndarray

    def of(self, number: int) -> np.ndarray:
        """Which contacts an object has a part in."""
        return np.flatnonzero((self.objects == number).any(axis=1))

    def only(self, chosen: np.ndarray) -> Contacts:
        """Those chosen, (n,) bool."""
        return Contacts(self.time[chosen], self.objects[chosen], self.jump[chosen])

    def times(self, number: int) -> np.ndarray:
        """(k,) s of an object's contacts, in order."""
        return np.sort(self.time[self.of(number)])


def once(hits: Contacts, gap: float) -> Contacts:
    """Contacts of the same objects less than `gap` s after one another made one, at their mean time
    weighted by their jumps, which add up. Where one of two objects is not known they count as the
    same."""
    groups: list[list[int]] = []
    for number in np.argsort(hits.time, kind="stable"):
        who = set(hits.objects[number]) - {-1}
        for group in groups:
            last = set().union(*(set(hits.objects[n]) for n in group)) - {-1}
            if hits.time[number] - hits.time[group[-1]] < gap and who and last and (
                    who <= last or last <= who):
                group.append(int(number))
                break
        else:
            groups.append([int(number)])
    most = [max(group, key=lambda n: (hits.objects[n] >= 0).sum()) for group in groups]
    return Contacts(
        np.array([np.average(hits.time[g], weights=hits.jump[g]) for g in groups]),
        hits.objects[most].reshape(-1, 2), np.array([hits.jump[g].sum() for g in groups]))


NONE = Contacts(np.zeros(0), np.zeros((0, 2), int), np.zeros(0))


@dataclasses.dataclass(frozen=True)
class Pair:
    """One member of a video beside one of the truth.

    time : (time,) s. context : number of known frames. pitch : m per px. height : m of the
    picture.
    judged : (time, object) whether the truth shows it well enough. mass : (object,) kg.
    placed : (time, object, xy) m, where the dream shows each object; one that is lost counts as
    where it was last seen.
    count, strays : (time,) tracks seen in the dream, and those of them that are nobody's; astray :
    (time, stray, xy) m, where these are. breaks : (object,).
    """

    time: np.ndarray
    context: int
    pitch: float
    height: float
    dream: Objects
    truth: Objects
    judged: np.ndarray
    mass: np.ndarray
    placed: np.ndarray
    count: np.ndarray
    strays: np.ndarray
    astray: np.ndarray
    breaks: np.ndarray
    hits: Contacts
    true_hits: Contacts

    @property
    def step(self) -> float:
        """s between two frames."""
        return float(self.time[1] - self.time[0]) if len(self.time) > 1 else np.nan

    @property
    def dreamt(self) -> slice:
        """The frames that were not known."""
        return slice(self.context, None)

    @property
    def begins(self) -> float:
        """s: of the first frame that was not known; before all frames if none was known. What lies
        between two frames of which one was known is the seam of the dream, not a contact in it."""
        if not self.context:
            return -np.inf
        return float(self.time[self.context]) if self.context < len(self.time) else np.inf

    @property
    def error(self) -> np.ndarray:
        """(time, object) m, distance of where the dream has it from where it truly is."""
        return np.linalg.norm(self.placed - self.truth.position, axis=-1)

    @property
    def radius(self) -> np.ndarray:
        """(object,) m, of the disc of the same area as the whole object as the dream begins."""
        return np.sqrt(first_known(self.truth.area[max(self.context - 1, 0):]) / np.pi)

    def shown_hits(self, number: int) -> np.ndarray:
        """(k,) s, in order: true contacts of an object that were not known and that show: a change
        of velocity of at least `JUMP`, `APART` from the next such, with the object in view before
        and after."""
        own = self.true_hits.of(number)
        large = self.true_hits.jump[own] >= JUMP * self.pitch / self.step
        times = np.sort(self.true_hits.time[own[large]])
        found = []
        for at in times:
            frame = int((at - self.time[0]) / self.step + 1e-9)
            around = self.judged[max(frame - BEFORE, 0): frame + AFTER + 1, number]
            alone = (np.abs(times - at) < APART * self.step).sum() == 1
            inside = frame >= BEFORE and frame + AFTER < len(self.time)
            if at > self.begins and alone and inside and around.all():
                found.append(at)
        return np.array(found)

    def dreamt_hits(self, number: int) -> np.ndarray:
        """(k,) s, in order: contacts of an object in the dream."""
        times = self.hits.times(number)
        return times[times > self.begins]

    def calm(self, frames: float) -> np.ndarray:
        """(time, object) bool: no true contact of the object that shows in its velocity lies within
        so many frames."""
        quiet = np.ones(self.judged.shape, bool)
        large = self.true_hits.jump >= JUMP * self.pitch / self.step
        for at, pair in zip(self.true_hits.time[large], self.true_hits.objects[large], strict=True):
            beside = np.abs(self.time - at) <= frames * self.step + 1e-9
            for number in pair[pair >= 0]:
                quiet[beside, number] = False
        return quiet


def first_known(series: np.ndarray) -> np.ndarray:
    """(object,) the first value of (time, object) that is not NaN; NaN if there is none."""
    known = np.isfinite(series)
    return np.where(known.any(axis=0),
                    np.take_along_axis(series, known.argmax(axis=0)[None], axis=0)[0], np.nan)


def known_mean(values: np.ndarray, axis: int = 0) -> np.ndarray:
    """Mean of what is not NaN along an axis; NaN where all is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # means of nothing
        return np.asarray(np.nanmean(values, axis=axis))


def over_judged(values: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """(time,) mean of (time, object) over the objects judged; NaN where none is."""
    return known_mean(np.where(judged, values, np.nan), axis=1)


def per_pair(compute: Callable[[Pair], np.ndarray]) -> Callable[[Sample], xr.DataArray]:
    """A metric of samples from one of pairs, which gives (time,), or () where time has no place."""
    return functools.partial(_over_pairs, compute=compute)


def _over_pairs(sample: Sample, compute: Callable[[Pair], np.ndarray]) -> xr.DataArray:
    values = np.stack([
        known_mean(np.stack([np.asarray(compute(pair), float) for pair in pairs]))
        for pairs in _LATEST.of(sample)
    ])
    objects = sample.state["objects"]
    coords = {"case": objects["case"], "time": objects["time"]}
    dims = ("case", "time")[: values.ndim]
    return xr.DataArray(values, dims=dims, coords={name: coords[name] for name in dims})


class _Latest:
    """Pairs of the sample asked about last: one metric after the other asks about the same."""

    def __init__(self) -> None:
        self._sample: weakref.ref[Sample] | None = None
        self._pairs: list[list[Pair]] = []

    def of(self, sample: Sample) -> list[list[Pair]]:
        """As `pairs_of`; kept until another sample comes."""
        if self._sample is None or self._sample() is not sample:
            self._pairs = pairs_of(sample)
            self._sample = weakref.ref(sample)
        return self._pairs


_LATEST = _Latest()


def pairs_of(sample: Sample) -> list[list[Pair]]:
    """For each case, all members of the video beside all of the truth."""
    observed, state = (tree["objects"].dataset for tree in (sample.observed, sample.state))
    dreams, truths = _objects(observed), _objects(state)
    hits, true_hits = (_contacts(tree) for tree in (sample.observed, sample.state))
    judged, mass = state["judged"].values, state["mass"].values
    start = state["position"].isel(time=0, realization=0, drop=True)
    placed = standing_in(observed["position"], start).values
    counts = {n: observed[n].values for n in ("count", "strays", "astray", "breaks")}
    time = state["time"].values
    step = float(time[1] - time[0]) if len(time) > 1 else 0.0
    found = []
    for case in range(state.sizes["case"]):
        found.append([
            Pair(
                time, sample.context, float(state.attrs["pitch"]), float(state.attrs["height"]),
                _member(dreams, case, m), _member(truths, case, r), judged[case, r], mass[case, r],
                placed[case, m], **{name: values[case, m] for name, values in counts.items()},
                hits=once(_hits(hits, case, m), APART * step), true_hits=_hits(true_hits, case, r),
            )
            for m in range(observed.sizes["realization"]) for r in range(state.sizes["realization"])
        ])
    return found


def _objects(dataset: xr.Dataset) -> Objects:
    """Of all cases and members."""
    return Objects(*(dataset[f.name].values for f in dataclasses.fields(Objects)))


def _member(every: Objects, case: int, member: int) -> Objects:
    return Objects(*(getattr(every, f.name)[case, member] for f in dataclasses.fields(Objects)))


def _contacts(tree: xr.DataTree) -> Contacts | None:
    """Of all cases and members; None where the scenario has none."""
    if "contacts" not in tree.children:
        return None
    group = tree["contacts"].dataset
    return Contacts(group["time"].values,
                    np.stack([group["object_a"].values, group["object_b"].values], axis=-1),
                    group["jump"].values)


def _hits(every: Contacts | None, case: int, member: int) -> Contacts:
    if every is None:
        return NONE
    there = np.isfinite(every.time[case, member])
    return Contacts(every.time[case, member, there], every.objects[case, member, there],
                    every.jump[case, member, there])
