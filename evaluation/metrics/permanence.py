"""Metrics of permanence: what is there stays there, keeps its size, and comes back from behind."""

from __future__ import annotations

import numpy as np

from evaluation.metrics.metric import Metric
from evaluation.metrics.pairs import Pair, known_mean, over_judged, per_pair
from evaluation.metrics.trajectory import NEEDS

HIDDEN = 0.02
"""Visible share up to which an object is hidden."""

AGAIN_WINDOW = 0.5
"""s around its true reappearance, in which an object has to be seen again."""


def _count_error(pair: Pair) -> np.ndarray:
    # What shows little may be seen or not.
    most, least = pair.truth.seen.sum(axis=1), pair.judged.sum(axis=1)
    off = np.maximum(np.maximum(pair.count - most, least - pair.count), 0)
    return np.where(most > 0, off / np.maximum(most, 1), np.nan)


def _survival(pair: Pair) -> np.ndarray:
    shown = pair.judged[pair.dreamt]
    last = len(shown) - 1 - shown[::-1].argmax(axis=0)
    there = np.take_along_axis(pair.dream.seen[pair.dreamt], last[None], axis=0)[0]
    return known_mean(np.where(shown.any(axis=0), there, np.nan))


def _breaks(pair: Pair) -> np.ndarray:
    present = pair.judged.any(axis=0)
    return known_mean(np.where(present, pair.breaks, np.nan))


def _strays(pair: Pair) -> np.ndarray:
    return pair.strays.astype(float)


def _reference(area: np.ndarray, context: int) -> np.ndarray:
    """(object,) mean area in the known frames; in the first one with any, if in none of them."""
    first = np.where(np.isfinite(area).any(axis=0), np.isfinite(area).argmax(axis=0), 0)
    known = known_mean(area[: max(context, 1)])
    return np.where(np.isfinite(known), known, np.take_along_axis(area, first[None], axis=0)[0])


def _shape_drift(pair: Pair) -> np.ndarray:
    own = np.where(pair.dream.visible > 0, pair.dream.area, np.nan) / np.where(
        pair.dream.visible > 0, pair.dream.visible, 1.0)
    true = np.where(pair.judged, pair.truth.area, np.nan)
    ratio, true_ratio = (area / _reference(area, pair.context) for area in (own, true))
    return over_judged(np.abs(np.nan_to_num(ratio) - true_ratio), pair.judged)


def returns(pair: Pair) -> list[tuple[int, int]]:
    """(object, frame) of every true reappearance that was not known: the object is judged again for
    the first time since it was hidden."""
    found = []
    for number in range(pair.judged.shape[1]):
        hidden = False
        for frame in range(len(pair.time)):
            if pair.truth.visible[frame, number] <= HIDDEN:
                hidden = True
            elif hidden and pair.judged[frame, number]:
                hidden = False
                if frame >= pair.context:
                    found.append((number, frame))
    return found


def _delays(pair: Pair) -> np.ndarray:
    """(n,) s from each true reappearance to when the dream shows the object there, within its
    diameter, before or after; infinite where it does not within the window."""
    found = []
    for number, frame in returns(pair):
        gap = np.linalg.norm(pair.dream.position[:, number] - pair.truth.position[frame, number],
                             axis=-1)
        near = gap <= 2 * np.sqrt(pair.truth.area[frame, number] / np.pi)
        late = np.abs(pair.time - pair.time[frame])
        within = near & (late <= AGAIN_WINDOW + 1e-9) & (np.arange(len(near)) >= pair.context)
        found.append(late[within].min(initial=np.inf))
    return np.array(found)


def _reappearance(pair: Pair) -> np.ndarray:
    return known_mean(np.isfinite(_delays(pair)).astype(float))


def _reappearance_delay(pair: Pair) -> np.ndarray:
    return known_mean(np.minimum(_delays(pair), AGAIN_WINDOW))


# A still picture keeps all its objects and their sizes: but for reappearance no metric of this
# group has a skill over it.

METRICS = (
    Metric("permanence.count_error", "1", "how many objects too few or too many are seen, over "
           "those that the truth shows; what shows little may be seen or not",
           per_pair(_count_error), window="dreamt", needs=NEEDS, skilled=False,
           concerns=("vanish", "merge")),
    Metric("permanence.survival", "1", "share of the objects that are seen where the truth shows "
           "them last", per_pair(_survival), direction="higher", perfect=1.0, needs=NEEDS,
           skilled=False, concerns=("vanish",)),
    Metric("permanence.breaks", "1", "times per object that it is lost and another track takes "
           "over", per_pair(_breaks), needs=NEEDS, skilled=False, concerns=("teleport",)),
    Metric("permanence.strays", "1", "objects that are seen and that the truth does not have, per "
           "frame", per_pair(_strays), window="dreamt", needs=NEEDS, skilled=False),
    Metric("permanence.shape_drift", "1", "change of an object's area since the known frames, as a "
           "share, beside the true one's; 1 where it is lost", per_pair(_shape_drift),
           window="dreamt", needs=NEEDS, skilled=False, concerns=("vanish", "merge", "blur")),
    Metric("permanence.reappearance", "1", "share of the objects that come out from behind "
           "something that are seen where they do, within their diameter and "
           f"{AGAIN_WINDOW:g} s", per_pair(_reappearance), direction="higher", perfect=1.0,
           needs=NEEDS, scenarios=("occlusion",)),
    Metric("permanence.reappearance_delay", "s", "how far in time from when the truth shows it "
           f"again an object is seen there, at most {AGAIN_WINDOW:g} s",
           per_pair(_reappearance_delay), needs=NEEDS, scenarios=("occlusion",)),
)
