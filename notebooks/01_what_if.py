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
# # What if the wave were twice as high?
#
# One street of timber houses, two incoming waves. We simulate both (the truth), let a learned
# world model dream both from the first second and the parameters, measure the same quantities in
# both, and ask whether the dream *responds* to the wave's height as the physics does.
#
# In every figure **simulated** is solid and blue, **generated** dashed and orange.

# %%
import json

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import worldsim
from evaluation.report.plots import error_over_time
from worldsim.diffusion.observables import TOWN, record_town
from worldsim.instruments import observe_water
from worldsim.instruments.state import water_state
from worldsim.simulator.people.record import Status

HEIGHTS = (3.0, 6.0)  # m above still water
CASES, REALIZATIONS, SEED = 1, 2, 0
SIMULATED = {"color": "#0072B2", "linestyle": "-"}
GENERATED = {"color": "#D55E00", "linestyle": "--"}

# %% [markdown]
# ## Simulate
#
# A *case* is everything that can be seen at the start (the layout, the beach); a *realization*
# draws what is hidden (the strength of each storey, the debris's mass and drag). Both waves meet
# the same case with the same seed, so only the wave differs.

# %%
scenarios = {h: worldsim.make("tsunami", wave_height=h, building="timber") for h in HEIGHTS}
truth = {
    h: worldsim.simulate(s, cases=CASES, realizations=REALIZATIONS, seed=SEED)
    for h, s in scenarios.items()
}
truth[HEIGHTS[-1]]["water"]

# %% [markdown]
# ## Dream
#
# The world model is given the first five frames (1 s) and the parameters, never the simulator.

# %%
model = worldsim.load_model("worldsim-small")
dream = {
    h: model.rollout(
        worldsim.query(
            scenarios[h], context=truth[h], frames=5, realizations=REALIZATIONS, seed=SEED
        )
    )
    for h in HEIGHTS
}

# %% [markdown]
# ## Look
#
# States are simulated once; pictures are made from them afterwards, at any size and rate.

# %%
instants = (2.0, 6.0, 10.0)  # s
figure, axes = plt.subplots(
    2 * len(HEIGHTS), len(instants), figsize=(10, 9.5), layout="constrained"
)
for i, h in enumerate(HEIGHTS):
    seen = {"SIMULATED": worldsim.render(truth[h], "overhead", realizations=[0]),
            "GENERATED": dream[h]["video/overhead"].dataset}
    for j, (kind, video) in enumerate(seen.items()):
        for k, t in enumerate(instants):
            ax = axes[2 * i + j, k]
            frame = video["rgb"].isel(case=0, realization=0).sel(time=t, method="nearest")
            ax.imshow(frame, extent=(0, 192, 0, 128), interpolation="nearest")
            ax.set_title(f"{kind}: {h:g} m wave, t = {t:g} s", fontsize=9)
            style = SIMULATED if kind == "SIMULATED" else GENERATED
            for spine in ax.spines.values():
                spine.set(edgecolor=style["color"], linestyle=style["linestyle"], linewidth=2.5)
for ax in axes[-1]:
    ax.set_xlabel("x, from the sea [m]")
for ax in axes[:, 0]:
    ax.set_ylabel("y [m]")
plt.show()

# %% [markdown]
# ## Measure
#
# The truth is read from the simulator's state, the dream from its video. Both end as labelled
# arrays, so the rest is plain xarray.

# %%
wave = xr.Variable("wave_height", list(HEIGHTS), {"units": "m", "long_name": "wave height"})
generated = xr.concat(
    [observe_water(dream[h]["video/overhead"].dataset)["wet_area"] for h in HEIGHTS], wave
)
frames = generated["time"].values
simulated = xr.concat([water_state(truth[h], frames)["wet_area"] for h in HEIGHTS], wave)

figure, axes = plt.subplots(1, len(HEIGHTS), figsize=(10, 3.6), sharey=True, layout="constrained")
for ax, h in zip(axes, HEIGHTS, strict=True):
    for kind, area, style in (
        ("simulated", simulated, SIMULATED), ("generated", generated, GENERATED)
    ):
        members = area.sel(wave_height=h).stack(member=("case", "realization"))
        ax.plot(area["time"], members.transpose("time", "member"), lw=0.8, alpha=0.5, **style)
        ax.plot(area["time"], members.mean("member"), lw=2.4, label=f"{kind}, mean", **style)
    ax.axvspan(0, 1, color="0.85")
    ax.annotate("given", (0.5, 0.5), xycoords=("data", "axes fraction"), rotation=90, ha="center")
    ax.set(title=f"wave height {h:g} m", xlabel="time [s]")
axes[0].set_ylabel("wet area [m²]")
axes[0].legend()
plt.show()

# %% [markdown]
# ## What the dream says
#
# Beside the pixels the world model dreams numbers that no video of this size shows: here the share
# of people whom the water carries. `dream["said"]` holds them, with the depth at nine gauges and
# what becomes of the houses.

# %%
figure, axes = plt.subplots(1, len(HEIGHTS), figsize=(10, 3.2), sharey=True, layout="constrained")
for ax, h in zip(axes, HEIGHTS, strict=True):
    names = json.loads(dream[h]["said"].attrs["names"])
    words = dream[h]["said"]["state"].values[..., names.index("people"), Status.IN_WATER]
    real = record_town(truth[h])[..., TOWN.index("people"), Status.IN_WATER]
    for kind, share, style in (("simulated", real, SIMULATED), ("said", words, GENERATED)):
        clock = np.arange(share.shape[2]) / 5.0
        ax.plot(clock, share.reshape(-1, len(clock)).T, lw=0.8, alpha=0.5, **style)
        ax.plot(clock, share.mean(axis=(0, 1)), lw=2.4, label=f"{kind}, mean", **style)
    ax.axvspan(0, 1, color="0.85")
    ax.set(title=f"wave height {h:g} m", xlabel="time [s]")
axes[0].set_ylabel("share of people in the water [1]")
axes[0].legend()
plt.show()

# %% [markdown]
# ## The what-if
#
# How much more is under water because the wave is higher? The same seeds on both sides, so the
# difference is the wave's alone.

# %%
late = generated["time"] >= 6.0
response = {
    kind: area.where(late).mean(["time", "case", "realization"]).diff("wave_height").item()
    for kind, area in (("simulated", simulated), ("generated", generated))
}
step = f"{HEIGHTS[0]:g} to {HEIGHTS[1]:g} m"
for kind, change in response.items():
    print(f"{kind}: raising the wave from {step} changes the wet area by {change:+.0f} m2 (6-12 s)")
same_direction = np.sign(response["simulated"]) == np.sign(response["generated"])
print("the dream responds in the", "right" if same_direction else "WRONG", "direction")

# %% [markdown]
# ## Score
#
# The same measurements as scores: the dream against the simulator's state, with the instruments'
# own floor, the error that hidden randomness leaves (`reference`), and a baseline that is no
# better than the last given frame. One case is too few for an interval, and the scores say so
# instead of inventing one.

# %%
high = HEIGHTS[-1]
question = worldsim.query(
    scenarios[high], context=truth[high], frames=5, realizations=REALIZATIONS, seed=SEED
)
frozen = worldsim.load_model("baseline:frozen").rollout(question)
scores = worldsim.evaluate(dream[high], truth[high], baselines={"frozen": frozen})
print(scores.in_words())

# %%
series = scores.measured["series"].sel(metric="water.wet_area_brier").mean("case")
error_over_time(
    series["time"],
    {"generated": series.sel(model=scores.model), "floor": series.sel(model="floor"),
     "perfect": series.sel(model="reference"), "frozen": series.sel(model="frozen")},
    unit="1", quantity="wet area, fair Brier score", context=1.0,
    labels={"perfect": "simulated: other draws", "floor": "simulated: floor"},
    ax=plt.figure(figsize=(6, 3.6), layout="constrained").add_subplot(),
)
plt.show()
