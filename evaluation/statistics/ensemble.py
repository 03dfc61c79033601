"""Ensembles: whether their spread is honest, and how far one ensemble is from another.

Only where a scenario has hidden randomness. Fair CRPS and Brier score: `evaluation.ensemble`.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.stats import chi2

from evaluation.bootstrap import DEFAULT, Bootstrap, Estimate, Interval, ratio_interval
from worldsim.errors import InputError

LEAST_EXPECTED = 5.0
"""Cases a rank, on average, that the chi-square law needs (Cochran 1952)."""


def spread_skill(forecast: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(time,) spread over error of the ensemble mean; 1 for an honest ensemble, less if it is too
    sure of itself.

    sqrt(1 + 1/M) * sqrt(mean over cases of the variance, ddof 1) / RMSE(ensemble mean): Fortin et
    al. (2014), "Why should ensemble spread match the RMSE of the ensemble mean?", J.
    Hydrometeorology 15, 1708-1713, eq. 15. Infinite where the ensemble mean has no error, NaN where
    there is no spread either.

    Parameters
    ----------
    forecast : (case, member, time), two members at least. truth : (case, time).
    """
    spread, error = _spread_and_error(forecast, truth)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(spread.mean(axis=0) / error.mean(axis=0))


def spread_skill_estimates(forecast: np.ndarray, truth: np.ndarray,
                           settings: Bootstrap = DEFAULT) -> tuple[Estimate, ...]:
    """`spread_skill` per time, with intervals over cases (that of the squared ratio, rooted)."""
    spread, error = _spread_and_error(forecast, truth)
    found = []
    for above, below in zip(spread.T, error.T, strict=True):
        if below.mean() == 0:
            found.append(Estimate(None, Interval(None, None, "the ensemble mean has no error")))
            continue
        square = ratio_interval(above, below, settings)
        interval = square if square.low is None or square.high is None else Interval(
            float(np.sqrt(max(square.low, 0.0))), float(np.sqrt(max(square.high, 0.0))))
        found.append(Estimate(float(np.sqrt(above.mean() / below.mean())), interval))
    return tuple(found)


def _spread_and_error(forecast: np.ndarray,
                      truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(case, time) variance that the truth should have about the ensemble mean, and has."""
    forecast, truth = np.asarray(forecast, float), np.asarray(truth, float)
    if forecast.ndim != 3 or truth.shape != (forecast.shape[0], forecast.shape[2]):
        raise InputError(f"forecast of shape {forecast.shape}, truth {truth.shape}: give (case, "
                         "member, time) and (case, time)")
    members = forecast.shape[1]
    if members < 2:
        raise InputError(f"{members} member: a spread needs at least 2")
    return ((1 + 1 / members) * forecast.var(axis=1, ddof=1),
            (forecast.mean(axis=1) - truth) ** 2)


def rank_histogram(forecast: np.ndarray, truth: np.ndarray, seed: int = 0) -> np.ndarray:
    """(member + 1,) cases in which the truth has each rank among the members.

    Flat for an honest ensemble, a U for one too sure of itself. Ranks among equals are drawn.

    Parameters
    ----------
    forecast : (case, member) of one quantity at one time; truth : (case,).
    """
    forecast, truth = np.asarray(forecast, float), np.asarray(truth, float)
    if forecast.ndim != 2 or truth.shape != forecast.shape[:1]:
        raise InputError(f"forecast of shape {forecast.shape}, truth {truth.shape}: give (case, "
                         "member) and (case,)")
    if not (np.isfinite(forecast).all() and np.isfinite(truth).all()):
        raise InputError("a value is missing: leave out such cases")
    below = (forecast < truth[:, None]).sum(axis=1)
    equal = (forecast == truth[:, None]).sum(axis=1)
    rank = below + np.random.default_rng(seed).integers(equal + 1)
    return np.bincount(rank, minlength=forecast.shape[1] + 1)


@dataclasses.dataclass(frozen=True)
class Flatness:
    """Whether a rank histogram is flat.

    chi_square : sum (count - expected)^2 / expected, with `freedom` degrees of freedom.
    probability : of as much or more from an honest ensemble; None if there are too few cases for
    that law, and `reason` says how many it takes.
    """

    chi_square: float
    freedom: int
    probability: float | None
    reason: str = ""


def flatness(counts: np.ndarray) -> Flatness:
    """Pearson's chi-square of a rank histogram (rank,).

    Cases must be independent: count one time of a series, not all.
    """
    counts = np.asarray(counts, float)
    if counts.ndim != 1 or len(counts) < 2 or counts.sum() == 0:
        raise InputError(f"counts of shape {counts.shape}: give those of at least two ranks, not "
                         "all zero")
    expected = counts.sum() / len(counts)
    statistic = float(((counts - expected) ** 2 / expected).sum())
    freedom = len(counts) - 1
    if expected < LEAST_EXPECTED:
        return Flatness(statistic, freedom, None, (
            f"{int(counts.sum())} cases on {len(counts)} ranks; it takes "
            f"{int(np.ceil(LEAST_EXPECTED * len(counts)))}"))
    return Flatness(statistic, freedom, float(chi2.sf(statistic, freedom)))


def energy_score(forecast: np.ndarray, observation: np.ndarray) -> np.ndarray:
    """(…) fair energy score: the CRPS of vectors, in the unit of the components.

    mean |x_i - y| - sum_ij |x_i - x_j| / (2 M (M - 1)), Gneiting & Raftery (2007), JASA 102,
    359-378, eq. 22, made fair as in Ferro (2014). An ensemble of one has its distance.

    Parameters
    ----------
    forecast : (…, member, component).
    observation : (…, observation, component), each a draw of what came true; averaged over.
    """
    forecast, observation = np.asarray(forecast, float), np.asarray(observation, float)
    _same_components(forecast, observation)
    distance = _across(forecast, observation)
    return distance if forecast.shape[-2] == 1 else distance - _within(forecast) / 2


def energy_distance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(…) squared energy distance between two ensembles, unbiased: 0 on average for draws from the
    same distribution (so it may be negative), whatever their numbers of members.

    2 E|x - y| - E|x - x'| - E|y - y'|, pairs of different members only: Székely & Rizzo (2013),
    "Energy statistics", J. Statistical Planning and Inference 143, 1249-1272. In the unit of the
    components.

    Parameters
    ----------
    one, other : (…, member, component), two members at least each: the model's and the simulator's.
    """
    one, other = np.asarray(one, float), np.asarray(other, float)
    _same_components(one, other)
    for members in (one.shape[-2], other.shape[-2]):
        if members < 2:
            raise InputError(f"{members} member: a distance between ensembles needs at least 2")
    return 2 * _across(one, other) - _within(one) - _within(other)


def _same_components(one: np.ndarray, other: np.ndarray) -> None:
    if one.ndim < 2 or other.ndim < 2 or one.shape[-1] != other.shape[-1]:
        raise InputError(f"ensembles of shapes {one.shape} and {other.shape}: give (…, member, "
                         "component) of the same components")


def _across(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    gap = one[..., :, None, :] - other[..., None, :, :]
    return np.sqrt((gap**2).sum(axis=-1)).mean(axis=(-2, -1))


def _within(ensemble: np.ndarray) -> np.ndarray:
    """Mean distance between different members."""
    members = ensemble.shape[-2]
    return _across(ensemble, ensemble) * members / (members - 1)
