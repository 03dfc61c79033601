"""The network: a diffusion transformer over spacetime patches.

Peebles & Xie 2023 (DiT), with adaLN-single (Chen et al. 2023, PixArt-alpha) evaluated per group of
frames because every group has its own noise level; x-prediction from pixels through a bottleneck
(Li & He 2025, "Back to basics"); rotary positions in seconds and short sides of the frame (Su et
al. 2021); QK-norm, SwiGLU and register tokens (Darcet et al. 2023).

Pixels are read and written cell by cell: a patch's cells pass a small encoder whose result both
forms the token and returns, as a skip connection, in the decoder. The decoder paints a layer
(colour and coverage) over the reference, i.e. the known pixel nearest in time: what rests needs
no capacity.

Noise is taken out of the input as far as a linear estimate can: at t = 0 the network sees the
reference, at t = 1 the data, and never noise that it would have to tell from them.

Beside the patches the sequence holds a token for every entity and group of frames: states as
`worldsim.diffusion.observables` defines them, noisy like the pixels and denoised with them
(`worldsim.diffusion.motion`). A sequence may hold these alone, of no view. What
they say of bodies moves the reference under the painted layer (`worldsim.diffusion.carrying`), so
that what is shown follows what is said.

In the block-causal order no token sees a later group, and what is told sees only itself; one
network serves both orders (`worldsim.diffusion.sequence.causal_mask`).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.diffusion.carrying import Carried, Stage, carry
from worldsim.diffusion.conditioning import LevelEncoder, ParameterEncoder
from worldsim.diffusion.laws import Laws
from worldsim.diffusion.layers import (
    Block,
    LayerMemory,
    Spread,
    TransformerConfig,
    as_numbers,
    rms_norm,
    rotary_angles,
)
from worldsim.diffusion.locating import Locator
from worldsim.diffusion.looking import Looker
from worldsim.diffusion.motion import (
    EXTRA,
    Motion,
    MotionReader,
    MotionWriter,
    motion_of,
    shrinkage,
    shrunk,
)
from worldsim.diffusion.observables import NUMBERS
from worldsim.diffusion.patches import Grid
from worldsim.diffusion.sequence import (
    HALF_SIZE,
    Condition,
    Context,
    Prediction,
    States,
    looks_ahead,
)

POSITION_OCTAVES = 4

SPREAD_BESIDE, SPREAD_ALONE = 0.25, 0.5
"""Typical departure of a pixel from its reference, and typical pixel where there is none."""


class VideoTransformer(nn.Module):
    """Predicts the clean clip and states from noisy ones, their noise levels and what is known.

    parameters, features : of all scenarios (`ParameterEncoder`). cameras, scenarios, entities :
    how many names of each there are.
    """

    def __init__(self, config: TransformerConfig, parameters: int, features: int, cameras: int,
                 scenarios: int, entities: int) -> None:
        super().__init__()
        self.config, self.cameras = config, cameras
        patches, width, detail = config.patches, config.width, config.detail
        cell_values = patches.frames * patches.cell_pixels * 3
        told = patches.frames + patches.cell_pixels * 4 + 1
        self.numbers = patches.frames * NUMBERS + EXTRA
        self.read_pixels = nn.Linear(cell_values, detail)
        self.read_context = nn.Linear(told, detail, bias=False)
        self.embed = nn.Linear(patches.cells * detail, width)
        self.position = nn.Linear(4 * POSITION_OCTAVES, cameras * width)
        self.registers = nn.Parameter(torch.randn(config.registers, width) * 0.02)
        self.parameters_in = ParameterEncoder(parameters, features, width)
        self.level = LevelEncoder(width)
        self.context_noise = LevelEncoder(width)
        self.states_noise = LevelEncoder(width)
        self.duration = nn.Sequential(nn.Linear(1, width), nn.SiLU(), nn.Linear(width, width))
        self.camera = nn.Parameter(torch.randn(cameras, width) * 0.02)
        self.scenario = nn.Parameter(torch.randn(scenarios, width) * 0.02)
        self.entity = nn.Parameter(torch.randn(entities + 1, width) * 0.02)
        self.of_states = nn.Parameter(torch.randn(width) * 0.02)
        self.read_motion = MotionReader(patches.frames, width)
        self.read_push = nn.Linear(5, width, bias=False)
        self.modulation = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.locate = Locator(config, cameras)
        self.last_table = nn.Parameter(torch.zeros(2, width))
        self.write_motion = MotionWriter(patches.frames, width)
        self.laws = Laws(parameters, features, scenarios, entities)
        self.unembed = nn.Linear(width, patches.cells * detail)
        self.skip = nn.Linear(detail, detail)
        carried = patches.cell_pixels * (4 * patches.frames + 1)
        self.read_carried = nn.Linear(carried, detail, bias=False)
        self.write = nn.Linear(2 * detail, patches.frames * patches.cell_pixels * 4)
        self.write_gate = nn.Linear(2 * detail, patches.frames * patches.cell_pixels)
        self._initialise()
        self.looks = Looker(scenarios)

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        nn.init.zeros_(self.modulation.weight)
        for fresh in (self.duration[-1], self.states_noise.mlp[-1], self.read_carried,
                      self.write_gate):
            assert isinstance(fresh, nn.Linear)
            nn.init.zeros_(fresh.weight)
        self.locate.initialise()
        for block in self.blocks:
            assert isinstance(block, Block)
            for layer in (block.attention.out, block.feed_forward.down):
                layer.weight.data *= 0.3
        self.write_motion.initialise()
        self.laws.initialise()
        self.write.weight.data *= 0.1
        values = self.config.patches.frames * self.config.patches.cell_pixels * 3
        self.write.bias.data[values:] = -2.0  # coverage: begin with the reference showing through

    @property
    def untold(self) -> int:
        """Number of a slot that is about no parameter."""
        return len(self.parameters_in.name) - 1

    def extra_tokens(self, slots: int) -> int:
        """Tokens that belong to no group, when `slots` parameters are told."""
        return self.config.registers + slots

    def forward(self, noisy: Tensor, level: Tensor, context: Context, condition: Condition,
                states: States, stage: Stage, grid: Grid, mask: Tensor | None = None,
                paint: bool = True) -> Prediction:
        """Predict clean pixels and states.

        Parameters
        ----------
        noisy : (B, N, S, C*F*P) pixels in [-1, 1] plus noise; known ones (nearly) clean.
        level : (B, V*G) t of every group: 0 is noise, 1 is data.
        mask : (tokens, tokens) bool, None for attention in both directions.
        paint : whether pixels are wanted; without, and where the grid has no views, they come
            back as they are.
        """
        told, vectors = self.tell(condition)
        modulation = self.modulate(told, level, condition, states)
        ahead = mask is None or not states.entity.shape[1] or looks_ahead(mask, grid)
        motion = motion_of(states.numbers, states.known, condition.seconds, states.push, ahead)
        lawful = states.lawful
        if lawful is None:
            lawful = self.lawful(condition, states, ahead)
        said = self.read_entities(states, motion, lawful)
        rest = torch.cat([said, self.registers.expand(len(said), -1, -1), vectors], 1)
        cells = noisy  # of no view there are none
        if grid.views:
            cells = self.read_cells(noisy, context, level, condition, grid)
            rest = torch.cat([self.place_patches(cells, condition, grid), rest], 1)
        entities = states.entity.shape[1]
        last = grid.tokens + entities * grid.groups
        spread = Spread(level.shape[1], grid.tokens_per_group, entities, rest.shape[1] - last)
        cos, sin = self.rotations(condition, grid, entities, spread.extra)
        x, found = self.through(rest, cells, modulation, spread, (cos, sin), mask, condition, grid)
        x = self.finish(x, modulation, spread)
        numbers = self.said(x[:, grid.tokens:last], states, found, motion, lawful)
        if not paint or not grid.views:
            return Prediction(noisy, numbers)
        carried = self.carried(numbers, states, stage, grid)
        return Prediction(self.paint(x[:, :grid.tokens], cells, context, carried), numbers)

    def through(self, x: Tensor, cells: Tensor, modulation: Tensor, spread: Spread,
                rotations: tuple[Tensor, Tensor], mask: Tensor | None, condition: Condition,
                grid: Grid, memories: list[LayerMemory] | None = None,
                ) -> tuple[Tensor, Tensor | None]:
        """All layers; in their middle the entities are found in the picture. Returns the tokens,
        and the found positions (B, E, G, F, 9)."""
        found = None
        if mask is not None and torch.is_grad_enabled():
            mask = as_numbers(mask)
        middle = len(self.blocks) // 2
        for number, block in enumerate(self.blocks):
            memory = None if memories is None else memories[number]
            x = block(x, modulation, spread, *rotations, mask, memory)
            if number + 1 == middle and spread.entities and spread.patch_groups:
                x, found = self._locate(x, cells, condition, grid, spread.entities)
        return x, found

    def _locate(self, x: Tensor, cells: Tensor, condition: Condition, grid: Grid,
                entities: int) -> tuple[Tensor, Tensor]:
        view, last = grid.groups * grid.tokens_per_group, grid.tokens + entities * grid.groups
        tokens = x[:, grid.tokens:last].unflatten(1, (entities, grid.groups))
        shape = (grid.groups, grid.tokens_per_group)
        told, found = self.locate(
            tokens, x[:, :view].unflatten(1, shape), cells[:, :view].unflatten(1, shape),
            condition.camera[:, 0, 0], grid, self.config.patches)
        said = (tokens + told).flatten(1, 2)
        return torch.cat([x[:, :grid.tokens], said, x[:, last:]], 1), found

    def tell(self, condition: Condition) -> tuple[Tensor, Tensor]:
        """What modulates everything (B, width), and the tokens of the parameters."""
        vectors = self.parameters_in(condition.told)
        used = (condition.told.number < self.untold)[..., None]
        told = (vectors * used).sum(1) + self.context_noise(condition.context_noise)
        told = told + self.states_noise(condition.states_noise)
        return told + self.scenario[condition.scenario], vectors

    def modulate(self, told: Tensor, level: Tensor, condition: Condition,
                 states: States) -> Tensor:
        """Shifts, scales and gates (B, V*G + G + 1, 6, width)."""
        told = told + self.duration(condition.seconds.log2()[:, None])
        camera = self.camera[condition.camera].flatten(1, 2)
        groups = self.level(level) + told[:, None] + camera
        said = self.level(states.level) + told[:, None] + self.of_states
        return self.modulation(F.silu(torch.cat([groups, said, told[:, None]], 1))).unflatten(
            -1, (6, -1))

    def rotations(self, condition: Condition, grid: Grid, entities: int, extra: int,
                  ) -> tuple[Tensor, Tensor]:
        """Cosines and sines (B, 1, tokens, head_width / 2) of all tokens' rotations."""
        patch = grid.places().to(self.position.weight)
        time = (torch.arange(grid.groups).to(patch) + 0.5) * condition.seconds[:, None]
        time = time + condition.start[:, None]
        batch = len(time)
        place = patch.repeat(grid.groups * grid.views, 1)[None].expand(batch, -1, -1)
        when = time.repeat_interleave(grid.tokens_per_group, 1).repeat(1, grid.views)
        said = F.pad(time.repeat(1, entities)[..., None], (0, 2))
        positions = torch.cat([torch.cat([when[..., None], place], -1), said], 1)
        angles = rotary_angles(positions.flatten(0, 1),
                               self.config.width // self.config.heads).unflatten(0, (batch, -1))
        angles = F.pad(angles, (0, 0, 0, extra))[:, None]
        return angles.cos(), angles.sin()

    def place_patches(self, cells: Tensor, condition: Condition, grid: Grid) -> Tensor:
        """Tokens of the patches: what their cells show, and where in which camera's picture."""
        where = grid.places().to(self.position.weight)
        octaves = where.new_tensor([1.0, 2.0, 4.0, 8.0])
        angles = (where[..., None] * octaves * torch.pi / 2).flatten(1)
        features = torch.cat([angles.sin(), angles.cos()], dim=1)
        table = self.position(features).unflatten(1, (self.cameras, -1)).transpose(0, 1)
        return self.embed(cells.flatten(2)) + table[condition.camera].flatten(1, 3)

    def read_entities(self, states: States, motion: Motion, lawful: Tensor) -> Tensor:
        """Tokens (B, E*G, width) of the entities; lawful : where the laws lead them."""
        level = torch.where(states.known > 0, 1.0, states.level[:, None])
        seen = shrunk(states.numbers, level, motion)
        tokens = self.read_motion(seen, states.valid, states.known, motion, lawful)
        tokens = tokens + self.read_push(states.push)
        return (tokens + self.entity[states.entity][:, :, None]).flatten(1, 2)

    def finish(self, x: Tensor, modulation: Tensor, spread: Spread) -> Tensor:
        """The last normalisation."""
        shift, scale = (spread(part) for part in
                        (modulation[..., :2, :] + self.last_table).unbind(-2))
        return rms_norm(x) * (1 + scale) + shift

    def said(self, tokens: Tensor, states: States, found: Tensor | None, motion: Motion,
             lawful: Tensor) -> Tensor:
        """Clean numbers (B, E, G, …) from the entities' tokens, the found positions, the nearest
        known states and where the laws lead from them; in single precision."""
        tokens = tokens.unflatten(1, states.numbers.shape[1:3])
        numbers = self.write_motion(tokens, motion, lawful)
        if found is None:
            return numbers
        with torch.autocast(tokens.device.type, enabled=False):
            shown = self.locate.gate(tokens.float()).sigmoid()[..., None] * found.float()
            return numbers + F.pad(shown.flatten(-2), (0, EXTRA))

    @torch.no_grad()
    def lawful(self, condition: Condition, states: States, ahead: bool = True) -> Tensor:
        """Numbers (B, E, G, …) where the laws lead, from the nearest known states; they are taught
        by themselves (`batches.Kind.LAWS`). ahead : whether later states are looked at."""
        if not states.entity.shape[1]:
            return states.numbers
        return self.laws(condition, states, ahead)

    def carried(self, numbers: Tensor, states: States, stage: Stage, grid: Grid,
                reference_numbers: Tensor | None = None) -> Carried | None:
        """The reference moved as the numbers say; None where there are no entities."""
        if not states.entity.shape[1]:
            return None
        with torch.autocast(numbers.device.type, enabled=False):
            numbers = torch.where(states.known[..., None] > 0, states.numbers, numbers).detach()
            frames = numbers[..., :-4].unflatten(-1, (-1, NUMBERS)).flatten(2, 3)
            half, there = numbers[..., -4:-1] * HALF_SIZE, numbers[..., -1] > 0
            return carry(frames, half, there, stage, grid, self.config.patches, reference_numbers)

    def read_cells(self, noisy: Tensor, context: Context, level: Tensor, condition: Condition,
                   grid: Grid) -> Tensor:
        """What the small encoder makes of every cell, (B, N, S, detail)."""
        if self.config.shrink:
            noisy = self._shrunk(noisy, context, level, condition, grid)
        told = torch.cat([context.known, context.reference, context.valid, context.age], dim=-1)
        return F.gelu(self.read_pixels(noisy) + self.read_context(told), approximate="tanh")

    def _shrunk(self, noisy: Tensor, context: Context, level: Tensor, condition: Condition,
                grid: Grid) -> Tensor:
        """The best linear estimate of the clean pixels, given that they resemble the reference."""
        clean = (1 - condition.context_noise)[:, None, None, None]
        unknown = level.repeat_interleave(grid.tokens_per_group, 1)[..., None, None]
        at = torch.lerp(unknown, clean, context.known)[:, :, :, None, :, None]  # (B, N, S, 1, F, 1)
        shape = (3, self.config.patches.frames, self.config.patches.cell_pixels)
        mean = context.reference.unflatten(-1, (3, 1, -1))
        spread = torch.where(context.valid > 0, SPREAD_BESIDE, SPREAD_ALONE)[..., None, None, :]
        pixels = noisy.unflatten(-1, shape)
        return (mean + shrinkage(at, spread) * (pixels - at * mean)).flatten(-3)

    def paint(self, tokens: Tensor, cells: Tensor, context: Context,
              carried: Carried | None) -> Tensor:
        """Clean pixels: a painted layer over the reference, as it rests or is carried."""
        patches = self.config.patches
        painted = self.unembed(tokens).unflatten(-1, (patches.cells, -1)) + self.skip(cells)
        if carried is not None:
            painted = painted + self.read_carried(torch.cat([
                carried.moved.flatten(-3), carried.near.flatten(-2), carried.left.flatten(-2)],
                -1))
        features = torch.cat([F.gelu(painted, approximate="tanh"), cells], dim=-1)
        layer = self.write(features)
        values = patches.frames * patches.cell_pixels * 3
        shape = (3, patches.frames, patches.cell_pixels)
        colour = layer[..., :values].unflatten(-1, shape)
        coverage = layer[..., values:].sigmoid().unflatten(-1, shape[1:])
        shows = ((1 - coverage) * context.valid[..., None, :])[..., None, :, :]
        under = context.reference.unflatten(-1, (3, -1))[..., None, :]
        if carried is not None:
            under = carried.behind
            gate = self.write_gate(features).unflatten(-1, shape[1:]) + carried.inside
            under = under + gate.sigmoid()[..., None, :, :] * (carried.moved - under)
        return (colour + shows * (under - colour)).flatten(-3)
