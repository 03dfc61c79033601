"""The Physics-IQ family: exactly as published on its own real takes, "-style" on scenes of ours."""
