"""Every way to ask a world model, by one mechanism: what is known, when, where and how surely.

Each function returns a `worldsim.query.Query`; ``model.rollout(query)`` answers it. They differ
only in what they declare as known:

==================  ===============================================================
`from_parameters`   nothing but parameters
`from_text`         nothing but what a caption says
`continue_from`     the first frames
`extend`            a video, to be made longer at its end or at its beginning
`connect`           the frames before and after a gap (`interpolate`: one frame each)
`inpaint`           all but a box in space and time
`combine`           parts of two videos, chosen by a mask
`edit`              a whole video, starting from a middle noise level
`loop`              the same frames at both ends
`shots`             as any of them, from several cameras of one event at once
`from_states`       the states of bodies, gauges or people; the video is driven by them
`read_off`          a whole video; its states are asked for
==================  ===============================================================

Videos are uint8 (time, row, column, 3), or with a leading case axis. A stream without end is
``model.start(query)`` of any of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from worldsim.captions import read_caption
from worldsim.errors import InputError
from worldsim.query import Draft, Known, KnownStates, Query
from worldsim.scenario import Scenario, scenario_class

Film = np.ndarray
"""uint8 (time, row, column, 3) or (case, time, row, column, 3)."""


def _base(scenario: str | Scenario, cameras: Sequence[str] | None, parameters: Mapping[str, Any],
          cases: int, options: Mapping[str, Any]) -> dict[str, Any]:
    """What all queries share: the scenario's own size and rate, and parameters as codes."""
    cls = scenario_class(scenario) if isinstance(scenario, str) else type(scenario)
    declared = cls.parameters()
    given = dict(parameters)
    if isinstance(scenario, Scenario):
        given = scenario.values() | given
    codes = {}
    for name, value in given.items():
        if name not in declared:
            raise InputError(
                f"scenario {cls.name!r} has no parameter {name!r}; it has {', '.join(declared)}")
        choices = declared[name].choices
        declared[name].check(name, value)
        codes[name] = np.full(cases, float(choices.index(value)) if choices else float(value))
    return {
        "scenario": cls.name, "parameters": codes, "cases": cases, "size": cls.size,
        "cameras": tuple(cameras or cls.film_cameras[:1]), "fps": cls.fps,
    } | {name: value for name, value in options.items() if value is not None}


def _film(video: Film) -> np.ndarray:
    """With a case axis.

    Raises
    ------
    InputError : not a video.
    """
    video = np.asarray(video)
    if video.ndim == 4:
        video = video[None]
    if video.ndim != 5 or video.shape[-1] != 3 or video.dtype != np.uint8 or not video.shape[1]:
        raise InputError(f"a video has shape {video.shape}, dtype {video.dtype}; give (time, row, "
                         "column, 3) uint8")
    return video


def _films(videos: Film | Mapping[str, Film], cls: type[Scenario]) -> dict[str, np.ndarray]:
    """Videos by camera; a video alone is of the scenario's main camera."""
    named = videos if isinstance(videos, Mapping) else {cls.film_cameras[0]: videos}
    films = {camera: _film(video) for camera, video in named.items()}
    if len({(len(film), *film.shape[2:4]) for film in films.values()}) != 1:
        raise InputError("the videos differ in cases or size; give all of one size")
    return films


def _rate(cls: type[Scenario], options: Mapping[str, Any] | None) -> float:
    """Frames per second of a query: the options', else the scenario's own."""
    return float(dict(options or {}).get("fps") or cls.fps)


def _class(scenario: str | Scenario) -> type[Scenario]:
    return scenario_class(scenario) if isinstance(scenario, str) else type(scenario)


def from_parameters(scenario: str | Scenario, *, cameras: Sequence[str] | None = None,
                    duration: float = 2.0, options: Mapping[str, Any] | None = None,
                    **parameters: Any) -> Query:
    """Nothing known but parameters; those not given are marginalised over.

    options : further fields of the `Query` (realizations, seed, size, fps, actions …).
    """
    return Query(**_base(scenario, cameras, parameters, 1,
                         {"duration": duration} | dict(options or {})))


def from_text(text: str, *, cameras: Sequence[str] | None = None, duration: float = 2.0,
              options: Mapping[str, Any] | None = None) -> Query:
    """Nothing known but a caption, as `worldsim.captions` reads it."""
    reading = read_caption(text)
    asked = from_parameters(reading.scenario, cameras=cameras, duration=duration, options=options,
                            **reading.values)
    return dataclasses.replace(asked, text=text)


def _with_pieces(scenario: str | Scenario, pieces: Mapping[str, Sequence[tuple[float, np.ndarray]]],
                 duration: float, cameras: Sequence[str] | None, parameters: Mapping[str, Any],
                 options: Mapping[str, Any] | None,
                 masks: Mapping[str, np.ndarray] | None = None) -> Query:
    """A query in which pieces of video (start [s], film) are known, by camera."""
    first = next(iter(pieces.values()))[0][1]
    every = tuple(dict.fromkeys([*pieces, *(cameras or ())]))
    base = _base(scenario, every, parameters, len(first),
                 {"duration": duration, "size": first.shape[2:4]} | dict(options or {}))
    masks = masks or {}
    known = tuple(Known(camera, film, start, masks.get(camera))
                  for camera, some in pieces.items() for start, film in some)
    return Query(**base | {"known": known})


def continue_from(scenario: str | Scenario, images: Film | Mapping[str, Film], *,
                  duration: float = 2.0, cameras: Sequence[str] | None = None,
                  options: Mapping[str, Any] | None = None, **parameters: Any) -> Query:
    """The first frames known: one image or several; `duration` includes them."""
    films = _films(images, _class(scenario))
    return _with_pieces(scenario, {c: [(0.0, f)] for c, f in films.items()}, duration, cameras,
                        parameters, options)


def extend(scenario: str | Scenario, video: Film | Mapping[str, Film], seconds: float, *,
           backward: bool = False, cameras: Sequence[str] | None = None,
           options: Mapping[str, Any] | None = None, **parameters: Any) -> Query:
    """A video made longer by `seconds`, after its end or before its beginning."""
    cls = _class(scenario)
    films = _films(video, cls)
    fps = _rate(cls, options)
    own = max(film.shape[1] for film in films.values()) / fps
    start = round(seconds * fps) / fps if backward else 0.0
    return _with_pieces(scenario, {c: [(start, f)] for c, f in films.items()}, own + seconds,
                        cameras, parameters, options)


def connect(scenario: str | Scenario, before: Film | Mapping[str, Film],
            after: Film | Mapping[str, Film], seconds: float, *,
            cameras: Sequence[str] | None = None, options: Mapping[str, Any] | None = None,
            **parameters: Any) -> Query:
    """Two videos with `seconds` between them to be dreamed."""
    cls = _class(scenario)
    fps = _rate(cls, options)
    first, last = _films(before, cls), _films(after, cls)
    if first.keys() != last.keys():
        raise InputError("the videos before and after are of different cameras; give the same")
    at = {c: (film.shape[1] + round(seconds * fps)) / fps for c, film in first.items()}
    duration = max(at[c] + last[c].shape[1] / fps for c in first)
    return _with_pieces(scenario, {c: [(0.0, first[c]), (at[c], last[c])] for c in first},
                        duration, cameras, parameters, options)


def interpolate(scenario: str | Scenario, first: Film, last: Film, seconds: float,
                **options: Any) -> Query:
    """One frame at either end, and `seconds` between them to be dreamed."""
    return connect(scenario, _film(first)[:, -1:], _film(last)[:, :1], seconds, **options)


def inpaint(scenario: str | Scenario, video: Film | Mapping[str, Film], unknown: np.ndarray, *,
            cameras: Sequence[str] | None = None, options: Mapping[str, Any] | None = None,
            **parameters: Any) -> Query:
    """A video of which the part where `unknown` (time, row, column) bool is dreamed anew."""
    cls = _class(scenario)
    films = _films(video, cls)
    fps = _rate(cls, options)
    frames = {film.shape[1] for film in films.values()}
    unknown = np.asarray(unknown, bool)
    for film in films.values():
        if unknown.shape != film.shape[1:4]:
            raise InputError(f"the mask has shape {unknown.shape}; give (time, row, column) = "
                             f"{film.shape[1:4]}")
    return _with_pieces(scenario, {c: [(0.0, f)] for c, f in films.items()}, max(frames) / fps,
                        cameras, parameters, options, {c: ~unknown for c in films})


def combine(scenario: str | Scenario, video: Film, other: Film, mask: np.ndarray, *,
            seam: int = 2, options: Mapping[str, Any] | None = None, **parameters: Any) -> Query:
    """Elements of two videos: `other` where `mask` (time, row, column) bool, else `video`; a seam
    of so many pixels between them is dreamed."""
    from scipy.ndimage import binary_dilation

    first, second, inside = _film(video), _film(other), np.asarray(mask, bool)
    if first.shape != second.shape or inside.shape != first.shape[1:4]:
        raise InputError(f"videos of shapes {first.shape} and {second.shape} with a mask of "
                         f"{inside.shape}; give two alike and a mask (time, row, column)")
    mixed = np.where(inside[None, ..., None], second, first)
    cross = np.zeros((3, 3, 3), bool)
    cross[1, 1, :] = cross[1, :, 1] = True
    grown = [binary_dilation(part, cross, seam) if seam else part for part in (inside, ~inside)]
    return inpaint(scenario, mixed, grown[0] & grown[1], options=options, **parameters)


def edit(scenario: str | Scenario, video: Film | Mapping[str, Film], strength: float, *,
         frames: int = 0, options: Mapping[str, Any] | None = None, **parameters: Any) -> Query:
    """A whole video as a draft that may change by `strength` (0 to 1), e.g. to other parameters.

    frames : so many first frames are kept as they are.
    """
    cls = _class(scenario)
    films = _films(video, cls)
    fps = _rate(cls, options)
    first = next(iter(films.values()))
    base = _base(scenario, tuple(films), parameters, len(first),
                 {"duration": first.shape[1] / fps, "size": first.shape[2:4]}
                 | dict(options or {}))
    known = tuple(Known(c, film[:, :frames]) for c, film in films.items()) if frames else ()
    return Query(**base | {"known": known, "draft": Draft(films, strength)})


def loop(scenario: str | Scenario, images: Film, seconds: float, *,
         options: Mapping[str, Any] | None = None, **parameters: Any) -> Query:
    """A video that ends with the frames it begins with, `seconds` later."""
    return connect(scenario, images, images, seconds, options=options, **parameters)


def shots(asked: Query, cameras: Sequence[str]) -> Query:
    """The same question of one event seen by several cameras at once (see `cut`)."""
    return dataclasses.replace(asked, cameras=tuple(dict.fromkeys([*asked.cameras, *cameras])))


def cut(videos: Mapping[str, np.ndarray], plan: Sequence[tuple[float, str]],
        fps: float) -> np.ndarray:
    """One film of several shots: from each start [s] of the plan the named camera's video.

    videos : by camera (…, time, row, column, 3), all of one event and length.
    """
    if not plan or plan[0][0] > 0 or [s for s, _ in plan] != sorted(s for s, _ in plan):
        raise InputError("the plan of shots must begin at 0 s and go on in time")
    for _, camera in plan:
        if camera not in videos:
            raise InputError(f"no video of camera {camera!r}; there are {', '.join(videos)}")
    film = np.array(videos[plan[0][1]])
    for start, camera in plan:
        at = round(start * fps)
        film[..., at:, :, :, :] = videos[camera][..., at:, :, :, :]
    return film


def from_states(scenario: str | Scenario, states: Sequence[KnownStates], *,
                images: Film | Mapping[str, Film] | None = None, duration: float = 2.0,
                cameras: Sequence[str] | None = None, options: Mapping[str, Any] | None = None,
                **parameters: Any) -> Query:
    """States known, the video driven by them; with images, from these on."""
    if images is None:
        asked = from_parameters(scenario, cameras=cameras, duration=duration, options=options,
                                **parameters)
    else:
        asked = continue_from(scenario, images, duration=duration, cameras=cameras,
                              options=options, **parameters)
    return dataclasses.replace(asked, states=tuple(states))


def read_off(scenario: str | Scenario, video: Film | Mapping[str, Film], *,
             options: Mapping[str, Any] | None = None, **parameters: Any) -> Query:
    """A whole video known, its states asked for: a learned instrument (see ``/said``)."""
    films = _films(video, _class(scenario))
    fps = _rate(_class(scenario), options)
    longest = max(film.shape[1] for film in films.values())
    return continue_from(scenario, films, duration=longest / fps, options=options, **parameters)
