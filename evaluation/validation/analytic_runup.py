"""NTHMP benchmark problem 1, analytic run-up of a solitary wave, and the law of run-up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import jv

from evaluation.validation.case import Case, Check, Curve, Panel
from evaluation.validation.data import BP01_PROFILES, BP01_SERIES, locate
from evaluation.validation.solitary_wave import (
    COT_BETA,
    HALF_LENGTH,
    Beach,
    SolitaryWaves,
    decay,
    highest_shore,
    runup_law,
)

HEIGHT = 0.019
RUNUP = 0.0909
"""d; where the analytic profile at t/tau = 55 meets the beach, the benchmark's highest."""

STATIONS = (0.25, 9.95)
BEACH = Beach(dry=2.5, sea=45.0, size=0.05)
LAW_BEACH = Beach(dry=3.0, sea=40.0, size=0.05)
LAW_HEIGHTS = (0.005, 0.01, 0.02, 0.03)
BREAKING = 0.818 * COT_BETA ** (-10 / 9)  # d, Synolakis 1987
LAW_END = 80.0  # tau; all four waves are highest before
START = (f"crest at X1 = X0 + {HALF_LENGTH:.3f} / sqrt(3 H / 4d), X0 = {COT_BETA}, u = -sqrt(g/d) "
         "eta, no friction")


def read_profiles() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions (n,) [d], times (m,) [tau], surface (n, m) [d], NaN where dry."""
    lines = [line.split() for line in locate(BP01_PROFILES).read_text().splitlines()]
    header = next(line for line in lines if line and line[0] == "x/d")
    times = np.array([float(word.split("=")[1]) for word in header[1:]])
    rows = [line for line in lines[lines.index(header) + 1:] if line]
    table = np.array(rows, dtype=float)
    return table[:, 0], times, table[:, 1:]


def read_series() -> list[tuple[np.ndarray, np.ndarray]]:
    """Times [tau] and surface [d] at each station, NaN where dry."""
    lines = [line.split("\t") for line in locate(BP01_SERIES).read_text().splitlines()]
    header = next(number for number, line in enumerate(lines) if line[0].strip() == "t/tau")
    rows = lines[header + 1:]
    found = []
    for column in (0, 2):
        pairs = [(float(row[column]), float(row[column + 1])) for row in rows
                 if len(row) > column + 1 and row[column].strip()]
        found.append((np.array([t for t, _ in pairs]), np.array([z for _, z in pairs])))
    return found


def relative_rmse(found: np.ndarray, exact: np.ndarray) -> float:
    """Root mean square error over the range of the exact values, where these exist."""
    there = np.isfinite(exact)
    error = np.sqrt(np.mean((found[there] - exact[there]) ** 2))
    return float(error / (exact[there].max() - exact[there].min()))


def check_benchmark() -> Sequence[Check]:
    """Profiles, series at two stations, highest run-up."""
    places, times, profiles = read_profiles()
    series = read_series()
    waves = SolitaryWaves(BEACH, [HEIGHT])
    x = BEACH.x[::-1]
    highest, every = 0.0, 0.25
    moments, levels, surfaces = [0.0], [np.interp(STATIONS, x, waves.surface[0, ::-1])], []
    for now in waves.until(series[0][0].max(), every):
        surface = waves.surface[0, ::-1]
        moments.append(now)
        levels.append(np.interp(STATIONS, x, surface))
        highest = max(highest, float(waves.shore()[0]))
        if np.abs(times - now).min() < 0.5 * every:
            surfaces.append(surface)
    assert len(surfaces) == len(times)
    errors = [relative_rmse(np.interp(places, x, surface), profile)
              for surface, profile in zip(surfaces, profiles.T, strict=True)]
    panels = tuple(
        Panel(f"t/τ = {time:g}", "x/d", "η/d", (
            Curve(places, profile, "analytic"),
            Curve(x[x < 20], np.where(surface > BEACH.bed[::-1], surface, np.nan)[x < 20],
                  "worldsim", "dashed"),
            Curve(x[x < 20], np.where(BEACH.bed[::-1] > -0.05, BEACH.bed[::-1], np.nan)[x < 20],
                  "beach")))
        for time, surface, profile in zip(times, surfaces, profiles.T, strict=True)
        if time in (35, 45, 55, 65, 70))
    cells = (BEACH.x.size,)
    note = f"H/d = {HEIGHT:g}, {START}; dx = {BEACH.size:g} d"
    each = ", ".join(f"{100 * e:.1f}% at {t:g}" for t, e in zip(times, errors, strict=True))
    checks = [
        Check(f"profiles, RMSE / range, worst of {len(times)}", "1", max(errors), 0.03, cells=cells,
              note=f"{note}; by t/tau: {each}", panels=panels),
    ]
    for station, (when, exact), level in zip(STATIONS, series, np.array(levels).T, strict=True):
        found = np.interp(when, moments, level)
        panel = Panel(f"x/d = {station:g}", "t/τ", "η/d",
                      (Curve(when, exact, "analytic"), Curve(when, found, "worldsim", "dashed")))
        checks.append(Check(f"series at x/d = {station:g}, RMSE / range", "1",
                            relative_rmse(found, exact), 0.03, cells=cells,
                            note="where the analytic solution is wet", panels=(panel,)))
    checks.append(Check(f"highest run-up against {RUNUP:g}", "1", abs(highest / RUNUP - 1), 0.02,
                        cells=cells, note=f"found {highest:.4f} d; relative"))
    return checks


def linear_runup(height: float) -> float:
    """Highest shore [d] by linear theory, of which `runup_law` is the limit of steep waves.

    Synolakis 1987, linear theory at x = 0: each frequency w of the wave at the toe is amplified by
    2 / (J0(2 w X0) - i J1(2 w X0)); non-linear theory has the same highest run-up.
    """
    count, step = 2**14, 0.05  # tau
    time = (np.arange(count) - count // 2) * step
    wave = height / np.cosh(decay(height) * time) ** 2
    frequency = 2 * np.pi * np.fft.rfftfreq(count, step)
    argument = 2 * frequency * COT_BETA
    shore = np.fft.irfft(np.fft.rfft(wave) * 2 / (jv(0, argument) - 1j * jv(1, argument)), count)
    return float(shore.max())


def check_law() -> Sequence[Check]:
    """Run-up of waves between 0.005 and 0.03 d against the law."""
    heights = np.array(LAW_HEIGHTS)
    found = highest_shore(SolitaryWaves(LAW_BEACH, heights), LAW_END)
    errors = found / runup_law(heights) - 1
    linear = np.array([linear_runup(height) for height in heights])
    apart = found / linear - 1
    line = np.geomspace(heights[0], heights[-1], 50)
    panel = Panel("run-up without friction", "H/d", "R/d", (
        Curve(line, runup_law(line), "law"), Curve(heights, found, "worldsim", "points"),
        Curve(heights, linear, "linear theory without its last approximation", "dashed")),
        loglog=True)

    def each(values: np.ndarray) -> str:
        return ", ".join(f"{100 * e:+.1f}% at {h:g}" for h, e in zip(heights, values, strict=True))

    cells = (LAW_BEACH.x.size,)
    return [
        Check("run-up against the law, largest deviation", "1", float(np.abs(errors).max()), 0.05,
              cells=cells, panels=(panel,),
              note=f"{each(errors)}; {START}; dx = {LAW_BEACH.size:g} d. The law approximates "
                   "linear theory for steep waves: of that theory itself it falls short by "
                   f"{each(linear / runup_law(heights) - 1)}"),
        Check("run-up against linear theory, largest deviation", "1", float(np.abs(apart).max()),
              cells=cells, note=f"{each(apart)}; the same paper's integral by fast "
                                "Fourier transform. Only reported: above H/d = 0.818 "
                                f"cot(beta)^(-10/9) = {BREAKING:.4f} waves break on the way up"),
    ]


CASES = (
    Case("bp01", "NTHMP BP01: a solitary wave on a plane beach, H/d = 0.019",
         "Synolakis 1987, J. Fluid Mech. 185:523; Synolakis et al. 2007, NOAA OAR PMEL-135",
         check_benchmark, needs="published data: nthmp/bp01_*.txt"),
    Case("runup_law", "Run-up of solitary waves that do not break",
         "Synolakis 1987, J. Fluid Mech. 185:523 (the run-up law)", check_law),
)
