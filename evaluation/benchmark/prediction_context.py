"""Whether a video begins with the frames that its model was shown."""

from __future__ import annotations

import numpy as np

SAME = 7.0
"""Mean difference, of 255, up to which a picture counts as a copy of another.

Of four cases each of free_fall, collision, pendulum, tower, tsunami and floating: enlarging
eightfold, H.264 at crf 28 and reduction change the known frames by 0.4 to 0.7, H.264 at crf 23 of
the small pictures by 0.9 to 4.5; another case's first frame differs by 9 to 12 in tsunami, whose
coasts are much alike, and by 11 to 112 elsewhere."""

MOVES = 24.0
"""Change of a pixel, of 255, from one known frame to the next that counts as motion: well above
what codecs do to edges."""

FEWEST_MOVING = 8
"""Pixels that must move for frames to be told apart by motion."""

BETTER = 0.5
"""An explanation is taken if it leaves less than this of the difference without it."""


def context_problem(shown: np.ndarray, context: np.ndarray) -> str | None:
    """What is wrong with a video that should begin with the context, in words.

    Parameters
    ----------
    shown, context : (time, row, column, 3) uint8 of the same instants and size.

    Returns
    -------
    None where it does begin with it, or where nothing moves and no more can be told.
    """
    first = _difference(shown[0], context[0])
    if first > SAME:
        return (
            f"its first frame differs from the first known one by {first:.0f} of 255 on average "
            f"(a copy by less than {SAME:.0f}): the model was given something else or changed the "
            "view"
        )
    moving = _moving(context)
    if moving is None:
        return None
    as_is = _over(moving, shown, context)
    motion = _over(moving, context[1:], context[:-1])

    def better(shifted: float, straight: float) -> bool:
        """A shift has to explain the motion, not only to miss less of it."""
        return shifted < BETTER * min(straight, motion)

    if better(_over(moving, shown[:-1], context[1:]), _over(moving, shown[:-1], context[:-1])):
        return "looks shifted by one frame: it begins with the second known frame; keep the first"
    if better(_over(moving, shown[1:], context[:-1]), _over(moving, shown[1:], context[1:])):
        return "looks shifted by one frame: it shows the first known frame twice; show it once"
    if as_is > BETTER * motion:
        return (
            "begins like the first known frame but does not move as the known frames do: the model "
            "was given one of them only, or its time runs at another speed"
        )
    return None


def after_context_problem(shown: np.ndarray, context: np.ndarray) -> str | None:
    """What is wrong with a video that should begin right after the context, in words.

    Parameters
    ----------
    shown : (time, row, column, 3) uint8, the video's own beginning, as long as the context.
    """
    apart = _difference(shown[0], context[-1])
    if apart > SAME:
        return (
            f"its first frame differs from the last known one by {apart:.0f} of 255 on average "
            f"(the next frame by less than {SAME:.0f}): the model was given something else or "
            "changed the view"
        )
    moving = _moving(context)
    if moving is None:
        return None
    motion = _over(moving, context[1:], context[:-1])
    if _over(moving, shown, context) < BETTER * motion:
        return (
            "begins with the known frames, though manifest.json says that it starts after them; "
            "remove that line"
        )
    return None


def _difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other).mean())


def _moving(context: np.ndarray) -> np.ndarray | None:
    """(row, column) bool, what moves from one known frame to the next; None where too little."""
    steps = np.abs(np.diff(context.astype(float), axis=0)).max(axis=-1)
    moving = (steps > MOVES).any(axis=0)
    return moving if moving.sum() >= FEWEST_MOVING else None


def _over(where: np.ndarray, one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other)[:, where].mean())
