"""Where bodies are said to be: ``python records/training/foreseen.py CHECKPOINT SCENARIO…``.

Prints the mean error, in metres, of said positions in 16 cases over the second after five known
frames, its ratio to that of the last known positions held, the error of the reading itself (of
places, and of turns as the length of two columns of the rotation), and the errors a quarter, a half
and a whole second after the known frames; with states told exactly and the laws alone, with them
told where all cases have a body, and with all read off the picture.
"""

import dataclasses
import sys

import numpy as np

from evaluation.reading import reading_of
from worldsim.diffusion.dreaming import Dream
from worldsim.diffusion.model import VideoDiffusion
from worldsim.diffusion.observables import BODIES, known_states, record_states
from worldsim.diffusion.reading import matched
from worldsim.diffusion.states_first import foresee, read, states_task
from worldsim.model_registry import load_model
from worldsim.query import query
from worldsim.scenario import scenario_class
from worldsim.simulator.world import simulate
from worldsim.splits import Purpose, Split, draw, seed_for

SEED = seed_for(Purpose.VALIDATION, 12)
KNOWN, FRAMES, CASES = 5, 25, 16


def rolled(dream: Dream) -> None:
    """Go where the laws lead from the known states, without what the transformer adds."""
    dream.count(0)
    states = dream.token_states(0, FRAMES)
    condition = states_task(dream, states, 0, own=False).condition
    dream.learn(states, dream.model.network.lawful(condition, states)[0], 0, FRAMES)


def errors(model: VideoDiffusion, name: str, how: str) -> tuple[np.ndarray, np.ndarray, float]:
    """(frame,) m, of the model and of the last known positions held; and of the read turns."""
    cls = scenario_class(name)
    cases = [draw(cls, Split.IN_RANGE, SEED, case) for case in range(CASES)]
    truth = simulate(cases, seed=SEED, duration=1.3)
    question = query(cases, context=truth, frames=KNOWN, cameras=(reading_of(name).camera,),
                     duration=FRAMES / cls.fps)
    if how != "read":
        states = known_states(truth, KNOWN, cls.fps)
        question = dataclasses.replace(question, states=states)
    parameters, _ = model._check(question)
    states = record_states(truth)["states"][:, :FRAMES, :BODIES]
    every = states[..., :3]
    found, held, turned = [], [], []
    for case in range(CASES):
        dream = Dream(model, question, parameters, case, 0)
        if read(dream, 0, FRAMES, 0):
            dream.noise = dream.sampler.reading_noise
        if how == "laws":
            rolled(dream)
        else:
            foresee(dream, 0, FRAMES, FRAMES, 0, own=False)
        said, turns = np.split(dream.said()[:, :BODIES], [3], axis=-1)
        there = np.isfinite(every[case, 0, :, 0])
        true = every[case][:, there]
        # A body that is said not to be there counts as one in the picture's middle.
        said = np.where(np.isfinite(said), said, dream.subject.entities[0].centre[:3])
        same = matched(said[KNOWN - 1], true[KNOWN - 1])
        said = said[:, same]
        turned.append(np.nanmean(np.linalg.norm(
            turns[:KNOWN, same] - states[case, :KNOWN, there, 3:].swapaxes(0, 1), axis=-1)))
        found.append(np.linalg.norm(said - true, axis=-1).mean(1))
        held.append(np.linalg.norm(true - true[KNOWN - 1], axis=-1).mean(1))
    return np.mean(found, axis=0), np.mean(held, axis=0), float(np.mean(turned))


def main(source: str, names: list[str]) -> None:
    """Print a line for every scenario, told and read."""
    model = load_model(source)
    assert isinstance(model, VideoDiffusion)
    for name in names:
        for how in ("laws", "told", "read"):
            found, held, turned = errors(model, name, how)
            print(f"{name} {how}: {found[KNOWN:].mean():.4f} m, over frozen "
                  f"{found[KNOWN:].mean() / held[KNOWN:].mean():.2f}, reading "
                  f"{found[:KNOWN].mean():.4f} m, turns {turned:.3f}; after 0.25, 0.5, 1 s "
                  + ", ".join(f"{found[KNOWN - 1 + k]:.3f}" for k in (5, 10, 20)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
