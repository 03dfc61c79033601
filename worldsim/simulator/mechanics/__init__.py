"""Rigid bodies alone: scenes, their MuJoCo models, and how they are stepped."""
