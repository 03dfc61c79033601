"""Instruments read physical quantities off video; `state` gives what they should have read."""

from worldsim.instruments.buildings import observe_buildings
from worldsim.instruments.counts import count_objects
from worldsim.instruments.debris import observe_debris
from worldsim.instruments.events import events
from worldsim.instruments.observation import observe
from worldsim.instruments.tracks import ColourTracker, Tracker, Tracks, track
from worldsim.instruments.water import observe_water

__all__ = [
    "ColourTracker",
    "Tracker",
    "Tracks",
    "count_objects",
    "events",
    "observe",
    "observe_buildings",
    "observe_debris",
    "observe_water",
    "track",
]
