"""All that the instruments for objects read off a video, in one tree."""

from __future__ import annotations

import numpy as np
import xarray as xr

from worldsim.instruments.events import EventSettings, events
from worldsim.instruments.tracks import ColourTracker, Tracker, track


def observe(video: xr.Dataset | np.ndarray, fps: float | None = None,
            tracker: Tracker = ColourTracker(),
            settings: EventSettings = EventSettings()) -> xr.DataTree:
    """Tracks and events of every video.

    Parameters
    ----------
    video, fps, tracker : as of `worldsim.instruments.track`; any `Tracker` will do, a learned one
        say: a callable from frames (time, row, column, 3) uint8 and their rate to `Tracks`.
    settings : when what is an event.

    Returns
    -------
    Children ``tracks`` (see `worldsim.instruments.tracks`) and ``events`` (see
    `worldsim.instruments.events.events`).

    Raises
    ------
    InputError : no RGB uint8 frames, or no frame rate.
    """
    tracks = track(video, fps, tracker)
    return xr.DataTree.from_dict({"/tracks": tracks, "/events": events(tracks, settings)})
