"""Bathymetry from a file or an array, as the solver wants it: rows northward, equal spacing."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import xarray as xr

from worldsim.errors import InputError

NAMES = ("bathymetry", "z", "elevation", "topo", "Band1", "altitude", "depth")
EVEN = 1e-3  # 1, cell sizes may differ by so much: coordinates are often stored as float32


def read_bathymetry(path: str | Path, *, variable: str | None = None) -> xr.DataArray:
    """Bed elevation (y, x) [m], upward, with the cells' centres as coordinates [m].

    NetCDF (.nc: `variable`, or the only two-dimensional one, or one of the usual names; attribute
    positive = "down" is turned upward), ESRI ASCII grid (.asc), NumPy (.npz: arrays z, x, y; .npy:
    z alone, in cells of 1 m, so that you give it coordinates of your own).

    Errors: InputError if the file is missing or not of these kinds, has several candidates,
    coordinates in degrees or unevenly spaced, or missing values.
    """
    path = Path(path)
    readers = {".nc": _netcdf, ".asc": _ascii_grid, ".npy": _numpy, ".npz": _numpy}
    if path.suffix.lower() not in readers:
        raise InputError(f"bathymetry {path.name}: give one of {', '.join(readers)}")
    if not path.is_file():
        raise InputError(f"bathymetry {path}: there is no such file")
    found = readers[path.suffix.lower()](path, variable)
    return checked_terrain(found, path.name)


def terrain_of(z: np.ndarray, cell_size: float | tuple[float, float]) -> xr.DataArray:
    """An array (y, x) or (member, y, x) [m] with rows northward, cells of `cell_size` [m], a
    number or (dx, dy), and its south-west corner at (0, 0)."""
    size = np.broadcast_to(np.asarray(cell_size, dtype=float), (2,))
    if not (np.isfinite(size).all() and (size > 0).all()):
        raise InputError(f"cell size {cell_size} m must be finite and above 0 m")
    if z.ndim not in (2, 3):
        raise InputError(f"bathymetry of shape {z.shape}: give (y, x) or (member, y, x)")
    dims = ("member", "y", "x")[3 - z.ndim :]
    x, y = ((np.arange(n) + 0.5) * d for n, d in zip(z.shape[:-3:-1], size, strict=True))
    return xr.DataArray(np.asarray(z, dtype=float), dims=dims, coords={"y": y, "x": x})


def checked_terrain(z: xr.DataArray, name: str = "bathymetry") -> xr.DataArray:
    """`z` with dims ([member,] y, x), both ascending; InputError if it cannot be used."""
    names = {"longitude": "x", "lon": "x", "easting": "x"}
    names |= {"latitude": "y", "lat": "y", "northing": "y"}
    for axis in map(str, z.dims):
        units = str(z[axis].attrs.get("units", "")) if axis in z.coords else ""
        if "degree" in units or axis in ("longitude", "latitude", "lon", "lat"):
            raise InputError(f"{name}: {axis} is in degrees; project it to metres first")
    z = z.rename({d: names[str(d)] for d in z.dims if str(d) in names})
    if set(z.dims) - {"member"} != {"x", "y"}:
        raise InputError(f"{name}: dims {z.dims} must be (y, x) or (member, y, x)")
    for axis in ("y", "x"):
        if axis not in z.coords:
            raise InputError(f"{name}: needs the coordinate {axis} [m]; assign_coords it")
        if z.sizes[axis] < 2 and axis == "x":
            raise InputError(f"{name}: needs at least two columns")
        z = z.sortby(axis)
        gaps = np.diff(z[axis].values.astype(float))
        if len(gaps) and not (gaps.min() > 0 and np.ptp(gaps) <= EVEN * gaps.mean()):
            raise InputError(
                f"{name}: {axis} must be evenly spaced, but its steps run from {gaps.min():g} to "
                f"{gaps.max():g} m; interpolate it first"
            )
    z = z.transpose(..., "y", "x").astype(float)
    if not np.isfinite(z.values).all():
        count = int((~np.isfinite(z.values)).sum())
        raise InputError(f"{name}: {count} of {z.size} cells hold NaN or inf; fill them")
    return z


def cell_size_of(z: xr.DataArray) -> tuple[float, float]:
    """dx, dy [m]; a single row is as wide as its cells are long."""
    x, y = z.x.values, z.y.values
    dx = float((x[-1] - x[0]) / (len(x) - 1))
    return dx, float((y[-1] - y[0]) / (len(y) - 1)) if len(y) > 1 else dx


def resample(z: xr.DataArray, cell_size: float | tuple[float, float]) -> xr.DataArray:
    """`z` over the same area in cells of about `cell_size` [m], a number or (dx, dy), that fit
    it exactly: bilinear between the centres, constant beyond the outermost ones."""
    size = np.broadcast_to(np.asarray(cell_size, dtype=float), (2,))
    if not (np.isfinite(size).all() and (size > 0).all()):
        raise InputError(f"cell size {cell_size} m must be finite and above 0 m")
    for axis, wanted, old in zip(("x", "y"), size, cell_size_of(z), strict=True):
        first, extent = float(z[axis][0]) - old / 2, z.sizes[axis] * old
        count = round(extent / wanted)
        if count < 1:
            raise InputError(f"cell size {wanted:g} m exceeds the extent in {axis}, {extent:g} m")
        new = first + (np.arange(count) + 0.5) * (extent / count)
        if z.sizes[axis] > 1:
            inside = np.clip(new, float(z[axis][0]), float(z[axis][-1]))
            z = z.interp({axis: inside}).assign_coords({axis: new})
    return z


def _netcdf(path: Path, variable: str | None) -> xr.DataArray:
    try:
        with xr.open_dataset(path) as file:
            data = file.load()
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path.name} cannot be read as NetCDF ({error}); is it whole, and is it NetCDF?"
        ) from None
    flat = [str(n) for n, v in data.data_vars.items() if v.squeeze(drop=True).ndim == 2]
    usual = [n for n in NAMES if n in flat]
    name = variable or (flat[0] if len(flat) == 1 else (usual or [""])[0])
    if name not in flat:
        raise InputError(f"{path.name}: choose variable= one of {flat}, not {name or None!r}")
    z = data[name].squeeze(drop=True)
    return -z if str(z.attrs.get("positive", "up")).lower() == "down" else z


def _ascii_grid(path: Path, _: str | None) -> xr.DataArray:
    header: dict[str, float] = {}
    try:
        lines = path.read_text().splitlines()
        while lines and lines[0].split()[0][:1].isalpha():
            key, value = lines.pop(0).split()
            header[key.lower()] = float(value)
        z = np.array(" ".join(lines).split(), dtype=float)
        z = z.reshape(int(header["nrows"]), int(header["ncols"]))
        size = header["cellsize"]
    except (UnicodeDecodeError, ValueError, IndexError, KeyError) as error:
        raise InputError(f"{path.name} is no ESRI ASCII grid: {error!s}") from None
    z = np.where(z == header.get("nodata_value", np.nan), np.nan, z)
    corners = []
    for axis in ("x", "y"):
        centre = header.get(f"{axis}llcenter")
        corners.append(header.get(f"{axis}llcorner", 0.0) + size / 2 if centre is None else centre)
    x, y = (c + np.arange(n) * size for c, n in zip(corners, z.shape[::-1], strict=True))
    return xr.DataArray(z[::-1], dims=("y", "x"), coords={"y": y, "x": x})


def _numpy(path: Path, _: str | None) -> xr.DataArray:
    try:
        stored = np.load(path, allow_pickle=False)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path.name} cannot be read as NumPy arrays: {error!s}") from None
    if isinstance(stored, np.ndarray):
        return terrain_of(stored, 1.0)
    with stored:
        missing = [name for name in ("z", "x", "y") if name not in stored]
        if missing:
            raise InputError(f"{path.name}: arrays {missing} are missing; save z, x and y")
        z, x, y = stored["z"], stored["x"], stored["y"]
    if z.shape != (y.size, x.size):
        raise InputError(f"{path.name}: z {z.shape} does not fit y {y.shape} and x {x.shape}")
    return xr.DataArray(z, dims=("y", "x"), coords={"y": y.ravel(), "x": x.ravel()})
