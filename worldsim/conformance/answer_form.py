"""Whether an answer has the form of a rollout that answers its query."""

from __future__ import annotations

import numpy as np
import xarray as xr

from worldsim.query import Query
from worldsim.rollout import VIDEO_DIMS

_HOW = "worldsim.generated_rollout(query, name, videos) makes one"


def form_failures(answer: object, query: Query) -> list[str]:
    """Everything that is wrong with the form of an answer, a line each."""
    if not isinstance(answer, xr.DataTree):
        return [f"rollout returns a {type(answer).__name__}; return an xarray.DataTree: {_HOW}"]
    failures = []
    if answer.attrs.get("kind") != "generated":
        failures.append(
            f"the rollout's attribute kind is {answer.attrs.get('kind')!r}; make it 'generated' "
            f"({_HOW})")
    videos = answer["video"].children if "video" in answer.children else {}
    for camera in query.cameras:
        if camera not in videos:
            there = f"only {', '.join(videos)}" if videos else "no video"
            failures.append(f"the answer has {there}; add /video/{camera}, as the query asks")
        else:
            failures += _video(videos[camera].dataset, camera, query, answer)
    return failures + _coordinates(answer, query)


def _video(video: xr.Dataset, camera: str, query: Query, answer: xr.DataTree) -> list[str]:
    where = f"/video/{camera}"
    if "rgb" not in video:
        return [f"{where} has no variable rgb; {_HOW}"]
    rgb = video["rgb"]
    failures = []
    if rgb.dtype != np.uint8:
        values = rgb.values
        nan = np.issubdtype(rgb.dtype, np.floating) and not np.isfinite(values).all()
        failures.append(
            f"{where} is of dtype {rgb.dtype}{' and holds NaN or infinity' if nan else ''}; give "
            "uint8 from 0 to 255")
    if tuple(rgb.dims) != VIDEO_DIMS:
        return [*failures, f"{where} has dims {tuple(rgb.dims)}; give {VIDEO_DIMS}"]
    sizes = rgb.sizes
    # A stored set may have fewer answers than are wanted, if it says so.
    stored = answer.attrs.get("realizations_asked") == query.realizations
    fewer = stored and 1 <= sizes["realization"] <= query.realizations
    asked = {
        "case": (query.cases, "query.cases"),
        "realization": (
            sizes["realization"] if fewer else query.realizations, "query.realizations"),
        "time": (query.frames, "query.frames, known ones included"),
        "row": (query.size[0], "query.size[0]"), "column": (query.size[1], "query.size[1]"),
        "channel": (3, "red, green, blue"),
    }
    plural = {"time": "frames", "channel": "channels"}
    for dim, (length, name) in asked.items():
        if sizes[dim] != length:
            failures.append(
                f"{where} has {sizes[dim]} {plural.get(dim, dim + 's')}; give {length} ({name})")
    time = video["time"].values if "time" in video.coords else None
    steps = np.arange(sizes["time"]) / query.fps
    if time is None or not np.allclose(time, steps, atol=1e-3 / query.fps):
        failures.append(f"{where} has other times than frame / query.fps from 0 s on; {_HOW}")
    failures += [
        f"{where} lacks the attribute {name}; {_HOW}" for name in ("fps", "camera")
        if name not in video.attrs
    ]
    return failures


def _coordinates(answer: xr.DataTree, query: Query) -> list[str]:
    """Cases are numbered as the query's origin numbers them, realizations from 0."""
    numbers = range(query.cases) if query.origin is None else query.origin.cases
    failures = []
    for name, asked in (("case", list(numbers)), ("realization", None)):
        if name not in answer.coords:
            failures.append(f"the rollout has no coordinate {name}; {_HOW}")
            continue
        found = answer[name].values.tolist()
        asked = list(range(len(found))) if asked is None else asked
        if found != asked:
            failures.append(f"the rollout's coordinate {name} is {found}; give {asked}")
    return failures
