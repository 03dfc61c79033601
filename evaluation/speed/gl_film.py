"""A film of stored states by `mujoco.Renderer`, in a process of its own.

MUJOCO_GL is read when MuJoCo is first imported, and a broken GL library ends the process: hence a
process. It is started as ``python -m evaluation.speed.gl_film STATES.npz`` with MUJOCO_GL set,
says ``ready RENDERER`` when it can draw, then answers each line ``SIZE`` on its standard input by
the seconds that one film of that size took.
"""

from __future__ import annotations

import importlib
import sys
import time

import mujoco
import numpy as np

MOST_PIXELS = 512


def model_of(states: dict[str, np.ndarray]) -> mujoco.MjModel:
    """The street: a height field, boxes that are moved from outside, one sun with shadows."""
    ny, nx = states["bathymetry"].shape
    dx, dy = states["spacing"]
    low, high = float(states["bathymetry"].min()), float(states["bathymetry"].max())
    boxes = "".join(
        f'<body mocap="true"><geom type="box" size="1 1 1" rgba="{r / 255} {g / 255} {b / 255} 1"/>'
        "</body>"
        for r, g, b in states["colour"]
    )
    position, right, up = (
        " ".join(repr(float(v)) for v in states[k]) for k in ("camera_position", "right", "up")
    )
    sun = " ".join(repr(float(-v)) for v in states["towards_sun"])
    model = mujoco.MjModel.from_xml_string(f"""
<mujoco>
  <visual><global offwidth="{MOST_PIXELS}" offheight="{MOST_PIXELS}"/></visual>
  <asset>
    <hfield name="ground" nrow="{ny}" ncol="{nx}"
      size="{(nx - 1) * dx / 2} {(ny - 1) * dy / 2} {high - low} 1"/>
  </asset>
  <worldbody>
    <light directional="true" castshadow="true" dir="{sun}" pos="100 60 200"/>
    <camera name="film" pos="{position}" xyaxes="{right} {up}" fovy="{float(states["fov"])!r}"/>
    <geom type="hfield" hfield="ground" pos="{nx * dx / 2} {ny * dy / 2} {low}"
      rgba="0.6 0.55 0.45 1"/>
    {boxes}
  </worldbody>
</mujoco>""")
    model.hfield_data[:] = ((states["bathymetry"] - low) / (high - low)).ravel()
    return model


class Film:
    """One film, drawn frame by frame; the bodies are moved before each."""

    def __init__(self, states: dict[str, np.ndarray]) -> None:
        self._states = states
        self._model = model_of(states)
        self._data = mujoco.MjData(self._model)

    def shoot(self, renderer: mujoco.Renderer) -> np.ndarray:
        """All frames, (frame, row, column, 3) uint8."""
        frames = []
        for position, quaternion, half in zip(
            self._states["position"],
            self._states["quaternion"],
            self._states["half_size"],
            strict=True,
        ):
            self._data.mocap_pos[:] = position
            self._data.mocap_quat[:] = quaternion
            self._model.geom_size[1:] = half
            mujoco.mj_kinematics(self._model, self._data)
            mujoco.mj_camlight(self._model, self._data)
            renderer.update_scene(self._data, camera="film")
            frames.append(renderer.render())
        return np.stack(frames)

    def renderer(self, side: int) -> mujoco.Renderer:
        """A renderer of MuJoCo's own quality settings; shadows are on by default."""
        return mujoco.Renderer(self._model, side, side)


def main() -> None:
    """Serve films until the standard input ends."""
    with np.load(sys.argv[1]) as file:
        film = Film(dict(file))
    side = 0
    renderer = film.renderer(64)
    renderer.update_scene(film._data, camera="film")
    assert renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW], "shadows are off"
    gl = importlib.import_module("OpenGL.GL")  # may be imported only once MuJoCo chose the library
    print("ready", gl.glGetString(gl.GL_RENDERER).decode(), flush=True)
    for line in sys.stdin:
        if int(line) != side:
            renderer.close()
            side = int(line)
            renderer = film.renderer(side)
        begun = time.perf_counter()
        picture = film.shoot(renderer)
        seconds = time.perf_counter() - begun
        print(repr(seconds), float(picture.std()), flush=True)
    renderer.close()


if __name__ == "__main__":
    main()
