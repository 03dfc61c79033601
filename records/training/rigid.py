"""How `worldsim-many` was trained (runs 11 to 13): ``python records/training/rigid.py DIR``.

Makes what is missing in DIR, and trains in three runs, each from the weights of the one before; the
first starts from DIR/10, the weights of run 10. Two cores needed three hours. The network and the
loss have changed since: these runs were of commit 4218dcb and before.
"""

import dataclasses
import sys
from pathlib import Path

from worldsim.diffusion.clip_factory import generate_clips
from worldsim.diffusion.clips import ClipSet, load_clips
from worldsim.diffusion.objective import Emphasis
from worldsim.diffusion.observables import record_states
from worldsim.diffusion.presets import small
from worldsim.diffusion.training import train
from worldsim.scenario import scenario_class
from worldsim.splits import Purpose, seed_for

SEED = seed_for(Purpose.TRAINING, 7)

FILMED = {
    "free_fall": 400, "projectile": 400, "balls_in_box": 400, "collision": 400, "collisions": 400,
    "incline": 400, "occlusion": 400, "pendulum": 372, "double_pendulum": 300, "spring_mass": 300,
    "seesaw": 300, "gyroscope": 300, "dominoes": 299, "tower": 300, "granular_pour": 151,
    "floating": 100, "dam_break_block": 100}

UNFILMED = {
    "free_fall": 3200, "projectile": 2400, "balls_in_box": 4000, "collision": 2400,
    "collisions": 3200, "incline": 1600, "occlusion": 1600, "pendulum": 2400,
    "double_pendulum": 3200, "spring_mass": 2400, "seesaw": 1600, "gyroscope": 2400,
    "dominoes": 1200, "tower": 1200}
"""Cases of which only states are kept; they are numbered from 10,000."""


def make(root: Path, filmed: dict[str, int] = FILMED, unfilmed: dict[str, int] = UNFILMED,
         pushed: tuple[float, float] = (0.2, 0.2), first: tuple[int, int] = (0, 10_000)) -> None:
    """Simulate what is missing; `pushed` are the shares of pushes, filmed and unfilmed, and `first`
    the numbers of the first cases."""
    for name, count in filmed.items():
        wet = name in ("floating", "dam_break_block")
        seconds = 5.0 if wet else min(3.0, scenario_class(name).duration)
        list(generate_clips(root / "clips" / name, name, range(first[0], first[0] + count),
                            seed=SEED, duration=seconds, record=record_states,
                            pushed=0.0 if wet else pushed[0]))
    for name, count in unfilmed.items():
        list(generate_clips(root / "states" / name, name, range(first[1], first[1] + count),
                            seed=SEED, duration=min(3.0, scenario_class(name).duration), cameras=(),
                            record=record_states, pushed=pushed[1]))


def load(root: Path, most: int | None) -> list[ClipSet]:
    """Filmed clips, at most so many of a scenario of many, and all states."""
    few = ("floating", "dam_break_block", "granular_pour")
    return [load_clips(root / "clips" / name, None if name in few else most) for name in FILMED
            ] + [load_clips(root / "states" / name) for name in UNFILMED]


def main(root: Path) -> None:
    """Make and train."""
    make(root)
    base = dataclasses.replace(small(), objective=dataclasses.replace(
        small().objective, states=4.0, others=Emphasis(moving=4.0, changed=1.0)))

    def run(name: str, before: str, most: int | None, minutes: float, paths: float,
            readings: float, tokens: int, **changes: float) -> None:
        batch = dataclasses.replace(base.batch, paths=paths, readings=readings, joint=0.04,
                                    tokens=tokens)
        train(dataclasses.replace(base, batch=batch, minutes=minutes, **changes),  # type: ignore
              load(root, most), root / name, init=root / before)

    run("11", "10", None, 14.0, 0.5, 0.25, 2304, decay=0.0)
    run("12", "11", 40, 28.0, 1.0, 0.0, 3072, decay=0.4)
    run("13", "12", 300, 37.0, 0.4, 0.25, 2304, decay=0.6, learning_rate=8e-4)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
