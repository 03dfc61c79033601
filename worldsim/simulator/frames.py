"""Buildings as shear frames whose storeys yield, soften under their own weight and come down.

Every storey is a MuJoCo body with four joints (x, y, z, heading); this module computes the forces
that hold it on what stands below. MuJoCo's own plastic joints are ideally plastic and yield
independently in x and y, which makes a storey √2 too strong along the diagonal and never softens
it; so the return mapping is done here: isotropic yield, linear hardening, P-Δ, and release.

Sources: stiffness from the period by the shear-chain eigenvalue; P-Δ as geometric stiffness P/h
(any structural dynamics textbook, e.g. Chopra).
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from worldsim.simulator.constants import GRAVITY
from worldsim.simulator.structures import STOREY_HEIGHT, BuildingType, chain_eigenvalue


@dataclasses.dataclass(frozen=True)
class FrameProperties:
    """Properties of all storeys of a batch; arrays are (member, building, storey).

    present : whether the storey exists. mass kg; stiffness N/m; damping N s/m; yield_force,
    ultimate_force N; hardening N/m (plastic modulus); weight_above N (own floor included);
    height m; drift_limit (ratio).
    """

    present: np.ndarray
    mass: np.ndarray
    stiffness: np.ndarray
    damping: np.ndarray
    yield_force: np.ndarray
    ultimate_force: np.ndarray
    hardening: np.ndarray
    weight_above: np.ndarray
    drift_limit: np.ndarray
    height: ClassVar[float] = STOREY_HEIGHT


def frame_properties(
    type_: BuildingType,
    area: float,
    storeys: int,
    strength: np.ndarray,
    drift_limit: np.ndarray,
    gravity: float,
) -> dict[str, np.ndarray]:
    """Storey properties of one building, (storeys,) each.

    Parameters
    ----------
    area : floor area, m2.
    strength, drift_limit : (storeys,) factors of this realization.
    gravity : m/s2, for the weights that enter P-Δ. The strengths are engineering values and are
        referred to standard gravity, whatever the simulated one.
    """
    mass = np.full(storeys, type_.floor_mass * area)
    standard_weight = mass.sum() * GRAVITY
    stiffness = 4 * np.pi**2 * mass / (type_.period_of(storeys) ** 2 * chain_eigenvalue(storeys))
    # Storey strengths follow the shear of an inverted-triangular lateral load on equal masses.
    levels = np.arange(1, storeys + 1)
    shear_share = np.cumsum(levels[::-1])[::-1] / levels.sum()
    yield_force = type_.yield_ratio * standard_weight * shear_share * strength
    ultimate_force = type_.ultimate_ratio * standard_weight * shear_share * strength
    plastic_reach = type_.ultimate_drift * STOREY_HEIGHT - ultimate_force / stiffness
    return {
        "mass": mass,
        "stiffness": stiffness,
        "damping": 2 * type_.damping * np.sqrt(stiffness * mass),
        "yield_force": yield_force,
        "ultimate_force": ultimate_force,
        "hardening": (ultimate_force - yield_force) / np.maximum(plastic_reach, 1e-3),
        "weight_above": np.cumsum((mass * gravity)[::-1])[::-1],
        "drift_limit": type_.complete_drift * drift_limit,
    }


def return_mapping(
    trial: np.ndarray,
    slip: np.ndarray,
    frame: FrameProperties,
) -> tuple[np.ndarray, np.ndarray]:
    """Radial return of the elastic offset to the isotropic, linearly hardening yield surface.

    Parameters
    ----------
    trial : (…, 2) elastic offset in x and y before the correction, m.
    slip : (…) accumulated plastic slip, m.

    Returns
    -------
    The plastic increment (…, 2) and the new accumulated slip (…).

    Source: Simo & Hughes, Computational Inelasticity, ch. 1.4 (one-dimensional return mapping),
    here with the norm over two directions.
    """
    offset = np.sqrt((trial**2).sum(-1))
    strength = np.minimum(frame.yield_force + frame.hardening * slip, frame.ultimate_force)
    over = frame.stiffness * offset - strength
    hardening = np.where(strength < frame.ultimate_force, frame.hardening, 0.0)
    increment = np.where(over > 0, over / (frame.stiffness + hardening), 0.0)
    # A step that hardens past the ultimate strength is mapped back to the ultimate strength.
    capped = offset - frame.ultimate_force / np.where(frame.present, frame.stiffness, 1.0)
    past = frame.yield_force + frame.hardening * (slip + increment) > frame.ultimate_force
    increment = np.where((over > 0) & past, np.maximum(capped, increment), increment)
    direction = trial / np.where(offset > 0, offset, 1.0)[..., None]
    return direction * increment[..., None], slip + increment


class Frames:
    """The state of all storeys of a batch.

    plastic : (member, building, storey, 2) m, offset that remains when unloaded. slip : m,
    accumulated. attached : held on what is below. afloat : (member, building) torn off the ground
    as a whole: the lowest storey is not attached, those above still are. base_shear :
    (member, building, 2) N that the lowest storey hands to the ground.
    """

    def __init__(self, properties: FrameProperties) -> None:
        self.properties = properties
        shape = properties.present.shape
        self.plastic = np.zeros((*shape, 2))
        self.slip = np.zeros(shape)
        self.attached = properties.present.copy()
        self.peak_drift = np.zeros(shape)
        self.afloat = np.zeros(shape[:2], dtype=bool)
        self.base_shear = np.zeros((*shape[:2], 2))

    def tear_off(self, member: int, building: int) -> None:
        """Let a building go from the ground; its storeys stay together."""
        self.attached[member, building, 0] = False
        self.afloat[member, building] = True

    @property
    def residual_drift(self) -> np.ndarray:
        """(member, building, storey): drift ratio that remains without lateral load.

        k (d - p) = (P / h) d with the plastic offset p, hence d = p k / (k - P/h).
        """
        frame = self.properties
        geometric = frame.weight_above / frame.height
        offset = np.sqrt((self.plastic**2).sum(-1))
        return offset * frame.stiffness / (frame.stiffness - geometric) / frame.height

    def forget(self, member: int) -> None:
        """Undo a member's yielding: its numbers are no longer of use."""
        self.plastic[member], self.slip[member], self.peak_drift[member] = 0.0, 0.0, 0.0

    def drift(self, displacement: np.ndarray) -> np.ndarray:
        """Offset of every storey from the one below, (member, building, storey, 2) in m."""
        return np.diff(displacement[..., :2], axis=2, prepend=0.0)

    def forces(self, displacement: np.ndarray, velocity: np.ndarray) -> np.ndarray:
        """Generalised forces on the storeys' joints; yields where the load demands it.

        Parameters
        ----------
        displacement, velocity : (member, building, storey, 4): x, y, z in m, heading in rad,
            from the storey's place in the intact building.

        Returns
        -------
        (member, building, storey, 4) N, N, N, N m.
        """
        frame = self.properties
        drift = self.drift(displacement)
        drift_rate = np.diff(velocity[..., :2], axis=2, prepend=0.0)
        increment, slip = return_mapping(drift - self.plastic, self.slip, frame)
        held = self.attached[..., None]
        self.plastic += np.where(held, increment, 0.0)
        self.slip = np.where(self.attached, slip, self.slip)

        geometric = frame.weight_above / frame.height
        shear = (
            frame.stiffness[..., None] * (drift - self.plastic)
            + frame.damping[..., None] * drift_rate
            - geometric[..., None] * drift
        )
        shear = np.where(held, shear, 0.0)
        self.base_shear = shear[:, :, 0]
        force = np.zeros_like(displacement)
        force[..., :2] = -shear
        force[:, :, :-1, :2] += shear[:, :, 1:]
        # Vertical support and torsional stiffness are not modelled in detail: stiff springs at
        # SUPPORT_FREQUENCY carry the weight and keep the heading until the storey is released.
        inertia = np.stack([frame.mass, frame.mass * RADIUS_OF_GYRATION**2], axis=-1)
        support = -inertia * (
            SUPPORT_FREQUENCY**2 * displacement[..., 2:] + SUPPORT_FREQUENCY * velocity[..., 2:]
        )
        force[..., 2:] = np.where(held, support, 0.0)
        if self.afloat.any():
            self._hold_together(force, displacement, velocity, inertia)
        return force

    def _hold_together(
        self,
        force: np.ndarray,
        displacement: np.ndarray,
        velocity: np.ndarray,
        inertia: np.ndarray,
    ) -> None:
        """Carry the storeys of buildings that are afloat by the storeys below them."""
        height = np.diff(displacement[..., 2:], axis=2)
        rise = np.diff(velocity[..., 2:], axis=2)
        link = inertia[:, :, 1:] * (LINK_FREQUENCY**2 * height + LINK_FREQUENCY * rise)
        link = np.where(self.attached[:, :, 1:, None], link, 0.0)
        between = np.zeros_like(displacement[..., 2:])
        between[:, :, 1:] -= link
        between[:, :, :-1] += link
        force[..., 2:] = np.where(self.afloat[..., None, None], between, force[..., 2:])

    def release(self, displacement: np.ndarray) -> np.ndarray:
        """Let go of storeys past their drift limit, and of everything above them.

        Returns
        -------
        (member, building, storey) bool: the storeys that failed themselves (those are crushed;
        what stood on them comes down whole).
        """
        ratio = np.sqrt((self.drift(displacement) ** 2).sum(-1)) / self.properties.height
        self.peak_drift = np.where(
            self.attached, np.maximum(self.peak_drift, ratio), self.peak_drift
        )
        failed = self.attached & (ratio > self.properties.drift_limit)
        # Only the lowest failing storey of a building is crushed; the others fall with it.
        failed &= np.cumsum(failed, axis=2) == 1
        self.attached &= np.cumsum(failed, axis=2) == 0
        return failed


SUPPORT_FREQUENCY = 60.0
"""Angular frequency in rad/s of the vertical and torsional support: stiff (sag g/ω² = 2.7 mm) yet
resolved by the time step of 10 ms (ω·dt = 0.6)."""

LINK_FREQUENCY = 30.0
"""Angular frequency in rad/s of what holds the storeys of a floating building together: with two
free ends a chain swings up to twice as fast, which the time step must still resolve."""

RADIUS_OF_GYRATION = 4.0
"""m; about that of a 10 x 10 m floor, √((10² + 10²)/12) = 4.1."""
