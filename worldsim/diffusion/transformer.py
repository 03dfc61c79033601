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
reference, at t = 1 the data, and never noise that it would have to tell from them (`raw` experts,
trained before, do).

Beside the patches the sequence holds a token for every entity and group of frames: states as
`worldsim.diffusion.observables` defines them, noisy like the pixels and denoised with them
(`worldsim.diffusion.motion`). A sequence may hold these alone, of no view. What
they say of bodies moves the reference under the painted layer (`worldsim.diffusion.carrying`), so
that what is shown follows what is said.

Layers and what reads and paints pixels are an expert's (`worldsim.diffusion.expert`): every
sequence goes through the one of its scenario. All else is shared.

In the block-causal order no token sees a later group, and what is told sees only itself; one
network serves both orders (`worldsim.diffusion.sequence.causal_mask`).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.diffusion.carrying import Carried, Stage, carry
from worldsim.diffusion.conditioning import LevelEncoder, ParameterEncoder
from worldsim.diffusion.expert import Expert
from worldsim.diffusion.laws import Laws
from worldsim.diffusion.layers import (
    LayerMemory,
    Spread,
    TransformerConfig,
    as_numbers,
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


class VideoTransformer(nn.Module):
    """Predicts the clean clip and states from noisy ones, their noise levels and what is known.

    parameters, features : of all scenarios (`ParameterEncoder`). cameras, scenarios, entities :
    how many names of each there are. experts : how many kinds of scenarios there are.
    """

    def __init__(self, config: TransformerConfig, parameters: int, features: int, cameras: int,
                 scenarios: int, entities: int, experts: int = 1) -> None:
        super().__init__()
        self.config, self.cameras = config, cameras
        patches, width = config.patches, config.width
        self.numbers = patches.frames * NUMBERS + EXTRA
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
        self.experts = nn.ModuleList(Expert(config, number, cameras)
                                     for number in range(experts))
        self.locate = Locator(config, cameras)
        self.write_motion = MotionWriter(patches.frames, width)
        self.laws = Laws(parameters, features, scenarios, entities)
        self._initialise()
        self.looks = Looker(scenarios)

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for fresh in (self.duration[-1], self.states_noise.mlp[-1]):
            assert isinstance(fresh, nn.Linear)
            nn.init.zeros_(fresh.weight)
        for number in range(len(self.experts)):
            self.expert(number).initialise()
        self.locate.initialise()
        self.write_motion.initialise()
        self.laws.initialise()

    def expert(self, number: int) -> Expert:
        """What the scenarios of one kind have for themselves (`Condition.expert`)."""
        found = self.experts[number]
        assert isinstance(found, Expert)
        return found

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
        expert = self.expert(condition.expert)
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
            cells = expert.read_cells(noisy, context, level, condition, grid)
            rest = torch.cat([expert.place_patches(cells, condition, grid), rest], 1)
        entities = states.entity.shape[1]
        last = grid.tokens + entities * grid.groups
        spread = Spread(level.shape[1], grid.tokens_per_group, entities, rest.shape[1] - last)
        cos, sin = self.rotations(condition, grid, entities, spread.extra)
        x, found = self.through(rest, cells, modulation, spread, (cos, sin), mask, condition, grid)
        x = expert.finish(x, modulation, spread)
        numbers = self.said(x[:, grid.tokens:last], states, found, motion, lawful)
        if not paint or not grid.views:
            return Prediction(noisy, numbers)
        carried = self.carried(numbers, states, stage, grid)
        return Prediction(expert.paint(x[:, :grid.tokens], cells, context, carried), numbers)

    def through(self, x: Tensor, cells: Tensor, modulation: Tensor, spread: Spread,
                rotations: tuple[Tensor, Tensor], mask: Tensor | None, condition: Condition,
                grid: Grid, memories: list[LayerMemory] | None = None,
                ) -> tuple[Tensor, Tensor | None]:
        """All layers; in their middle the entities are found in the picture. Returns the tokens,
        and the found positions (B, E, G, F, 9)."""
        found = None
        if mask is not None and torch.is_grad_enabled():
            mask = as_numbers(mask)
        blocks = self.expert(condition.expert).blocks
        middle = len(blocks) // 2
        for number, block in enumerate(blocks):
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
        each = F.silu(torch.cat([groups, said, told[:, None]], 1))
        return self.expert(condition.expert).modulation(each).unflatten(-1, (6, -1))

    def rotations(self, condition: Condition, grid: Grid, entities: int, extra: int,
                  ) -> tuple[Tensor, Tensor]:
        """Cosines and sines (B, 1, tokens, head_width / 2) of all tokens' rotations."""
        patch = grid.places().to(self.registers)
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

    def read_entities(self, states: States, motion: Motion, lawful: Tensor) -> Tensor:
        """Tokens (B, E*G, width) of the entities; lawful : where the laws lead them."""
        level = torch.where(states.known > 0, 1.0, states.level[:, None])
        seen = shrunk(states.numbers, level, motion)
        tokens = self.read_motion(seen, states.valid, states.known, motion, lawful)
        tokens = tokens + self.read_push(states.push)
        return (tokens + self.entity[states.entity][:, :, None]).flatten(1, 2)

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

