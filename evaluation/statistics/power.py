"""How many cases it takes to tell two models apart."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

from evaluation.bootstrap import LEAST_CASES
from evaluation.statistics.studentized import NOISE
from worldsim.errors import InputError

MOST_CASES = 1_000_000
"""Of a scenario. Where more would be needed, no number of cases is the answer."""


def cases_needed(differences: np.ndarray | Sequence[np.ndarray], power: float = 0.8,
                 level: float = 0.95) -> int | None:
    """Cases per scenario that tell two models apart with a given power.

    Takes the differences found so far for what they are in truth: their mean over scenarios is what
    must be told from zero, their variance within scenarios the noise. With z the quantiles of the
    normal distribution and S scenarios of n cases each,

        n = (z_(1+level)/2 + z_power)^2 * sum(variance) / (S mean)^2 + z_(1+level)/2^2 / (2 S)

    The last term is what the unknown variance costs: Guenther (1981), "Sample size formulas for
    normal theory t tests", The American Statistician 35, 243-244. Few cases know the size of a
    difference badly, and so does the answer: a plan, not a promise.

    Parameters
    ----------
    differences : (case,) paired differences of two models; or a list of them, one a scenario.
    power : chance to tell them apart. level : of the interval that must exclude zero.

    Returns
    -------
    At least `LEAST_CASES`; None where the mean difference is zero or more than `MOST_CASES` would
    be needed.

    Raises
    ------
    InputError : fewer than two cases, missing values, power or level outside 0 to 1.
    """
    strata = [np.asarray(d, dtype=np.float64) for d in (
        [differences] if isinstance(differences, np.ndarray) and differences.ndim == 1
        else differences)]
    for name, share in (("power", power), ("level", level)):
        if not 0 < share < 1:
            raise InputError(f"{name}={share}: give a share between 0 and 1")
    fewest = min((len(d) for d in strata), default=0)
    if fewest < 2:
        raise InputError(f"{fewest} cases in a scenario: give at least 2")
    if not all(np.isfinite(d).all() for d in strata):
        raise InputError("a difference is missing: leave out cases without a value or fill them")
    mean = float(np.mean([d.mean() for d in strata]))
    variance = float(sum(d.var(ddof=1) for d in strata))
    size = float(np.mean([np.abs(d).mean() for d in strata]))
    if abs(mean) <= NOISE * size:
        return None
    beyond = float(norm.ppf((1 + level) / 2))
    noise = variance / (len(strata) * mean) ** 2
    needed = (beyond + float(norm.ppf(power))) ** 2 * noise
    if variance > (NOISE * size) ** 2:
        needed += beyond**2 / (2 * len(strata))
    return None if needed > MOST_CASES else max(LEAST_CASES, math.ceil(needed - NOISE))


def power_in_words(one: str, other: str, needed: int | None, scenarios: int = 1) -> str:
    """A sentence for reports: "to tell A from B you need about 140 cases".

    Parameters
    ----------
    needed : of `cases_needed`, per scenario. scenarios : how many there are.
    """
    if needed is None:
        return f"no number of cases would tell {one} from {other}: they do not differ"
    digits = max(0, len(str(needed)) - 2)
    # Upwards: fewer than needed is the wrong side to err on.
    count = math.ceil(needed / 10**digits) * 10**digits
    each = f" in each of {scenarios} scenarios" if scenarios > 1 else ""
    return f"to tell {one} from {other} you need about {count} cases{each}"
