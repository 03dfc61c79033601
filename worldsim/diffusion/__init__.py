"""The learned world model: a video diffusion transformer over spacetime patches.

One mechanism serves every mode: each group of frames has its own noise level, and a mask says
which pixels are known. ``VideoDiffusion`` in `worldsim.diffusion.model` is the world model;
``train`` in `worldsim.diffusion.training` makes one.
"""
