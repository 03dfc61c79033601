"""How `worldsim-many` was trained on (runs 32 on): ``python records/training/looking.py DIR``.

Makes what is missing in DIR, and trains from the weights of run 31, DIR/31, without the
transformer: the laws, and what looks at bodies, anew.
"""

import dataclasses
import sys
from pathlib import Path

from lawful import MOST
from rigid import make
from swinging import UNFILMED, load

from worldsim.diffusion.presets import small
from worldsim.diffusion.training import train

MORE = {**UNFILMED, "tower": 1500, "dominoes": 1200, "collisions": 3200, "balls_in_box": 3000}


def main(root: Path) -> None:
    """Make and train."""
    make(root, MOST, MORE, pushed=(0.25, 0.35), first=(8000, 200_000))
    base = small()
    batch = dataclasses.replace(base.batch, paths=0.0, readings=0.0, laws=0.75, looks=0.25,
                                from_start=0.4, laws_rolled=0.2)
    train(dataclasses.replace(base, batch=batch, minutes=25.0, decay=0.7, warmup=200,
                              learning_rate=1.2e-3, betas=(0.9, 0.98), compiled=False,
                              validation_minutes=1e9),
          load(root, 240), root / "32", init=root / "31")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
