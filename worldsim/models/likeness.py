"""Which training rollout is most like what a query tells: by parameters, and by the first frame."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from worldsim.query import Query
from worldsim.scenario import scenario_class

APPEARANCE_WEIGHT = 0.03
"""Chosen on training rollouts of the tsunami, each answered by the others (60 of 360): more weight
finds the debris better and the water worse. Errors of wet area / debris over the last half: 0.020 /
53 m without appearance, 0.023 / 51 m with this weight, 0.032 / 48 m with ten times it."""


def parameter_distance(training: Mapping[str, np.ndarray], cases: int, query: Query,
                       case: int) -> np.ndarray:
    """(training case,) root of the summed squared differences in units of the training range.

    A different choice counts as farther than any difference of the continuous parameters, and
    what no video shows (`Parameter.seen`) does not count.

    Parameters
    ----------
    training : {name: (training case,)}, choices as codes. cases : how many training cases.
    case : which of the query's cases.
    """
    declared = scenario_class(query.scenario).parameters()
    squared = np.zeros(cases)
    for name, values in query.parameters.items():
        spec, theirs = declared[name], training[name]
        if not spec.seen:
            continue
        if spec.choices:
            squared += np.where(theirs == values[case], 0.0, 100.0)
        else:
            low, high = spec.training
            # A parameter that training never varies counts in its own unit.
            squared += ((theirs - float(values[case])) / ((high - low) or 1.0)) ** 2
    return np.sqrt(squared)


def most_alike(training: Mapping[str, np.ndarray], first: Mapping[str, np.ndarray],
               query: Query) -> list[int]:
    """The index of the training case that is most like each of the query's cases.

    Squared differences add: parameters in units of the training range, and, with
    `APPEARANCE_WEIGHT`, the first frame in units of the median difference in the training set, for
    each camera whose first frame is known.

    Parameters
    ----------
    training : {name: (training case,)}, choices as codes.
    first : {camera: (training case, row, column, 3)}, first frames.
    """
    known = {
        piece.camera: piece.video[:, 0].astype(np.float32)
        for piece in reversed(query.known) if piece.start == 0 and piece.mask is None
    }
    pictures = {name: frames.astype(np.float32) for name, frames in first.items() if name in known}
    scale = {name: _usual_difference(frames) for name, frames in pictures.items()}
    cases = len(next(iter(first.values())))
    chosen = []
    for case in range(query.cases):
        distance = parameter_distance(training, cases, query, case) ** 2
        for name, frames in pictures.items():
            difference = frames - known[name][case]
            unlike = (difference**2).mean(axis=(1, 2, 3)) / scale[name] ** 2
            distance += APPEARANCE_WEIGHT * unlike
        chosen.append(int(distance.argmin()))
    return chosen


def _usual_difference(frames: np.ndarray) -> float:
    """Median over pairs of the root of the mean squared difference; 1 if that is none."""
    others = np.roll(frames, 1, axis=0)
    between = np.sqrt(((frames - others) ** 2).mean(axis=(1, 2, 3)))
    return float(np.median(between)) or 1.0
