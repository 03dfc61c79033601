"""Small queries, and the same query changed in one respect, without simulating again."""

from __future__ import annotations

import dataclasses

import numpy as np

from worldsim.models.alignment import fit_size
from worldsim.query import Known, Origin, Query
from worldsim.query import query as make_query
from worldsim.scenario import list_scenarios, scenario_class
from worldsim.seeding import Purpose, seed_for
from worldsim.splits import Split, draw

CASES, REALIZATIONS, CONTEXT_FRAMES = 2, 2, 5

LONGEST = 2.0
"""s of a small query: most falls have ended in a bounce by then, and hidden draws show."""


def small_query(scenario: str, cameras: tuple[str, ...], seed: int) -> Query:
    """Two cases of a scenario, seen by those of its film cameras that are among `cameras`; by all
    of them where that is empty, by the first where there are none.

    Only the context is simulated.
    """
    from worldsim.simulator.world import simulate

    cls = scenario_class(scenario)
    shown = tuple(c for c in cls.film_cameras if not cameras or c in cameras)
    stream = seed_for(Purpose.FREE, seed)
    cases = [draw(cls, Split.IN_RANGE, stream, number) for number in range(CASES)]
    tenths = int(np.ceil(10 * CONTEXT_FRAMES / cls.fps))
    context = simulate(cases, seed=stream, duration=tenths / 10, threads=1)
    return make_query(
        cases, context=context, frames=CONTEXT_FRAMES, realizations=REALIZATIONS,
        cameras=shown or cls.film_cameras[:1],
        duration=min(cls.duration, max(LONGEST, 2 * CONTEXT_FRAMES / cls.fps)),
    )


def first_camera(query: Query) -> Query:
    """The same question about the first of its views only."""
    camera = query.cameras[0]
    known = tuple(piece for piece in query.known if piece.camera == camera)
    return dataclasses.replace(query, cameras=(camera,), known=known)


def one_case(query: Query, case: int) -> Query:
    """The same question about one of its cases."""
    here = slice(case, case + 1)
    origin = query.origin
    return dataclasses.replace(
        query, cases=1, case_ids=query.case_ids[here],
        parameters={name: np.asarray(values)[here] for name, values in query.parameters.items()},
        known=tuple(
            dataclasses.replace(piece, video=piece.video[here]) for piece in query.known),
        origin=None if origin is None else Origin(origin.seed, origin.cases[here]),
    )


def resized(query: Query) -> Query:
    """At three quarters of its size, and of another aspect by little."""
    size = (max(query.size[0] * 3 // 4, 1), max(query.size[1] * 3 // 4, 1))

    def smaller(video: np.ndarray) -> np.ndarray:
        return np.stack([fit_size(case, size)[0] for case in video])

    known = tuple(Known(p.camera, smaller(p.video), p.start) for p in query.known)
    return dataclasses.replace(query, size=size, known=known)


def slower(query: Query) -> Query:
    """At half its rate: every second of the known frames."""
    known = tuple(
        dataclasses.replace(
            piece, video=piece.video[:, ::2],
            mask=None if piece.mask is None else piece.mask[::2])
        for piece in query.known
    )
    return dataclasses.replace(query, fps=query.fps / 2, known=known)


def longer(query: Query) -> Query:
    """Half as long again."""
    return dataclasses.replace(query, duration=1.5 * query.duration)


def half_known(query: Query) -> Query:
    """With the left half of every known frame only."""

    def left(piece: Known) -> np.ndarray:
        frames, rows, columns = piece.video.shape[1:4]
        mask = np.zeros((frames, rows, columns), dtype=bool)
        mask[:, :, : max(columns // 2, 1)] = True
        return mask

    known = tuple(dataclasses.replace(piece, mask=left(piece)) for piece in query.known)
    return dataclasses.replace(query, known=known)


def about_another_scenario(query: Query, known: tuple[str, ...] = ()) -> Query | None:
    """A query about any other scenario than those known, with grey known frames; None if there is
    no other."""
    familiar = {query.scenario, *known}
    other = next((name for name in sorted(list_scenarios()) if name not in familiar), None)
    if other is None:
        return None
    cls = scenario_class(other)
    camera = cls.film_cameras[0]
    grey = np.full((1, CONTEXT_FRAMES, *cls.size, 3), 128, np.uint8)
    return Query(
        other, {}, known=(Known(camera, grey),), cameras=(camera,), size=cls.size, fps=cls.fps,
        duration=2 * CONTEXT_FRAMES / cls.fps, origin=Origin(0, (0,)),
    )
