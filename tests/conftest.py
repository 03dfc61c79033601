"""Fixtures of several test files."""

import os

import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def cache_of_these_tests(tmp_path_factory):
    """What can be made again is kept in a folder that all processes of this run share, and nothing
    that an earlier run or the user left is taken for it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORLDSIM_CACHE", str(shared / "worldsim-cache"))
        yield


@pytest.fixture
def one_thread():
    """Small tensors are quicker on one thread, and two test processes do not fight for cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
