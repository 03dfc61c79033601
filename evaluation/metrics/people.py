"""Metrics of people: who is caught by the water, and what follows by one outcome model for both.

From a dream's states where it has any; what lost homes alone mean for the mind, from its video.
"""

from __future__ import annotations

import functools

import xarray as xr

from evaluation.ensemble import fair_brier, fair_crps
from evaluation.metrics.metric import Metric, Sample
from evaluation.metrics.said import IN_TOWNS, both, untold


def _brier(sample: Sample, name: str) -> xr.DataArray:
    said = both(sample, name)
    if said is None:
        return untold(sample)
    present = sample.state["consequences"]["person_present"]
    return fair_brier(*said).where(present).mean("person")


def _over_months(score: xr.DataArray) -> xr.DataArray:
    return score.mean("month") if "month" in score.dims else score


def _share(sample: Sample, name: str, group: str = "consequences") -> xr.DataArray:
    said = both(sample, name, group)
    return untold(sample) if said is None else _over_months(fair_crps(*said))


def _share_error(sample: Sample, name: str, group: str = "consequences") -> xr.DataArray:
    said = both(sample, name, group)
    if said is None:
        return untold(sample)
    dream, truth = said
    return _over_months(abs(dream.mean("realization")
                            - truth.mean("observation", skipna=False)))


def _pair(name: str, of: str, what: str, group: str, needs: tuple[str, ...]) -> tuple[Metric, ...]:
    return (
        Metric(f"people.{name}", "1", f"fair CRPS of {what}",
               functools.partial(_share, name=of, group=group), ensemble=True, needs=needs),
        Metric(f"people.{name}_error", "1", f"absolute error of {what}, of the means over members",
               functools.partial(_share_error, name=of, group=group), ensemble=True, skilled=False,
               needs=needs),
    )


METRICS = (
    *(Metric(f"people.{name}", "1", f"fair Brier score of each person being {words}",
             functools.partial(_brier, name=name), ensemble=True, needs=IN_TOWNS)
      for name, words in (("exposed", "in more than 5 cm of water"),
                          ("knocked_over", "knocked over by the water"),
                          ("carried_off", "carried off by the water"))),
    *(metric for name, words in (("deaths", "people expected to die"),
                                 ("injuries", "people expected to be injured and survive"),
                                 ("serious_injuries", "people expected to need a hospital"))
      for metric in _pair(name, name, f"the share of {words}", "consequences", IN_TOWNS)),
    *_pair("symptoms", "symptoms", "the share of adults screening positive, mean over the months",
           "consequences", IN_TOWNS),
    *_pair("symptoms_seen", "symptoms", "the share of adults screening positive by lost homes "
           "alone, as far as the video shows them, mean over the months", "outcomes",
           ("outcomes",)),
)
