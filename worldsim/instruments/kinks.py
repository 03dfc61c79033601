"""Kinks: instants at which a track's velocity jumps, to a fraction of a frame.

Around each gap between two frames the positions of the frames before and after it are fitted by

    x(t) = c + v t + a t2 / 2 + dv max(0, t - t1)

with t1 in the gap, common to row and column. A kink is there where this is far better than a cubic
(smooth motion) with as many terms, and dv stands out from the noise. Kinks found bound the windows
of those next to them, and the search is repeated until there are no more.

Where an oscillation about a straight line goes through all positions as well, a kink has to be far
better than that. Of a track that swings, a cubic between kinks, both curves get one power of t
more. A track swings if its third differences are larger than noise leaves them, judged by its fifth
differences.
"""

from __future__ import annotations

import dataclasses
import math
from functools import lru_cache

import numpy as np

REACH = 5
"""Frames on each side of a gap, as far as they are seen in one run."""

LEAST = 2
"""Frames on each side at least."""

LEAST_TOGETHER = {2: 7, 3: 9}
"""Frames on both sides together at least, by the power of t up to which motion is known."""

SWINGING = 1.25
"""Noise by third differences over that by fifth ones from which on a track swings."""

SUSPICIOUS = 4.0
"""Squared residual of smooth motion over what noise leaves, from which on a kink is looked for."""


FREQUENCIES = np.arange(0.3, 1.81, 0.125)
"""rad per frame, of oscillations that are held against kinks: periods of 3.5 to 21 frames."""


@dataclasses.dataclass(frozen=True)
class KinkTest:
    """When a change of velocity is a kink.

    jump : px per frame, least change.
    noise : least change over its standard error.
    better : greatest share of smooth motion's squared residual that the kink leaves.
    left : greatest squared residual that it leaves, over what noise does.
    swing : greatest share of an oscillation's squared residual that the kink leaves, where the
        oscillation leaves no more than `left` either.
    sigma : px, least error of a position that is reckoned with.
    """

    jump: float = 0.2
    noise: float = 6.0
    better: float = 0.25
    left: float = 4.0
    swing: float = 0.1
    sigma: float = 0.03


@dataclasses.dataclass(frozen=True)
class _Fit:
    """Linear maps of one window, from its `left` + `right` positions.

    No frame lies within the gap, so that a kink at t1 adds dv t - dv t1 to all frames after it: a
    ramp and a step, which are fitted freely first; then t1 is what makes the step fit the ramp.
    """

    residual: np.ndarray  # (n, n): what a curve with ramp and step leaves
    smooth: np.ndarray  # (n, n): what smooth motion leaves
    parts: np.ndarray  # (2, n): ramp and step, scaled such that their errors are independent
    root: np.ndarray  # (2, 2): from ramp and step to that scale


@lru_cache(maxsize=128)
def _fit(left: int, right: int, power: int) -> _Fit:
    x = np.arange(1 - left, right + 1, dtype=float)  # the gap is from 0 to 1
    basis = np.vander(x, power + 1, increasing=True)
    smooth = np.eye(len(x)) - basis @ np.linalg.pinv(basis)
    cubic = np.vander(x, power + 2, increasing=True)
    after = (x > 0).astype(float)
    added = smooth @ np.stack([after * x, after], axis=1)
    orthogonal, root = np.linalg.qr(added)
    return _Fit(smooth - orthogonal @ orthogonal.T,
                np.eye(len(x)) - cubic @ np.linalg.pinv(cubic), orthogonal.T, root)


def _kinked(fit: _Fit, window: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray,
                                                    np.ndarray]:
    """The best kink in the gap of windows (n, frame, 2): squared residual, instant in the gap,
    |dv|, and the standard error of dv for positions of unit error; all (n,)."""
    free = (np.einsum("ij,njc->nic", fit.residual, window) ** 2).sum(axis=(1, 2))
    parts = np.einsum("ij,njc->nic", fit.parts, window)
    square = parts @ parts.transpose(0, 2, 1)
    # The direction (1, -t1) of ramp and step that explains most, of all and of the gap's ends.
    main = np.linalg.eigh(square)[1][:, :, -1]
    best = np.linalg.solve(fit.root, main.T)
    with np.errstate(divide="ignore", invalid="ignore"):
        instant = np.nan_to_num(-best[1] / best[0], nan=0.5)
    tried = np.stack([np.clip(instant, 0, 1), np.zeros(len(window)), np.ones(len(window))])
    direction = fit.root[:, 0] - tried[..., None] * fit.root[:, 1]  # (3, n, 2)
    length = np.linalg.norm(direction, axis=-1)
    along = np.einsum("pni,nic->pnc", direction / length[..., None], parts)
    explained = (along**2).sum(axis=-1)
    chosen, each = explained.argmax(axis=0), np.arange(len(window))
    rest = free + (parts**2).sum(axis=(1, 2)) - explained[chosen, each]
    jump = np.sqrt(explained[chosen, each]) / length[chosen, each]
    return rest, tried[chosen, each], jump, 1 / length[chosen, each]


def _harmonic_rest(window: np.ndarray, left: int, right: int) -> np.ndarray:
    """(n,) squared residual of the best oscillation about a straight line."""
    left_over = np.einsum("fij,njc->fnic", _oscillations(left, right), window)
    return np.asarray((left_over**2).sum(axis=(2, 3)).min(axis=0))


@lru_cache(maxsize=128)
def _oscillations(left: int, right: int) -> np.ndarray:
    """(frequency, n, n): what oscillations leave."""
    x = np.arange(1 - left, right + 1, dtype=float)
    bases = [np.stack([np.ones_like(x), x, np.cos(w * x), np.sin(w * x)], axis=1)
             for w in FREQUENCIES]
    return np.array([np.eye(len(x)) - basis @ np.linalg.pinv(basis) for basis in bases])


def _windows(power: int) -> list[tuple[int, int]]:
    """(left, right) frames of all windows."""
    sides = range(LEAST, REACH + 1)
    return [(left, right) for left in sides for right in sides
            if left + right >= LEAST_TOGETHER[power]]


def kinks(position: np.ndarray, test: KinkTest = KinkTest()) -> np.ndarray:
    """Where tracks have kinks.

    Parameters
    ----------
    position : (time, …, [row, column]) px; NaN where not seen.

    Returns
    -------
    (time, …) frames: the instant, counted in frames from the first, of a kink between this frame
    and the one before; NaN where there is none.
    """
    frames = len(position)
    series = position.reshape(frames, -1, 2)
    found = np.full(series.shape[:2], np.nan)
    if frames >= min(LEAST_TOGETHER.values()) and series.size:
        third, fifth = _noise(series, 3), _noise(series, 5)
        swings = third > SWINGING * np.maximum(fifth, test.sigma)
        sigma = np.maximum(np.where(swings, fifth, third), test.sigma)
        for power, some in ((2, ~swings), (3, swings)):
            if some.any():
                found[:, some] = _searched(series[:, some], sigma[some], power, test)
    return found.reshape(position.shape[:-1])


def _searched(series: np.ndarray, sigma: np.ndarray, power: int, test: KinkTest) -> np.ndarray:
    found = np.full(series.shape[:2], np.nan)
    for _ in range(len(series)):
        strength, at = _tested(series, np.isfinite(found), sigma, power, test)
        fresh = _summits(strength)
        if not fresh.any():
            break
        found = np.where(fresh, at, found)
    return found


def _noise(series: np.ndarray, order: int) -> np.ndarray:
    """(series,) px: error of the positions (time, series, 2), from differences of an order; a low
    rank of these, since kinks make some of them large. 0 where there are too few."""
    if len(series) <= order:
        return np.zeros(series.shape[1])
    gain = math.comb(2 * order, order)  # sum of the squares of the difference's weights
    square = (np.diff(series, order, axis=0) ** 2).sum(axis=-1) / (2 * gain)
    ordered = np.sort(square, axis=0)  # NaN last
    count = np.isfinite(square).sum(axis=0)
    low = ordered[(0.3 * count).astype(int).clip(0, len(ordered) - 1), np.arange(len(count))]
    # 30% of the draws of a mean of two squares are below 0.357 times its expectation.
    return np.nan_to_num(np.sqrt(low / 0.357))


def _tested(series: np.ndarray, breaks: np.ndarray, sigma: np.ndarray, power: int,
            test: KinkTest) -> tuple[np.ndarray, np.ndarray]:
    """Strength (time, series) of the kink before each frame, 0 where there is none; its instant."""
    before, after = _runs(series, breaks)
    strength, at = np.zeros(breaks.shape), np.full(breaks.shape, np.nan)
    suspected = _suspected(series, before, after, breaks, sigma, power)
    for left, right in _windows(power):
        # Other kinks may be near, so that smaller windows are tried as well.
        frame, number = np.nonzero(suspected & (before >= left) & (after >= right))
        if not len(frame):
            continue
        fit = _fit(left, right, power)
        window = _window(series, frame, number, left, right)
        smooth = (np.einsum("ij,njc->nic", fit.smooth, window) ** 2).sum(axis=(1, 2))
        rest, instant, jump, error = _kinked(fit, window)
        ratio = jump / (error * sigma[number])
        free = 2 * (left + right - power - 2)
        good = (jump > test.jump) & (ratio > test.noise) & (rest < test.better * smooth)
        good &= (rest < test.left * free * sigma[number] ** 2) & (ratio > strength[frame, number])
        swung = _harmonic_rest(window, left, right)
        good &= (swung > test.left * free * sigma[number] ** 2) | (rest < test.swing * swung)
        frame, number = frame[good], number[good]
        strength[frame, number] = ratio[good]
        at[frame, number] = frame - 1 + instant[good]
    return strength, at


def _window(series: np.ndarray, frame: np.ndarray, number: np.ndarray, left: int,
            right: int) -> np.ndarray:
    """(n, left + right, 2) positions around gaps, from their means."""
    window = series[frame[:, None] + np.arange(-left, right), number[:, None]]
    return window - window.mean(axis=1, keepdims=True)


def _suspected(series: np.ndarray, before: np.ndarray, after: np.ndarray, breaks: np.ndarray,
               sigma: np.ndarray, power: int) -> np.ndarray:
    """(time, series) bool: gaps around which smooth motion through up to `REACH` frames on each
    side leaves more than noise."""
    suspected = np.zeros(breaks.shape, dtype=bool)
    for left, right in _windows(power):
        frame, number = np.nonzero((before == left) & (after == right) & ~breaks)
        if len(frame):
            window = _window(series, frame, number, left, right)
            left_over = np.einsum("ij,njc->nic", _fit(left, right, power).smooth, window)
            free = 2 * (left + right - power - 2)
            suspected[frame, number] = (
                (left_over**2).sum(axis=(1, 2)) > SUSPICIOUS * free * sigma[number] ** 2
            )
    return suspected


def _runs(series: np.ndarray, breaks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(time, series) frames before a gap and after it, up to `REACH`, that are seen in one run
    without a break."""
    seen = np.isfinite(series).all(axis=-1)
    frames = len(seen)
    before, after = np.zeros(seen.shape, dtype=int), np.zeros(seen.shape, dtype=int)
    for frame in range(1, frames):
        run = np.where(breaks[frame - 1], 0, before[frame - 1])
        before[frame] = np.where(seen[frame - 1], np.minimum(run + 1, REACH), 0)
    for frame in range(frames - 1, -1, -1):
        run = np.zeros(seen.shape[1], dtype=int)
        if frame + 1 < frames:
            run = np.where(breaks[frame + 1], 0, after[frame + 1])
        after[frame] = np.where(seen[frame], np.minimum(run + 1, REACH), 0)
    return before, after


def _summits(strength: np.ndarray) -> np.ndarray:
    """(time, series) bool: the strongest within `REACH` frames."""
    highest = strength.copy()
    for shift in range(1, REACH + 1):
        highest[shift:] = np.maximum(highest[shift:], strength[:-shift])
        highest[:-shift] = np.maximum(highest[:-shift], strength[shift:])
    return (strength > 0) & (strength >= highest)
