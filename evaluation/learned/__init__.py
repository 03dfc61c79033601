"""What a learned world model does beyond the benchmark: steps, shuffles, gravity, agreement, speed.

``python -m evaluation.learned --model worldsim-small --out records/world_model`` measures all of it
and writes the tables.
"""
