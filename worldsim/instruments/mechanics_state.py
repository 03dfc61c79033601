"""What the tracks of a mechanical rollout should read: every tracked part, from the states.

The same variables as `worldsim.instruments.tracks`, in the same pixels, of the parts that
instruments are asked to follow, in the order of ``/parts``.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import xarray as xr

from worldsim.camera.projection import Camera
from worldsim.camera.solids_shapes import Ray, entry
from worldsim.camera.solids_states import SHAPES, Solids, read_stage
from worldsim.instruments.outlines import Outline, outline
from worldsim.instruments.space import rays
from worldsim.simulator.mechanics.scene import STATES_PER_SECOND, Shape

SAMPLES = 96
"""Rays through an outline by which its visible share is known: to 1%."""


def mechanics_state(truth: xr.DataTree, camera: Camera, size: tuple[int, int],
                    times: np.ndarray) -> xr.Dataset:
    """Tracks of the tracked parts, from ``/bodies`` and ``/parts``.

    Parameters
    ----------
    camera : that of the video. size : (rows, columns) of the video. times : (time,) s.

    Returns
    -------
    As `worldsim.instruments.track` returns: ``position`` is the centroid of the part's whole
    outline, ``visible`` the share of it that is in the picture with no other solid in front (links
    are thin and not counted), ``area`` and ``extent`` px2 and px of the whole outline,
    ``velocity`` px/s that of the part's middle, ``seen`` where more than nothing is visible,
    ``slenderness`` the ratio of the axes of the ellipse of the outline's moments (1 if round).
    Where a part is behind the camera all is NaN. Also ``part`` and ``body`` (case, object), -1 for
    empty slots, ``colour`` (case, object, rgb).
    """
    parts = truth["parts"].dataset
    wanted = parts["present"].values & parts["tracked"].values
    slots = int(wanted.sum(axis=1).max(initial=0))
    cases, realizations = len(truth["case"]), len(truth["realization"])
    part = np.full((cases, slots), -1)
    for case in range(cases):
        own = np.flatnonzero(wanted[case])
        part[case, : len(own)] = own
    shape = (cases, realizations, len(times), slots)
    values = {name: np.full((*shape, *([2] if name in _PAIRS else [])), np.nan)
              for name in ("position", "velocity", "area", "visible", "extent", "orientation",
                           "slenderness")}
    for case in range(cases):
        own = part[case][part[case] >= 0]
        for realization in range(realizations):
            member = _member(truth, case, realization, own, camera, size, times)
            for name, read in member.items():
                values[name][case, realization, :, : len(own)] = read
    return _dataset(truth, values, part, times)


_PAIRS = ("position", "velocity", "extent")


def _dataset(truth: xr.DataTree, values: dict[str, np.ndarray], part: np.ndarray,
             times: np.ndarray) -> xr.Dataset:
    parts = truth["parts"].dataset
    cases = np.arange(len(part))[:, None]
    filled = part >= 0
    colour = np.where(filled[..., None], parts["colour"].values[cases, part], np.nan)
    units = {"position": "px", "velocity": "px s-1", "area": "px2", "visible": "1",
             "extent": "px", "orientation": "rad", "slenderness": "1"}
    dims = ("case", "realization", "time", "object")
    return xr.Dataset(
        {
            **{name: ((*dims, "rc") if name in _PAIRS else dims, read, {"units": units[name]})
               for name, read in values.items()},
            "seen": (dims, values["visible"] > 0, {"units": "1"}),
            "colour": (("case", "object", "rgb"), colour),
            "part": (("case", "object"), part),
            "body": (("case", "object"),
                     np.where(filled, parts["body"].values[cases, part], -1)),
        },
        coords={
            "case": ("case", truth["case"].values),
            "realization": ("realization", truth["realization"].values),
            "time": ("time", times, {"units": "s"}), "object": np.arange(part.shape[1]),
            "rc": ["row", "column"],
        },
    )


def _member(truth: xr.DataTree, case: int, realization: int, own: np.ndarray, camera: Camera,
            size: tuple[int, int], times: np.ndarray) -> dict[str, np.ndarray]:
    stage = read_stage(truth, case, realization, times)
    still, moving = stage.still, stage.moving
    solids = Solids(*(np.concatenate([getattr(still, f.name), getattr(moving, f.name)],
                                     axis=1 if getattr(still, f.name).ndim > 2
                                     or f.name == "position" else 0)
                      for f in dataclasses.fields(Solids)))
    at = {int(label): n for n, label in enumerate(solids.label) if label >= 0}
    target = np.array([at[int(part)] for part in own], dtype=int)
    frames = len(times)
    outlines = [[outline(SHAPES[solids.shape[n]], solids.size[k, n], solids.position[k, n],
                         solids.rotation[k, n], camera, size) for n in target]
                for k in range(frames)]

    def of(value: object, width: tuple[int, ...] = ()) -> np.ndarray:
        nothing = np.full(width, np.nan)
        read = [[nothing if one is None else value(one) for one in row]  # type: ignore[operator]
                for row in outlines]
        return np.array(read, dtype=float).reshape(frames, len(target), *width)

    moments = of(lambda one: one.moments, (2, 2))
    angle = 0.5 * np.arctan2(2 * moments[..., 0, 1], moments[..., 1, 1] - moments[..., 0, 0])
    middle = (moments[..., 1, 1] + moments[..., 0, 0]) / 2
    half = np.hypot((moments[..., 1, 1] - moments[..., 0, 0]) / 2, moments[..., 0, 1])
    return {
        "position": of(lambda one: one.centre, (2,)),
        "velocity": _velocity(truth, case, realization, target, solids, camera, size, times),
        "area": of(lambda one: one.area),
        "visible": _visible(solids, target, outlines, camera, size),
        "extent": of(lambda one: np.ptp(one.corners, axis=0), (2,)),
        "orientation": angle % np.pi,
        "slenderness": np.sqrt((middle + half) / np.maximum(middle - half, 1e-6)),
    }


def _velocity(truth: xr.DataTree, case: int, realization: int, target: np.ndarray,
              solids: Solids, camera: Camera, size: tuple[int, int],
              times: np.ndarray) -> np.ndarray:
    """(time, object, 2) px/s of the parts' middles, by the states' own velocities."""
    bodies = truth["bodies"].dataset.isel(case=case, realization=realization)
    at = np.clip(np.round(times * STATES_PER_SECOND).astype(int), 0, bodies.sizes["time"] - 1)
    body = truth["parts"]["body"].values[case][solids.label[target]]
    centre = bodies["position"].values[at][:, body].astype(float)
    spin = bodies["angular_velocity"].values[at][:, body].astype(float)
    moving = bodies["velocity"].values[at][:, body] + np.cross(
        spin, solids.position[:, target] - centre)
    step = 1e-4
    ends = [np.stack(camera.project(solids.position[:, target] + way * step * moving, size)[:2],
                     axis=-1) for way in (-0.5, 0.5)]
    return (ends[1] - ends[0]) / step


def _visible(solids: Solids, target: np.ndarray, outlines: list[list[Outline | None]],
             camera: Camera, size: tuple[int, int]) -> np.ndarray:
    """(time, object): share of each outline in the picture with no solid in front."""
    share = np.full((len(outlines), len(target)), np.nan)
    number = np.arange(SAMPLES) + 0.5
    angle, radius = number * np.pi * (3 - np.sqrt(5)), np.sqrt(number / SAMPLES)
    bound = np.linalg.norm(solids.size, axis=-1)
    for frame, row in enumerate(outlines):
        for place, one in enumerate(row):
            if one is None:
                continue
            reach = one.reach(angle)
            towards = np.stack([np.sin(angle), np.cos(angle)], axis=-1)
            points = one.centre + (reach * radius)[:, None] * towards
            inside = ((points >= 0) & (points < np.array(size))).all(axis=-1)
            origin, direction = rays(points, camera, size)
            own = int(target[place])
            near = _near(solids, bound, frame, own, camera)
            depth = np.nan_to_num(_depth(solids, frame, own, origin, direction), posinf=np.nan)
            middle = ((solids.position[frame, own] - origin) * direction).sum(-1)
            depth = np.where(np.isnan(depth), middle, depth)
            for other in near:
                inside &= _depth(solids, frame, int(other), origin, direction) > depth - 1e-6
            weight = reach**2  # equal steps of angle: an area goes as the reach squared
            share[frame, place] = (weight * inside).sum() / weight.sum()
    return share


def _near(solids: Solids, bound: np.ndarray, frame: int, own: int, camera: Camera) -> np.ndarray:
    """Solids that may be in front of another: those whose bounding spheres meet the same rays."""
    away = solids.position[frame] - solids.position[frame, own]
    if camera.projection == "orthographic":
        across = away - (away @ camera.basis[2])[:, None] * camera.basis[2]
        reach = bound[frame] + bound[frame, own]
        close = np.linalg.norm(across, axis=-1) < reach
    else:
        to = solids.position[frame] - camera.position
        distance = np.maximum(np.linalg.norm(to, axis=-1), 1e-6)
        cosine = np.clip(to @ to[own] / (distance * distance[own]), -1, 1)
        half = np.arcsin(np.clip(bound[frame] / distance, 0, 1))
        close = (np.arccos(cosine) < half + half[own]) | (bound[frame] > distance)
    plane = solids.shape == SHAPES.index(Shape.PLANE)
    return np.flatnonzero((close | plane) & (np.arange(len(close)) != own) & (solids.label >= 0))


def _depth(solids: Solids, frame: int, number: int, origin: np.ndarray,
           direction: np.ndarray) -> np.ndarray:
    """Distance (n,) along rays to a solid; infinite where they miss it."""
    rotation = solids.rotation[frame, number]
    start = (origin - solids.position[frame, number]) @ rotation
    along = direction @ rotation
    foot_at = -(start * along).sum(-1)
    foot = start + foot_at[:, None] * along
    ray = Ray(tuple(foot.T), tuple(along.T), -foot_at)
    return foot_at + entry(SHAPES[solids.shape[number]], tuple(solids.size[frame, number]), ray)
