"""The two data-set scores of Physics-IQ, original and Verified, from 0 to 100.

Both compare how well a dream agrees with one real take with how well a second real take of the same
experiment does ("physical variance"). Original: Motamed et al. (2025), arXiv:2501.09038. Verified:
Rädsch et al. (2026), arXiv:2606.18943, section on sample-level scores.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from evaluation.physics_iq.agreement import Agreement

SMALL = 1e-8
"""Keeps the Verified ratios finite where the takes' own agreement is 0."""

_DIGITS = Agreement(spatial=5, spatiotemporal=4, weighted_spatial=4, mse=4)
"""Decimals to which the first published program rounds the takes' own agreement."""


@dataclasses.dataclass(frozen=True)
class Parts:
    """Verified: the four ratios of a case and view, each clipped to 0 … 1."""

    spatial: float
    spatiotemporal: float
    weighted_spatial: float
    mse: float

    @property
    def score(self) -> float:
        """Their mean, from 0 to 100."""
        return 100.0 * float(np.mean(dataclasses.astuple(self)))


def original(dream: Agreement, variance: Agreement) -> float:
    """100 clip(1/3 (ST/ST_var + SP/SP_var + WS/WS_var) - (MSE - MSE_var)), of data-set means.

    NaN where 0 is divided by 0: where neither the dream's nor the second take's motion ever meets
    that of the first take.

    Parameters
    ----------
    dream : of dreams with the first takes, averaged over cases and views.
    variance : of the second takes with the first ones, likewise.
    """
    return float(np.clip(unclipped(dream, variance), 0.0, 100.0))


def unclipped(dream: Agreement, variance: Agreement) -> float:
    """`original` before it is clipped: above 100 where dreams meet the first takes better than the
    second takes do."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.divide([dream.spatiotemporal, dream.spatial, dream.weighted_spatial],
                           [variance.spatiotemporal, variance.spatial, variance.weighted_spatial])
    return float(100.0 * (ratios.mean() - (dream.mse - variance.mse)))


def original_rounded(dream: Agreement, variance: Agreement) -> float:
    """`original` as the first published program has it: the takes' own agreement is rounded to 4
    decimals (spatial: 5) before it divides, the score to 2."""
    rounded = Agreement(*(round(value, int(digits)) for value, digits in
                          zip(dataclasses.astuple(variance), dataclasses.astuple(_DIGITS),
                              strict=True)))
    return round(original(dream, rounded), 2)


def verified(dream: Agreement, variance: Agreement) -> Parts:
    """The clipped ratios of one case and view: IoU / (IoU_var + 1e-8), and the inverse of
    MSE / (MSE_var + 1e-8). The data-set score is the mean of `Parts.score` over cases and views."""
    with np.errstate(divide="ignore"):
        off = float(np.divide(1.0, dream.mse / (variance.mse + SMALL)))
    return Parts(
        spatial=_clip(dream.spatial / (variance.spatial + SMALL)),
        spatiotemporal=_clip(dream.spatiotemporal / (variance.spatiotemporal + SMALL)),
        weighted_spatial=_clip(dream.weighted_spatial / (variance.weighted_spatial + SMALL)),
        mse=_clip(off),
    )


def _clip(ratio: float) -> float:
    return min(max(ratio, 0.0), 1.0)
