"""How bodies move by themselves and meet others: learned from states alone, in single precision.

The transformer's tokens are normalised and coarse, and differ from group to group; laws of motion
do neither. A small network for each scenario says from a body's state, from those of the others and
from the parameters how it accelerates from frame to frame (`worldsim.diffusion.rolling`): an
interaction network (Battaglia et al. 2016; Sanchez-Gonzalez et al. 2020, "Learning to simulate
complex physics with graph networks"), in which every body hears from every other. What follows
from the parameters alone, such as gravity, a spring's pull or friction, has numbers of its own,
linear in what is told. What the transformer says comes on top of where this leads.

The laws are taught by batches of their own (`worldsim.diffusion.law_batches`), and by nothing else:
otherwise the transformer says everything itself, and less exactly.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.diffusion.motion import EXTRA, nearest_group
from worldsim.diffusion.observables import BODIES, NUMBERS
from worldsim.diffusion.rolling import Given, Moving, Pace, pushed_ways, rolled

if TYPE_CHECKING:
    from worldsim.diffusion.conditioning import Told
    from worldsim.diffusion.sequence import Condition, States

TOLD, HIDDEN, HEARD = 64, 128, 64
"""Numbers that sum up what is told; of the hidden layers of a body; of what it hears."""

DIRECTIONS = 3
"""Of the push that a body takes from another one: towards where that is, towards where it will be,
and along their relative way (Satorras et al. 2021, "E(n) equivariant graph neural networks")."""

ROUNDS = 2
"""How often bodies tell each other further what they heard: a blow goes through a row of balls, or
of dominoes, within a frame."""

SEEN = 5 * NUMBERS + 6
"""Numbers of a body: place, way and its change, where it is going, pushes; half sizes, direction
of time, noise, and one that is always 1."""

BESIDE = 4 * 3 + 3 * 6 + 2 * 3 + 3
"""Numbers of a pair of bodies: how they lie and move, turns, half sizes, distance and closing."""

SHARPER = 4.0
"""Places count so many times where contacts are to be told."""

TOUCHING = 0.05
"""Distance at which a direction counts half."""

SIZED = 16
"""Numbers that sum up what is told for half sizes and presence."""

STEERED = 4 * NUMBERS + 3
"""Numbers that follow from what is told alone: constant acceleration, stiffness, the place that it
pulls to, friction; how pushes are heeded."""

FARTHEST_TOLD = 4.0
"""Values, in halves of their range from its middle, beyond which they count as no larger."""

WAY, BEND = 0.1, 0.02
"""Typical way in a frame, and its typical change, normalised."""

STIFFEST = 3.0
"""Largest stiffness, per frame squared, either way."""

QUIET = 1e-3
"""Noise of known states that counts as none."""


TABLES = ("see", "think", "act", "meet", "pass_on", "hear", "push", *(
    f"{name}_{number}" for number in range(ROUNDS) for name in ("meet", "share", "hear", "push")))
"""Weights of every scenario."""


@dataclasses.dataclass(frozen=True)
class Scenes:
    """What stays as bodies move, for K blocks of scenes of one scenario each.

    steered : (B, 1, E, STEERED). body, pair : what is told, for the layers of bodies and of what
    they hear, (B, 1, E, …). weights : of the blocks' scenarios. noise : (B, 1, 1, 1). moves :
    (B, 1, E, 1), 0 for what has no laws.
    """

    steered: Tensor
    body: Tensor
    pair: Tensor
    weights: tuple[Tensor, ...]
    noise: Tensor
    moves: Tensor


class Solids(nn.Module):
    """Half sizes, and whether a body is there at all, from what is told. They are few numbers, but
    far from linear (a fourth ball is there from a count of four on), and have weights of their own:
    what sums up for motion hears little of them."""

    def __init__(self, told: tuple[int, int], scenarios: int, entities: int) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.randn(*told, SIZED) * told[1]**-0.5)
        self.scenario = nn.Parameter(torch.randn(scenarios, SIZED) * 0.3)
        self.entity = nn.Parameter(torch.randn(entities + 1, SIZED) * 0.5)
        self.think = nn.Linear(SIZED, 3 * SIZED)
        self.say = nn.Linear(3 * SIZED, EXTRA)

    def forward(self, every: Tensor, scenario: Tensor, entity: Tensor) -> Tensor:
        """(B, E, 4) from all that is told (B, told), and numbers of the names."""
        one = every @ self.values.flatten(0, 1) + self.scenario[scenario]
        x = F.silu(one[:, None] + self.entity[entity])
        return torch.as_tensor(self.say(F.silu(self.think(x))))


class Laws(nn.Module):
    """parameters, features : of all scenarios (`ParameterEncoder`). scenarios, entities : how
    many names of each there are.

    log_half : (parameters + 1,) half the logarithm of the range of every parameter that is told as
    one, else 0: forces are in proportion to gravity itself, not to its logarithm. native :
    (scenarios,) s, the step that a scenario is taught on. foreseen : (scenarios,) which have laws.
    """

    def __init__(self, parameters: int, features: int, scenarios: int, entities: int) -> None:
        super().__init__()
        self.log_half: Tensor
        self.native: Tensor
        self.foreseen: Tensor
        self.register_buffer("log_half", torch.zeros(parameters + 1), persistent=False)
        self.register_buffer("native", torch.full((scenarios,), 0.05), persistent=False)
        self.register_buffer("foreseen", torch.ones(scenarios, dtype=torch.bool),
                             persistent=False)
        told = features + 2
        self.values = nn.Parameter(torch.randn(parameters + 1, told, TOLD) * told**-0.5)
        self.of_parameter = nn.Parameter(torch.zeros(parameters + 1, told, STEERED))
        self.of_scenario = nn.Parameter(torch.zeros(scenarios, STEERED))
        self.scenario = nn.Parameter(torch.randn(scenarios, TOLD) * 0.3)
        self.entity = nn.Parameter(torch.randn(entities + 1, TOLD) * 0.1)
        self.tell = nn.Linear(TOLD, 4 * HIDDEN + HEARD)

        def table(inputs: int, outputs: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(scenarios, inputs, outputs) * inputs**-0.5)

        self.see, self.think, self.act = (
            table(SEEN, HIDDEN), table(HIDDEN, HIDDEN), table(HIDDEN, NUMBERS))
        self.meet, self.pass_on, self.hear = (
            table(BESIDE, HEARD), table(HEARD, HEARD), table(HEARD, HIDDEN))
        for number in range(ROUNDS):
            for name, sizes in (("meet", (BESIDE, HEARD)), ("share", (HIDDEN, HEARD)),
                                ("hear", (HEARD, HIDDEN)), ("push", (HEARD, DIRECTIONS))):
                setattr(self, f"{name}_{number}", table(*sizes))
        self.push = table(HEARD, DIRECTIONS)
        self.sized = Solids((parameters + 1, told), scenarios, entities)
        self.initialise()

    def initialise(self) -> None:
        """Begin without any force."""
        again = [self.push, *(getattr(self, f"{name}_{number}") for number in range(ROUNDS)
                              for name in ("hear", "push"))]
        for fresh in (self.act, self.of_scenario, self.of_parameter, *again):
            nn.init.zeros_(fresh)

    def every(self, told: Told) -> Tensor:
        """All that is told, as one vector (B, (parameters + 1) * (features + 2)): whether a
        parameter is told, its value in proportion to itself, and its features."""
        features, presence = told.features.float(), told.presence.float()
        half = self.log_half[told.number]
        unit = features[..., 0].clamp(-FARTHEST_TOLD, FARTHEST_TOLD)
        straight = torch.where(half > 0, ((unit * half).exp() - half.cosh())
                               / half.sinh().clamp_min(1e-6), unit)
        each = torch.cat([torch.stack([presence, straight * presence], -1), features], -1)
        every = each.new_zeros(len(each), *self.of_parameter.shape[:2])
        return every.scatter(1, told.number[..., None].expand_as(each), each).flatten(1)

    def summed(self, every: Tensor, scenario: Tensor, entity: Tensor) -> tuple[Tensor, Tensor]:
        """What is told of every body (B, E, TOLD), and its steering (B, STEERED)."""
        one = every @ self.values.flatten(0, 1) + self.scenario[scenario]
        steered = every @ self.of_parameter.flatten(0, 1) + self.of_scenario[scenario]
        return F.silu(one[:, None] + self.entity[entity]), steered

    def solids(self, condition: Condition, states: States) -> Tensor:
        """Half sizes and presence (B, E, 1, 4) that follow from what is told."""
        with torch.autocast(states.numbers.device.type, enabled=False):
            return self.solid(self.every(condition.told), condition, states)

    def solid(self, every: Tensor, condition: Condition, states: States) -> Tensor:
        return torch.as_tensor(self.sized(every, condition.scenario, states.entity))[:, :, None]

    def scenes(self, condition: Condition, entity: Tensor, one: Tensor, steered: Tensor) -> Scenes:
        """What stays; entity : (B, E) numbers of the names, `one` and `steered` of `summed`."""
        scenario = condition.scenario
        blocks, counts = scenario.unique_consecutive(return_counts=True)
        if bool((counts != counts[0]).any()):
            blocks = scenario
        weights = tuple(getattr(self, name)[blocks] for name in TABLES)
        told = self.tell(one)[:, None]
        noise = (condition.states_noise.clamp_min(QUIET) / QUIET).log10()
        moves = self.foreseen[scenario][:, None] & (entity < BODIES)
        return Scenes(steered[:, None, None], told[..., :4 * HIDDEN], told[..., 4 * HIDDEN:],
                      weights, noise[:, None, None, None], moves[:, None, :, None].float())

    def next_frames(self, condition: Condition, states: States, seen: Tensor,
                    backwards: bool) -> Tensor:
        """Places (B, E, T - 3, 9) in every frame, each from the three true frames before it, in the
        order in which bodies go, which may be backwards.

        states : of which all groups are known. seen : their numbers with noise, of which bodies'
        accelerations are to be told.
        """
        numbers = states.numbers
        one, steered = self.summed(self.every(condition.told), condition.scenario, states.entity)
        scenes = self.scenes(condition, states.entity, one, steered)
        frames = numbers[..., :-EXTRA].unflatten(-1, (-1, NUMBERS))
        pushed = self._pushed(states.push, condition.seconds, frames.shape[3], steered)
        frames, noisy = frames.flatten(2, 3), seen[..., :-EXTRA].unflatten(
            -1, (-1, NUMBERS)).flatten(2, 3)
        if backwards:
            frames, noisy, pushed = frames.flip(2), noisy.flip(2), pushed.flip(2)
        way = noisy.diff(dim=2)
        count = frames.shape[2] - 3

        def instants(part: Tensor) -> Tensor:
            return part.transpose(1, 2)

        extra = numbers[:, None, :, 0, -EXTRA:].expand(-1, count, -1, -1)
        moving = Moving(
            instants(noisy[:, :, 2:-1]), instants(way[:, :, 1:-1]), instants(way[:, :, :-2]),
            extra[..., :3], instants(pushed[:, :, 2:-1]), extra[..., 3] > 0)
        since = torch.tensor(-1.0 if backwards else 1.0)
        bend = instants(self.accelerate(moving, scenes, since)) + pushed[:, :, 2:-1]
        return 2 * frames[:, :, 2:-1] - frames[:, :, 1:-2] + bend

    def _pushed(self, push: Tensor, seconds: Tensor, frames: int, steered: Tensor,
                each: int = 1) -> Tensor:
        """`pushed_ways`, as far as they are heeded."""
        heed = F.pad(1 + steered[:, None, None, -3:], (0, NUMBERS - 3))
        return heed * pushed_ways(push, seconds, frames, each)

    def forward(self, condition: Condition, states: States, ahead: bool) -> Tensor:
        """Where the laws lead: numbers (B, E, G, n) of `states`, from those that are known.

        ahead : whether later groups are looked at.
        """
        with torch.autocast(states.numbers.device.type, enabled=False):
            numbers, known = states.numbers.float(), states.known > 0
            every = self.every(condition.told)
            one, steered = self.summed(every, condition.scenario, states.entity)
            scenes = self.scenes(condition, states.entity, one, steered)
            frames = told = numbers[..., :-EXTRA].unflatten(-1, (-1, NUMBERS))
            turned = states.turned
            if turned is not None:  # what is not known is hidden, as in the training
                frames = torch.cat([told[..., :3], told[..., 3:] * turned[
                    :, :, None, None, None]], -1)
            count = frames.shape[3]
            pace = Pace.of(condition.seconds / count, self.native[condition.scenario])
            pushed = self._pushed(states.push, condition.seconds, count, steered)
            between = pushed if pace.each == 1 else self._pushed(
                states.push, condition.seconds, count, steered, pace.each)

            def accelerate(moving: Moving, since: Tensor) -> Tensor:
                return self.accelerate(moving, scenes, since)

            # Of what is known without its half sizes they follow from what is told.
            solid = self.solid(every, condition, states)
            extra = torch.where(states.valid[..., -EXTRA:] > 0, numbers[..., -EXTRA:], solid)
            way = rolled(Given(frames, extra, known, pushed, between, condition.states_noise,
                               states.bounds), pace, accelerate, ahead)
            index, _, exists = nearest_group(states.known, ahead)
            extra = extra.gather(2, index[..., None].expand(*index.shape, EXTRA))
            extra = torch.where(exists[..., None], extra, solid)
            if turned is not None:
                held = told[..., -1:, 3:].gather(
                    2, index[..., None, None].expand(*index.shape, 1, NUMBERS - 3))
                way = torch.cat([way[..., :3], torch.where(
                    turned[:, :, None, None, None] > 0, way[..., 3:], held)], -1)
            return torch.cat([way.flatten(-2), extra], -1)

    def accelerate(self, moving: Moving, scenes: Scenes, since: Tensor) -> Tensor:
        """Second differences (B, N, E, 9) of bodies at N instants each."""
        see, think, act, meet, pass_on, hear, push, *rounds = scenes.weights
        steer, pull, home, drag = scenes.steered[..., :4 * NUMBERS].unflatten(
            -1, (4, NUMBERS)).unbind(-2)
        place, way, before = moving.place, moving.way, moving.before
        shape = place.shape[:-1]
        there = moving.there[..., None].float()
        flag = torch.ones_like(place[..., :1])
        seen = torch.cat([
            place, way / WAY, (way - before) / BEND, (place + way) * SHARPER,
            moving.pushed / BEND, moving.half, flag * since, flag * scenes.noise, flag], -1)
        first, second, gate, again = scenes.body.unflatten(-1, (4, HIDDEN)).unbind(-2)
        hidden = F.silu(_each(seen, see) + first) * (1 + gate)
        pairs, directions = _pairs(moving)
        said = F.silu(_each(pairs, meet) + scenes.pair[..., None, :])
        said = F.silu(_each(said, pass_on))
        others = (1 - torch.eye(shape[-1], device=place.device)[..., None]) * there[:, :, None]
        said = said * others
        pushes = _each(said, push)
        hidden = F.silu(_each(hidden, think) + _each(said.sum(-2), hear) + second) * (1 + again)
        for meet, share, hear, push in zip(*(rounds[k::4] for k in range(4)), strict=True):
            said = F.silu(_each(pairs, meet) + _each(hidden, share)[:, :, None]) * others
            pushes = pushes + _each(said, push)
            hidden = hidden + _each(said.sum(-2), hear)
        pushed = F.pad((pushes[..., None] * directions).sum((-2, -3)), (0, NUMBERS - 3))
        bend = steer + pull.clamp(-STIFFEST, STIFFEST) * (home - place) - drag * way
        bend = (bend + _each(hidden, act) + pushed) * BEND
        # What has no laws stays where it is known: it loses the way that it had.
        return torch.where(scenes.moves > 0, bend, -way)


def _each(x: Tensor, weights: Tensor) -> Tensor:
    """x (B, …, in) times the weights (K, in, out) of its block of B / K scenes."""
    flat = x.reshape(len(weights), -1, x.shape[-1])
    return torch.bmm(flat, weights).view(*x.shape[:-1], weights.shape[-1])


def _pairs(moving: Moving) -> tuple[Tensor, Tensor]:
    """What a body (third axis) sees of another one (fourth): (B, N, E, E, BESIDE); and directions
    (B, N, E, E, DIRECTIONS, 3) in which they can push."""
    place, way = moving.place, moving.way
    count = place.shape[2]

    def apart(part: Tensor) -> Tensor:
        return part[:, :, None] - part[:, :, :, None]

    def mine(part: Tensor) -> Tensor:
        return part[:, :, :, None].expand(-1, -1, -1, count, -1)

    def theirs(part: Tensor) -> Tensor:
        return part[:, :, None].expand(-1, -1, count, -1, -1)

    gap, closing = apart(place[..., :3]), apart(way[..., :3]) / WAY
    ahead = apart((place + way)[..., :3])
    far = (ahead.square().sum(-1, keepdim=True) + 1e-8).sqrt()
    toward = ahead / (far + TOUCHING)
    now = gap / ((gap.square().sum(-1, keepdim=True) + 1e-8).sqrt() + TOUCHING)
    seen = torch.cat([
        gap * SHARPER, closing, ahead * SHARPER, toward, far * SHARPER, (-far * SHARPER).exp(),
        (closing * toward).sum(-1, keepdim=True), mine(place[..., 3:]), theirs(place[..., 3:]),
        theirs(way[..., 3:]) / WAY, mine(moving.half), theirs(moving.half)], -1)
    return seen, torch.stack([now, toward, closing], -2)
