"""Training on several devices or processes, as ``torchrun`` starts them.

Every process draws batches of its own and the gradients are averaged, so that N processes take the
step of one with N times the batch. Without ``torchrun`` nothing here does anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor, nn


def place() -> tuple[int, int]:
    """This process's number, and how many there are."""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


@contextmanager
def joined() -> Iterator[tuple[int, int]]:
    """Join the other processes that ``torchrun`` started, if it did; yields `place()`.

    All leave together: who leaves early would close the connections of those who still write, and
    would find their files half written.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or dist.is_initialized():
        yield place()
        return
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield place()
        dist.barrier()
    finally:
        dist.destroy_process_group()


def average_gradients(network: nn.Module) -> None:
    """Replace every gradient by its mean over the processes."""
    _, count = place()
    if count == 1:
        return
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    together = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(together)
    together /= count
    for gradient, mean in zip(gradients, together.split([g.numel() for g in gradients]),
                              strict=True):
        gradient.copy_(mean.view_as(gradient))


def summed(values: Tensor) -> Tensor:
    """The sum over the processes."""
    if place()[1] > 1:
        dist.all_reduce(values)
    return values


def agreed(values: Iterable[float]) -> list[float]:
    """The first process's numbers, for all: decisions by the clock must be one."""
    numbers = torch.tensor(list(values), dtype=torch.float64)
    if place()[1] > 1:
        dist.broadcast(numbers, 0)
    return list(numbers.tolist())


def equal_everywhere(tensors: Iterable[Tensor]) -> bool:
    """Whether all processes hold the same numbers."""
    if place()[1] == 1:
        return True
    mine = torch.stack([tensor.detach().double().sum() for tensor in tensors])
    first = mine.clone()
    dist.broadcast(first, 0)
    same = torch.tensor(float(torch.equal(mine, first)))
    dist.all_reduce(same, dist.ReduceOp.MIN)
    return bool(same)
