"""NTHMP benchmark problem 4: run-up of solitary waves in the laboratory."""

from __future__ import annotations

import tarfile
from collections.abc import Sequence

import numpy as np

from evaluation.validation.analytic_runup import relative_rmse
from evaluation.validation.case import Case, Check, Curve, Panel
from evaluation.validation.data import BP04_PROFILES, BP04_RUNUP, locate
from evaluation.validation.solitary_wave import (
    Beach,
    SolitaryWaves,
    highest_shore,
    runup_law,
)

MANNING = 0.010
"""s m^(-1/3), painted stainless steel (Chow 1959, table 5-6, smooth metal 0.010 to 0.014); fixed
before the first comparison and never tuned."""

GRAVITY = 9.81  # m s-2
LARGEST = 0.03  # d; higher waves come near to breaking
BEACH = Beach(dry=3.0, sea=40.0, size=0.1)
END = 80.0  # tau
PROFILE_HEIGHT, PROFILE_DEPTH = 0.0185, 0.30  # d; m
PROFILE_BEACH = Beach(dry=2.5, sea=45.0, size=0.1)
TIMES = (30, 40, 50, 60, 70)  # tau


def read_runup() -> np.ndarray:
    """Runs (n, 3): height [d], run-up [d], depth [m]."""
    table = np.loadtxt(locate(BP04_RUNUP))
    table[:, 2] *= 0.01
    return table


def read_profiles() -> list[np.ndarray]:
    """Measured x, eta (n, 2) [d] at each of `TIMES`."""
    found = []
    with tarfile.open(locate(BP04_PROFILES)) as archive:
        for time in TIMES:
            held = archive.extractfile(f"Case0_0185.t={time}")
            assert held is not None
            found.append(np.loadtxt(held))
    return found


def scaled_manning(depth: np.ndarray) -> np.ndarray:
    """`MANNING` where the offshore depth [m] and gravity are 1."""
    return MANNING * np.sqrt(GRAVITY) * depth ** (-1 / 6)


def check_runup() -> Sequence[Check]:
    """Mean error and bias of the highest run-up in the runs that are well below breaking."""
    runs = read_runup()
    height, measured, depth = runs[runs[:, 0] <= LARGEST].T
    found = highest_shore(SolitaryWaves(BEACH, height, scaled_manning(depth)), END)
    error = found / measured - 1
    line = np.linspace(height.min(), height.max(), 50)
    panel = Panel(f"run-up, Manning n = {MANNING:.3f}", "H/d", "R/d", (
        Curve(height, measured, "laboratory", "points"), Curve(height, found, "worldsim", "points"),
        Curve(line, runup_law(line), "law without friction", "dashed")))
    cells = (BEACH.x.size,)
    note = (f"{len(height)} runs with H/d <= {LARGEST:g}, n = {MANNING:.3f} s m^(-1/3) fixed "
            f"beforehand; dx = {BEACH.size:g} d")
    return [
        Check("run-up, mean relative error", "1", float(np.abs(error).mean()), 0.15, cells=cells,
              note=note, panels=(panel,)),
        Check("run-up, bias", "1", float(error.mean()), cells=cells, note="mean signed error"),
    ]


def check_profiles() -> Sequence[Check]:
    """Surfaces of one run at five times; only reported."""
    measured = read_profiles()
    waves = SolitaryWaves(PROFILE_BEACH, [PROFILE_HEIGHT],
                          scaled_manning(np.array([PROFILE_DEPTH])))
    x, bed = PROFILE_BEACH.x[::-1], PROFILE_BEACH.bed[::-1]
    checks = []
    for now, table in zip(waves.until(TIMES[-1], 10.0), [None, None, *measured], strict=True):
        if table is None:
            continue
        surface = waves.surface[0, ::-1]
        place, level = table.T
        wet = np.where(surface > bed, surface, np.nan)
        panel = Panel(f"t/τ = {now:g}", "x/d", "η/d", (
            Curve(place, level, "laboratory", "points"),
            Curve(x[x < 20], wet[x < 20], "worldsim"),
            Curve(x[x < 20], np.where(bed > -0.05, bed, np.nan)[x < 20], "beach", "dashed")))
        checks.append(Check(f"profile at t/tau = {now:.0f}, RMSE / range", "1",
                            relative_rmse(np.interp(place, x, surface), level),
                            cells=(x.size,), panels=(panel,),
                            note=f"H/d = {PROFILE_HEIGHT:g}, d = {PROFILE_DEPTH:g} m; reported"))
    return checks


CASES = (
    Case("bp04", "NTHMP BP04: run-up in the laboratory",
         "Synolakis 1987, J. Fluid Mech. 185:523; Synolakis et al. 2007, NOAA OAR PMEL-135",
         check_runup, needs="published data: nthmp/bp04_lab_runup.txt"),
    Case("bp04_profiles", "NTHMP BP04: surfaces in the laboratory, H/d = 0.0185",
         "Synolakis 1987, J. Fluid Mech. 185:523", check_profiles,
         needs="published data: nthmp/bp04_profs.tgz"),
)
