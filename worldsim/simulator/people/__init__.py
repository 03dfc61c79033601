"""People in the world: what they did before t=0, how they get away, what the water does to them.

Points on the ground until the water reaches them (`evacuees`), MuJoCo bodies after that (`bodies`).
What is left out: cars, groups and carried children, swimming, stairs, rest and exhaustion, help.
"""

from worldsim.simulator.people.before import before_start, draw_people
from worldsim.simulator.people.pace import walking_speeds
from worldsim.simulator.people.record import Status

__all__ = ["Status", "before_start", "draw_people", "walking_speeds"]
