"""From exposures to consequences: the same functions serve truth and dream.

`assess` turns a simulated rollout, or the exposures read off a video, into damage, services,
casualties, doses and screened symptoms with prediction intervals; `compare` pairs two what-ifs.
The modules behind them: `damage`, `fragility` (curves to compare with), `services`, `recovery`,
`passage`, `casualties`, `stability` and `mortality` (to compare with), `tracer`, `health`,
`symptoms`, `wording`.
"""

from worldsim.outcomes.assess import assess, compare
from worldsim.outcomes.exposure import Buildings, Exposures, Ground, People, from_states
from worldsim.outcomes.observed import from_video

__all__ = ["Buildings", "Exposures", "Ground", "People", "assess", "compare", "from_states",
           "from_video"]
