"""What the water does to standing buildings, which are walls to it.

The impulse that each wall face receives is handed to the ground and the storeys by a hydrostatic
distribution over the height.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from worldsim.simulator.floating import WaterFields


def share_of_levels(
    star_depth: np.ndarray, ground: np.ndarray, base: np.ndarray, height: float, storeys: int
) -> np.ndarray:
    """How a hydrostatic wall load is shared by the ground and the floors above each storey.

    The pressure ρg(h*−z) acts from the ground up to h*. Within storey k, the wall spans between
    the floor below and the floor above, so that pressure at a fraction s of the storey's height
    loads the upper floor by s and the lower by 1−s. The ground carries the lower end of the lowest
    storey, what presses below the base, and what presses above the roof: there the water would run
    over the building, which shallow water cannot do, so no floor may feel it.

    Parameters
    ----------
    star_depth : (…) water depth at the wall, m.
    ground, base : (…) elevation of the ground there and of the building's base, m.

    Returns
    -------
    (…, storeys + 1) fractions of the wall's total force: ground, then the floors upwards.
    """
    depth = np.maximum(star_depth, 1e-9)
    shares = np.zeros((*depth.shape, storeys + 1))
    foot = np.clip(base - ground, 0.0, depth)
    roof = np.clip(base + storeys * height - ground, 0.0, depth)
    shares[..., 0] = depth * foot - foot**2 / 2 + (depth - roof) ** 2 / 2
    for k in range(storeys):
        low = np.clip(base + k * height - ground, 0.0, depth)
        high = np.clip(base + (k + 1) * height - ground, 0.0, depth)
        head, span = depth - low, high - low
        total = head * span - span**2 / 2
        upper = (head * span**2 / 2 - span**3 / 3) / height
        shares[..., k + 1] += upper
        shares[..., k] += total - upper
    return shares / (depth**2 / 2)[..., None]


@dataclasses.dataclass(frozen=True)
class WallFaces:
    """All faces between a water cell and a building's cell, for a batch; arrays are (faces,).

    direction : 0 east, 1 west, 2 north, 3 south: on which side of the water cell the wall is.
    """

    member: np.ndarray
    row: np.ndarray
    column: np.ndarray
    direction: np.ndarray
    building: np.ndarray

    @classmethod
    def of(cls, owner: np.ndarray) -> WallFaces:
        """Faces from the owner map (member, ny, nx): building index, −1 where there is none."""
        found: list[list[np.ndarray]] = []
        padded = np.pad(owner, ((0, 0), (1, 1), (1, 1)), constant_values=-1)
        for direction, (dj, di) in enumerate(((0, 1), (0, -1), (1, 0), (-1, 0))):
            ny, nx = owner.shape[1:]
            beyond = padded[:, 1 + dj : 1 + dj + ny, 1 + di : 1 + di + nx]
            member, row, column = np.nonzero((owner < 0) & (beyond >= 0))
            side = np.full(member.shape, direction)
            found.append([member, row, column, side, beyond[member, row, column]])
        return cls(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def load(
        self,
        impulses: np.ndarray,
        star_depth: np.ndarray,
        ground: np.ndarray,
        base: np.ndarray,
        shape: tuple[int, int, int],
        height: float,
    ) -> np.ndarray:
        """Horizontal impulse on the ground under each building and on every storey's upper floor.

        Parameters
        ----------
        impulses, star_depth : (4, member, ny, nx) N s and m, by direction.
        ground : (member, ny, nx) m. base : (member, building) m.
        shape : (members, buildings, storeys).

        Returns
        -------
        (member, building, storeys + 1, 2) N s: ground, then the floors upwards.
        """
        at = (self.direction, self.member, self.row, self.column)
        shares = share_of_levels(
            star_depth[at], ground[at[1:]], base[self.member, self.building], height, shape[2]
        )
        sign = np.where((self.direction == 0) | (self.direction == 2), 1.0, -1.0)
        each = shares * (impulses[at] * sign)[:, None]
        floors = shape[2] + 1
        axis = self.direction // 2
        slot = (self.member * shape[1] + self.building)[:, None] * floors + np.arange(floors)
        size = shape[0] * shape[1] * floors * 2
        out = np.bincount((slot * 2 + axis[:, None]).ravel(), each.ravel(), size)
        return out.reshape(shape[0], shape[1], floors, 2)

    def means(
        self, quantity: np.ndarray, shape: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Means of a quantity over the faces, by side and over all.

        Parameters
        ----------
        quantity : (faces,). shape : (members, buildings).

        Returns
        -------
        (member, building, 4) by direction and (member, building); 0 where there are no faces.
        """
        side = (self.member * shape[1] + self.building) * 4 + self.direction
        size = shape[0] * shape[1] * 4
        total = np.bincount(side, quantity, size).reshape(*shape, 4)
        count = np.bincount(side, minlength=size).reshape(*shape, 4)
        by_side = total / np.maximum(count, 1)
        # Written out: the order of a sum must not depend on the batch.
        over_all = total[..., 0] + total[..., 1] + total[..., 2] + total[..., 3]
        return by_side, over_all / np.maximum(count.sum(-1), 1)

    def renewed(self, member: int, owner: np.ndarray) -> WallFaces:
        """The faces once a member's owner map (ny, nx) changed; the others' stay."""
        new = WallFaces.of(owner[None])
        kept = self.member != member
        mine = np.full(len(new.member), member)
        return WallFaces(
            np.concatenate([self.member[kept], mine]),
            *(
                np.concatenate([getattr(self, name)[kept], getattr(new, name)])
                for name in ("row", "column", "direction", "building")
            ),
        )


class Surroundings:
    """The cells along the walls that buildings had at first."""

    def __init__(self, faces: WallFaces, shape: tuple[int, int]) -> None:
        """`shape` (members, buildings)."""
        slot = faces.member * shape[1] + faces.building
        order = np.argsort(slot, kind="stable")
        self._cells = (faces.member[order], faces.row[order], faces.column[order])
        self._slots, self._starts = np.unique(slot[order], return_index=True)
        self._shape = shape

    def greatest(self, water: WaterFields) -> tuple[np.ndarray, np.ndarray]:
        """Greatest depth m and momentum flux m3 s-2 along each building, (member, building)."""
        depth = water.depth[self._cells]
        flux = depth * (water.u[self._cells] ** 2 + water.v[self._cells] ** 2)
        found = []
        for field in (depth, flux):
            out = np.zeros(self._shape[0] * self._shape[1])
            if len(self._slots):
                out[self._slots] = np.maximum.reduceat(field, self._starts)
            found.append(out.reshape(self._shape))
        return found[0], found[1]
