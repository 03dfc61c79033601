# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Any bathymetry, ten lines
#
# worldsim's water can be used alone: give it a bathymetry (a file or an array), say what happens
# at the four sides, and get a labelled record with snapshots, gauges, maxima and an audit.
#
# First we need a file. Any NetCDF, ESRI ASCII grid or NumPy file with metres as coordinates will
# do; here we make a bay with a headland and an island.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
import xarray as xr

import worldsim
from worldsim.simulator.water import Boundaries, IncomingWave, Open

x, y = np.arange(5.0, 1000, 10), np.arange(5.0, 600, 10)
X, Y = np.meshgrid(x, y)
z = -12 + 0.018 * X + 6 * np.exp(-(((X - 450) / 60) ** 2 + ((Y - 200) / 60) ** 2))
z += 9 * np.exp(-(((X - 700) / 120) ** 2 + ((Y - 600) / 90) ** 2))
xr.DataArray(z, dims=("y", "x"), coords={"y": y, "x": x}, name="z").to_netcdf("bay.nc")

# %% [markdown]
# ## Ten lines

# %%
times = torch.linspace(0, 60, 121)
wave = IncomingWave(times, 2.0 * torch.exp(-(((times - 20) / 8) ** 2)))
run = worldsim.simulate_water(
    worldsim.read_bathymetry("bay.nc"),
    duration=120.0,
    output_interval=20.0,
    boundaries=Boundaries(west=wave, east=Open()),
    manning=0.025,
    gauges=[(150, 300), (600, 200), (600, 400)],
)
print(run[["maximum_depth", "arrival_time", "gauge_surface"]])

# %% [markdown]
# The wave comes in from the west, bends around the island and runs up the shore.

# %%
figure, axes = plt.subplots(1, 3, figsize=(13, 3), layout="constrained")
run.surface.sel(time=60.0).plot(ax=axes[0], cmap="RdBu_r", vmin=-2, vmax=2)
run.maximum_depth.where(run.bathymetry > 0).plot(ax=axes[1], cmap="Blues")
run.gauge_surface.plot.line(ax=axes[2], x="sample")
for axis in axes[:2]:
    run.bathymetry.plot.contour(ax=axis, levels=[0], colors="k")
axes[0].set_title("surface after 60 s")
axes[1].set_title("largest depth on land")
axes[2].set_title("gauges")
plt.show()

# %% [markdown]
# ## Can it be trusted?
#
# Every run keeps books: what entered, what is there, and every push on the water. A member whose
# books do not close, or whose water ceases to be finite, is marked in `failed`, with the reason in
# `failure`; when several members run together the others go on.

# %%
print(f"mass explained to {float(run.mass_error):.0e}, allowed {run.mass_error_limit:.0e}")
print(f"momentum to {float(run.momentum_error.max()):.0e}, allowed {run.momentum_error_limit:.0e}")
print("failed:", bool(run.failed))

# %% [markdown]
# ## Other sides, other starts, several at once
#
# `Elevation` prescribes the surface (a tide), `Flux` a discharge per metre of side (a river), each
# as a time series. Any field with a leading axis makes several members: here one dam break for
# each of three roughnesses.

# %%
dam = np.where(x < 500, 4.0, 0.5) * np.ones((20, 1))
rough = np.array([0.0, 0.03, 0.06])[:, None, None] * np.ones((3, *dam.shape))
dams = worldsim.simulate_water(
    np.zeros(dam.shape), 40.0, cell_size=10.0, depth=dam, manning=rough, output_interval=20.0
)
dams.depth.isel(time=-1, y=10).plot.line(x="x")
plt.show()
print("depth at x = 745 m:", dams.depth.sel(x=745.0).isel(time=-1, y=10).round(2).values)
