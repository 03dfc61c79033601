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
# # Why should anybody believe the ground truth?
#
# Every dream is judged against our simulator, so the simulator must be beyond doubt first. This
# notebook tells its validation as a story: water that rests, water that breaks, water that climbs
# a beach, water that meets a wall and a house, and finally the books of a street that falls.
#
# Each step is a case of `worldsim validate`, which runs all of them and ends with a table;
# `records/validation/` holds its last full run. A case yields *checks*: a number, the goal it is
# held to, and curves to look at.

# %%
# %matplotlib inline
import numpy as np

import worldsim
from evaluation.validation.case import NotAvailable
from evaluation.validation.figures import figure
from evaluation.validation.record import goal, number
from evaluation.validation.registry import choose


def run(name):
    """Run a case, print its rows, return its plots."""
    (case,) = choose([name])
    try:
        checks = case.check()
    except NotAvailable as reason:
        print(f"{case.title}: not run ({reason})")
        return None
    print(f"{case.title} [{case.source}]")
    for check in checks:
        order = "" if check.order is None else f", order {check.order:.2f}"
        verdict = {True: "pass", False: "FAIL", None: "reported"}[check.passed]
        print(f"  {check.quantity}: {number(check.error)}{order}   goal {goal(check)}   {verdict}")
    return figure([panel for check in checks for panel in check.panels], case.title)


# %% [markdown]
# ## 1. Water that rests must rest
#
# The hardest easy problem: a lake around an island, over a rough bed, beside a building. Schemes
# that do not balance the slope of the bed against the pressure, to the last bit, make currents
# from nothing, and these currents would push houses.

# %%
run("lake_at_rest")

# %% [markdown]
# ## 2. Water that breaks loose
#
# A dam breaks. Stoker's solution has a rarefaction and a bore; the scheme must be sharp at the one
# and second order in the other. The error falls as the grid is refined; its order is printed.

# %%
run("stoker")

# %% [markdown]
# ## 3. A shoreline that moves
#
# Thacker's bowl: a dome of water pulses in a paraboloid, and its shoreline runs up and down for
# ever. Wetting and drying without losing a drop, with the exact period.

# %%
run("thacker_curved")

# %% [markdown]
# ## 4. A wave on a beach
#
# A solitary wave climbs a beach of 1:19.85: Synolakis' analytic solution, the first benchmark that
# tsunami codes must pass in the United States (NTHMP). It needs the published tables: name their
# folder in `WORLDSIM_DATA`, or let them be fetched.

# %%
run("bp01")

# %% [markdown]
# ## 5. A bore against a wall
#
# What breaks houses is not water's depth but its push. A bore that hits a wall is reflected at a
# height which the shock conditions give; the usual recipe, a mirrored cell and an approximate
# Riemann solver, overstates the first force by a quarter and more. Ours solves the reflected shock
# exactly.

# %%
run("reflected_bore")

# %% [markdown]
# ## 6. A house in the flow
#
# The force on a house has a peak as narrow as the grid allows; its *impulse* converges, so
# impulses are what we score.

# %%
run("house_impulse")

# %% [markdown]
# ## 7. What floats
#
# Water and MuJoCo's bodies push each other. A box that is lifted and let go must swing to
# Archimedes' draught with the frequency of its waterplane.

# %%
run("heaving_box")

# %% [markdown]
# ## 8. The books
#
# All of this is checked once, here. But *every* run also keeps its own books: the water's mass and
# momentum, the impulse that MuJoCo's bodies received (integrated on their side, step by step)
# against what the water lost, and energy. A member whose books do not close is kept, marked and
# counted.

# %%
street = worldsim.make("tsunami", wave_height=8.0, building="timber")
truth = worldsim.simulate(street, realizations=2, seed=5, duration=6.0)
audit = truth["audit"].to_dataset()
fallen = int(np.isfinite(truth["structures"]["failure_time"]).sum())
print(f"{fallen} houses fell; failed members: {int(audit['failed'].sum())}")
for name in ("mass_error", "momentum_error", "third_law_error", "energy_gain"):
    print(f"  {name:16s} {float(audit[name].max()):.1e}   ({audit[name].attrs['long_name']})")

# %% [markdown]
# ## What it leaves out
#
# Shallow water is averaged over its depth: no dispersion, no vertical acceleration, no overtopping
# jets, no air, no scour. The first blow of water on a slender column, which lifts the water, is
# beyond it: `worldsim validate --case square_column` says by how much, against the laboratory. And
# shallow water cannot carry the vertical reaction of buoyancy: boxes are lifted, the water does
# not feel their weight.
