"""One member's solids at the instants of a video's frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from worldsim.camera.between import Between
from worldsim.errors import InputError
from worldsim.simulator.mechanics.bodies import Shape
from worldsim.simulator.rotation import rotation_matrices

SHAPES = tuple(Shape)

LINK = -2
"""Value of the segmentation layer where a link is seen."""

NEEDED = {
    "bodies": ("position", "quaternion"),
    "parts": ("body", "shape", "size", "offset", "turn", "colour", "second", "pattern", "field",
              "present"),
    "links": ("bodies", "points", "radius", "colour", "second", "pattern", "field", "present"),
    "backdrop": ("low", "high", "shadows", "sun"),
}


@dataclass(frozen=True)
class Solids:
    """Solids in some frames, in world coordinates.

    ``position`` (frame, n, 3) of centres [m], ``rotation`` (frame, n, 3, 3) of their own axes,
    ``size`` (frame, n, 3) [m] as in `worldsim.mechanics.Part`; ``shape`` and ``pattern`` (n,)
    codes, ``colour`` and ``second`` (n, 3) 0..255, ``field`` (n,) [m], ``label`` (n,) in the
    segmentation layer.
    """

    position: np.ndarray
    rotation: np.ndarray
    size: np.ndarray
    shape: np.ndarray
    pattern: np.ndarray
    colour: np.ndarray
    second: np.ndarray
    field: np.ndarray
    label: np.ndarray

    def __len__(self) -> int:
        return len(self.shape)

    def chosen(self, which: np.ndarray) -> Solids:
        """Those of numbers `which`."""
        return Solids(
            self.position[:, which], self.rotation[:, which], self.size[:, which],
            *(part[which] for part in (self.shape, self.pattern, self.colour, self.second,
                                       self.field, self.label)),
        )

    def during(self, frames: slice) -> Solids:
        """The same in some of the frames."""
        return Solids(self.position[frames], self.rotation[frames], self.size[frames], self.shape,
                      self.pattern, self.colour, self.second, self.field, self.label)


@dataclass(frozen=True)
class Backdrop:
    """What is seen where nothing is, and the light: ``low``, ``high`` (3,) 0..255; ``sun`` (3,)
    unit vector towards it; whether there are ``shadows``."""

    low: np.ndarray
    high: np.ndarray
    sun: np.ndarray
    shadows: bool


@dataclass(frozen=True)
class Stage:
    """One member: what never moves in all that is stored of it, and what does."""

    still: Solids
    moving: Solids
    backdrop: Backdrop


def check_solids(rollout: xr.DataTree) -> None:
    """Raise InputError unless the rollout holds the states that a picture is made from."""
    for group, names in NEEDED.items():
        if group == "links" and group not in rollout.children:
            continue
        held = set(rollout[group].data_vars) if group in rollout.children else set()
        missing = [name for name in names if name not in held]
        if missing:
            raise InputError(
                f"the rollout has no /{group}/{missing[0]}; only simulated rollouts, which store "
                "states, can be rendered (a generated one carries its /video)"
            )


def read_stage(rollout: xr.DataTree, case: int, realization: int, times: np.ndarray) -> Stage:
    """Solids of the member at positions `case`, `realization`, interpolated to `times` [s].

    Positions are linear in time, orientations turn at constant rate. Slots that hold nothing,
    and what has been stored as not finite, are left out.
    """
    member = {"case": case, "realization": realization}

    def stored(group: str) -> dict[str, np.ndarray]:
        table = rollout[group].dataset.variables
        return {
            name: np.asarray(table[name][tuple(
                member.get(str(dim), slice(None)) for dim in table[name].dims)].values)
            for name in NEEDED[group]
        }

    bodies, parts, air = stored("bodies"), stored("parts"), stored("backdrop")
    links = stored("links") if "links" in rollout.children else {}
    position = bodies["position"].astype(np.float64)
    quaternion = bodies["quaternion"].astype(np.float64)
    between = Between(np.asarray(rollout["bodies"]["time"].values, dtype=np.float64), times)
    still = np.all(position == position[:1], axis=(0, 2)) & np.all(
        quaternion == quaternion[:1], axis=(0, 2)
    )
    where, turning = between.linear(position), rotation_matrices(between.turned(quaternion))
    solids = [_parts(parts, where, turning)]
    stands = [still[parts["body"][parts["present"].astype(bool)]]]
    if links and np.any(links["present"]):
        solids.append(_links(links, where, turning))
        ends = links["bodies"][links["present"].astype(bool)]
        stands.append(np.all(np.where(ends >= 0, still[ends], True), axis=1))
    every, fixed = _together(solids), np.concatenate(stands)
    sun = air["sun"].astype(np.float64)
    return Stage(
        every.chosen(np.flatnonzero(fixed)), every.chosen(np.flatnonzero(~fixed)),
        Backdrop(air["low"].astype(np.float32), air["high"].astype(np.float32),
                 sun / np.sqrt(np.sum(sun**2)), bool(air["shadows"])),
    )


def _parts(parts: dict[str, np.ndarray], where: np.ndarray, turning: np.ndarray) -> Solids:
    here = np.flatnonzero(parts["present"])
    body = parts["body"][here]
    own = rotation_matrices(parts["turn"][here].astype(np.float64))
    frames = len(where)
    return Solids(
        position=where[:, body] + applied(turning[:, body], parts["offset"][here].astype(float)),
        rotation=_product(turning[:, body], own[None]),
        size=np.broadcast_to(parts["size"][here].astype(np.float64), (frames, len(here), 3)),
        shape=parts["shape"][here].astype(int), pattern=parts["pattern"][here].astype(int),
        colour=parts["colour"][here].astype(np.float32),
        second=parts["second"][here].astype(np.float32),
        field=parts["field"][here].astype(np.float64), label=here.astype(np.int16),
    )


def _links(links: dict[str, np.ndarray], where: np.ndarray, turning: np.ndarray) -> Solids:
    """Capsules between the links' ends; their own z runs from the first end to the second."""
    here = np.flatnonzero(links["present"])
    bodies, points = links["bodies"][here], links["points"][here].astype(np.float64)
    ends = np.where(
        (bodies >= 0)[None, :, :, None],
        where[:, bodies] + applied(turning[:, bodies], points), points[None],
    )
    along = ends[:, :, 1] - ends[:, :, 0]
    length = np.sqrt(np.sum(along**2, axis=-1))
    z = np.where(length[..., None] > 1e-9, along / np.maximum(length, 1e-9)[..., None],
                 np.array([0.0, 0.0, 1.0]))
    # Any axis across it will do for x: the one that it is least along.
    least = np.argmin(np.abs(z), axis=-1)
    x = np.eye(3)[least] - z * np.take_along_axis(z, least[..., None], axis=-1)
    x /= np.sqrt(np.sum(x**2, axis=-1, keepdims=True))
    count = len(here)
    size = np.zeros((len(where), count, 3))
    size[..., 0], size[..., 1] = links["radius"][here], np.maximum(0.5 * length, 1e-9)
    return Solids(
        position=0.5 * (ends[:, :, 0] + ends[:, :, 1]),
        rotation=np.stack([x, np.cross(z, x), z], axis=-1), size=size,
        shape=np.full(count, SHAPES.index(Shape.CAPSULE)),
        pattern=links["pattern"][here].astype(int),
        colour=links["colour"][here].astype(np.float32),
        second=links["second"][here].astype(np.float32),
        field=links["field"][here].astype(np.float64), label=np.full(count, LINK, np.int16),
    )


def _together(groups: list[Solids]) -> Solids:
    def joined(name: str, axis: int) -> np.ndarray:
        return np.concatenate([getattr(group, name) for group in groups], axis=axis)

    return Solids(
        *(joined(name, 1) for name in ("position", "rotation", "size")),
        *(joined(name, 0) for name in ("shape", "pattern", "colour", "second", "field", "label")),
    )


def applied(rotation: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """(…, 3): rotations (…, 3, 3) of vectors (…, 3), summed in an order of our own, whatever the
    shape of the batch."""
    return (rotation[..., 0] * vector[..., :1] + rotation[..., 1] * vector[..., 1:2]
            + rotation[..., 2] * vector[..., 2:])


def _product(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.stack([applied(first, second[..., i]) for i in range(3)], axis=-1)
