"""What the water does to bodies, and they to it: five segments along each body's axis.

Each segment feels buoyancy, the slope of the surface (Froude-Krylov) and drag relative to its own
motion, and gives the horizontal impulse back where it is. What shallow water leaves out: the
vertical reaction of buoyancy, lift, splashing, turbulence at the size of a body.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from worldsim.simulator.body_models import BODY_DENSITY
from worldsim.simulator.constants import SEAWATER_DENSITY
from worldsim.simulator.floating import MIN_DEPTH, WaterFields
from worldsim.simulator.sampling import Bilinear
from worldsim.simulator.scene import Domain

SEGMENTS = 5

LEGS = (0.47, 0.322)
"""Part of the height up to the hip and of the mass below it, both legs (Winter 2009, Biomechanics
and motor control of human movement, table 4.1: 0.53 − foot, 2 × 0.161)."""

BELOW_HIP = np.clip(LEGS[0] * SEGMENTS - np.arange(SEGMENTS), 0.0, 1.0)
"""Part of each segment that is leg."""

_LEG, _TRUNK = LEGS[1] / LEGS[0], (1 - LEGS[1]) / (1 - LEGS[0])

SHARES = (BELOW_HIP * _LEG + (1 - BELOW_HIP) * _TRUNK) / SEGMENTS
"""Part of the volume in each segment of who stands, from the feet up: legs are thin, so that little
of the weight is lost in knee-deep water. A lying body is taken as an even cylinder: with a centre
of buoyancy above that of mass it would right itself."""

HEAVE_DAMPING = 0.3
"""Fraction of critical; as of floating boxes."""

TWIST_TIME = 0.5
"""s in which water stops turns about the body's own axis; declared."""

SLENDERNESS = 0.3
"""Least part of a segment's side that faces a flow along the body's axis."""


@dataclasses.dataclass(frozen=True)
class Segments:
    """Geometry of bodies' segments; arrays are (body,) and (body, segment).

    height m, radius m, mass kg, drag 1. standing_width, standing_volume : widths m across the flow
    (legs side by side) and volumes m3 of who stands. lying_volume : m3.
    """

    height: np.ndarray
    radius: np.ndarray
    mass: np.ndarray
    drag: np.ndarray
    standing_width: np.ndarray
    standing_volume: np.ndarray
    lying_volume: np.ndarray

    @classmethod
    def of(
        cls, height: np.ndarray, radius: np.ndarray, mass: np.ndarray, drag: np.ndarray
    ) -> Segments:
        """From heights, capsule radii, masses and drag coefficients, (…, body) each."""
        volume = mass / BODY_DENSITY
        standing = volume[..., None] * SHARES
        area = standing / (height[..., None] / SEGMENTS)
        # n legs side by side of area A/n each are 2 sqrt(n A / pi) wide.
        legs = 1.0 + BELOW_HIP
        return cls(
            height, radius, mass, drag,
            standing_width=2.0 * np.sqrt(legs * area / np.pi),
            standing_volume=standing,
            lying_volume=np.broadcast_to(volume[..., None] / SEGMENTS, standing.shape),
        )

    def take(self, at: tuple[np.ndarray, ...]) -> Segments:
        """Those of some bodies."""
        return Segments(*(getattr(self, field.name)[at] for field in dataclasses.fields(self)))


@dataclasses.dataclass(frozen=True)
class BodyLoads:
    """Loads of the water on bodies, and what bodies see of it; arrays are (body, …).

    force, torque about the centre : (…, 3) N, N m in the world frame. upward : N, of buoyancy.
    depth m, speed m/s : of the water at the body's feet. surface : elevation in m of the water at
    its head, -inf where there is none.
    """

    force: np.ndarray
    torque: np.ndarray
    upward: np.ndarray
    depth: np.ndarray
    speed: np.ndarray
    surface: np.ndarray


def axis_of(quaternion: np.ndarray) -> np.ndarray:
    """Directions from feet to head, (…, 3), of orientations (…, 4) w, x, y, z."""
    w, x, y, z = np.moveaxis(quaternion, -1, 0)
    return np.stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)], axis=-1)


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross product over the last axis, written out (np.cross is several times slower)."""
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)


def body_loads(
    water: WaterFields,
    member: np.ndarray,
    bodies: Segments,
    standing: np.ndarray,
    motion: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    change: np.ndarray,
    domain: Domain,
    gravity: float,
    dt: float,
) -> BodyLoads:
    """Loads on bodies, held over `dt`; their opposite is added to `change`.

    Parameters
    ----------
    member : (body,) whose water it is. standing : (body,) bool.
    motion : position, axis, velocity and spin, (body, 3) each.
    change : (2, member, ny, nx) m2/s given to the water's momenta.
    """
    position, axis, velocity, spin = motion
    offset = ((np.arange(SEGMENTS) + 0.5) / SEGMENTS - 0.5) * bodies.height[:, None]
    arm = axis[:, None, :] * offset[..., None]
    place = position[:, None, :] + arm
    members = np.broadcast_to(member[:, None], offset.shape)
    sample = Bilinear(members, place[..., 0], place[..., 1], water.wet, domain)
    surface, u, v = sample(water.surface), sample(water.u), sample(water.v)
    touched = sample.wet_share

    upright = axis[:, 2:] ** 2
    level = np.sqrt(np.maximum(1.0 - upright, 0.0))
    length = bodies.height[:, None] / SEGMENTS
    half = 0.5 * length * np.sqrt(upright) + bodies.radius[:, None] * level
    wetted = np.clip((surface - (place[..., 2] - half)) / (2 * half), 0.0, 1.0) * touched
    on_feet = standing[:, None]
    volume = np.where(on_feet, bodies.standing_volume, bodies.lying_volume)
    width = np.where(on_feet, bodies.standing_width, 2 * bodies.radius[:, None])

    point = velocity[:, None, :] + cross(spin[:, None, :], arm)
    relative_x, relative_y = u - point[..., 0], v - point[..., 1]
    relative = np.sqrt(relative_x**2 + relative_y**2)
    along = axis[:, 0:1] * relative_x + axis[:, 1:2] * relative_y
    along = along / np.where(relative > 0, relative, 1.0)
    facing = np.maximum(np.sqrt(np.maximum(1.0 - along**2, 0.0)), SLENDERNESS)
    coefficient = (
        0.5 * SEAWATER_DENSITY * bodies.drag[:, None] * width * length * facing * wetted
    )
    # Over a held step, drag may at most bring body and water to one velocity.
    depth = sample(water.depth)
    water_mass = SEAWATER_DENSITY * np.maximum(depth, MIN_DEPTH) * domain.dx * domain.dy
    body_mass = bodies.mass[:, None] / SEGMENTS
    swiftness = dt * coefficient * relative * (1 / body_mass + 1 / water_mass)
    pull = coefficient * relative / np.maximum(1.0, swiftness)

    displaced = SEAWATER_DENSITY * gravity * volume * wetted
    stiffness = SEAWATER_DENSITY * gravity * volume / (2 * half) * ((wetted > 0) & (wetted < 1))
    # Held over a step, buoyancy lags by half of it: as much damping again makes up for that.
    heave = 2 * HEAVE_DAMPING * np.sqrt(stiffness * body_mass) + 0.5 * dt * stiffness
    rising = point[..., 2]
    plunge = 0.5 * SEAWATER_DENSITY * bodies.drag[:, None] * width * length * level * wetted
    plunge = plunge * np.abs(rising)
    heave = heave + plunge / np.maximum(1.0, dt * plunge / body_mass)
    force = np.stack(
        [
            pull * relative_x - displaced * sample(water.slope_x),
            pull * relative_y - displaced * sample(water.slope_y),
            displaced - heave * rising,
        ],
        axis=-1,
    )
    per_momentum = -dt / (SEAWATER_DENSITY * domain.dx * domain.dy)
    for k in range(2):
        sample.scatter(change[k], force[..., k] * per_momentum)
    share = wetted.sum(1) / SEGMENTS
    twist = (spin * axis).sum(-1) * share * bodies.mass * bodies.height**2 / (24 * TWIST_TIME)
    return BodyLoads(
        force=force.sum(1),
        torque=cross(arm, force).sum(1) - twist[:, None] * axis,
        upward=displaced.sum(1),
        depth=depth[:, 0],
        speed=np.sqrt(u[:, 0] ** 2 + v[:, 0] ** 2),
        surface=np.where(touched[:, -1] > 0, surface[:, -1], -np.inf),
    )
