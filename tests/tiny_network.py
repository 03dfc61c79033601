"""A tiny network and random input of it, for the tests of the world model's parts."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from synthetic_clips import cameras_of

from worldsim.diffusion.carrying import Stage
from worldsim.diffusion.conditioning import ParameterSpec, encode_parameters
from worldsim.diffusion.known import context_cells, reference_of
from worldsim.diffusion.layers import TransformerConfig
from worldsim.diffusion.observables import ENTITIES, NUMBERS
from worldsim.diffusion.patches import Grid, PatchConfig, grid_of, to_cells, to_unit
from worldsim.diffusion.repertoire import Subject, body_entity
from worldsim.diffusion.sampler import Task
from worldsim.diffusion.sequence import Condition, Context, Prediction, States
from worldsim.diffusion.transformer import VideoTransformer
from worldsim.scenario import scenario_class

PATCHES = PatchConfig(frames=2, patch=8, cell=4)
TINY = TransformerConfig(patches=PATCHES, width=32, layers=2, heads=2, hidden=32, detail=8)
SPECS = (ParameterSpec("height", "m", 2.0, 8.0), ParameterSpec("kind", choices=("a", "b", "c")))
SIZE = (16, 24)
BODY, WATER = ENTITIES.index("body 1"), ENTITIES.index("gauges")


def ball_subject(slots: int = 3, frames: int = 6) -> Subject:
    """Free fall as a network may know it: two bodies, and an empty slot."""
    cls = scenario_class("free_fall")
    scene = cls().scene(0, 0)
    cameras = cameras_of("free_fall")
    main = scene.cameras["side"]
    entities = tuple(body_entity(main.height_m / 2, main.target, k) for k in range(2))
    return Subject("free_fall", cls.version, (), cameras, cls.fps, frames, SIZE, entities,
                   slots)


def fresh(seed: int = 0) -> VideoTransformer:
    """A network with fresh weights."""
    torch.manual_seed(seed)
    return VideoTransformer(TINY, len(SPECS), 7, cameras=2, scenarios=2,
                            entities=len(ENTITIES)).eval()


def network(seed: int = 0) -> VideoTransformer:
    """A network of which no part is idle, as if it had been trained: several projections start at
    zero."""
    made = fresh(seed)
    expert = made.expert(0)
    for part in (expert.modulation, made.duration[-1], expert.read_carried, expert.write_gate,
                 made.write_motion.depart, made.states_noise.mlp[-1],
                 made.laws.act):
        torch.nn.init.normal_(getattr(part, "weight", part), std=0.05)
    return made


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What a network and a sampler are given."""

    video: torch.Tensor
    mask: torch.Tensor
    grid: Grid
    cells: torch.Tensor
    known: torch.Tensor
    context: Context
    condition: Condition
    states: States
    stage: Stage

    def predict(self, net: VideoTransformer, level: torch.Tensor | float = 0.5,
                mask: torch.Tensor | None = None, **changes) -> Prediction:
        given = {"noisy": self.cells, "context": self.context, "condition": self.condition,
                 "states": self.states, "stage": self.stage} | changes
        batch, groups = len(self.cells), self.grid.views * self.grid.groups
        levels = torch.as_tensor(level).float().expand(batch, groups)
        with torch.inference_mode():
            return net(given["noisy"], levels, given["context"], given["condition"],
                       given["states"], given["stage"], self.grid, mask)

    def pixels(self, net: VideoTransformer, level: torch.Tensor | float = 0.5, **changes):
        return self.predict(net, level, **changes).pixels

    def task(self, **changes) -> Task:
        return Task(**{"given": self.cells.unflatten(-1, (3, -1)), "known": self.known,
                       "context": self.context, "condition": self.condition,
                       "states": self.states, "stage": self.stage, "grid": self.grid} | changes)


def inputs(views: int = 1, batch: int = 2, frames: int = 6, known: torch.Tensor | None = None,
           entities: tuple[int, ...] = (BODY, BODY + 1, WATER), seed: int = 1) -> Inputs:
    """Random video of which the first three frames are known, with moving bodies."""
    generator = torch.Generator().manual_seed(seed)
    grid = grid_of(frames, SIZE, views, PATCHES)
    video = torch.randint(0, 256, (batch, views, frames, *SIZE, 3), generator=generator,
                          dtype=torch.uint8)
    if known is None:
        known = torch.zeros(batch, views, frames, 1, 1, dtype=torch.bool)
        known[:, :, :3] = True
    seconds = torch.full((batch,), 0.4)
    reference = reference_of(video, known, PATCHES.frames, seconds)
    condition = Condition(
        scenario=torch.zeros(batch, dtype=torch.long),
        camera=torch.arange(views)[None, :, None].expand(batch, -1, grid.groups),
        told=encode_parameters(
            SPECS, {"height": np.linspace(2.5, 7, batch), "kind": np.arange(batch) % 3}, batch),
        context_noise=torch.zeros(batch), states_noise=torch.zeros(batch),
        start=torch.zeros(batch), seconds=seconds)
    numbers = torch.randn(batch, len(entities), grid.groups, PATCHES.frames * NUMBERS + 4,
                          generator=generator) * 0.5
    numbers[..., -4:-1] = 2.0  # half sizes, tenths of the unit
    numbers[..., -1] = 1.0
    states = States(
        entity=torch.tensor(entities, dtype=torch.long).expand(batch, -1), numbers=numbers,
        valid=torch.ones_like(numbers), known=torch.zeros(numbers.shape[:3]),
        level=torch.full((batch, grid.groups), 0.5),
        push=torch.randn((*numbers.shape[:3], 5), generator=generator))
    subject = ball_subject()
    projection = torch.from_numpy(np.stack(
        [subject.projection(camera, SIZE) for camera in list(subject.cameras)[:views]])).float()
    body = torch.tensor([number < WATER for number in entities])
    stage = Stage(reference.picture.movedim(-1, 3), reference.frame,
                  projection.expand(batch, -1, -1, -1), body.expand(batch, -1))
    return Inputs(video, known, grid, to_cells(to_unit(video), PATCHES),
                  to_cells(known.expand(video.shape[:5])[..., None], PATCHES),
                  context_cells(reference, known, PATCHES), condition, states, stage)


def select(part, rows):
    """Rows of the batch of anything made of tensors."""
    if isinstance(part, torch.Tensor):
        return part[rows]
    if not dataclasses.is_dataclass(part) or isinstance(part, Grid):
        return part
    return dataclasses.replace(
        part, **{f.name: select(getattr(part, f.name), rows) for f in dataclasses.fields(part)})


def of_group(given: Inputs, group: int) -> tuple[torch.Tensor, Context, States, Stage]:
    """One group of frames: noisy cells, context, states and stage."""
    each, n = given.grid.tokens_per_group, given.grid

    def tokens(value: torch.Tensor) -> torch.Tensor:
        return value.unflatten(1, (n.views, n.groups, each))[:, :, group].flatten(1, 2)

    context = Context(*(tokens(getattr(given.context, f.name))
                        for f in dataclasses.fields(Context)))
    one = slice(group, group + 1)
    s = given.states
    states = States(s.entity, s.numbers[:, :, one], s.valid[:, :, one], s.known[:, :, one],
                    s.level[:, one], s.push[:, :, one])
    stage = dataclasses.replace(given.stage, picture=given.stage.picture[:, :, one],
                                frame=given.stage.frame[:, :, one])
    return tokens(given.cells), context, states, stage


def numbers_at(time: float) -> np.ndarray:
    """States of a body that turns about y as it moves, in metres, at a time [s]."""
    angle = 2 * time
    return np.array([0.3 * time, 0.1, 1.4 + 0.2 * time, np.cos(angle), 0.0, -np.sin(angle),
                     np.sin(angle), 0.0, np.cos(angle)])
