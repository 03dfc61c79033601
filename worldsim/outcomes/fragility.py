"""Empirical damage curves, to compare emergent damage with; never a source of forces or states."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from worldsim.sources import Coefficient

SUPPASRI_STATES = ("DS4", "DS5", "DS6")
"""Complete damage (DS4), collapse (DS5), washed away (DS6)."""

_SUPPASRI = {
    "timber": ((0.6721, 0.4985), (0.7825, 0.5559), (1.2094, 0.5247)),
    "masonry": ((0.9043, 0.5746), (1.1918, 0.6821), (1.6583, 0.6913)),
    "steel": ((0.7061, 0.6680), (1.4575, 0.8938), (2.2790, 0.7362)),
    "concrete": ((0.9423, 0.7522), (1.9381, 1.0120), (2.8232, 0.9635)),
    "mixed": ((0.5316, 0.6235), (0.8336, 0.6077), (1.2244, 0.5723)),
}

_ONE_TRANSCRIPTION = ("timber", "concrete", "mixed")

_FEMA_MEDIANS = {"moderate": 33.1, "extensive": 92.3, "complete": 151.4}
_FEMA_BETA = 0.79

# coefficient, exponent, slowest speed of the power law (m/s), depth (m) below that speed (or NaN).
_VELOCITY = {
    ("timber", 1): (7.93, -1.964, 1.63, 3.05),
    ("timber", 2): (7.93, -1.964, 1.32, 4.57),
    ("timber", 3): (7.93, -1.964, 1.14, 6.10),
    ("masonry", 1): (14.2, -2.041, 1.92, np.nan),
    ("masonry", 2): (36.3, -1.951, 2.28, np.nan),
    ("concrete", 1): (14.2, -2.041, 1.92, np.nan),
    ("concrete", 2): (36.3, -1.951, 2.28, np.nan),
}

COEFFICIENTS = (
    *(
        Coefficient(
            f"fragility.suppasri.{type_}.{state}.{which}", value, "1",
            f"{name} of ln(depth / m), {type_}, {state}"
            + ("; in one transcription only" if type_ in _ONE_TRANSCRIPTION else ""),
            ("suppasri2013building",), "verified")
        for type_, rows in _SUPPASRI.items()
        for state, row in zip(SUPPASRI_STATES, rows, strict=True)
        for which, name, value in zip(("mu", "sigma"), ("mean", "standard deviation"), row,
                                      strict=True)
    ),
    *(
        Coefficient(f"fragility.fema.{state}", value, "m3 s-2",
                    f"median momentum flux, RC moment frame of 4 to 7 storeys, {state}",
                    ("incore",), "verified", "lognormal", _FEMA_BETA)
        for state, value in _FEMA_MEDIANS.items()
    ),
    *(
        Coefficient(f"fragility.velocity.{type_}.{storeys}.{part}", value, unit,
                    f"collapse of {type_}, {storeys} storeys: {words}",
                    ("fema2009flood", "goteti2015hazus"), "derived")
        for (type_, storeys), row in _VELOCITY.items()
        for part, unit, words, value in zip(
            ("scale", "exponent", "speed", "depth"), ("m", "1", "m s-1", "m"),
            ("depth at 1 m/s", "exponent of speed", "slowest speed of the law",
             "depth when slower"), row, strict=True)
        if np.isfinite(value)
    ),
)


def suppasri(depth: np.ndarray, type_: str) -> np.ndarray:
    """P(at least DS4, DS5, DS6 | inundation depth in m), (…, 3).

    The printed curves cross at small depths (wood below 0.75 m, masonry below 0.53 m); a running
    minimum restores the order. Suppasri et al. 2013, table 3: Φ((ln h − μ)/σ).
    """
    depth = np.asarray(depth, dtype=float)
    curves = np.array(_SUPPASRI[type_])
    with np.errstate(divide="ignore"):
        z = (np.log(depth)[..., None] - curves[:, 0]) / curves[:, 1]
    return np.minimum.accumulate(ndtr(z), axis=-1)


def momentum_flux(flux: np.ndarray) -> np.ndarray:
    """P(at least moderate, extensive, complete | hu² in m3 s-2), (…, 3); RC frames, 4-7 storeys."""
    with np.errstate(divide="ignore"):
        z = np.log(np.asarray(flux, dtype=float)[..., None] / list(_FEMA_MEDIANS.values()))
    return ndtr(z / _FEMA_BETA)


def velocity_collapse(depth: np.ndarray, speed: np.ndarray, type_: str, storeys: int) -> np.ndarray:
    """Whether HAZUS's flood model calls a building collapsed: 1, 0, or NaN.

    NaN where the model says nothing: other types or heights, and masonry and concrete in water
    slower than its law. depth m, speed m/s, broadcast.
    """
    depth, speed = np.broadcast_arrays(np.asarray(depth, float), np.asarray(speed, float))
    if (type_, storeys) not in _VELOCITY:
        return np.full(depth.shape, np.nan)
    scale, exponent, slowest, still = _VELOCITY[type_, storeys]
    limit = np.where(speed >= slowest, scale * np.maximum(speed, slowest) ** exponent, still)
    unknown = np.isnan(depth) | np.isnan(limit) | np.isnan(speed)
    return np.where(unknown, np.nan, depth > limit)


def comparison(state: np.ndarray, kind: np.ndarray, depth: np.ndarray, type_: str,
               edges: np.ndarray, types: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Emergent damage beside Suppasri's curves, by bins of depth, for one type.

    Parameters
    ----------
    state, kind, depth : any shape, broadcast: damage state, type code, deepest water (m).
    edges : (bin + 1,) m. types : names of the type codes.

    Returns
    -------
    ``count`` (bin,) buildings; ``collapsed``, ``washed_away`` (bin,) shares at or past the state
    (NaN in empty bins); ``lower``, ``upper`` (bin, 2) 90% Wilson bands of those shares; ``curve``
    (bin, 2) DS5 and DS6 averaged over the depths in the bin.
    """
    state, kind, depth = (np.ravel(a) for a in np.broadcast_arrays(state, kind, depth))
    mine = (kind == types.index(type_)) & np.isfinite(state) & (depth > 0)
    bin_of = np.digitize(depth, edges) - 1
    bins = len(edges) - 1
    count, shares, curve = np.zeros(bins, int), np.full((bins, 2), np.nan), np.full((bins, 2),
                                                                                    np.nan)
    for index in range(bins):
        here = mine & (bin_of == index)
        count[index] = here.sum()
        if count[index]:
            shares[index] = (state[here] >= 4).mean(), (state[here] >= 5).mean()
            curve[index] = suppasri(depth[here], type_)[:, 1:].mean(axis=0)
    lower, upper = wilson(shares, count[:, None], z=1.6449)
    return {"count": count, "collapsed": shares[:, 0], "washed_away": shares[:, 1],
            "lower": lower, "upper": upper, "curve": curve}


def wilson(share: np.ndarray, count: np.ndarray, z: float = 1.96) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's score interval of a share of `count`; NaN where `count` is 0 (Wilson 1927)."""
    n = np.where(np.asarray(count) > 0, count, np.nan)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)
