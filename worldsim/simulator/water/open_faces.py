"""What flows through the sides that are not walls.

They are characteristic: the invariant that enters, or one prescribed quantity, comes from
outside, the invariant that leaves from the interior (Toro 2001, ch. 6; LeVeque 2002, sec. 13.8).
"""

from typing import NamedTuple

import torch
from torch import Tensor

from worldsim.simulator.water.boundary import (
    INWARD,
    Boundaries,
    Elevation,
    Flux,
    IncomingWave,
    Open,
    edge_cells,
)
from worldsim.simulator.water.flux import Faces, cube_root
from worldsim.simulator.water.layout import PAD, Layout

NEWTON_STEPS = 7  # for a prescribed flux: quadratic but beside the choked outflow, there 2^-7


class OpenFaces(NamedTuple):
    """The faces of the sides that are not walls, (n,) each, in four runs of `counts`: west,
    east, south, north.

    `cell`: index of the edge cell in the line; `face`: index of the face in its axis' faces;
    `side`; `member`; `inward`: sign of the inward normal; `bed` [m] of the edge cell; `still`:
    depth of the still water beyond [m]; `known`: whether there is any, elsewhere the interior
    continues; `level_set`, `flux_set`: whether the surface or the flux is prescribed, and whether
    it is anywhere; `fast_depth` [m]: depth of supercritical inflow, 0 for the critical one.
    """

    counts: tuple[int, ...]
    cell: Tensor
    face: Tensor
    side: Tensor
    member: Tensor
    inward: Tensor
    bed: Tensor
    still: Tensor
    known: Tensor
    level_set: Tensor
    flux_set: Tensor
    any_level: bool
    any_flux: bool
    fast_depth: Tensor


def find_open_faces(boundaries: Boundaries, bathymetry: Tensor, blocked: Tensor) -> OpenFaces:
    """List the open faces beside unblocked cells of (batch, ny, nx)."""
    layout = Layout(*bathymetry.shape)
    none = bathymetry.new_zeros(0)
    counts = [0, 0, 0, 0]
    parts, beds, levels, fast = [torch.zeros((4, 0), device=none.device).long()], [none], [], []
    for side, condition in enumerate(boundaries.sides()):
        edge = edge_cells(torch.ones_like(blocked), side)
        member, y, x = torch.nonzero(edge & ~blocked).unbind(1)
        level = condition.level if isinstance(condition, (Open, IncomingWave)) else 0.0
        depth = getattr(condition, "depth", None) or 0.0
        if isinstance(condition, (Open, IncomingWave, Elevation, Flux)):
            cell = member * layout.member + (y + PAD) * layout.row + (x + PAD)
            above = (0, 1, 0, layout.row)[side]  # a face is listed by the cell above it
            face = cell - PAD * layout.row + above
            parts.append(torch.stack((cell, face, torch.full_like(cell, side), member)))
            beds.append(bathymetry[member, y, x])
            counts[side] = len(cell)
        levels.append(level)
        fast.append(depth)
    cell, face, side_of, member = torch.cat(parts, 1).unbind(0)
    bed = torch.cat(beds)

    def by_side(values: list[float] | tuple[float, ...]) -> Tensor:
        return bed.new_tensor(values)[side_of]

    def those(kind: type) -> Tensor:
        return by_side([float(isinstance(c, kind)) for c in boundaries.sides()]) > 0

    level_set, flux_set = those(Elevation), those(Flux)
    still = by_side(levels) - bed
    return OpenFaces(
        tuple(counts),
        cell,
        face,
        side_of,
        member,
        by_side(INWARD),
        bed,
        still.clamp(min=0.0),
        still > 0.0,
        level_set,
        flux_set,
        bool(level_set.any()),
        bool(flux_set.any()),
        by_side(fast),
    )


class Exterior(NamedTuple):
    """What lies beyond the open faces, (n,): depth [m] and inward velocity [m/s] of the simple
    wave, prescribed depth [m], prescribed discharge per width [m2/s], where there are such."""

    depth: Tensor
    velocity: Tensor
    level_depth: Tensor | None
    flux: Tensor | None


def exterior(faces: OpenFaces, targets: list[Tensor | None], gravity: float) -> Exterior:
    """What the sides' `targets` (members,) mean at the faces: the elevation of a wave, the
    elevation of the surface [m], the flux [m2/s]."""
    parts, start = [], 0
    for target, count in zip(targets, faces.counts, strict=True):
        run = slice(start, start + count)
        if target is None:
            parts.append(torch.zeros_like(faces.bed[run]))
        else:
            parts.append(torch.take(target, faces.member[run]).to(faces.bed.dtype))
        start += count
    target = torch.cat(parts)
    depth = torch.where(faces.known, (faces.still + target).clamp(min=0.0), 0.0)
    velocity = 2.0 * (torch.sqrt(gravity * depth) - torch.sqrt(gravity * faces.still))
    level_depth = (target - faces.bed).clamp(min=0.0) if faces.any_level else None
    return Exterior(depth, velocity, level_depth, target if faces.any_flux else None)


State = tuple[Tensor, Tensor]  # celerity and inward velocity [m/s] at a face


def boundary_state(
    depth: Tensor, velocity: Tensor, outside: Exterior, faces: OpenFaces, gravity: float
) -> State:
    """Celerity and inward velocity [m/s] at the open faces; `depth`, `velocity` (inward) of the
    edge cells."""
    celerity = torch.sqrt(gravity * depth)
    c, u = state_of_wave(celerity, velocity, outside, faces.known, gravity)
    if outside.level_depth is not None:
        at_level = state_at_level(celerity, velocity, torch.sqrt(gravity * outside.level_depth))
        c = torch.where(faces.level_set, at_level[0], c)
        u = torch.where(faces.level_set, at_level[1], u)
    if outside.flux is not None:
        at_flux = state_at_flux(celerity, velocity, gravity * outside.flux)
        if bool((faces.fast_depth > 0.0).any()):
            at_flux = or_supercritical(at_flux, outside.flux, faces.fast_depth, gravity)
        c = torch.where(faces.flux_set, at_flux[0], c)
        u = torch.where(faces.flux_set, at_flux[1], u)
    return c, u


def state_of_wave(
    celerity: Tensor, velocity: Tensor, outside: Exterior, known: Tensor, gravity: float
) -> State:
    """Subcritical: incoming invariant u + 2c from outside, outgoing u - 2c from inside; through
    a critical point the fan is sampled at the face; supercritical flow keeps its own state."""
    u_out = torch.where(known, outside.velocity, velocity)
    c_out = torch.where(known, torch.sqrt(gravity * outside.depth), celerity)
    entering = u_out + 2.0 * c_out
    leaving = velocity - 2.0 * celerity
    c = ((entering - leaving) * 0.25).clamp(min=0.0)
    u = (entering + leaving) * 0.5
    flood, ebb = u > c, u < -c
    fan_in = (entering / 3.0).clamp(min=0.0)
    fan_out = (leaving / -3.0).clamp(min=0.0)
    fast_in, fast_out = u_out > c_out, velocity < -celerity
    c = torch.where(flood, torch.where(fast_in, c_out, fan_in), c)
    u = torch.where(flood, torch.where(fast_in, u_out, fan_in), u)
    c = torch.where(ebb, torch.where(fast_out, celerity, fan_out), c)
    u = torch.where(ebb, torch.where(fast_out, velocity, -fan_out), u)
    # Nothing is known of the ground beyond: water may leave over it, none comes from it.
    return c, torch.where(known, u, u.clamp(max=0.0))


def state_at_level(celerity: Tensor, velocity: Tensor, prescribed: Tensor) -> State:
    """The surface is given, so the celerity `prescribed` [m/s]; the outgoing invariant gives the
    velocity, at most the critical one inward; outward past critical the fan is sampled."""
    leaving = velocity - 2.0 * celerity
    u = leaving + 2.0 * prescribed
    ebb, fast_out = u < -prescribed, velocity < -celerity
    fan_out = (leaving / -3.0).clamp(min=0.0)
    c = torch.where(ebb, torch.where(fast_out, celerity, fan_out), prescribed)
    u = torch.where(ebb, torch.where(fast_out, velocity, -fan_out), u)
    return c, torch.minimum(u, c)


def state_at_flux(celerity: Tensor, velocity: Tensor, g_flux: Tensor) -> State:
    """g times the inward flux is given: c^2 (leaving + 2c) = g q for the celerity c, on the
    subcritical branch; stronger inflow is critical, stronger outflow choked."""
    leaving = velocity - 2.0 * celerity
    calm = (-leaving).clamp(min=0.0)
    inflow = g_flux.clamp(min=0.0)
    # Beyond the largest root the cubic is convex and rises: Newton comes down to it from above.
    c = 0.5 * calm + 1.01 * cube_root((0.5 * inflow).clamp(min=1e-30))
    for _ in range(NEWTON_STEPS):
        slope = 2.0 * c * (3.0 * c + leaving)
        excess = c * c * (2.0 * c + leaving) - g_flux
        c = torch.where(slope > 0.0, c - excess / slope.clamp(min=1e-30), c)
    u = torch.where(c > 0.0, g_flux / (c * c).clamp(min=1e-30), 0.0)
    critical = cube_root(inflow.clamp(min=1e-30))
    strong = g_flux > calm * calm * calm
    c, u = torch.where(strong, critical, c), torch.where(strong, critical, u)
    third = calm / 3.0
    choked = -g_flux > third * third * third
    fast_out = velocity < -celerity
    c = torch.where(choked, torch.where(fast_out, celerity, third), c)
    u = torch.where(choked, torch.where(fast_out, velocity, -third), u)
    return c, u


def or_supercritical(calm: State, flux: Tensor, depth: Tensor, gravity: float) -> State:
    """Inflow of `flux` at `depth` (0: not wanted) where that is supercritical and its momentum
    function q u + g h^2/2 exceeds that of the `calm` state: it then pushes the jump inward."""
    c_calm, u_calm = calm
    h = (c_calm * c_calm) / gravity
    c, u = torch.sqrt(gravity * depth), flux / depth.clamp(min=1e-30)
    push = flux * u + 0.5 * gravity * (depth * depth)
    fast = (depth > 0.0) & (u > c) & (push > flux * u_calm + 0.5 * gravity * (h * h))
    return torch.where(fast, c, c_calm), torch.where(fast, u, u_calm)


class OpenLoad(NamedTuple):
    """At each open face: inward velocity * depth [m2/s], normal momentum flux and the edge
    cell's own pressure [m3/s2], the edge cell's tangential velocity [m/s], energy per weight
    and g, u^2/2 + g (h + z) [m2/s2], without the tangential part."""

    mass: Tensor
    flux: Tensor
    own: Tensor
    drift: Tensor
    head: Tensor


def set_open_faces(
    open_faces: OpenFaces,
    outside: Exterior,
    fields: Tensor,
    faces_x: Faces,
    faces_y: Faces,
    gravity: float,
) -> OpenLoad:
    """Set, in place, the fluxes through the open faces of both axes; what enters carries no
    tangential velocity."""
    in_x = open_faces.counts[0] + open_faces.counts[1]
    cells = open_faces.cell
    if not len(cells):
        return OpenLoad(*(outside.depth for _ in range(5)))
    _, depth, u, v = fields
    h = torch.take(depth, cells)
    along_x, along_y = torch.take(u, cells), torch.take(v, cells)
    normal = torch.cat((along_x[:in_x], along_y[in_x:]))
    drift = torch.cat((along_y[:in_x], along_x[in_x:]))
    inward = open_faces.inward
    c, w = boundary_state(h, normal * inward, outside, open_faces, gravity)
    at_face = c * c / gravity
    mass = at_face * w
    flux = mass * w + 0.5 * gravity * (at_face * at_face)
    own = 0.5 * gravity * (h * h)
    head = 0.5 * (w * w) + gravity * (at_face + open_faces.bed)
    change, along = flux - own, mass * inward
    carried = torch.where(mass < 0.0, drift, 0.0)
    start = 0
    for side, count in enumerate(open_faces.counts):
        if not count:
            continue
        run = slice(start, start + count)
        faces = faces_x if side < 2 else faces_y
        entry = open_faces.face[run]
        faces.mass.index_copy_(0, entry, along[run])
        faces.drift.index_copy_(0, entry, carried[run])
        (faces.upper if side % 2 == 0 else faces.lower).index_copy_(0, entry, change[run])
        start += count
    return OpenLoad(mass, flux, own, drift, head)
