"""What stays of a group's ground while its blocked cells stay."""

from typing import NamedTuple

from torch import Tensor

from worldsim.simulator.water.layout import Layout
from worldsim.simulator.water.open_faces import OpenFaces
from worldsim.simulator.water.wall import WallFaces


class Ground(NamedTuple):
    """What stays while the blocked cells stay: `bed` (size,) [m], WALL_LEVEL where blocked;
    `inside` (window,) 1 in the members' cells, 0 in the layers around; the walls; the open
    faces; g n^2, (window,) or a single number (None: no friction); the drag [1/m] and height [m]
    of vegetation, (2, window) (None: bare ground)."""

    layout: Layout
    bed: Tensor
    inside: Tensor
    walls: WallFaces
    open_faces: OpenFaces
    g_n_squared: Tensor | None
    vegetation: Tensor | None
