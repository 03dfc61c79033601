"""How many cases it takes to tell two models apart."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

MOST = 100_000
"""Cases beyond which the answer is that no number is known."""


def cases_needed(differences: Sequence[np.ndarray], power: float = 0.8,
                 level: float = 0.95) -> int | None:
    """Cases of every scenario with which the mean difference would be told from zero.

    The normal approximation: the mean over scenarios of their mean differences has the variance
    mean over scenarios of the variance between cases, over scenarios and cases; it is told with the
    given power from n cases a scenario on, n = (z_(1+level)/2 + z_power)^2 variance / mean^2.
    (Fleiss 1981, Statistical Methods for Rates and Proportions, chapter 3.)

    Parameters
    ----------
    differences : per scenario (case,), paired differences of two models.

    Returns
    -------
    None where the cases at hand show no difference, or so small a one that `MOST` would not do.
    """
    mean = float(np.mean([one.mean() for one in differences]))
    variance = float(np.mean([one.var(ddof=1) for one in differences])) / len(differences)
    if mean == 0:
        return None
    wanted = (norm.ppf((1 + level) / 2) + norm.ppf(power)) ** 2 * variance / mean**2
    if not wanted <= MOST:
        return None
    return max(math.ceil(wanted), 2)
