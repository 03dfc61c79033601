"""All metrics, one file a group."""

from evaluation.metrics import debris, pixel, structures, water
from evaluation.metrics.metric import Metric, Sample

METRICS: tuple[Metric, ...] = (
    *water.METRICS,
    *debris.METRICS,
    *structures.METRICS,
    *pixel.METRICS,
)

HEADLINE = ("water.wet_area_brier", "debris.position_crps")
"""The metrics that a model is judged by first."""

__all__ = ["HEADLINE", "METRICS", "Metric", "Sample"]
