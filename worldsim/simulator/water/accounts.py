"""What a group's steps add up: forces, fluxes through sides and walls, and the tracer's losses."""

from typing import NamedTuple

import torch
from torch import Tensor

from worldsim.simulator.water.ground import Ground
from worldsim.simulator.water.open_faces import OpenLoad
from worldsim.simulator.water.tracer import TracerAccounts
from worldsim.simulator.water.wall import WallLoad


class Accounts(NamedTuple):
    """Integrals over time in kinematic units (per unit density), added to by each step.

    `cells` six of (window,) [m2/s]: momentum per area from bed x, y, friction x, y, clean-up x, y
    (a bed force is booked whole in one of the cells it acts on). `sides` (5, open faces): mass
    inward [m2], normal momentum flux, tangential momentum inward and the edge cells' own
    pressure [m3/s], energy inward [m4/s2]. `walls` (3, wall faces): depth [m s], push and own
    pressure [m3/s]. `tracer`: of the dissolved tracer, None without.
    """

    cells: tuple[Tensor, ...]
    sides: Tensor
    walls: Tensor
    tracer: TracerAccounts | None = None


def book_faces(
    accounts: Accounts,
    half: Tensor,
    ground: Ground,
    wall_load: WallLoad,
    open_load: OpenLoad,
    share: Tensor,
) -> Accounts:
    """The accounts with half a step's walls and open faces added."""
    walls = accounts.walls + torch.take(half, ground.walls.member) * torch.stack(wall_load)
    faces, sides = ground.open_faces, accounts.sides
    if len(faces.cell):
        mass, flux, own, drift, head = open_load
        leaving = mass.clamp(max=0.0) * torch.take(share, faces.cell)
        through = mass.clamp(min=0.0) + leaving
        energy = through * head + leaving * (0.5 * (drift * drift))
        record = torch.stack((through, flux, leaving * drift, own, energy))
        sides = sides + torch.take(half, faces.member) * record
    return accounts._replace(walls=walls, sides=sides)


def choose(member: Tensor, ground: Ground, yes: Accounts, no: Accounts) -> Accounts:
    """The accounts `yes` of those members (batch,) bool, and `no` of the others."""
    layout, walls, faces = ground.layout, ground.walls, ground.open_faces
    window = layout.window(layout.each(member))
    tracer = None
    if yes.tracer is not None and no.tracer is not None:
        tracer = TracerAccounts(
            out=torch.where(torch.take(member, faces.member), yes.tracer.out, no.tracer.out),
            decayed=torch.where(window, yes.tracer.decayed, no.tracer.decayed),
        )
    return Accounts(
        tracer=tracer,
        cells=tuple(torch.where(window, a, b) for a, b in zip(yes.cells, no.cells, strict=True)),
        sides=torch.where(torch.take(member, faces.member), yes.sides, no.sides),
        walls=torch.where(torch.take(member, walls.member), yes.walls, no.walls),
    )
