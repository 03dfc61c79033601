"""Floating boxes and the water push on each other.

A box is divided into columns; each column feels buoyancy, the slope of the surface (Froude-Krylov)
and drag, and gives the same horizontal impulse back to the water it stands in.

What shallow water leaves out: the vertical reaction of buoyancy, dispersion, jets, air, scour.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from worldsim.simulator.constants import SEAWATER_DENSITY
from worldsim.simulator.heave import heave as heave_loads
from worldsim.simulator.sampling import Bilinear
from worldsim.simulator.scene import Domain

ADDED_MASS = 0.5
"""Horizontal added mass of a floating box over its own mass (order of Newman 1977, fig. 4.8,
for draughts well below the beam); enters as the joint's inertia and in the pull of the slope."""

MAX_SLOPE = 0.5
"""Steepest surface that still pushes hydrostatically; at a bore front the computed slope only
measures the cell size."""

MIN_DEPTH = 0.05
"""m; shallower water neither carries a box nor takes its reaction."""

COLUMNS = (4, 3)
"""Columns per box along its length and its width."""


@dataclasses.dataclass(frozen=True)
class WaterFields:
    """The water as floating boxes see it; arrays are (member, ny, nx)."""

    surface: np.ndarray
    depth: np.ndarray
    u: np.ndarray
    v: np.ndarray
    slope_x: np.ndarray
    slope_y: np.ndarray
    wet: np.ndarray

    @classmethod
    def of(
        cls,
        depth: np.ndarray,
        momentum_x: np.ndarray,
        momentum_y: np.ndarray,
        ground: np.ndarray,
        domain: Domain,
    ) -> WaterFields:
        """Derive surface, velocity and slope (centred where both neighbours are wet)."""
        wet = depth > MIN_DEPTH
        safe = np.where(wet, depth, 1.0)
        surface = ground + depth
        return cls(
            surface,
            depth,
            np.where(wet, momentum_x / safe, 0.0),
            np.where(wet, momentum_y / safe, 0.0),
            _wet_slope(surface, wet, 2, domain.dx),
            _wet_slope(surface, wet, 1, domain.dy),
            wet,
        )


def _wet_slope(surface: np.ndarray, wet: np.ndarray, axis: int, spacing: float) -> np.ndarray:
    """Mean of the differences to those neighbours that are wet, limited to `MAX_SLOPE`."""
    step = np.diff(surface, axis=axis) / spacing
    both = np.logical_and(
        *(
            np.take(wet, range(*r), axis=axis)
            for r in ((0, wet.shape[axis] - 1), (1, wet.shape[axis]))
        )
    )
    step = np.where(both, step, 0.0)
    before = [(0, 0)] * 3
    after = [(0, 0)] * 3
    before[axis], after[axis] = (1, 0), (0, 1)
    total = np.pad(step, before) + np.pad(step, after)
    count = np.pad(both.astype(float), before) + np.pad(both.astype(float), after)
    return np.clip(total / np.maximum(count, 1.0), -MAX_SLOPE, MAX_SLOPE)


@dataclasses.dataclass(frozen=True)
class Floaters:
    """Boxes that float when they are loose; arrays are (member, body, …).

    half_size : (…, 3) m. mass : kg. drag : drag coefficient. buoyant : part of the bulk volume
    that displaces water. loose : whether the water moves it now. sill : height in m over the
    underside up to which water passes (under a car), so that nothing is displaced there.
    heave_added : kg, of blocks that are let go (see `heave`); 0 for all else.
    """

    half_size: np.ndarray
    mass: np.ndarray
    drag: np.ndarray
    buoyant: np.ndarray
    loose: np.ndarray
    sill: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((1, 1)))
    heave_added: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((1, 1)))


@dataclasses.dataclass(frozen=True)
class FloatingLoads:
    """What the water does to loose boxes over one exchange, and they to it.

    force, torque about the centre : (member, body, 3) N, N m at the exchange's start; horizontal
    forces and torques are held. heave_stiffness N/m, heave_damping N s/m : (member, body), by which
    the vertical force follows the box within the exchange; held, its lag of half an exchange would
    eat a fifth of the damping. change : (2, member, ny, nx) m2/s given to the water's momenta.
    """

    force: np.ndarray
    torque: np.ndarray
    heave_stiffness: np.ndarray
    heave_damping: np.ndarray
    change: np.ndarray


def floating_forces(
    water: WaterFields,
    boxes: Floaters,
    position: np.ndarray,
    rotation: np.ndarray,
    velocity: np.ndarray,
    spin: np.ndarray,
    domain: Domain,
    gravity: float,
    dt: float,
) -> FloatingLoads:
    """Forces of the water on loose boxes, and the opposite horizontal impulse on the water.

    Parameters
    ----------
    position, velocity, spin : (member, body, 3) m, m/s, rad/s (world frame).
    rotation : (member, body, 3, 3) body to world.
    dt : s; for how long the forces will be held.
    """
    offsets = _column_offsets() * boxes.half_size[:, :, None, :]
    # Written out: a matrix product may sum in another order when the batch has another size.
    arm = (
        rotation[:, :, None, :, 0] * offsets[..., 0:1]
        + rotation[:, :, None, :, 1] * offsets[..., 1:2]
    )
    place = position[:, :, None, :] + arm
    columns = offsets.shape[2]
    column_area = 4 * boxes.half_size[..., 0] * boxes.half_size[..., 1] / columns

    member = np.broadcast_to(np.arange(len(place))[:, None, None], place.shape[:3])
    sample = Bilinear(member, place[..., 0], place[..., 1], water.wet, domain)
    surface, u, v = sample(water.surface), sample(water.u), sample(water.v)
    slope_x, slope_y = sample(water.slope_x), sample(water.slope_y)
    touched = sample.wet_share * boxes.loose[:, :, None]

    height = 2 * boxes.half_size[..., 2:3]
    immersion = surface - (place[..., 2] - height / 2)
    submerged = np.clip(immersion, 0.0, height)
    submerged = np.where(touched > 0, submerged, 0.0)
    displacing = np.maximum(submerged - boxes.sill[..., None], 0.0)
    volume = displacing * column_area[..., None] * boxes.buoyant[..., None] * touched
    displaced = SEAWATER_DENSITY * volume

    point_velocity = velocity[:, :, None, :] + np.cross(spin[:, :, None, :], arm)
    relative_x, relative_y = u - point_velocity[..., 0], v - point_velocity[..., 1]
    relative = np.sqrt(relative_x**2 + relative_y**2)
    # Side area facing the flow, shared by the columns: the box's mean width times the wet height.
    breadth = boxes.half_size[..., :2].sum(-1)[..., None]
    coefficient = (
        0.5 * SEAWATER_DENSITY * boxes.drag[..., None] * breadth * submerged * touched / columns
    )
    # Over a held step, drag may at most bring box and water to one velocity.
    depth = np.maximum(sample(water.depth), MIN_DEPTH)
    water_mass = SEAWATER_DENSITY * depth * domain.dx * domain.dy
    box_mass = boxes.mass[..., None] / columns
    limit = 1 + dt * coefficient * relative * (1 / box_mass + 1 / water_mass)
    drag_x = coefficient * relative * relative_x / limit
    drag_y = coefficient * relative * relative_y / limit

    pull = (1 + ADDED_MASS) * gravity * displaced
    restoring = SEAWATER_DENSITY * gravity * column_area[..., None] * boxes.buoyant[..., None]
    heave = 2 * HEAVE_DAMPING * np.sqrt(restoring * box_mass) * (displacing > 0) * touched
    piercing = (displacing > 0) & (submerged < height)
    vertical = gravity * displaced - heave * point_velocity[..., 2]
    stiffness, damping = (restoring * piercing * touched).sum(2), heave.sum(2)
    let_go = boxes.heave_added > 0
    if let_go.any():
        rise = velocity[..., 2]
        roll = -heave * piercing * (point_velocity[..., 2] - rise[..., None])
        blocks = heave_loads(boxes, immersion, touched, restoring, rise, roll, gravity, dt)
        vertical = np.where(let_go[..., None], blocks.force, vertical)
        stiffness = np.where(let_go, blocks.stiffness, stiffness)
        damping = np.where(let_go, blocks.damping, damping)
    force = np.stack([drag_x - pull * slope_x, drag_y - pull * slope_y, vertical], axis=-1)
    torque = np.cross(arm, force)

    change = np.zeros((2, *water.depth.shape))
    per_momentum = -dt / (SEAWATER_DENSITY * domain.dx * domain.dy)
    for axis in range(2):
        sample.scatter(change[axis], force[..., axis] * per_momentum)
    return FloatingLoads(
        force.sum(2),
        torque.sum(2),
        heave_stiffness=stiffness,
        heave_damping=damping,
        change=change,
    )


HEAVE_DAMPING = 0.3
"""Fraction of critical; order of the wave radiation of a floating box (Newman 1977, ch. 6)."""


def _column_offsets() -> np.ndarray:
    """Centres of the columns on the unit box, (columns, 3)."""
    length = (np.arange(COLUMNS[0]) + 0.5) / COLUMNS[0] * 2 - 1
    width = (np.arange(COLUMNS[1]) + 0.5) / COLUMNS[1] * 2 - 1
    a, b = np.meshgrid(length, width, indexing="ij")
    return np.stack([a.ravel(), b.ravel(), np.zeros(a.size)], axis=-1)
