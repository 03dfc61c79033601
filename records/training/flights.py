"""How two laws were trained on (run 39): ``python records/training/flights.py D INIT``.

Makes what is missing in the folder D and teaches the laws of what flies, alone, from the weights
INIT of run 37: falling and thrown balls, whose velocities their laws limited. Laws have weights of
their own for every scenario; what they share stays as it is, so that all other scenarios are
answered as before, bit for bit. Writes D/39, and D/shipped, which is INIT with these laws.
"""

import dataclasses
import sys
from pathlib import Path

import torch
from rigid import make

from worldsim.diffusion.clips import load_clips
from worldsim.diffusion.model import VideoDiffusion
from worldsim.diffusion.presets import small
from worldsim.diffusion.training import train
from worldsim.diffusion.warm_start import OF_PARAMETERS, OF_SCENARIOS

FILMED = {"free_fall": 12, "projectile": 12}
"""Not looked at: they say how the scenario is seen."""

FLYING = {"free_fall": 3000, "projectile": 2500}

OWN = tuple(table for table in (*OF_SCENARIOS, *OF_PARAMETERS)
            if table.startswith("laws.") and ".sized." not in table)
"""What every scenario's laws have for themselves, but for half sizes."""


def merged(trained: VideoDiffusion, before: VideoDiffusion) -> VideoDiffusion:
    """The model `before` with the laws of the scenarios of another one."""
    state = {name: value.clone() for name, value in before.network.state_dict().items()}
    laws = trained.network.state_dict()
    mine, theirs = before.config.repertoire, trained.config.repertoire
    old, new = (
        [(s.name, spec.name) for s in known.subjects for spec in s.parameters]
        for known in (mine, theirs))
    for subject in theirs.subjects:
        row = mine.number(mine.subject(subject.name)), theirs.number(subject)
        for table in OF_SCENARIOS:
            if table.startswith("laws."):
                state[table][row[0]] = laws[table][row[1]]
    for place, name in enumerate(new):
        for table in OF_PARAMETERS:
            if table.startswith("laws."):
                into, row = state[table][old.index(name)], laws[table][place]
                size = min(len(into), len(row))
                into[:size] = row[:size]
    network = before.config.network()
    network.load_state_dict(state)
    account = trained.config.training
    return VideoDiffusion(dataclasses.replace(before.config, training=account), network.eval(), "")


def main(root: Path, before: Path) -> None:
    """Make, train and merge."""
    make(root, FILMED, FLYING, pushed=(0.25, 0.35), first=(14_000, 500_000))
    base = small()
    batch = dataclasses.replace(base.batch, paths=0.0, readings=0.0, laws=1.0, looks=0.0,
                                from_start=0.4, laws_rolled=0.3)
    config = dataclasses.replace(
        base, batch=batch, minutes=9.0, decay=0.8, warmup=100, learning_rate=1e-3,
        betas=(0.9, 0.98), compiled=False, held_out=4, validation_minutes=1e9, only=OWN)
    clips = [load_clips(root / "clips" / name) for name in FILMED] + [
        load_clips(root / "states" / name) for name in FLYING]
    train(config, clips, root / "39", init=before)
    torch.set_grad_enabled(False)
    merged(VideoDiffusion.from_pretrained(root / "39"),
           VideoDiffusion.from_pretrained(before)).save_pretrained(root / "shipped")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
