"""Fair ensemble scores: what an ensemble of M members scores does not depend on M.

Ferro, C. A. T. (2014), "Fair scores for ensemble forecasts", Q. J. R. Meteorol. Soc. 140,
1917-1923, doi:10.1002/qj.2270. An ensemble of one is scored as a forecast that claims certainty
(absolute error, squared error), which is what the formulas give for M equal members.
"""

from __future__ import annotations

import numpy as np
import xarray as xr


def fair_crps(forecast: xr.DataArray, observation: xr.DataArray, member: str = "realization",
              observed: str = "observation") -> xr.DataArray:
    """Fair continuous ranked probability score, averaged over several observations.

    mean |x_i - y| - sum_ij |x_i - x_j| / (2 M (M - 1)), Ferro (2014) eq. 5.

    Parameters
    ----------
    forecast : (…, member).
    observation : (…, observed), each an independent draw of what came true.

    Returns
    -------
    (…) in the unit of the forecast.
    """
    members = forecast.sizes[member]
    distance = abs(forecast - observation).mean([member, observed], skipna=False)
    if members == 1:
        return distance
    # With members in order, sum_ij |x_i - x_j| = 2 sum_i (2 i - M + 1) x_(i), i from 0.
    axis = forecast.get_axis_num(member)
    ordered = forecast.copy(data=np.sort(forecast.values, axis=axis))
    weight = xr.DataArray([2 * i - members + 1 for i in range(members)], dims=member)
    spread = (ordered * weight).sum(member, skipna=False) / (members * (members - 1))
    return distance - spread


def fair_brier(forecast: xr.DataArray, observation: xr.DataArray, member: str = "realization",
               observed: str = "observation") -> xr.DataArray:
    """Fair Brier score of a yes/no ensemble, averaged over several observations.

    (p - o)^2 - p (1 - p) / (M - 1), Ferro (2014) eq. 4. Over observations o of mean q the first
    term averages to (p - q)^2 + q (1 - q).

    Parameters
    ----------
    forecast : (…, member) bool.
    observation : (…, observed) bool.

    Returns
    -------
    (…) between -1/(4 (M - 1)) and 1.
    """
    members = forecast.sizes[member]
    p = forecast.mean(member)
    q = observation.mean(observed)
    score = (p - q) ** 2 + q * (1 - q)
    if members == 1:
        return score
    return score - p * (1 - p) / (members - 1)


def energy_score(forecast: xr.DataArray, observation: xr.DataArray, over: str,
                 member: str = "realization", observed: str = "observation") -> xr.DataArray:
    """Fair energy score of vectors, averaged over several observations.

    mean |x_i - y| - sum_ij |x_i - x_j| / (2 M (M - 1)), with Euclidean distances: Gneiting and
    Raftery (2007), doi:10.1198/016214506000001437, eq. 22, made fair as Ferro (2014). In one
    dimension it is `fair_crps`.

    Parameters
    ----------
    forecast : (…, over, member). observation : (…, over, observed). over : the vectors' dim.

    Returns
    -------
    (…) in the unit of the forecast.
    """
    def length(vectors: xr.DataArray) -> xr.DataArray:
        return np.sqrt((vectors**2).sum(over, skipna=False))

    members = forecast.sizes[member]
    distance = length(forecast - observation).mean([member, observed], skipna=False)
    if members == 1:
        return distance
    spread = length(forecast - forecast.rename({member: "other"}).drop_vars(
        "other", errors="ignore")).sum([member, "other"], skipna=False)
    return distance - spread / (2 * members * (members - 1))


def spread_skill(forecast: xr.DataArray, observation: xr.DataArray, over: tuple[str, ...],
                 member: str = "realization", observed: str = "observation") -> xr.DataArray:
    """Spread of an ensemble over the error of its mean: 1 if its members are draws of what comes
    true, less if it is too sure.

    sqrt(1 + 1/M) sqrt(mean variance, ddof 1) / RMSE of the ensemble mean: Fortin et al. (2014),
    doi:10.1175/JHM-D-14-0008.1.

    Parameters
    ----------
    forecast : (…, over, member). observation : (…, over, observed). over : dims over which
    variance and squared error are averaged; NaN takes no part.

    Returns
    -------
    (…); 0 for a single member, NaN where there is no error to explain.
    """
    members = forecast.sizes[member]
    squared = ((forecast.mean(member) - observation) ** 2).mean([*over, observed])
    if members == 1:
        return xr.zeros_like(squared).where(squared > 0)
    variance = forecast.var(member, ddof=1).where(observation.notnull().all(observed)).mean(over)
    return np.sqrt((1 + 1 / members) * variance / squared.where(squared > 0))
