"""What the laws of a scene make of what is told: forces on bodies, from parameters and states.

The transformer's tokens are normalised and coarse, and differ from group to group; gravity does
neither. A small network of single precision, the same for all groups of frames, says from the
parameters and the nearest known state alone how a body moves from it (`motion.path`); what the
transformer says comes on top. For each scenario there is a linear map, so that what follows from
one parameter does not wait for the others to be learned, and for all together two hidden layers.

The laws are taught by batches of their own, too (`batches.Kind.LAWS`), in which they stand alone:
otherwise the transformer says everything itself, and less exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from worldsim.diffusion.motion import EXTRA, STEERED, Motion
from worldsim.diffusion.observables import NUMBERS

if TYPE_CHECKING:
    from worldsim.diffusion.transformer import Condition

TOLD, HIDDEN = 64, 320
"""Numbers that sum up what is told, and of the hidden layers."""

QUIET = 1e-3
"""Noise of known states that counts as none."""


class Laws(nn.Module):
    """parameters, features : of all scenarios (`ParameterEncoder`). scenarios, entities : how many
    names of each there are."""

    def __init__(self, parameters: int, features: int, scenarios: int, entities: int) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.randn(parameters + 1, features, TOLD) * features**-0.5)
        self.present = nn.Parameter(torch.randn(parameters + 1, TOLD) * 0.1)
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

    def forward(self, condition: Condition, entity: Tensor, motion: Motion) -> Tensor:
        """Numbers (B, E, G, STEERED) of `motion.path`; entity : (B, E), numbers of the names."""
        told = condition.told
        with torch.autocast(motion.held.device.type, enabled=False):
            values = (told.features.float()[..., None] * self.values[told.number]).sum(-2)
            present = told.presence.float()[..., None] * self.present[told.number]
            summed = (values + present).sum(1) + self.scenario[condition.scenario]  # (B, TOLD)
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
            linear = torch.einsum("begi,bio->bego", seen, self.of_scenario[condition.scenario])
            return self.down(hidden) + linear
