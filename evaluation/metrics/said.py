"""What both a dream's states and the truth's say of one quantity, ready to be scored."""

from __future__ import annotations

import xarray as xr

from evaluation.metrics.metric import Sample, observation

FROM_STATES = ("consequences",)
"""What metrics of states need; a world model that shows only pictures lacks it."""

IN_TOWNS = ("buildings", "consequences")


def both(sample: Sample, name: str, group: str = "consequences",
         unknown: float = 0.0) -> tuple[xr.DataArray, xr.DataArray] | None:
    """A quantity of the dream (…, realization) and of the truth (…, observation).

    What a dream that tells of it leaves unknown counts as `unknown`: by default as if nothing had
    happened. Buildings and people are those of the truth.

    Returns
    -------
    None where the dream or the truth tells nothing of it.
    """
    dream, truth = (tree[group].dataset for tree in (sample.observed, sample.state))
    if name not in dream or name not in truth:
        return None
    true = truth[name]
    labels = {dim: true[dim] for dim in ("building", "person") if dim in true.dims}
    return dream[name].reindex(labels).fillna(unknown), observation(true)


def untold(sample: Sample) -> xr.DataArray:
    """(case,) no value."""
    case = next(iter(sample.state.children.values()))["case"]
    return xr.full_like(case, float("nan"), dtype=float)
