"""How `worldsim-many` was trained on (runs 24 to 31): ``python records/training/interacting.py D``.

Makes what is missing in the folder D, and trains from the weights of run 19, D/19: first the laws,
anew and alone, then everything. While runs 24 to 28 went on the laws and their loss changed
(`README.md` beside this file); this script says them as they are now, and does in one run what
those five did, and in one what runs 30 and 31 did.
"""

import dataclasses
import sys
from pathlib import Path

from lawful import MOST
from rigid import make
from swinging import CHECKED, UNFILMED, load

from worldsim.cli.train import physical_validation
from worldsim.diffusion.objective import Emphasis
from worldsim.diffusion.presets import small
from worldsim.diffusion.training import train


def main(root: Path) -> None:
    """Make and train."""
    make(root, MOST, UNFILMED, pushed=(0.25, 0.35), first=(4000, 100_000))
    base = dataclasses.replace(small(), objective=dataclasses.replace(
        small().objective, others=Emphasis(moving=4.0, changed=1.0)))
    checks = physical_validation(CHECKED, (), lambda _: None)
    alone = dataclasses.replace(base.batch, paths=0.0, readings=0.0, laws=1.0, from_start=0.4)

    def laws(name: str, before: str, minutes: float, rate: float, rolled: float) -> None:
        batch = dataclasses.replace(alone, laws_rolled=rolled)
        train(dataclasses.replace(base, batch=batch, minutes=minutes, decay=0.7, warmup=200,
                                  learning_rate=rate, betas=(0.9, 0.98), compiled=False,
                                  validation_minutes=1e9),
              load(root, 20), root / name, init=root / before)

    laws("28", "19", 39.0, 1.5e-3, 0.0)
    batch = dataclasses.replace(base.batch, paths=0.25, readings=0.15, laws=0.2, laws_rolled=0.6,
                                joint=0.03)
    train(dataclasses.replace(base, batch=batch, minutes=42.0, decay=0.8, learning_rate=8e-4,
                              validation_minutes=100.0),
          load(root, 240), root / "29", init=root / "28", validate=checks)
    laws("31", "29", 11.5, 1.2e-3, 0.2)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
