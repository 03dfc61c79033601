"""Services by their logic, their times and their ways; closed forms throughout."""

import itertools

import numpy as np
import pytest

from worldsim.errors import InputError
from worldsim.outcomes import passage, recovery, services
from worldsim.outcomes.services import DAYS, Facility, Lifelines, service

SOUND = Facility(state=0.0, depth=0.0)
LEVELS = (0.0, 1.0, np.nan)


def test_three_valued_logic_agrees_with_all_ways_the_unknown_may_turn_out():
    for values in itertools.product(LEVELS, repeat=3):
        worlds = list(itertools.product(*[(v,) if v == v else (0.0, 1.0) for v in values]))
        for combine, oracle in ((services.all_of, all), (services.any_of, any)):
            outcomes = {float(oracle(world)) for world in worlds}
            got = float(combine(*map(np.array, values)))
            assert (got in outcomes and len(outcomes) == 1) if got == got else len(outcomes) == 2


def run(hospital=SOUND, substation=SOUND, pumping=SOUND, access=1.0, flooded=0.0, draws=4000):
    found = service(Lifelines(hospital, substation, pumping, access, flooded), 0, 0, 0, draws)
    return dict(zip(services.SERVICES, found, strict=True))


def test_untouched_facilities_never_stop():
    assert all((values == 1).all() for values in run().values())


def test_a_fallen_substation_stops_the_pumps_but_not_a_hospital_with_generator_and_water():
    found = run(substation=Facility(4.0, 0.0))
    assert (found["power"][:, 0] == 0).all() and (found["water"][:, 0] == 0).all()
    assert (found["water"] <= found["power"]).all()
    # No water from the mains: the hospital stops with the pumps, whatever its generator does.
    assert (found["hospital"] <= found["water"]).all()
    served_from_outside = run(substation=Facility(4.0, 0.0), pumping=None)
    assert (served_from_outside["hospital"] == 1).all()
    assert (run(pumping=None, access=0.0)["hospital"][:, 0] == 0).all()


def test_repair_times_are_lognormal_around_hazus():
    down = run(substation=None, pumping=None, hospital=Facility(3.0, 0.0))["hospital"]
    median = recovery.REPAIR["hospital"][2].value
    assert median == 180
    # Chance of being repaired by day d: Φ(ln(d / 180) / 0.6).
    from scipy.stats import norm
    for day in (90, 180, 365):
        share = down[:, list(DAYS).index(day)].mean()
        wanted = norm.cdf(np.log(day / median) / recovery.REPAIR_SCATTER)
        assert share == pytest.approx(wanted, abs=4 * np.sqrt(wanted * (1 - wanted) / 4000))


def test_switchgear_fails_as_often_as_its_height_is_below_the_water():
    found = run(substation=Facility(0.0, 0.9), pumping=None, hospital=None)
    # Height uniform from 0.3 to 1.8 m: 0.9 m reaches it in 40% of the draws.
    assert (found["power"][:, 0] == 0).mean() == pytest.approx(0.4, abs=0.03)
    assert np.isnan(found["hospital"]).all()
    deep = run(substation=Facility(0.0, 5.0), pumping=None, hospital=None)
    assert (deep["power"][:, 0] == 0).all() and (deep["power"] <= found["power"]).all()


def test_unknown_depth_is_unknown_service_unless_the_building_is_down():
    assert np.isnan(run(substation=Facility(0.0, np.nan))["power"]).all()
    fallen = run(substation=Facility(4.0, np.nan))["power"]
    assert (fallen[:, 0] == 0).all()


def test_days_lost_of_a_known_outage():
    working = services.back_by(np.array([0.0, 30.0]))
    lost = services.days_lost(working)
    # The outage ends somewhere in the last interval before day 30, which is 9 days long.
    assert lost[0] == 0 and lost[1] == pytest.approx(30.0 - 4.5)


def test_vehicles_pass_below_their_limits_only():
    for vehicle, depth, flux in (("small car", 0.30, 0.30), ("large car", 0.40, 0.45),
                                 ("four-wheel drive", 0.50, 0.60)):
        assert passage.passable(depth, 0.0, vehicle) == 1
        assert passage.passable(depth + 0.01, 0.0, vehicle) == 0
        assert passage.passable(0.25, flux, vehicle) == 1
        assert passage.passable(0.25, flux + 0.01, vehicle) == 0
    assert passage.passable(0.0, np.nan, "small car") == 1
    assert np.isnan(passage.passable(np.nan, np.nan, "small car"))
    assert passage.passable(0.9, np.nan, "small car") == 0
    with pytest.raises(InputError, match="four-wheel"):
        passage.passable(0.1, 0.1, "bicycle")


def test_a_way_is_found_round_a_block_and_not_through_it():
    open_YX = np.ones((5, 7))
    goal, origin = np.zeros((5, 7), bool), np.zeros((5, 7), bool)
    goal[2, 0] = origin[:, 6] = True
    assert passage.reachable(open_YX, goal, origin) == 1
    open_YX[:, 3] = 0
    assert passage.reachable(open_YX, goal, origin) == 0
    open_YX[4, 3] = np.nan
    assert np.isnan(passage.reachable(open_YX, goal, origin))
    open_YX[0, 3] = 1
    assert passage.reachable(open_YX, goal, origin) == 1


def test_cells_beside_a_footprint_are_outside_it_and_near():
    x, y = np.arange(10) + 0.5, np.arange(8) + 0.5
    near = passage.beside((3.0, 5.0, 2.0, 4.0), x, y, 0.6)
    assert near.sum() == 8 and not near[2:4, 3:5].any()
