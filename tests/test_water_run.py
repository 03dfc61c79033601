"""Shallow water used alone: bathymetry from files, a labelled record, and what is refused."""

import math

import numpy as np
import pytest
import torch
import xarray as xr

import worldsim
from worldsim.errors import InputError
from worldsim.simulator.constants import GRAVITY
from worldsim.simulator.water import Boundaries, Elevation, Flux, IncomingWave, Open, ShallowWater
from worldsim.simulator.water.run import simulate_water
from worldsim.simulator.water.terrain import read_bathymetry, resample, terrain_of

pytestmark = pytest.mark.usefixtures("one_thread")


def beach(ny: int = 6, nx: int = 20) -> xr.DataArray:
    """A plane beach with dx = 5 m, dy = 8 m whose corner lies at (1000, 2000) m."""
    x, y = 1002.5 + 5.0 * np.arange(nx), 2004.0 + 8.0 * np.arange(ny)
    z = -3.0 + 0.05 * (x - 1000.0) + 0.001 * (y[:, None] - 2000.0)
    return xr.DataArray(z, dims=("y", "x"), coords={"y": y, "x": x})


TIMES = torch.tensor([0.0, 4.0, 8.0])
WAVE = Boundaries(west=IncomingWave(TIMES, torch.tensor([0.0, 1.0, 0.0])))


@pytest.mark.parametrize("kind", ["nc", "down.nc", "asc", "npz", "flipped.nc"])
def test_every_file_gives_the_same_bathymetry(tmp_path, kind):
    z, path = beach(), tmp_path / f"b.{kind}"
    if kind == "asc":
        z = terrain_of(beach().values, 5.0).assign_coords(
            x=1002.5 + 5.0 * np.arange(20), y=2002.5 + 5.0 * np.arange(6)
        )
        rows = "\n".join(" ".join(f"{v:.12f}" for v in row) for row in z.values[::-1])
        head = "ncols 20\nnrows 6\nxllcorner 1000\nyllcorner 2000\ncellsize 5\nNODATA_value -9999\n"
        path.write_text(head + rows)
    elif kind == "npz":
        np.savez(path, z=z.values, x=z.x.values, y=z.y.values)
    else:
        stored = -z if kind == "down.nc" else z
        stored.attrs["positive"] = "down" if kind == "down.nc" else "up"
        stored = stored.isel(y=slice(None, None, -1)) if kind == "flipped.nc" else stored
        stored.rename("Band1").to_netcdf(path)
    xr.testing.assert_allclose(read_bathymetry(path).drop_attrs(), z, rtol=1e-11)


def test_resampling_keeps_a_plane_and_the_area():
    z = beach()
    finer = resample(z, (2.5, 4.0))
    assert finer.shape == (12, 40) and float(finer.x[0]) == 1001.25
    inside = finer.isel(x=slice(1, -1), y=slice(1, -1))
    plane = -3.0 + 0.05 * (inside.x - 1000.0) + 0.001 * (inside.y - 2000.0)
    np.testing.assert_allclose(inside.values, plane.transpose("y", "x").values, atol=1e-12)


def test_the_record_is_what_the_solver_computes(tmp_path):
    z = beach()
    data = simulate_water(
        z,
        12.0,
        output_interval=4.0,
        sample_interval=1.0,
        boundaries=WAVE,
        gauges=[(1012.4, 2010.0)],
        manning=0.03,
    )
    assert data.sizes["time"] == 4 and data.sizes["sample"] == 13 and "member" not in data.dims
    grid_z = torch.as_tensor(z.values)[None]
    from worldsim.simulator.water import Grid, lake_at_rest

    solver = ShallowWater(Grid(20, 6, 5.0, 8.0), grid_z, WAVE, manning=0.03)
    dry = torch.zeros_like(grid_z, dtype=torch.bool)
    state, deepest, gauge = lake_at_rest(grid_z, dry), None, []
    deepest = state.depth
    for k in range(12):
        gauge.append(float(state.depth[0, 1, 2]))
        state, _ = solver.advance(state, dry, float(k), 1.0)
        deepest = torch.maximum(deepest, state.depth)
    np.testing.assert_array_equal(data.depth[-1], state.depth[0])
    np.testing.assert_array_equal(data.maximum_depth, deepest[0])
    np.testing.assert_array_equal(data.gauge_depth[:-1, 0], gauge)
    surface = data.surface.isel(time=-1)
    assert bool((surface.isnull() == (data.depth[-1] <= 1e-3)).all())
    front = data.arrival_time.isel(y=0).values
    assert front[1] < front[5] < front[10] and math.isnan(front[-1])
    assert not bool(data.failed) and data.failure.item() == ""
    assert float(data.mass_error) < 1e-12 and float(data.momentum_error.max()) < 1e-10
    assert data.attrs["members_failed"] == 0
    assert data.maximum_speed.attrs["units"] == "m s-1"
    assert data.depth.attrs["standard_name"] == "flood_water_thickness"
    data.to_netcdf(tmp_path / "record.nc")


def test_wave_reaches_a_gauge_at_the_speed_of_long_waves():
    z = terrain_of(np.full((1, 200), -10.0), 5.0)
    times = torch.linspace(0.0, 20.0, 81)
    pulse = 0.1 * torch.sin(math.pi * times / 20.0) ** 2
    data = worldsim.simulate_water(
        z,
        60.0,
        sample_interval=0.5,
        manning=0.0,
        gauges=[(402.0, 2.0)],
        boundaries=Boundaries(IncomingWave(times, pulse), Open()),
    )
    peak = float(data.sample[int(data.gauge_surface.argmax())])
    assert peak == pytest.approx(10.0 + 402.0 / math.sqrt(GRAVITY * 10.0), abs=1.0)
    assert float(data.gauge_surface.max()) == pytest.approx(0.1, rel=0.08)


def test_a_member_that_diverges_is_marked_and_the_others_are_bit_identical():
    z = beach().values
    velocity = np.zeros((3, *z.shape))
    velocity[1, 2, 3] = 1e250
    data = simulate_water(z, 2.0, cell_size=(5.0, 8.0), velocity=(velocity, 0.0), boundaries=WAVE)
    calm = simulate_water(z, 2.0, cell_size=(5.0, 8.0), boundaries=WAVE)
    assert data.failed.values.tolist() == [False, True, False]
    assert "member 1" in str(data.failure.values[1]) and data.attrs["members_failed"] == 1
    assert float(data.failure_time[1]) == 0.0 and math.isnan(data.failure_time[0])
    for member in (0, 2):
        np.testing.assert_array_equal(data.depth[member], calm.depth)
    np.testing.assert_array_equal(data.depth[1, -1], data.depth[1, 0])  # last good state


def test_float32_follows_float64_within_its_stated_limits():
    options = dict(output_interval=4.0, boundaries=WAVE)
    double = simulate_water(beach(), 20.0, **options)
    single = simulate_water(beach(), 20.0, dtype=torch.float32, **options)
    assert single.depth.dtype == np.float32 and "float32" in single.attrs["backend"]
    assert not bool(single.failed) and single.attrs["mass_error_limit"] == 1e-4
    assert float(single.mass_error) < 1e-6 and float(single.momentum_error.max()) < 1e-5
    assert float(abs(single.depth - double.depth).max()) < 1e-4
    still = simulate_water(beach(), 20.0, dtype=torch.float32)
    assert float(still.maximum_speed.max()) < 1e-5 * math.sqrt(GRAVITY * 3.0)


def with_value(value: float) -> xr.DataArray:
    z = beach().copy()
    z[2, 3] = value
    return z


def flux(*values: float) -> Boundaries:
    return Boundaries(west=Flux(TIMES[: len(values)], torch.tensor(values)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (dict(bathymetry=with_value(math.nan)), "NaN or inf"),
        (dict(bathymetry=with_value(math.inf)), "NaN or inf"),
        (dict(bathymetry=beach().values), "cell_size"),
        (dict(bathymetry=beach().rename(x="lon", y="lat")), "degrees"),
        (dict(bathymetry=beach().isel(x=[0, 1, 3, 4])), "evenly"),
        (dict(bathymetry=beach().drop_vars("x")), "coordinate x"),
        (dict(bathymetry="nowhere.asc"), "no such file"),
        (dict(bathymetry="picture.png"), "give one of"),
        (dict(duration=-1.0), "duration"),
        (dict(duration=math.nan), "duration"),
        (dict(output_interval=0.0), "output_interval"),
        (dict(output_interval=0.7), "without rest"),
        (dict(cell_size=0.0), "cell size"),
        (dict(cell_size=1e6), "extent"),
        (dict(depth=1.0, elevation=0.0), "not both"),
        (dict(depth=-1.0), "negative"),
        (dict(depth=np.ones((3, 3))), "does not fit"),
        (dict(elevation=np.zeros((2, 6, 20)), manning=np.ones((3, 6, 20))), "members"),
        (dict(velocity=(math.nan, 0.0)), "velocity_x"),
        (dict(manning=-1.0), "manning"),
        (dict(gauges=[(0.0, 0.0)]), "outside"),
        (dict(gauges=[(1.0,)]), "must be"),
        (dict(gravity=-9.8), "gravity"),
        (dict(boundaries=flux(-20.0, -20.0)), "exceed"),
        (dict(boundaries=flux(-0.5, -0.5), duration=1000.0), "drain the basin of member 0"),
        (dict(boundaries=Boundaries(west=Elevation(TIMES, -5.0 + 0 * TIMES))), "drain the basin"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unusable_input_is_refused_before_the_first_step(monkeypatch, change, says):
    def never(*_):
        raise AssertionError("a step was taken")

    monkeypatch.setattr(ShallowWater, "advance", never)
    with pytest.raises(InputError, match=says):
        simulate_water(**(dict(bathymetry=beach(), duration=10.0) | change))


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.asc", "ncols 2\nnrows 2\n1 2 3 4", "cellsize"),
        ("a.asc", "ncols 2\nnrows 2\ncellsize 1\n1 2 3", "no ESRI"),
        ("a.asc", "ncols 2\nnrows 1\ncellsize 1\nnodata_value 7\n1 7", "fill them"),
        ("a.nc", "not netcdf", "cannot be read as NetCDF"),
        ("a.npz", "not numpy", "cannot be read as NumPy"),
    ],
)
def test_unusable_files_say_what_is_wrong(tmp_path, name, text, says):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=says):
        read_bathymetry(tmp_path / name)


def test_a_file_with_several_fields_asks_which(tmp_path):
    two = xr.Dataset({"a": beach(), "b": beach()})
    two.to_netcdf(tmp_path / "two.nc")
    with pytest.raises(InputError, match="variable="):
        read_bathymetry(tmp_path / "two.nc")
    xr.testing.assert_allclose(read_bathymetry(tmp_path / "two.nc", variable="b"), beach())
