"""What a network knows: scenarios with their parameters, cameras and entities.

The network numbers everything by its place here, so a `Repertoire` travels with the weights, in
``config.json``.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from worldsim.camera.projection import Camera
from worldsim.diffusion.conditioning import (
    ParameterSpec,
    Told,
    encode_parameters,
    feature_width,
)
from worldsim.diffusion.observables import BODIES, ENTITIES, Entity
from worldsim.errors import InputError

STILL = 2e-3
"""Range of a normalised number that counts as none: nothing moves bodies that way."""


@dataclasses.dataclass(frozen=True)
class Subject:
    """One scenario as the network knows it.

    name, version : of the scenario.
    parameters : what can be told, with the ranges of the training.
    cameras : descriptions of the views by name, the first of them the main one.
    fps, frames, size : of the clips it was trained on.
    entities : whose states are dreamed, in the order of their tokens.
    slots : tokens that entities have, at least as many.
    along : axis of the world along which bodies are counted in a clip's first frame, since nothing
        else tells alike ones apart; empty for the scenario's own order.
    reach : lowest and highest normalised numbers (9,) that bodies had in the training where
        nothing was pushed; empty where nobody looked.
    expert : number of the network's expert that its sequences go through.
    """

    name: str
    version: int
    parameters: tuple[ParameterSpec, ...]
    cameras: dict[str, str]
    fps: float
    frames: int
    size: tuple[int, int]
    entities: tuple[Entity, ...] = ()
    slots: int = 0
    along: tuple[float, ...] = ()
    reach: tuple[tuple[float, ...], ...] = ()
    expert: int = 0

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Subject:
        """The inverse of `dataclasses.asdict`, from JSON."""
        given = dict(fields)
        given["parameters"] = tuple(
            ParameterSpec(**spec | {"choices": tuple(spec["choices"])})
            for spec in given["parameters"])
        given["entities"] = tuple(
            Entity(e["name"], tuple(e["centre"]), tuple(e["scale"])) for e in given["entities"])
        return cls(**given | {"size": tuple(given["size"]),
                              "along": tuple(given.get("along", ())),
                              "reach": tuple(map(tuple, given.get("reach", ())))})

    @functools.cached_property
    def views(self) -> dict[str, Camera]:
        """The cameras by name."""
        return {name: Camera.from_json(text) for name, text in self.cameras.items()}

    @property
    def foreseen(self) -> bool:
        """Whether states are dreamed before pixels: where bodies carry the picture."""
        return any(entity.name in ENTITIES[:BODIES] for entity in self.entities)

    def counted(self, positions: np.ndarray) -> np.ndarray:
        """Slots (…, slot) in the order in which bodies at normalised positions (…, slot, 3) of a
        clip's first frame are counted; those that are not there come last, others stay."""
        order = np.broadcast_to(np.arange(positions.shape[-2]), positions.shape[:-1]).copy()
        bodies = [slot for slot, entity in enumerate(self.entities)
                  if entity.name in ENTITIES[:BODIES]]
        if self.along and bodies:
            along = positions[..., bodies, :] @ np.asarray(self.along)
            order[..., bodies] = np.asarray(bodies)[
                np.argsort(along, axis=-1, kind="stable")]  # NaN last
        return order

    def places(self, slots: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Centre [m] and scale (slot, 3) of the normalised positions of some entities."""
        centre, scale = (np.array([getattr(self.entities[slot], part)[:3] for slot in slots])
                         for part in ("centre", "scale"))
        return centre, scale

    @property
    def bounds(self) -> Tensor | None:
        """Lowest and highest normalised numbers (2, 9) that bodies are let have unless something is
        pushed: as far again as they went in the training, on either side, and not at all where
        they never moved."""
        if not self.reach:
            return None
        lowest, highest = torch.tensor(self.reach, dtype=torch.float32)
        slack = torch.where(highest - lowest > STILL, highest - lowest, 0.0)
        return torch.stack([lowest - slack, highest + slack])

    @property
    def main(self) -> Camera:
        """The first camera."""
        return next(iter(self.views.values()))

    @property
    def length(self) -> float:
        """m, the unit of normalised positions: half the height of the main camera's picture."""
        return self.main.height_m / 2

    def projection(self, camera: str, size: tuple[int, int]) -> np.ndarray:
        """(3, 4) homogeneous map from normalised positions of bodies to (column, row, 1) px."""
        view, main = self.views[camera], self.main
        rows, columns = size
        unit = view._extent_per_row(rows)
        across, upward, ahead = view.basis
        metres = np.eye(4)
        metres[:3, :3] *= self.length
        metres[:3, 3] = np.asarray(main.target) - view.position
        if view.projection == "orthographic":
            depth = np.array([0.0, 0.0, 0.0, 1.0])
        else:
            depth = np.array([*ahead, 0.0])
        column = np.array([*(across / unit), 0.0]) + columns / 2 * depth
        row = np.array([*(-upward / unit), 0.0]) + rows / 2 * depth
        return np.stack([column, row, depth]) @ metres


def body_entity(subject_length: float, target: tuple[float, ...], number: int) -> Entity:
    """The entity of a body: positions from the main camera's target in units of `length`."""
    return Entity(f"body {number + 1}", (*target, *[0.0] * 6),
                  (*[subject_length] * 3, *[1.0] * 6))


@dataclasses.dataclass(frozen=True)
class Repertoire:
    """All subjects of a network, in its numbering, and the names of its cameras."""

    subjects: tuple[Subject, ...]
    cameras: tuple[str, ...]

    @property
    def experts(self) -> int:
        """How many experts its network has."""
        return 1 + max((subject.expert for subject in self.subjects), default=0)

    def subject(self, name: str) -> Subject:
        """A scenario by name.

        Raises
        ------
        InputError : the network does not know it.
        """
        for subject in self.subjects:
            if subject.name == name:
                return subject
        raise InputError(f"the model was not trained on {name!r}; it knows "
                         f"{', '.join(s.name for s in self.subjects)}")

    def number(self, subject: Subject) -> int:
        """The network's number of a scenario."""
        return [s.name for s in self.subjects].index(subject.name)

    @functools.cached_property
    def parameters(self) -> tuple[ParameterSpec, ...]:
        """Of all scenarios, in the network's numbering."""
        return tuple(spec for subject in self.subjects for spec in subject.parameters)

    def slots(self, expert: int | None = None) -> int:
        """Parameters that a clip can be told, of the scenarios of an expert or of all."""
        return max(len(subject.parameters) for subject in self.subjects
                   if expert in (None, subject.expert))

    def tell(self, subject: Subject, values: Mapping[str, np.ndarray], batch: int,
             slots: int | None = None) -> Told:
        """Parameter values (batch,) of one scenario as network input; as many slots as the
        scenarios of its expert need by default."""
        before = self.subjects[:self.number(subject)]
        every = self.parameters
        return encode_parameters(
            subject.parameters, values, batch, first=sum(len(s.parameters) for s in before),
            slots=self.slots(subject.expert) if slots is None else slots,
            width=feature_width(every), none=len(every))

    def camera_numbers(self, names: tuple[str, ...]) -> Tensor:
        """(V,) of cameras by name."""
        return torch.tensor([self.cameras.index(name) for name in names], dtype=torch.long)

    def picture_axes(self, camera: str) -> Tensor | None:
        """(2, 3) directions in the world of columns and rows, where a camera of that name sees a
        plane; None of perspective cameras."""
        for subject in self.subjects:
            if camera in subject.cameras and subject.entities:
                view = subject.views[camera]
                if view.projection == "orthographic":
                    right, up, _ = view.basis
                    return torch.tensor(np.stack([right, -up]), dtype=torch.float32)
        return None

    def entity_numbers(self, subject: Subject) -> Tensor:
        """(slots,) numbers of the entities' names; `len(ENTITIES)` for empty slots."""
        numbers = [ENTITIES.index(entity.name) for entity in subject.entities]
        return torch.tensor(numbers + [len(ENTITIES)] * (subject.slots - len(numbers)),
                            dtype=torch.long)

    def bodies(self, subject: Subject) -> Tensor:
        """(slots,) bool: which of them are bodies."""
        return self.entity_numbers(subject) < BODIES
