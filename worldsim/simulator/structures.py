"""Buildings as shear frames whose storeys yield, soften under their own weight and come down.

Every storey is a MuJoCo body with four joints (x, y, z, heading); this module computes the forces
that hold it on what stands below. MuJoCo's own plastic joints are ideally plastic and yield
independently in x and y, which makes a storey √2 too strong along the diagonal and never softens
it; so the return mapping is done here: isotropic yield, linear hardening, P-Δ, and release.

Sources: storey strength, hardening and drift thresholds from HAZUS capacity and drift tables
(FEMA, Hazus earthquake model technical manual); stiffness from the period by the shear-chain
eigenvalue; P-Δ as geometric stiffness P/h (any structural dynamics textbook, e.g. Chopra).
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from worldsim.simulator.constants import GRAVITY

STOREY_HEIGHT = 3.0
"""Storey height in m, a common engineering value for houses."""

CRUSHED_HEIGHT = 0.7
"""Height in m to which a failed storey is crushed: rubble, roughly a quarter of the storey."""


@dataclasses.dataclass(frozen=True)
class BuildingType:
    """Engineering values of one type of building.

    period : fundamental period, s.
    yield_ratio, ultimate_ratio : base shear over weight at yield and at ultimate (HAZUS Cs·γ, λ).
    ultimate_drift : drift ratio at which the ultimate strength is reached.
    complete_drift : median drift ratio of HAZUS state "complete"; the storey is released there.
    damping : fraction of critical.
    floor_mass : kg per m2 of one storey.
    buoyant_fraction : part of the rubble's bulk volume that displaces water.
    """

    name: str
    period: float
    yield_ratio: float
    ultimate_ratio: float
    ultimate_drift: float
    complete_drift: float
    damping: float
    floor_mass: float
    buoyant_fraction: float


TYPES = {
    building_type.name: building_type
    for building_type in (
        # HAZUS W1 moderate code; ultimate drift derived from its capacity curve.
        BuildingType("timber", 0.35, 0.225, 0.675, 0.051, 0.075, 0.10, 200.0, 0.60),
        # HAZUS URM low code.
        BuildingType("masonry", 0.35, 0.10, 0.20, 0.018, 0.035, 0.10, 900.0, 0.45),
        # HAZUS S3 light steel, moderate code.
        BuildingType("steel", 0.40, 0.15, 0.30, 0.030, 0.0525, 0.05, 300.0, 0.40),
        # HAZUS C1 moderate code.
        BuildingType("concrete", 0.40, 0.10, 0.30, 0.020, 0.060, 0.07, 1200.0, 0.45),
    )
}
"""Building types by name. Ultimate drifts of masonry, timber and concrete follow from the HAZUS
capacity curves; steel's is taken between its extensive and complete thresholds."""

SCATTER_STRENGTH = 0.35
"""Lognormal standard deviation of storey strength (0.3 to 0.4 is customary; not fitted)."""

SCATTER_DRIFT = 0.40
"""Lognormal standard deviation of the drift limit (HAZUS v6.1 fragility file)."""


def chain_eigenvalue(storeys: int) -> float:
    """Lowest eigenvalue of the unit stiffness matrix of a shear chain of equal masses.

    λ₁ = 4 sin²(π / (2 (2n + 1))): 1 for one storey, 0.382 for two.
    """
    return 4.0 * float(np.sin(np.pi / (2 * (2 * storeys + 1)))) ** 2


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
    stiffness = 4 * np.pi**2 * mass / (type_.period**2 * chain_eigenvalue(storeys))
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
    """The state of all storeys of a batch: plastic offsets, slip, and what is still attached."""

    def __init__(self, properties: FrameProperties) -> None:
        self.properties = properties
        shape = properties.present.shape
        self.plastic = np.zeros((*shape, 2))
        self.slip = np.zeros(shape)
        self.attached = properties.present.copy()
        self.peak_drift = np.zeros(shape)

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
        return force

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

RADIUS_OF_GYRATION = 4.0
"""m; about that of a 10 x 10 m floor, √((10² + 10²)/12) = 4.1."""
