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
# # The world model
#
# One network dreams video and the states of bodies, water and people together. Everything it can
# be asked is a choice of what is known: the first frames, the last ones, a box, another camera,
# the states, or nothing but parameters. This notebook asks in several ways, holds the answers
# against the simulator, and lets the model stream.
#
# The packaged model knows eighteen scenarios. Where one or two bodies move it follows them for a
# second; where seven balls meet, less and less. `records/world_model/` has the numbers.

# %%
import json
import time
import warnings

import matplotlib.pyplot as plt
import numpy as np

import worldsim
from evaluation.agreement import shows_against_says
from worldsim import modes

model = worldsim.load_model("worldsim-small")
print(", ".join(model.capabilities.scenarios))

# %% [markdown]
# ## A truth to hold it against
#
# A ball falls and bounces. The model is told the parameters and the first five frames, a quarter
# of a second.

# %%
scenario = worldsim.make("free_fall", height=1.6, gravity=9.0, restitution=0.7, radius=0.2)
truth = worldsim.simulate(scenario, duration=2.0, seed=3)
film = worldsim.render(truth, "side", size=(64, 64), fps=20)["rgb"].values[0, 0, :40]
question = modes.continue_from(scenario, film[:5], duration=2.0, options={"realizations": 2})
dream = model.rollout(question)


# %%
def show(rows, at, title):
    """Rows of frames, one video a row."""
    figure, axes = plt.subplots(len(rows), len(at), figsize=(1.2 * len(at), 1.35 * len(rows)))
    for line, (name, video) in zip(np.atleast_2d(axes), rows.items(), strict=True):
        for axis, frame in zip(line, at, strict=True):
            axis.imshow(video[frame])
            axis.set(xticks=[], yticks=[])
        line[0].set_ylabel(name)
    figure.suptitle(title)
    plt.show()


dreamed = dream["video/side/rgb"].values[0]
assert np.array_equal(dreamed[0, :5], film[:5])  # what is known comes back untouched
show({"truth": film, "dream 1": dreamed[0], "dream 2": dreamed[1]}, range(0, 40, 5),
     "continue: five frames are known")

# %% [markdown]
# ## What it says beside what it shows
#
# The states are dreamed in the same sequence as the picture. Here is the ball's height, as it is
# said, beside the simulator's; and how far what is shown is from what is said.

# %%
names = json.loads(dream["said"].attrs["names"])
said = dream["said"]["state"].values[0, :, :, names.index("body 1"), 2]
true = truth["bodies"]["position"].values[0, 0, ::6, 0, 2][:40]
clock = np.arange(40) / 20
plt.plot(clock, true, color="black", label="simulated")
plt.plot(clock, said.T, label=["said, dream 1", "said, dream 2"])
plt.gca().set(xlabel="time, s", ylabel="height, m")
plt.legend()
plt.show()
gap = shows_against_says(dream, 5)[0]
print(f"shown against said: {gap.mean():.2f} m")

# %% [markdown]
# ## From words, and out of range
#
# A caption is read by a grammar; what it does not say is left open. Outside its training range the
# model answers, and the answer says so.

# %%
from_words = model.rollout(modes.from_text("a pendulum of length 0.9 and gravity 9"))
show({"from words": from_words["video/side/rgb"].values[0, 0]}, range(0, 40, 5), "from a caption")

# %%
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    beyond = model.rollout(modes.from_parameters("free_fall", gravity=22.0))
print("extrapolates:", json.loads(beyond.attrs["extrapolates"]))
print("errors over those in range, with an interval:", beyond.attrs["expected_growth"])

# %% [markdown]
# ## Into a gap, backwards, and with a push
#
# Known frames may lie anywhere, and an intervention is told as such.

# %%
between = model.rollout(modes.connect(scenario, film[:5], film[25:30], 1.0))
earlier = model.rollout(modes.extend(scenario, film[20:30], 0.5, backward=True))
show({"connect": between["video/side/rgb"].values[0, 0],
      "backward": np.concatenate([earlier["video/side/rgb"].values[0, 0]] * 2)[:30]},
     range(0, 30, 4), "known at both ends; known at the end")

# %% [markdown]
# ## Any shape
#
# Size, aspect ratio and rate are those of what is asked. The training saw squares; known frames are
# read as it saw them, and bodies are carried to where they are in the picture.

# %%
wide = worldsim.render(truth, "side", size=(64, 114), fps=20)["rgb"].values[0, 0, :20]
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it says that this size is none of the training's
    broad = model.rollout(modes.continue_from(scenario, wide[:5], duration=1.0))
show({"truth": wide, "dream": broad["video/side/rgb"].values[0, 0]}, range(0, 20, 5), "16:9")
print(f"shown against said: {shows_against_says(broad, 5)[0, 0]:.2f} m")

# %% [markdown]
# ## Streaming
#
# In block-causal order nothing that has been dreamed changes, so its keys and values are kept, and
# the stream goes on for as long as one likes.

# %%
boxed = worldsim.make("balls_in_box", count=3, gravity=4.0)
start = worldsim.render(worldsim.simulate(boxed, duration=0.5, seed=1), "side", size=(64, 64),
                        fps=20)["rgb"].values[0, 0, :5]
stream = model.start(modes.continue_from(boxed, start))
frames = [stream.step()["side"][0, 0] for _ in range(3)]
began = time.perf_counter()
frames += [stream.step()["side"][0, 0] for _ in range(12)]
streamed = np.concatenate(frames)
rate = 60 / (time.perf_counter() - began)
show({"stream": streamed}, range(0, len(streamed), 9), f"{len(streamed)} frames of a stream")
print(f"streamed at {rate:.0f} frames/s")
