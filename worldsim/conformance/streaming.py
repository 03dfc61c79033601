"""Whether a model's stream gives its rollout, piece by piece, and ends."""

from __future__ import annotations

import copy

import numpy as np

from worldsim.conformance.examination import Examination, Skipped, crash


def check_stream(exam: Examination) -> None:
    """Step through the whole of it and put the pieces together."""
    base = exam.base
    if not exam.can.streaming:
        raise Skipped("it declares streaming=False")
    pieces: dict[str, list[np.ndarray]] = {camera: [] for camera in base}
    started = exam.called(lambda: exam.model.start(copy.deepcopy(exam.query)), "start")
    if not started:
        return
    (stream,) = started
    for _ in range(exam.query.frames + 1):
        try:
            piece = stream.step()  # type: ignore[attr-defined]  # a failure if it has none
        except StopIteration:
            break
        except Exception as error:  # noqa: BLE001 - foreign code may raise anything
            exam.failures.append(f"the stream: {crash(error)}")
            return
        if not isinstance(piece, dict) or set(piece) != set(base):
            exam.failures.append(
                f"the stream's step returns {_named(piece)}; return a dict of frames for "
                f"{', '.join(base)}")
            return
        for camera, frames in piece.items():
            pieces[camera].append(frames)
    else:
        exam.failures.append(
            f"the stream has not ended after {exam.query.frames + 1} steps; every step adds at "
            "least one frame, and StopIteration ends it after query.frames")
        return
    try:
        whole = {camera: np.concatenate(parts, axis=2) for camera, parts in pieces.items()}
    except ValueError as error:
        exam.failures.append(
            f"the stream's pieces do not fit together: {error}; give (case, realization, time, "
            "row, column, 3)")
        return
    for camera, video in whole.items():
        if video.shape != base[camera].shape or video.dtype != np.uint8:
            exam.failures.append(
                f"the stream gives shape {video.shape}, dtype {video.dtype}, of camera {camera!r} "
                f"in all; give that of the rollout, {base[camera].shape} uint8")
            return
    exam.equal(whole, base, "the stream gives other frames than the rollout")


def _named(piece: object) -> str:
    return f"a dict of {', '.join(map(str, piece))}" if isinstance(piece, dict) else (
        f"a {type(piece).__name__}")
