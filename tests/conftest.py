"""Fixtures of several test files."""

import pytest
import torch


@pytest.fixture
def one_thread():
    """Small tensors are quicker on one thread, and two test processes do not fight for cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
