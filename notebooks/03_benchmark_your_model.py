# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Benchmark your model
#
# How far is a video model from physics, in metres and seconds, and how sure is that? This
# notebook scores a model on a small part of the benchmark (the whole of it is one command,
# `worldsim bench run`), reads the result, and shows what the score would have been had the
# simulator itself been wrong on purpose.

# %%
import matplotlib.pyplot as plt
import numpy as np

import worldsim
from worldsim.testing import check_world_model
from worldsim.world_model import WholeRolloutStream

# %% [markdown]
# ## A model
#
# It has seen many falls and believes that they are all alike: whatever moved in the known frames
# goes on falling by the same number of pixels each frame. There is no acceleration in it.


# %%
class Sinking:
    """Rolls the whole picture down as fast as anything moved in the known frames."""

    name = "sinking"
    capabilities = worldsim.Capabilities(
        parameters=False, stochastic=False, any_size=True, any_fps=True, streaming=True
    )

    def rollout(self, query):
        videos = {}
        for piece in query.known:
            known, last = piece.video.shape[1], piece.video[:, -1]
            frames = [
                piece.video[:, k] if k < known else np.roll(last, (k - known + 1) // 2, axis=1)
                for k in range(query.frames)
            ]
            videos[piece.camera] = np.stack(frames, axis=1)
        return worldsim.generated_rollout(query, self.name, videos)

    def start(self, query):
        return WholeRolloutStream(self.rollout(query))


check_world_model(Sinking())
print("the model does what it declares")

# %% [markdown]
# ## Scores
#
# Three cases of one experiment, to be quick. A result of a part of a suite says that it is
# unofficial, and fewer than eight cases give no intervals: the result says that, too.

# %%
result = worldsim.bench(Sinking(), "quick", out="sinking", scenarios=["free_fall"], limit=3)
print(result.in_words())

# %% [markdown]
# Skill is 1 for the simulator with other hidden draws and 0 for a frozen picture. Below zero a
# model is worse than a still. Beside it stand four baselines, each of which knows something that
# the model could have used.

# %%
result.plot()
plt.show()

# %%
block = result.scenario("free_fall")
for metric in block["metrics"]:
    if metric["headline"]:
        print(f"{metric['metric']}: {metric['value']:.3g} {metric['unit']}, the instruments' own "
              f"error {metric['floor']:.2g}, a frozen picture "
              f"{metric['baselines']['baseline:frozen']['value']:.3g}")

# %% [markdown]
# ## As wrong as what?
#
# A score of its own means little to a physicist. So simulators that are wrong by a known amount
# are scored in the same way. Here is one whose gravity is too weak by a tenth, on the same three
# cases.

# %%
weak = worldsim.bench(
    "mujoco:gravity=-10%", "quick", out="weak", scenarios=["free_fall"], limit=3
)
print(f"gravity off by 10%: skill {weak.skill:.2f}; sinking: {result.skill:.2f}")

# %% [markdown]
# A full run of a suite gives these as *equivalent perturbations*, with intervals. For a paper:

# %%
print(result.to_latex())
