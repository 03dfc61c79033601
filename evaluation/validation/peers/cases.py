"""anuga beside our solver on the same problems, with as many unknowns: the error of each."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from evaluation.validation.case import Case, Check
from evaluation.validation.peers.anuga_process import anuga
from evaluation.validation.peers.problem import PROBLEMS, Problem
from evaluation.validation.peers.worldsim_solver import Solved

SQUARES = {"stoker": 32, "ritter": 32, "thacker": 32, "bp01": 275}
"""anuga's squares along x, of four triangles each; ours are half as wide, in a channel a quarter,
so that there are as many."""

NEEDS = "PyPI anuga (the extra `peers`)"


def check(problem: Problem) -> Sequence[Check]:
    """anuga's error, ours, and ours over anuga's; the first two are only reported.

    Ours is to be no larger than anuga's by more than a fifth: then the two are of one accuracy.
    """
    squares = SQUARES[problem.name]
    cells = (4 if problem.channel else 2) * squares
    with anuga(threads=1) as peer:
        ours = Solved(problem, cells)
        ours.run()
        error = ours.error  # first: it is here that measurements would be missing
        theirs = peer.solve(problem.name, squares)
        version = peer.version
    measure = "surface, RMSE / range" if problem.channel else "depth, relative L1"
    note = f"{problem.title}, after {problem.time:.3g} s"
    return [
        Check(f"anuga: {measure}", "1", theirs.error,
              note=f"{note}; anuga {version}, DE1, {theirs.triangles} triangles"),
        Check(f"worldsim: {measure}", "1", error, cells=(cells,), note=note),
        Check("worldsim's over anuga's", "1", error / theirs.error, 1.2, cells=(cells,),
              note="as many cells as triangles; 1.2 stands for one accuracy"),
    ]


def _case(name: str, title: str, source: str) -> Case:
    return Case(f"anuga_{name}", f"{title}, beside anuga", source,
                functools.partial(check, PROBLEMS[name]), NEEDS)


CASES = (
    _case("stoker", "Dam break onto water, oblique", "Stoker 1957, Water Waves, sec. 10.8"),
    _case("ritter", "Dam break onto dry ground, oblique", "Stoker 1957, Water Waves, sec. 10.8"),
    _case("thacker", "Plane surface in a bowl", "Thacker 1981, J. Fluid Mech. 107:499"),
    _case("bp01", "Solitary wave on a beach", "Synolakis et al. 2007, NOAA OAR PMEL-135"),
)
