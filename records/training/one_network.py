"""One network for all scenarios, a try: ``python records/training/one_network.py DIR INIT``.

Makes what is missing in DIR, and trains from the weights INIT of run 37, which knew seventeen
scenarios: films of the tsunami in half of all batches, and of all others beside them, so that
nothing is forgotten. The laws and what looks at bodies are not trained. Run 38 was this, stopped
after 320 steps (`README.md` beside this file).
"""

import dataclasses
import sys
from pathlib import Path

from rigid import FILMED, make
from swinging import CHECKED, UNFILMED

from worldsim.cli.train import physical_validation
from worldsim.diffusion.clip_factory import generate_clips
from worldsim.diffusion.clips import ClipSet, load_clips
from worldsim.diffusion.objective import Emphasis
from worldsim.diffusion.observables import record_states
from worldsim.diffusion.presets import small
from worldsim.diffusion.training import train
from worldsim.splits import Purpose, seed_for

TOWNS = 168
FILMS = {name: 80 if name in ("granular_pour", "floating", "dam_break_block") else 120
         for name in FILMED}
STATES = {name: count // 6 for name, count in UNFILMED.items()}


def simulate(root: Path) -> None:
    """Make what is missing."""
    make(root, FILMS, STATES, pushed=(0.25, 0.35), first=(12_000, 400_000))
    list(generate_clips(root / "clips" / "tsunami", "tsunami", range(12_000, 12_000 + TOWNS),
                        seed=seed_for(Purpose.TRAINING, 7), record=record_states, compiled=True))


def load(root: Path) -> list[ClipSet]:
    """All clips, and all states."""
    return [load_clips(root / "clips" / name) for name in ("tsunami", *FILMS)] + [
        load_clips(root / "states" / name) for name in STATES]


def main(root: Path, before: Path) -> None:
    """Make and train."""
    simulate(root)
    base = dataclasses.replace(small(), objective=dataclasses.replace(
        small().objective, others=Emphasis(moving=4.0, changed=1.0)))
    batch = dataclasses.replace(base.batch, paths=0.15, readings=0.1, laws=0.0, looks=0.0,
                                joint=0.04, town=34.0)
    train(dataclasses.replace(base, batch=batch, minutes=45.0, decay=0.6, learning_rate=8e-4,
                              validation_minutes=100.0),
          load(root), root / "38", init=before,
          validate=physical_validation(CHECKED, (), lambda _: None))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
