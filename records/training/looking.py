"""How `worldsim-many` was trained on (runs 32 to 37): ``python records/training/looking.py DIR``.

Makes what is missing in DIR, and trains from the weights of run 31, DIR/31, without the
transformer: the laws further, and what looks at bodies, anew. Runs 32 and 33 looked at places and
turns, run 36 at sizes, too. Run 34 was stopped after 3.5 minutes, since half sizes and presence,
which had got weights of their own, learned nothing; with a rate of their own they did in run 35.
In run 37 the laws learned to do without the turns of round bodies. This script says the network as
it is now, and does in one run what 33 and 36 did, and in one what 34, 35 and 37 did.
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
    base = dataclasses.replace(small(), betas=(0.9, 0.98), compiled=False, validation_minutes=1e9)

    def run(name: str, before: str, minutes: float, rate: float, decay: float, warmup: int,
            laws: float) -> None:
        batch = dataclasses.replace(base.batch, paths=0.0, readings=0.0, laws=laws,
                                    looks=1.0 - laws, from_start=0.4, laws_rolled=0.2)
        train(dataclasses.replace(base, batch=batch, minutes=minutes, decay=decay, warmup=warmup,
                                  learning_rate=rate),
              load(root, 240), root / name, init=root / before)

    run("32", "31", 25.0, 1.2e-3, 0.7, 200, laws=0.75)
    run("36", "32", 16.0, 3e-3, 0.8, 100, laws=0.0)
    run("37", "36", 17.0, 1.2e-3, 0.8, 100, laws=1.0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
