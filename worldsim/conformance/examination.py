"""Asking a model, and holding what it says against what it should."""

from __future__ import annotations

import copy
import dataclasses
import traceback
from collections.abc import Callable

import numpy as np
import xarray as xr

from worldsim.conformance.answer_form import form_failures
from worldsim.conformance.questions import first_camera
from worldsim.errors import InputError
from worldsim.query import Query
from worldsim.world_model import Capabilities, WorldModel

Videos = dict[str, np.ndarray]


class Skipped(Exception):
    """A check that does not apply; the text says why."""


class Examination:
    """One model and one query: asks, and collects `failures` and `notes`.

    full : the query with all its cameras. query : with the first of them only; most checks ask it.
    tolerance : levels of 255 by which equal answers may differ.
    changed : whether the model has changed a query that it was given.
    """

    def __init__(self, model: object, full: Query, tolerance: int) -> None:
        self.model: WorldModel = model  # type: ignore[assignment]  # what "protocol" looks at
        self.full, self.query, self.tolerance = full, first_camera(full), tolerance
        self.failures: list[str] = []
        self.notes: list[str] = []
        self.answer: Videos | None = None
        self.changed = False

    @property
    def can(self) -> Capabilities:
        """What the model declares."""
        return self.model.capabilities

    @property
    def base(self) -> Videos:
        """The answer to the query itself."""
        self.needs_answer()
        assert self.answer is not None
        return self.answer

    def needs_answer(self) -> None:
        """Skips a check where the query itself has no valid answer."""
        if self.answer is None:
            raise Skipped("the query itself is not answered in the right form")

    def called(self, call: Callable[[], object], about: str) -> list[object]:
        """What a call of the model returns, in a list; an empty one, and a failure, if it fails."""
        try:
            return [call()]
        except InputError as error:
            self.failures.append(f"{about}: it refuses what it declares: {error}")
        except Exception as error:  # noqa: BLE001 - foreign code may raise anything
            self.failures.append(f"{about}: {crash(error)}")
        return []

    def ask(self, query: Query, about: str) -> Videos | None:
        """The answer's videos; None, and failures, if it is none."""
        asked = copy.deepcopy(query)
        returned = self.called(lambda: self.model.rollout(asked), about)
        self.changed = self.changed or not same_query(asked, query)
        wrong = [text for answer in returned for text in form_failures(answer, query)]
        self.failures += [f"{about}: {text}" for text in wrong]
        if wrong or not returned:
            return None
        (answer,) = returned
        assert isinstance(answer, xr.DataTree)
        return {camera: answer[f"video/{camera}"]["rgb"].values for camera in query.cameras}

    def refused(self, query: Query, about: str, declared: str) -> None:
        """A query that the model does not declare to answer: an `InputError`, or a full answer."""
        asked = copy.deepcopy(query)
        try:
            answer = self.model.rollout(asked)
        except InputError:
            return
        except Exception as error:  # noqa: BLE001 - foreign code may raise anything
            self.failures.append(
                f"{about}: {crash(error)}; raise worldsim.InputError for what it cannot do")
            return
        wrong = form_failures(answer, query)
        if wrong:
            self.failures.append(
                f"{about}: it declares {declared} and answers all the same, but {wrong[0]}; raise "
                "worldsim.InputError instead")
        else:
            self.notes.append(f"{about} is answered, though it declares {declared}")

    def equal(self, one: Videos | None, other: Videos, text: str) -> None:
        """Both the same up to the tolerance, or a failure with that text."""
        if one is None:
            return
        apart = max(furthest(one[camera], other[camera]) for camera in other)
        if apart > self.tolerance:
            self.failures.append(f"{text} (by up to {apart} of 255)")


def furthest(one: np.ndarray, other: np.ndarray) -> int:
    """Greatest difference of two uint8 videos that broadcast; 256 where they do not fit."""
    try:
        return int(np.abs(one.astype(np.int16) - other).max(initial=0))
    except ValueError:
        return 256


def crash(error: Exception) -> str:
    """An exception in one line, with the place where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    text = " ".join(str(error).split())
    return f"raises {type(error).__name__}: {text}{where}"


def same_query(one: Query, other: Query) -> bool:
    """Whether two queries say the same, array by array."""
    plain = {field.name for field in dataclasses.fields(Query)} - {"parameters", "known"}
    if any(getattr(one, name) != getattr(other, name) for name in plain):
        return False
    if set(one.parameters) != set(other.parameters) or len(one.known) != len(other.known):
        return False
    if any(not np.array_equal(one.parameters[n], other.parameters[n]) for n in other.parameters):
        return False
    return all(
        (a.camera, a.start) == (b.camera, b.start) and np.array_equal(a.video, b.video)
        and (a.mask is None) == (b.mask is None)
        and (a.mask is None or b.mask is None or np.array_equal(a.mask, b.mask))
        for a, b in zip(one.known, other.known, strict=True)
    )
