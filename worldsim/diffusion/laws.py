"""What the laws of a scene make of what is told: forces on bodies, from parameters and states.

The transformer's tokens are normalised and coarse, and differ from group to group; gravity does
neither. A small network of single precision, the same for all groups of frames, says from the
parameters and the nearest known state alone how a body moves from it (`motion.path`); what the
transformer says comes on top. For each parameter and for each scenario there is a linear map, so
that what follows from one parameter does not wait for the others to be learned, and for all
together two hidden layers.

The laws are taught by batches of their own (`law_batches`), in which they stand alone, and by
nothing else: otherwise the transformer says everything itself, and less exactly, and what laws do
not know, such as contacts, bends them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from worldsim.diffusion.motion import EXTRA, STEERED, Motion
from worldsim.diffusion.observables import NUMBERS

if TYPE_CHECKING:
    from worldsim.diffusion.conditioning import Told
    from worldsim.diffusion.transformer import Condition

TOLD, HIDDEN = 64, 320
"""Numbers that sum up what is told, and of the hidden layers."""

FARTHEST_TOLD = 4.0
"""Values, in halves of their range from its middle, beyond which they count as no larger."""

QUIET = 1e-3
"""Noise of known states that counts as none."""


class Laws(nn.Module):
    """parameters, features : of all scenarios (`ParameterEncoder`). scenarios, entities : how many
    names of each there are.

    log_half : (parameters + 1,) half the logarithm of the range of every parameter that is told as
    one, else 0: forces are in proportion to gravity itself, not to its logarithm.
    """

    def __init__(self, parameters: int, features: int, scenarios: int, entities: int) -> None:
        super().__init__()
        self.log_half: Tensor
        self.register_buffer("log_half", torch.zeros(parameters + 1), persistent=False)
        told = features + 2
        self.values = nn.Parameter(torch.randn(parameters + 1, told, TOLD) * told**-0.5)
        self.of_parameter = nn.Parameter(torch.zeros(parameters + 1, told, STEERED))
        self.scenario = nn.Parameter(torch.randn(scenarios, TOLD) * 0.3)
        self.entity = nn.Parameter(torch.randn(entities + 1, TOLD) * 0.1)
        seen = TOLD + 3 * NUMBERS + EXTRA + 3
        self.up = nn.Linear(seen, HIDDEN)
        self.across = nn.Linear(HIDDEN, HIDDEN)
        self.down = nn.Linear(HIDDEN, STEERED, bias=False)
        self.of_scenario = nn.Parameter(torch.zeros(scenarios, seen, STEERED))

    def initialise(self) -> None:
        """Begin without any force."""
        nn.init.zeros_(self.down.weight)
        nn.init.zeros_(self.of_scenario)
        nn.init.zeros_(self.of_parameter)

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

    def forward(self, condition: Condition, entity: Tensor, motion: Motion) -> Tensor:
        """Numbers (B, E, G, STEERED) of `motion.path`; entity : (B, E), numbers of the names."""
        with torch.autocast(motion.held.device.type, enabled=False):
            every = self.every(condition.told)
            summed = every @ self.values.flatten(0, 1) + self.scenario[condition.scenario]
            straight = every @ self.of_parameter.flatten(0, 1)
            one = summed[:, None] + self.entity[entity]  # (B, E, TOLD)
            shape = motion.held.shape[:3]
            # When in time the known state lies: before it or after it.
            since = motion.time.mean(-1, keepdim=True).sign()
            noise = (condition.states_noise.clamp_min(QUIET) / QUIET).log10()
            seen = torch.cat([
                one[:, :, None].expand(*shape, -1), motion.held.float(), motion.rate.float() / 2,
                (motion.curve * motion.late).float(), motion.exists.float(), since.float(),
                noise[:, None, None, None].expand(*shape, 1).float()], -1)
            hidden = nn.functional.silu(self.up(seen))
            hidden = nn.functional.silu(self.across(hidden))
            linear = torch.empty(*shape, STEERED, device=seen.device)
            for scenario in condition.scenario.unique():
                mine = condition.scenario == scenario
                linear[mine] = seen[mine] @ self.of_scenario[scenario]
            return self.down(hidden) + linear + straight[:, None, None]
