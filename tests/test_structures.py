"""Storeys: yield, hardening, P-delta, release — against closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worldsim.simulator.constants import GRAVITY
from worldsim.simulator.frames import FrameProperties, Frames, frame_properties, return_mapping
from worldsim.simulator.structures import STOREY_HEIGHT, TYPES, chain_eigenvalue


def one_storey(type_name: str = "timber", gravity: float = GRAVITY) -> FrameProperties:
    values = frame_properties(TYPES[type_name], 80.0, 1, np.ones(1), np.ones(1), gravity)
    shaped = {name: array.reshape(1, 1, 1) for name, array in values.items()}
    return FrameProperties(present=np.ones((1, 1, 1), bool), **shaped)


@pytest.mark.parametrize("storeys", [1, 2, 3, 6])
def test_chain_eigenvalue_is_that_of_the_stiffness_matrix(storeys):
    matrix = 2 * np.eye(storeys) - np.eye(storeys, k=1) - np.eye(storeys, k=-1)
    matrix[-1, -1] = 1
    assert chain_eigenvalue(storeys) == pytest.approx(np.linalg.eigvalsh(matrix)[0], rel=1e-12)


@pytest.mark.parametrize("name", list(TYPES))
@pytest.mark.parametrize("storeys", [1, 2])
def test_frame_has_the_declared_period_and_base_strength(name, storeys):
    type_ = TYPES[name]
    values = frame_properties(type_, 100.0, storeys, np.ones(storeys), np.ones(storeys), GRAVITY)
    k = np.append(values["stiffness"], 0.0)
    matrix = np.diag(k[:-1] + k[1:]) - np.diag(k[1:-1], 1) - np.diag(k[1:-1], -1)
    omega = np.sqrt(np.linalg.eigvalsh(matrix / values["mass"][0])[0])
    assert 2 * np.pi / omega == pytest.approx(type_.period, rel=1e-9)
    weight = type_.floor_mass * 100.0 * storeys * GRAVITY
    assert values["yield_force"][0] == pytest.approx(type_.yield_ratio * weight)
    assert values["ultimate_force"][0] == pytest.approx(type_.ultimate_ratio * weight)


@settings(deadline=None, max_examples=50)
@given(angle=st.floats(0, 2 * np.pi), reach=st.floats(0.1, 40.0), name=st.sampled_from(list(TYPES)))
def test_yield_is_isotropic_and_lands_on_the_backbone(angle, reach, name):
    frame = one_storey(name)
    yield_offset = (frame.yield_force / frame.stiffness).item()
    offset = reach * yield_offset
    trial = offset * np.array([np.cos(angle), np.sin(angle)]).reshape(1, 1, 1, 2)
    increment, slip = return_mapping(trial, np.zeros((1, 1, 1)), frame)
    elastic = np.linalg.norm(trial - increment)
    force = frame.stiffness.item() * elastic
    backbone = min(
        frame.yield_force.item() + frame.hardening.item() * slip.item(), frame.ultimate_force.item()
    )
    if reach <= 1:
        assert slip.item() == pytest.approx(0.0, abs=1e-12)
        assert np.abs(increment).max() <= 1e-12
    else:
        assert force == pytest.approx(backbone, rel=1e-9)
        assert slip.item() == pytest.approx(offset - elastic, rel=1e-9)


def push(frame: FrameProperties, load: float, seconds: float = 20.0) -> tuple[Frames, np.ndarray]:
    """Push one storey slowly with a load ramped up and held; heavily damped, small steps."""
    frames = Frames(frame)
    displacement, velocity = np.zeros((1, 1, 1, 4)), np.zeros((1, 1, 1, 4))
    dt, mass = 0.002, frame.mass.item()
    for step in range(round(seconds / dt)):
        force = frames.forces(displacement, velocity)[0, 0, 0, 0]
        force += load * min(1.0, 2 * step * dt / seconds) - 4 * mass * velocity[0, 0, 0, 0]
        velocity[0, 0, 0, 0] += dt * force / mass
        displacement[0, 0, 0, 0] += dt * velocity[0, 0, 0, 0]
        if frames.release(displacement).any():
            break
    return frames, displacement


def test_elastic_push_meets_the_p_delta_closed_form():
    frame = one_storey("concrete")
    load = 0.5 * frame.yield_force.item()
    frames, displacement = push(frame, load)
    softened = frame.stiffness.item() - frame.weight_above.item() / STOREY_HEIGHT
    assert displacement[0, 0, 0, 0] == pytest.approx(load / softened, rel=2e-3)
    assert frames.slip.item() == 0.0 and frames.attached.all()


def test_push_beyond_ultimate_brings_the_storey_down_and_below_it_does_not():
    frame = one_storey("timber")
    frames, _ = push(frame, 1.05 * frame.ultimate_force.item())
    assert not frames.attached.any()
    frames, displacement = push(frame, 0.6 * frame.ultimate_force.item())
    assert frames.attached.all()
    assert frames.slip.item() > 0, "it must have yielded"
    assert displacement[0, 0, 0, 0] > frame.yield_force.item() / frame.stiffness.item()


def test_a_failing_lower_storey_takes_the_upper_one_with_it():
    values = frame_properties(TYPES["timber"], 80.0, 2, np.ones(2), np.ones(2), GRAVITY)
    shaped = {name: array.reshape(1, 1, 2) for name, array in values.items()}
    frames = Frames(FrameProperties(present=np.ones((1, 1, 2), bool), **shaped))
    displacement = np.zeros((1, 1, 2, 4))
    displacement[..., 0] = 0.3  # both floors moved: all drift in the lower storey
    failed = frames.release(displacement)
    assert failed.tolist() == [[[True, False]]]
    assert not frames.attached.any()
    frames = Frames(frames.properties)
    displacement[0, 0, 0, 0] = 0.0  # only the upper floor moved
    failed = frames.release(displacement)
    assert failed.tolist() == [[[False, True]]]
    assert frames.attached.tolist() == [[[True, False]]]
