"""Published criteria for people in flowing water; compared with, never used to knock anyone over.

Each says NaN outside the conditions it was tested in.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from worldsim.sources import Coefficient

ABT_RANGE = (62.0, 173.0)
"""m kg, height times mass of the twenty adults tested. Below it lie children: not extrapolated."""

ABT = (
    Coefficient("stability.abt.scale", 0.0929, "m2 s-1", "Abt's product number: scale",
                ("abt1989human",), "uncertain"),
    Coefficient("stability.abt.slope", 0.001906, "m-1 kg-1",
                "Abt's product number: slope; gives the guide's two check values",
                ("abt1989human",), "uncertain"),
    Coefficient("stability.abt.offset", 1.09, "1", "Abt's product number: offset",
                ("abt1989human",), "uncertain"),
)
ABT_SCATTER = tuple(
    Coefficient(f"stability.abt.{end}", value, "m2 s-1", f"{end} tested depth times speed",
                ("cox2010appropriate",), "verified")
    for end, value in (("least", 0.7), ("most", 2.1))
)
EVAC = tuple(
    Coefficient(f"stability.evac.{name}", value, unit, f"TUNAMI-EVAC's logistic: {words}",
                ("mas2012agent",), "verified")
    for name, value, unit, words in (
        ("offset", -12.37 - 15.48, "1", "offset (-12.37 - 15.48)"),
        ("depth", 22.036, "m-1", "depth"),
        ("speed", 11.517, "s m-1", "speed"),
        ("certain", 0.85, "m", "depth at which a fall is certain"),
    )
)
RATING = tuple(
    Coefficient(f"stability.rating.{name}", value, "m2 s-1",
                f"hazard rating: class {words} from here on; copies differ on the last one",
                ("defra2006flood",), "uncertain")
    for name, value, words in (("some", 0.75, "danger for some"), ("most", 1.25, "danger for most"),
                               ("all", 2.0, "danger for all"))
)
CLASSES = tuple(
    Coefficient(f"stability.class.{name}", value, unit, words, ("aidr2017flood",), "verified")
    for name, value, unit, words in (
        ("h1", 0.3, "m2 s-1", "H1, safe for all: largest depth times speed"),
        ("h3", 0.6, "m2 s-1", "H2 and H3: largest depth times speed"),
        ("h4", 1.0, "m2 s-1", "H4, unsafe for people: largest depth times speed"),
        ("h5", 4.0, "m2 s-1", "H5, weak buildings fail: largest depth times speed"),
    )
)

REGIMES = ("low", "moderate", "significant", "extreme")
"""Cox's hazard regimes for people who wade, by code."""

REGIME_LIMITS = tuple(
    Coefficient(f"stability.regime.{name}", value, unit, f"Cox's regimes, remembered: {words}",
                ("cox2010appropriate",), "uncertain")
    for name, value, unit, words in (
        ("adult", 50.0, "m kg", "height times mass from which the adults' limits hold"),
        ("child", 25.0, "m kg", "the same of children's limits; infants are at extreme hazard"),
        ("adult_low", 0.6, "m2 s-1", "adults, largest depth times speed of low hazard"),
        ("adult_moderate", 0.8, "m2 s-1", "adults, of moderate hazard: the working limit"),
        ("adult_significant", 1.2, "m2 s-1", "adults, of significant hazard"),
        ("adult_depth", 1.2, "m", "adults, largest depth"),
        ("child_low", 0.4, "m2 s-1", "children, largest depth times speed of low hazard"),
        ("child_significant", 0.6, "m2 s-1", "children, of significant hazard"),
        ("child_depth", 0.5, "m", "children, largest depth"),
        ("speed", 3.0, "m s-1", "largest speed for anyone"),
    )
)

COEFFICIENTS = (*ABT, *ABT_SCATTER, *EVAC, *RATING, *CLASSES, *REGIME_LIMITS)


def abt(height: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """Depth times speed (m2/s) at which a person loses stability; NaN outside `ABT_RANGE`.

    height m, mass kg. Abt et al. 1989: 0.0929 exp(0.001906 H M + 1.09)².
    """
    scale, slope, offset = (c.value for c in ABT)
    product = np.asarray(height, float) * np.asarray(mass, float)
    inside = (product >= ABT_RANGE[0]) & (product <= ABT_RANGE[1])
    critical = scale * np.exp(2.0 * (slope * np.where(inside, product, 0.0) + offset))
    return np.where(inside, critical, np.nan)


def evac_fall(depth: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """TUNAMI-EVAC's chance of falling; depth m, speed m/s."""
    offset, by_depth, by_speed, certain = (c.value for c in EVAC)
    depth = np.asarray(depth, float)
    fall = expit(offset + by_depth * depth + by_speed * np.asarray(speed, float))
    return np.where(depth > certain, 1.0, np.where(depth > 0, fall, 0.0 * fall))


def hazard_rating(depth: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """Defra's hazard rating d (v + 0.5) + DF; 0 on dry ground.

    DF, for debris, is 0 up to 0.25 m and 1 deeper or faster than 2 m/s.
    """
    depth, speed = np.asarray(depth, float), np.asarray(speed, float)
    debris = np.where((depth > 0.25) | (speed > 2.0), 1.0, 0.0)
    rating = depth * (speed + 0.5) + debris
    return np.where(depth > 0, rating, 0.0 * rating)


def rating_class(rating: np.ndarray) -> np.ndarray:
    """0 low, 1 danger for some, 2 for most, 3 for all; NaN stays NaN."""
    limits = [c.value for c in RATING]
    return np.where(np.isnan(rating), np.nan, np.searchsorted(limits, rating, side="right"))


def hazard_class(depth: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """Australian flood hazard class 1 to 6; 0 on dry ground, NaN where unknown.

    By depth times speed, and at least the class that depth or speed alone demand.
    """
    depth, speed = np.broadcast_arrays(np.asarray(depth, float), np.asarray(speed, float))
    flux = depth * speed
    by_flux = np.select([flux <= 0.3, flux <= 0.6, flux <= 1.0, flux <= 4.0], [1, 2, 4, 5], 6)
    by_depth = np.select([depth <= 0.3, depth <= 0.5, depth <= 1.2, depth <= 2.0, depth <= 4.0],
                         [1, 2, 3, 4, 5], 6)
    by_speed = np.select([speed <= 2.0, speed <= 4.0], [1, 5], 6)
    found = np.maximum(np.maximum(by_flux, by_depth), by_speed).astype(float)
    return np.where(np.isnan(flux), np.nan, np.where(depth > 0, found, 0.0))


def regime(depth: np.ndarray, speed: np.ndarray, height: np.ndarray,
           mass: np.ndarray) -> np.ndarray:
    """Cox's hazard regime, code of `REGIMES`; NaN on dry ground or where anything is unknown.

    depth m, speed m/s, height m, mass kg, broadcast. Deeper or faster than tested is extreme.
    """
    limit = {c.name.rsplit(".", 1)[1]: c.value for c in REGIME_LIMITS}
    depth, speed, product = np.broadcast_arrays(
        np.asarray(depth, float), np.asarray(speed, float),
        np.asarray(height, float) * np.asarray(mass, float))
    flux = depth * speed
    by_adult = np.select([flux <= limit["adult_low"], flux <= limit["adult_moderate"],
                          flux <= limit["adult_significant"]], [0, 1, 2], 3)
    by_adult = np.where(depth > limit["adult_depth"], 3, by_adult)
    by_child = np.select([flux <= limit["child_low"], flux <= limit["child_significant"]],
                         [0, 2], 3)
    by_child = np.where(depth > limit["child_depth"], 3, by_child)
    found = np.select([product > limit["adult"], product > limit["child"]], [by_adult, by_child], 3)
    found = np.where(speed > limit["speed"], 3, found)
    return np.where((depth > 0) & np.isfinite(flux + product), found, np.nan)
