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
# # A wall, or a warning?
#
# The same wave comes to the same town three times: as it is, behind a seawall, and warned ten
# minutes earlier. What changes for the houses, and what for the people? Only the simulated truth
# speaks here; no world model is asked.

# %%
# %matplotlib inline
import dataclasses
import math

import matplotlib.pyplot as plt

import worldsim
from evaluation.report import town, town_plots
from scenarios.tsunami import Tsunami
from worldsim import outcomes
from worldsim.outcomes import wording
from worldsim.outcomes.damage import STATES
from worldsim.simulator.coast import GreenBelt, Pier, Quay, Seawall
from worldsim.simulator.loose_bodies import Contents, DebrisKind
from worldsim.simulator.scene import Debris

SEED, REALIZATIONS, SECONDS = 7, 3, 10.0

# %% [markdown]
# ## What a town is made of
#
# A scene is declared, not programmed. A seawall, a quay, a belt of trees, the deck of a bridge on
# its piers, a tank of petrol with 1% of benzene: a few lines each, in metres and kilograms.
# Whatever cannot be (a wall below its ground, a tank in a house) is refused by name before the
# first step.

# %%
wall = Seawall(footprint=(44, 46, 0, 128), crest=5.0, width=3.0)
quay = Quay(footprint=(24, 36, 88, 128), top=1.0)
pines = GreenBelt(footprint=(50, 54, 0, 128), stems=0.2, diameter=0.2, height=8.0)
piers = tuple(Pier(footprint=(54.2, 56.2, y - 0.5, y + 0.5), top=5.5) for y in (15.5, 32.5))
deck = Debris((55.2, 24), math.pi / 2, (10, 3.5, 0.6), (120, 118, 112), DebrisKind.DECK,
              elevation=5.5)
tank = Debris((58, 76), 0.0, (2, 2, 3), (205, 205, 200), DebrisKind.TANK,
              Contents(mass=30e3, tracer=300))


class Port(Tsunami):
    """The scenario's own streets behind a shore with everything on it."""

    def scene(self, seed, case):
        scene = super().scene(seed, case)
        return dataclasses.replace(
            scene,
            works=(wall, quay, *piers), trees=(pines,), debris=(deck, tank),
            slots=dataclasses.replace(scene.slots, works=11),
        )


port = worldsim.simulate(Port(population=0), seed=SEED, duration=0.1)
view = worldsim.render(port, "overhead", size=(256, 384), times=[0.0])["rgb"]
plt.figure(figsize=(7, 4.7), layout="constrained")
plt.imshow(view.squeeze(), extent=(0, 192, 0, 128))
plt.gca().set(xlabel="x, from the sea [m]", ylabel="y, along the shore [m]",
              title="SIMULATED: a port, before the wave")
plt.show()

# %% [markdown]
# ## Three worlds
#
# One layout (a *case*), three draws of what is hidden (*realizations*: strengths, anchorage, what
# people decide). Each world meets the same draws, so that differences are the measure's alone.

# %%
late = worldsim.make("tsunami", wave_height=5.0, building="mixed", warning_time=0.0,
                     occupancy="day")
worlds = {
    "as it is": late,
    "with a seawall": dataclasses.replace(late, seawall_height=4.0),
    "warned early": dataclasses.replace(late, warning_time=600.0),
}
truth = {
    name: worldsim.simulate(s, realizations=REALIZATIONS, seed=SEED, duration=SECONDS)
    for name, s in worlds.items()
}
failed = sum(int(t["audit"]["failed"].sum()) for t in truth.values())
print(f"members whose books of mass, momentum and energy do not close: {failed}")
segments = truth["with a seawall"]["works"]["standing"].isel(time=-1).sum("work").squeeze()
print("segments of the seawall, of 8, that stand at the end:", segments.values.tolist())

# %% [markdown]
# Houses are shaded by damage; segments of the wall that fail are dotted.

# %%
figure = plt.figure(figsize=(13, 5.6), layout="constrained")
for part, (name, rollout) in zip(figure.subfigures(1, len(worlds)), truth.items(), strict=True):
    land, built = town.ground(rollout, 0), town.buildings(rollout, 0)
    ax = town_plots.ground_map(
        land.x, land.y, land.depth, land=land.land, most=5.0, ax=part.add_subplot(),
        label="deepest water, mean of realizations [m]", title=f"SIMULATED: {name}",
    )
    if (works := town.works(rollout, 0)) is not None:
        town_plots.coastal_works(ax, works.footprint, works.failed)
    town_plots.damaged_buildings(ax, built.footprint, built.damage, built.roles, STATES)
plt.show()

# %% [markdown]
# ## Who was where
#
# People walk to high ground in the east, or into the shelter. Dashed paths belong to people whom
# the water took off their feet.

# %%
figure = plt.figure(figsize=(13, 5.0), layout="constrained")
for part, (name, rollout) in zip(figure.subfigures(1, len(worlds)), truth.items(), strict=True):
    land, built, people = (f(rollout, 0) for f in (town.ground, town.buildings, town.people))
    ax = town_plots.ground_map(
        land.x, land.y, land.flux, land=land.land, most=20.0, ax=part.add_subplot(),
        label="largest depth × speed [m²/s]", title=f"SIMULATED: {name}",
    )
    town_plots.outlines(ax, built.footprint, built.roles)
    caught = (people.status == people.names.index("in water")).any(axis=1)
    town_plots.paths(ax, people.path, caught)
plt.show()

# %% [markdown]
# ## What it means for people
#
# `worldsim.outcomes` turns what buildings and people went through into consequences, with 95%
# prediction intervals that hold both the hidden draws and every uncertain coefficient
# (`worldsim cite` lists them with their sources). The same functions judge a dream.

# %%
ASKED = ("buildings_down", "homes_lost", "people_safe", "people_knocked_over",
         "people_carried_off", "deaths", "injuries")


def told(data, name):
    """A number with its interval."""
    low, high = (float(data[f"{name}_{end}"].squeeze()) for end in ("lower", "upper"))
    return f"{float(data[name].squeeze()):6.1f} [{low:.1f}, {high:.1f}]"


found = {name: outcomes.assess(t, seed=SEED, over=("realization",)) for name, t in truth.items()}
print(f"{'':24}" + "".join(f"{name:>24}" for name in worlds))
for name in ASKED:
    print(f"{name.replace('_', ' '):24}" + "".join(f"{told(f, name):>24}" for f in found.values()))

# %% [markdown]
# Intervals of single worlds overlap because they share what nobody knows: how strong these houses
# are, how deadly it is to be carried off. The *paired* difference, draw by draw with the same
# unknowns on both sides, is the answer to the what-if.

# %%
for name in list(worlds)[1:]:
    change = outcomes.compare(truth["as it is"], truth[name], seed=SEED)
    print(f"{name}, less as it is")
    for asked in ASKED:
        print(f"  {asked.replace('_', ' '):24}{told(change, asked):>24}")

# %% [markdown]
# The mind is hurt, too. Shares are told for groups of at least 50 adults only, with the
# instrument, the month and the interval in one sentence.

# %%
for name, data in found.items():
    month = float(data["month"][-1])
    one = data.isel(case=0).sel(group="adults", month=month)
    print(f"{name}: " + wording.share_sentence(
        month, "adults of the town", int(one["adults"]), float(one["symptoms_share"]),
        float(one["symptoms_share_lower"]), float(one["symptoms_share_upper"])))

# %% [markdown]
# ## What this cannot tell
#
# - **Other towns.** One layout, one wave, three draws: the intervals say what these hidden draws
#   and coefficients leave open for *this* town, and nothing about the next one. The seawall here
#   is as high as we chose it; another wave may overtop it, and a wall that is trusted may keep
#   people from leaving, which is not modelled.
# - **The rest of the wave.** Ten seconds of a front. What comes later (the flood's full depth, the
#   backwash, the second wave) is not in these numbers; who still stands in water at the end is
#   counted with a wide declared time to rescue.
# - **How deadly it is.** Chances of death given what a body went through are declared, most of
#   them with wide laws and no validation; `records/comparison` sets the result beside a survey.
# - **People.** They walk to the nearest safety at their own pace and decide alone; nobody looks
#   for a child, carries a neighbour, or drives.
# - **Wells and fires.** The tank's benzene is followed as a dissolved trace; no illness is
#   inferred from it, and oil on the water and fire are left out.
