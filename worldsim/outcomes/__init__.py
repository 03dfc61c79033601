"""From exposures to consequences: the same functions serve truth and dream.

`assess` turns a simulated rollout, or the exposures read off a video, into damage, services,
casualties, doses and screened symptoms with prediction intervals; `compare` pairs two what-ifs;
`damage_by_depth`, `collapse_by_flow`, `falls_by_flow`, `mortality_table` and `deaths_by_group` set
a rollout beside what was observed elsewhere.
The modules behind them: `damage`, `fragility` (curves to compare with), `services`, `recovery`,
`passage`, `casualties`, `stability` and `mortality` (to compare with), `tracer`, `health`,
`symptoms`, `wording`.
"""

from worldsim.outcomes.assess import assess, compare
from worldsim.outcomes.comparison import (
    collapse_by_flow,
    damage_by_depth,
    deaths_by_group,
    falls_by_flow,
    mortality_table,
)
from worldsim.outcomes.exposure import Buildings, Exposures, Ground, People, from_states
from worldsim.outcomes.observed import from_video

__all__ = ["Buildings", "Exposures", "Ground", "People", "assess", "collapse_by_flow", "compare",
           "damage_by_depth", "deaths_by_group", "falls_by_flow", "from_states", "from_video",
           "mortality_table"]
