"""What a scene's members consist of: the MuJoCo model, the frames' and the floats' properties."""

from __future__ import annotations

import dataclasses
import math

import mujoco
import numpy as np

from worldsim.simulator.coast import Piece, WorkKind
from worldsim.simulator.floating import ADDED_MASS, Floaters
from worldsim.simulator.frames import FrameProperties, frame_properties
from worldsim.simulator.heave import added_mass
from worldsim.simulator.loose_bodies import typical
from worldsim.simulator.resting import debris_mass, debris_rest, work_foot, work_height
from worldsim.simulator.scene import Building, Hidden, Person, Physics, Scene
from worldsim.simulator.structures import STOREY_HEIGHT

TIMESTEP = 0.01
"""s; resolves the stiffest support spring (see `structures.SUPPORT_FREQUENCY`)."""

GAP = 0.05
"""m left between a storey and what is below it, so that standing storeys never touch."""

LEAKY_BUOYANCY = 0.25
"""Part of an intact but loose storey's bulk volume that displaces water: walls and floors, some
trapped air; doors and windows let the rest in."""

PARKED = 1.0e4
"""m; where the bodies of empty slots rest, out of everybody's way."""

CUSHION = 0.05
"""m of water left between a block that is let go and what it comes to lie on. Where a block got
into the ground by a time step's fall, MuJoCo would push it out along the nearest side of a facet,
which need not be upwards."""

SETTLING = 0.04
"""s in which it comes to lie there, without a bounce: the water between must get out."""

JACOBIAN = "sparse"
"""MuJoCo's; tests set it to "dense" and must find the same."""

MEMORY = "32M"
"""MuJoCo's arena, for contacts; bytes per member."""


def base_elevation(scene: Scene, building: Building) -> float:
    """Elevation of a building's base, m: the highest ground under it, plus the gap."""
    return float(scene.platform[scene.cells_of(building)].max()) + GAP


def _rest_position(scene: Scene, building: Building, storey: int) -> tuple[float, float, float]:
    x0, x1, y0, y1 = building.footprint
    return (
        (x0 + x1) / 2,
        (y0 + y1) / 2,
        base_elevation(scene, building) + (storey + 0.5) * STOREY_HEIGHT,
    )


def member_model(scene: Scene, hidden: Hidden, physics: Physics) -> mujoco.MjModel:
    """The MuJoCo model of one member: terrain, storeys, debris; every slot filled or parked."""
    slots, domain = scene.slots, scene.domain
    loose = hidden.debris or typical(scene)
    bodies: list[_Box] = []
    for b in range(slots.buildings):
        building = scene.buildings[b] if b < len(scene.buildings) else None
        for s in range(slots.storeys):
            exists = building is not None and s < building.storeys
            if building is not None and exists:
                x0, x1, y0, y1 = building.footprint
                half = ((x1 - x0) / 2, (y1 - y0) / 2, STOREY_HEIGHT / 2 - GAP)
                place = _rest_position(scene, building, s)
                mass = building.type.floor_mass * building.area
            else:
                half, mass = (0.5, 0.5, 0.5), 1.0
                place = (PARKED + 10.0 * (b * slots.storeys + s), 0.0, 0.0)
            bodies.append(_Box(place, 0.0, half, mass, exists, _STOREY_JOINTS))
    for k in range(slots.debris):
        if k < len(scene.debris):
            box, density = scene.debris[k], float(hidden.debris_density[k])
            place = (*box.position, debris_rest(scene, box))
            mass = debris_mass(box, density)
            bodies.append(
                _Box(place, box.heading, box.half_size, mass, True, "<freejoint/>",
                     friction=float(loose.friction[k]), margin=CUSHION if box.let_go else 0.0)
            )
        else:
            place = (PARKED, 10.0 * (k + 1), 0.0)
            bodies.append(_Box(place, 0.0, (0.5, 0.5, 0.5), 1.0, False, "<freejoint/>"))
    for p in range(slots.people):
        # Everybody waits here, weightless, until the water comes: see `FreeBodies.place`.
        place = (PARKED, -10.0 * (p + 1), 0.0)
        bodies.append(_person(scene.people[p] if p < len(scene.people) else None, place))
    for w in range(slots.works):
        bodies.append(_work(scene, scene.pieces[w] if w < len(scene.pieces) else None, w))
    low, high = float(scene.platform.min()), float(scene.platform.max())
    relief = max(high - low, 1e-3)
    reach = ((domain.nx - 1) * domain.dx / 2, (domain.ny - 1) * domain.dy / 2)
    # Sparse Jacobians: a town of 100 people has 960 degrees of freedom, of which few touch; dense
    # ones cost five times as much. MuJoCo 4.0.0 is reported to have a defect in its sparse
    # factorisation, so tests hold sparse runs against dense ones (`JACOBIAN`).
    # No automatic reset: bodies that break the integrator must be seen to have done so.
    model = mujoco.MjModel.from_xml_string(f"""
<mujoco>
  <option timestep="{TIMESTEP}" gravity="0 0 {-physics.gravity!r}" jacobian="{JACOBIAN}">
    <flag autoreset="disable"/></option>
  <size memory="{MEMORY}"/>
  <asset><hfield name="ground" nrow="{domain.ny}" ncol="{domain.nx}"
    size="{reach[0]!r} {reach[1]!r} {relief!r} 5"/></asset>
  <worldbody>
    <geom type="hfield" hfield="ground" pos="{domain.length / 2!r} {domain.width / 2!r} {low!r}"/>
    {"".join(body.xml() for body in bodies)}
  </worldbody>
</mujoco>""")
    # The batch wants models of one layout, so all bodies are compiled as colliding and as
    # weightless; then the parked ones lose their collisions and the others get their weight.
    real = np.array([body.exists for body in bodies])
    model.body_gravcomp[1:] = np.where(real, 0.0, 1.0)
    solid = np.array([body.solid for body in bodies])
    model.geom_contype[1:] = solid
    model.geom_conaffinity[1:] = solid
    model.hfield_data[:] = ((scene.platform - low) / relief).ravel()
    first = 4 * slots.buildings * slots.storeys
    for k, box in enumerate(scene.debris):
        body = 1 + slots.buildings * slots.storeys + k
        dof = first + 6 * k
        set_added_inertia(model, slice(dof, dof + 2), ADDED_MASS * model.body_mass[body])
        if box.let_go:
            set_added_inertia(model, slice(dof + 2, dof + 3), added_mass(box.half_size))
    return model


def set_added_inertia(
    model: mujoco.MjModel, dofs: slice, inertia: float | np.ndarray
) -> None:
    """Let `inertia`, kg or kg m2, be added to that of some of a model's degrees of freedom.

    MuJoCo reads the armature of bodies whose inertia is diagonal only when it compiles them, and
    takes that inertia as it then was, `dof_M0`, from there on; so both are written.
    """
    model.dof_M0[dofs] += inertia - model.dof_armature[dofs]
    model.dof_armature[dofs] = inertia


def _work(scene: Scene, piece: Piece | None, number: int) -> _Box:
    """A fixed block; quays are part of the ground."""
    if piece is None or piece.kind is WorkKind.QUAY:
        return _Box((PARKED, 0.0, 10.0 * (number + 1)), 0.0, (0.5, 0.5, 0.5), 1.0, False, "")
    x0, x1, y0, y1 = piece.footprint
    middle, half_height = work_height(piece.top, work_foot(scene, piece))
    place = ((x0 + x1) / 2, (y0 + y1) / 2, middle)
    return _Box(place, 0.0, ((x1 - x0) / 2, (y1 - y0) / 2, half_height), 1.0, True, "")


_STOREY_JOINTS = (
    '<joint type="slide" axis="1 0 0"/><joint type="slide" axis="0 1 0"/>'
    '<joint type="slide" axis="0 0 1"/><joint type="hinge" axis="0 0 1"/>'
)


def person_radius(height: float, mass: float) -> float:
    """Radius in m of the capsule of a person's height [m] that holds the body's volume
    (density `BODY_DENSITY`): πr²(h − 2r) + 4/3 πr³ = m/ρ."""
    volume = mass / BODY_DENSITY
    low, high = 0.0, height / 2
    for _ in range(60):
        middle = (low + high) / 2
        inside = math.pi * middle**2 * (height - 2 * middle) + 4 / 3 * math.pi * middle**3
        low, high = (middle, high) if inside < volume else (low, middle)
    return low


BODY_DENSITY = 1000.0
"""kg/m3; of a body with half-filled lungs, which just floats in fresh water."""


def _person(person: Person | None, place: tuple[float, ...]) -> _Box:
    """A capsule of a person's height and volume; its half size is (radius, half-length of the
    cylinder, 0), as MuJoCo has it."""
    if person is None:
        half, mass = (0.2, 0.6, 0.0), 70.0
    else:
        radius = person_radius(person.height, person.mass)
        half, mass = (radius, person.height / 2 - radius, 0.0), person.mass
    return _Box(place, 0.0, half, mass, False, "<freejoint/>", "capsule", person is not None)


@dataclasses.dataclass(frozen=True)
class _Box:
    """A body slot: place in m, heading in rad, sizes in m as MuJoCo has them, mass in kg.

    exists : has weight from the start. collides : meets others; as `exists` unless given.
    friction : coefficient that counts against everything fixed; otherwise 0.5, or the other's.
    margin : m from others at which it is held.
    """

    place: tuple[float, ...]
    heading: float
    half: tuple[float, float, float]
    mass: float
    exists: bool
    joints: str
    shape: str = "box"
    collides: bool | None = None
    friction: float | None = None
    margin: float = 0.0

    @property
    def solid(self) -> bool:
        """Whether it collides."""
        return self.exists if self.collides is None else self.collides

    def xml(self) -> str:
        at = " ".join(repr(float(value)) for value in self.place)
        size = " ".join(repr(float(value)) for value in self.half)
        turned = f"{math.cos(self.heading / 2)!r} 0 0 {math.sin(self.heading / 2)!r}"
        rough = (
            'friction="0.5"' if self.friction is None
            else f'friction="{self.friction!r} 0.005 0.0001" priority="1"'
        )
        if self.margin:
            rough += f' margin="{self.margin!r}" solref="{SETTLING!r} 1"'
        return (
            f'<body pos="{at}" quat="{turned}" gravcomp="1">{self.joints}'
            f'<geom type="{self.shape}" size="{size}" mass="{float(self.mass)!r}"'
            f' {rough}/></body>'
        )


def frames(scenes: list[Scene], hidden: list[Hidden], physics: Physics) -> FrameProperties:
    slots = scenes[0].slots
    shape = (len(scenes), slots.buildings, slots.storeys)
    ones = (
        "mass",
        "stiffness",
        "damping",
        "yield_force",
        "ultimate_force",
        "hardening",
        "weight_above",
        "drift_limit",
    )
    values = {name: np.ones(shape) for name in ones}
    present = np.zeros(shape, dtype=bool)
    for member, (scene, draw) in enumerate(zip(scenes, hidden, strict=True)):
        for b, building in enumerate(scene.buildings):
            n = building.storeys
            present[member, b, :n] = True
            computed = frame_properties(
                building.type,
                building.area,
                n,
                draw.strength[b, :n] * physics.strength,
                draw.drift_limit[b, :n],
                physics.gravity,
            )
            for name, array in computed.items():
                values[name][member, b, :n] = array
    return FrameProperties(present=present, **values)


def floaters(
    scenes: list[Scene], hidden: list[Hidden], physics: Physics, half_size: np.ndarray
) -> Floaters:
    slots = scenes[0].slots
    storeys = slots.buildings * slots.storeys
    shape = (len(scenes), slots.bodies)
    mass, drag = np.ones(shape), np.ones(shape)
    sill, heave_added = np.zeros(shape), np.zeros(shape)
    buoyant, loose = np.ones(shape), np.zeros(shape, dtype=bool)
    for member, (scene, draw) in enumerate(zip(scenes, hidden, strict=True)):
        for b, building in enumerate(scene.buildings):
            for s in range(building.storeys):
                body = b * slots.storeys + s
                mass[member, body] = building.type.floor_mass * building.area
                drag[member, body] = BOX_DRAG * physics.debris_drag
                buoyant[member, body] = LEAKY_BUOYANCY
        for k, box in enumerate(scene.debris):
            mass[member, storeys + k] = debris_mass(box, float(draw.debris_density[k]))
            drag[member, storeys + k] = float(draw.debris_drag[k]) * physics.debris_drag
            loose[member, storeys + k] = True
            heave_added[member, storeys + k] = added_mass(box.half_size) if box.let_go else 0.0
        sill[member, storeys:] = (draw.debris or typical(scene)).sill
    return Floaters(half_size.copy(), mass, drag, buoyant, loose, sill, heave_added)


BOX_DRAG = 2.0
"""Drag coefficient of a surface-piercing box (FEMA P-646 §6.5.3 uses 2.0 for square sections)."""
