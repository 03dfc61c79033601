"""Rollouts: what a simulation or a world model returns, as one `xarray.DataTree`.

Truth and dream have the same type, so that every measurement can be made on both.

================  =====================================================================
group             variables (dims), units
================  =====================================================================
``/``             coordinates ``case``, ``realization``; attributes say what made it
``/parameters``   one variable per scenario parameter (case)
``/water``        depth, momentum_x, momentum_y, blocked (case, realization, time, y, x);
                  bathymetry (case, y, x); tracer, where a tank holds any
``/bodies``       position, quaternion, velocity, half_size (…, time, body, …); colour,
                  present (case, body, …)
``/structures``   standing, drift, damage_state, impulse (…, time, building, …); failure_time,
                  cause, residual_drift, washed_away_time, max_depth, debris_impulse, …
``/works``        seawall segments, quays, piers: standing (…, time, work), cause, overflow
``/trees``        what is left of green belts
``/people``       position, status (…, time, person, …); departure, exposure, contact impulse, …
``/audit``        errors of the books of mass, momentum, third law and energy; which members
                  failed, why, when and where (case, realization)
``/video/NAME``   rgb (case, realization, time, row, column, channel) uint8
================  =====================================================================
"""

from __future__ import annotations

import functools
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from worldsim.errors import InputError
from worldsim.scenario import Scenario, scenario_class

SCHEMA_VERSION = 1

VIDEO_DIMS = ("case", "realization", "time", "row", "column", "channel")


def software_versions() -> dict[str, str]:
    """Versions of everything that the numbers in a rollout depend on."""
    names = ("worldsim", "mujoco", "torch", "numpy", "xarray")
    return {"python": platform.python_version()} | {name: _version(name) for name in names}


_version = functools.cache(version)  # parses the package's metadata each time, 2 ms


def root_dataset(
    *,
    kind: str,
    scenario: type[Scenario] | str,
    cases: Sequence[int],
    realizations: Sequence[int],
    seed: int,
    **attributes: Any,
) -> xr.Dataset:
    """The root of a rollout: its coordinates, and attributes that say what made it."""
    if kind not in ("simulated", "generated"):
        raise InputError(f"kind={kind!r}: a rollout is 'simulated' or 'generated'")
    cls = scenario_class(scenario) if isinstance(scenario, str) else scenario
    attrs = {
        "schema_version": SCHEMA_VERSION,
        "kind": kind,
        "scenario": json.dumps({"name": cls.name, "version": cls.version}),
        "seed": int(seed),
        "model": "",
        "backend": "",
        "checkpoint": "",
        "versions": json.dumps(software_versions()),
    }
    attrs.update(attributes)
    return xr.Dataset(
        coords={
            "case": ("case", np.asarray(cases, dtype=np.int64)),
            "realization": ("realization", np.asarray(realizations, dtype=np.int64)),
        },
        attrs=attrs,
    )


def parameters_dataset(cls: type[Scenario], codes: Mapping[str, np.ndarray]) -> xr.Dataset:
    """`/parameters` from arrays of parameter values (case,); choices as integer codes."""
    variables = {}
    for name, values in codes.items():
        spec = cls.parameters()[name]
        attrs: dict[str, Any] = {"long_name": spec.meaning, "units": spec.unit}
        if spec.choices:
            attrs["flag_values"] = list(range(len(spec.choices)))
            attrs["flag_meanings"] = " ".join(spec.choices)
            values = np.asarray(values, dtype=np.int64)
        variables[name] = ("case", np.asarray(values), attrs)
    return xr.Dataset(variables)


def video_dataset(
    rgb: np.ndarray, fps: float, camera_json: str, start: float = 0.0, **layers: np.ndarray
) -> xr.Dataset:
    """`/video/NAME` from frames.

    Parameters
    ----------
    rgb : (case, realization, time, row, column, 3) uint8.
    fps : frames per second; frame k shows the instant ``start + k / fps``.
    camera_json : the camera that took it, as `worldsim.camera.Camera.to_json` writes it.
    layers : further layers over the first five dims, e.g. ``depth``, ``segmentation``.
    """
    if rgb.ndim != 6 or rgb.shape[-1] != 3 or rgb.dtype != np.uint8:
        raise InputError(
            f"video has shape {rgb.shape} and dtype {rgb.dtype}; "
            "give (case, realization, time, row, column, 3) uint8"
        )
    time = start + np.arange(rgb.shape[2]) / fps
    variables: dict[str, Any] = {"rgb": (VIDEO_DIMS, rgb, {"long_name": "video", "units": "1"})}
    units = {"depth": "m", "segmentation": "1"}
    for name, layer in layers.items():
        variables[name] = (VIDEO_DIMS[:-1], layer, {"units": units.get(name, "1")})
    return xr.Dataset(
        variables,
        coords={"time": ("time", time, {"units": "s", "standard_name": "time"})},
        attrs={"fps": float(fps), "camera": camera_json},
    )


def scenario_of(tree: xr.DataTree) -> type[Scenario]:
    """The scenario class of a rollout.

    Raises
    ------
    InputError : the rollout was made by another version of the scenario.
    """
    stored = json.loads(tree.attrs["scenario"])
    cls = scenario_class(stored["name"])
    if stored["version"] != cls.version:
        raise InputError(
            f"the rollout is of {stored['name']} version {stored['version']}, this worldsim has "
            f"version {cls.version}; make it again, or install the worldsim that made it"
        )
    return cls


def scenarios_of(tree: xr.DataTree) -> list[Scenario]:
    """The scenario of every case of a rollout whose `/parameters` are complete."""
    cls = scenario_of(tree)
    table = tree["parameters"].dataset
    return [
        cls.from_codes({name: float(table[name][i]) for name in cls.parameters()})
        for i in range(tree.sizes["case"])
    ]


def save(tree: xr.DataTree, path: str | os.PathLike[str]) -> Path:
    """Write a rollout as a Zarr store, atomically: either the whole store is there or none.

    Raises
    ------
    InputError : something is already at `path`.
    """
    target = Path(path)
    if target.exists():
        raise InputError(f"{target} exists; choose another path or remove it")
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        encoding = {
            node.path: {
                name: {"chunks": _member_chunks(variable)}
                for name, variable in node.dataset.data_vars.items()
                if variable.ndim and 0 not in variable.shape
            }
            for node in tree.subtree
        }
        tree.to_zarr(beside, mode="w", encoding=encoding, consolidated=False)
        os.replace(beside, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return target


def _member_chunks(variable: xr.DataArray) -> tuple[int, ...]:
    """One chunk per member, so that one member can be read without the others."""
    return tuple(
        1 if dim in ("case", "realization") and variable.ndim > 2 else size
        for dim, size in variable.sizes.items()
    )


def open(path: str | os.PathLike[str]) -> xr.DataTree:
    """Open a stored rollout lazily; close it with ``.close()`` or use it as a context manager.

    Raises
    ------
    InputError : nothing there, not a rollout, or a schema this version cannot read.
    """
    source = Path(path)
    if not (source / "zarr.json").is_file():
        raise InputError(f"{source} is not a stored rollout (no zarr.json in it)")
    tree = xr.open_datatree(source, engine="zarr", consolidated=False, chunks=None)
    found = tree.attrs.get("schema_version")
    if found != SCHEMA_VERSION:
        tree.close()
        raise InputError(
            f"{source} has rollout schema {found!r}; this worldsim reads schema {SCHEMA_VERSION}"
        )
    return tree
