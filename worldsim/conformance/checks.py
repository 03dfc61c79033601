"""What every world model is asked, one function a check."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from worldsim.conformance.examination import Examination, Skipped, furthest
from worldsim.conformance.questions import (
    about_another_scenario,
    half_known,
    longer,
    one_case,
    resized,
    slower,
)
from worldsim.conformance.streaming import check_stream
from worldsim.query import Query
from worldsim.scenario import scenario_class
from worldsim.simulator.mechanics.scene import Kick
from worldsim.world_model import Capabilities, knows

CONTEXT_TOLERANCE = 7.0
"""Levels of 255 by which known frames may come back changed on average: H.264 at crf 23 of small
pictures changes them by up to 4.5, another case of tsunami, where cases look most alike, by 9."""


def _protocol(exam: Examination) -> None:
    if isinstance(exam.model, type):
        exam.failures.append(f"{exam.model.__name__} is a class; give an instance of it")
        return
    for name in ("name", "capabilities", "rollout", "start"):
        if not hasattr(exam.model, name):
            exam.failures.append(f"it has no {name}; a world model has name, capabilities, "
                                 "rollout(query) and start(query)")
    if exam.failures:
        return
    if not (isinstance(exam.model.name, str) and exam.model.name):
        exam.failures.append(f"its name is {exam.model.name!r}; give a text")
    if not isinstance(exam.model.capabilities, Capabilities):
        exam.failures.append(
            f"its capabilities are a {type(exam.model.capabilities).__name__}; give a "
            "worldsim.Capabilities")
    exam.failures += [f"{name} cannot be called; make it a method"
                      for name in ("rollout", "start")
                      if not callable(getattr(exam.model, name))]
    if not exam.failures and not knows(exam.model, exam.query.scenario):
        exam.failures.append(
            f"it declares {_of_scenarios(exam.can)} and is asked about "
            f"{exam.query.scenario!r}; check it on the former")


def _answer(exam: Examination) -> None:
    exam.answer = exam.ask(exam.query, "the query")


def _query(exam: Examination) -> None:
    if exam.answer is None:
        raise Skipped("the query itself is not answered in the right form")
    if exam.changed:
        exam.failures.append(
            "it changes the query that it is given (known frames or parameters); copy an array "
            "before writing to it")


def _deterministic(exam: Examination) -> None:
    base = exam.base
    exam.equal(exam.ask(exam.query, "the query once more"), base,
               "the same query is answered differently the second time; draw from generators "
                "seeded by query.seed only")


def _realizations(exam: Examination) -> None:
    base = exam.base
    several = [video for video in base.values() if video.shape[1] > 1]
    if not several:
        raise Skipped("there is only one realization in the answer")
    apart = max(furthest(video[:, :1], video[:, 1:]) for video in several)
    if exam.can.stochastic and apart == 0:
        exam.failures.append(
            "it declares stochastic=True and all realizations are the same; draw each from its "
            "own generator, or declare stochastic=False")
    if not exam.can.stochastic and apart > exam.tolerance:
        exam.failures.append(
            f"it declares stochastic=False and realizations differ by up to {apart} of 255; "
            "declare stochastic=True")


def _seed(exam: Examination) -> None:
    base = exam.base
    other = exam.ask(dataclasses.replace(exam.query, seed=exam.query.seed + 1),
                      "another seed")
    if other is None:
        return
    apart = max(furthest(other[camera], base[camera]) for camera in base)
    changes = exam.can.stochastic and exam.can.seeded
    if changes and apart == 0:
        exam.failures.append(
            "it declares stochastic=True and another query.seed changes nothing; draw by the "
            "seed, or declare seeded=False")
    if not changes and apart > exam.tolerance:
        declared = "seeded=False" if exam.can.stochastic else "stochastic=False"
        exam.failures.append(
            f"it declares {declared} and another query.seed changes the answer by up to "
            f"{apart} of 255; declare stochastic=True, seeded=True")


def _batch(exam: Examination) -> None:
    base = exam.base
    if exam.query.cases < 2:
        raise Skipped("the query has one case only")
    last = exam.query.cases - 1
    alone = exam.ask(one_case(exam.query, last), "one case alone")
    if alone is None:
        return
    # Stored sets give each case as many realizations as it has.
    count = min(video.shape[1] for video in (*alone.values(), *base.values()))
    exam.equal(
        {camera: video[:, :count] for camera, video in alone.items()},
        {camera: video[last:, :count] for camera, video in base.items()},
        "a case alone is answered differently than among others; key random draws by (seed, "
        "query.origin.cases[i], realization), never by place in the batch, and mix no cases")


def _context(exam: Examination) -> None:
    base = exam.base
    whole = [piece for piece in exam.query.known if piece.mask is None]
    if not whole:
        raise Skipped("the query has no known frames")
    if not exam.can.context:
        without = dataclasses.replace(exam.query, known=())
        exam.equal(exam.ask(without, "the query without known frames"), base,
                   "it declares context=False and known frames change the answer; declare "
                   "context=True")
        return
    if not exam.can.continues:
        raise Skipped("it declares continues=False: known frames need not come back")
    for piece in whole:
        first = round(piece.start * exam.query.fps)
        shown = base[piece.camera][:, :, first : first + piece.video.shape[1]]
        apart = np.abs(shown.astype(float) - piece.video[:, None, : shown.shape[2]]).mean(
            axis=(0, 1, 3, 4, 5))
        if apart.max() > CONTEXT_TOLERANCE:
            frame = int(apart.argmax())
            exam.failures.append(
                f"known frame {frame} of camera {piece.camera!r} comes back changed by "
                f"{apart[frame]:.0f} of 255 on average (up to {CONTEXT_TOLERANCE:.0f} may be "
                "rounding); let answers begin with the known frames, or declare continues=False")


def _cameras(exam: Examination) -> None:
    exam.needs_answer()
    declared, full = exam.can.cameras, exam.full
    if len(full.cameras) > 1:
        exam.ask(full, f"cameras {', '.join(full.cameras)} together")
    views = scenario_class(full.scenario)().scene(0, 0).cameras
    other = next((camera for camera in views if declared and camera not in declared), None)
    if other is not None:
        exam.refused(dataclasses.replace(exam.query, cameras=(other,), known=()),
                     f"camera {other!r}", f"cameras={declared}")
    elif len(full.cameras) == 1:
        raise Skipped("the query has one camera")


def _size(exam: Examination) -> None:
    _free(exam, resized(exam.query), exam.can.any_size, "another size", "any_size=False")


def _fps(exam: Examination) -> None:
    _free(exam, slower(exam.query), exam.can.any_fps, "half the rate", "any_fps=False")


def _duration(exam: Examination) -> None:
    _free(exam, longer(exam.query), exam.can.any_duration, "a longer duration",
               "any_duration=False")


def _free(exam: Examination, query: Query, able: bool, about: str, declared: str) -> None:
    exam.needs_answer()
    if able:
        exam.ask(query, about)
    else:
        exam.refused(query, about, declared)


def _masks(exam: Examination) -> None:
    exam.needs_answer()
    if not exam.query.known:
        raise Skipped("the query has no known frames")
    query = half_known(exam.query)
    if not exam.can.masks:
        exam.refused(query, "a mask within frames", "masks=False")
        return
    answer = exam.ask(query, "a mask within frames")
    for piece in query.known if answer is not None else ():
        assert answer is not None and piece.mask is not None
        first = round(piece.start * query.fps)
        shown = answer[piece.camera][:, :, first : first + piece.video.shape[1]]
        apart = np.abs(shown.astype(float) - piece.video[:, None])[:, :, piece.mask].mean()
        if apart > CONTEXT_TOLERANCE:
            exam.failures.append(
                f"it declares masks=True and pixels known by a mask come back changed by "
                f"{apart:.0f} of 255 on average; keep them, or declare masks=False")


def _actions(exam: Examination) -> None:
    exam.needs_answer()
    if exam.can.actions:
        raise Skipped("it honours interventions, and how is not for this check to say")
    kick = Kick(time=0.0, body="no such body")
    exam.refused(dataclasses.replace(exam.query, actions=(kick,)), "an intervention",
                 "actions=False")


def _parameters(exam: Examination) -> None:
    base = exam.base
    if exam.can.parameters:
        raise Skipped("it uses parameters, and how is not for this check to say")
    exam.equal(exam.ask(dataclasses.replace(exam.query, parameters={}),
                          "the query without parameters"), base,
                "it declares parameters=False and parameters change the answer; declare "
                "parameters=True")


def _origin(exam: Examination) -> None:
    exam.needs_answer()
    if not exam.can.simulates:
        raise Skipped("it does not simulate")
    exam.refused(dataclasses.replace(exam.query, origin=None), "a query without origin",
                  "simulates=True")


def _scenario(exam: Examination) -> None:
    exam.needs_answer()
    if not exam.can.scenario and not exam.can.scenarios:
        raise Skipped("it declares no scenario, which means any")
    other = about_another_scenario(exam.query, exam.can.scenarios)
    if other is None:
        raise Skipped("there is no other scenario")
    exam.refused(other, f"a query about {other.scenario}", _of_scenarios(exam.can))


def _of_scenarios(can: Capabilities) -> str:
    """What a model declares of the scenarios that it knows."""
    return f"scenario={can.scenario!r}" if can.scenario else f"scenarios={can.scenarios}"


@dataclasses.dataclass(frozen=True)
class Check:
    """One check: what holds if it passes, and the function that makes it."""

    says: str
    make: Callable[[Examination], None]


CHECKS = {
    "protocol": Check("name, capabilities, rollout and start are there", _protocol),
    "answer": Check("the rollout has the form that the query asks for", _answer),
    "query": Check("the query is left as it was", _query),
    "deterministic": Check("the same query is answered alike", _deterministic),
    "realizations": Check("realizations differ if stochastic, and else are alike", _realizations),
    "seed": Check("another seed gives another answer if stochastic, and else the same", _seed),
    "batch": Check("a case alone is answered as among others", _batch),
    "context": Check("known frames come back, if they are used", _context),
    "cameras": Check("every declared view is shown, another one refused", _cameras),
    "size": Check("another size is answered or refused", _size),
    "fps": Check("another rate is answered or refused", _fps),
    "duration": Check("another duration is answered or refused", _duration),
    "masks": Check("masks within frames are honoured or refused", _masks),
    "actions": Check("interventions are honoured or refused", _actions),
    "parameters": Check("parameters change nothing, if they are not used", _parameters),
    "origin": Check("a query without origin is refused, if the model simulates", _origin),
    "scenario": Check("another scenario is refused, if the model knows one only", _scenario),
    "stream": Check("the stream gives the rollout, piece by piece, and ends", check_stream),
}
"""Every check by name, in the order in which they are made."""
