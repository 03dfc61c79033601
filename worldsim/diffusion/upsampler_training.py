"""``python -m worldsim.diffusion.upsampler_training``: train the second stage on filmed scenes.

Cases of all scenarios are simulated, and single frames filmed at two sizes, the larger twice the
smaller, at every size that the stage meets on the way to 1080 rows. Small pictures are now and then
blurred and made noisy, as dreamed ones are.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from worldsim.diffusion import compute
from worldsim.diffusion.upsampling import Doubling, Upsampler, UpsamplerConfig, bicubic, faithful
from worldsim.errors import InputError, run_program

SIDES = (64, 128, 256, 512)
"""Short sides [px] of the small pictures."""

INSTANTS = 8
"""Of a case whose small pictures have the first of these sides; of larger ones as many fewer as
they are larger."""

SECONDS = 2.0
"""s of simulations, at most."""

PATCH = 48
"""Side [px] of the small patches of a batch."""

RATE, SCALE = 3e-3, 100.0
"""Learning rate; unit of the loss."""


@dataclasses.dataclass(frozen=True)
class Pair:
    """A frame at two sizes: (3, rows, columns) and (3, 2 rows, 2 columns) uint8."""

    small: Tensor
    large: Tensor


def pairs(scenarios: Sequence[str], cases: int, seed: int, purpose: Any) -> Iterator[Pair]:
    """Frames of simulated cases at two sizes; of each case one view and one size."""
    from worldsim.camera import render
    from worldsim.scenario import scenario_class
    from worldsim.seeding import stream
    from worldsim.simulator.world import simulate
    from worldsim.splits import Split, draw, seed_for

    own = seed_for(purpose, seed)
    for name in scenarios:
        cls = scenario_class(name)
        drawn = [draw(cls, Split.IN_RANGE, own, case) for case in range(cases)]
        seconds = min(SECONDS, cls.duration)
        truth = simulate(drawn, seed=own, duration=seconds)
        rng = stream(own, 0, 0, f"upsampler {name}")
        rows, columns = cls.size
        for case in range(cases):
            one = truth.isel(case=[case])
            camera = cls.film_cameras[int(rng.integers(len(cls.film_cameras)))]
            side = SIDES[case % len(SIDES)]
            scale = side / min(rows, columns)
            size = round(rows * scale), round(columns * scale)
            times = np.sort(rng.uniform(0, 0.95 * seconds, INSTANTS * SIDES[0] // side)).tolist()
            films = [render(one, camera, size=(factor * size[0], factor * size[1]),
                            times=times)["rgb"].values[0, 0] for factor in (1, 2)]
            for frames in zip(*films, strict=True):
                yield Pair(*(torch.from_numpy(f.copy()).permute(2, 0, 1) for f in frames))


def degraded(small: Tensor, rng: np.random.Generator) -> Tensor:
    """A batch as a world model may have dreamed it: now and then blurred and noisy."""
    if rng.random() < 0.3:
        small = torch.lerp(small, F.avg_pool2d(F.pad(small, (1, 1, 1, 1), mode="replicate"), 3, 1),
                           float(rng.random()))
    if rng.random() < 0.3:
        small = small + 0.02 * float(rng.random()) * torch.randn_like(small)
    return small.clamp(0, 1)


def draw_batch(data: Sequence[Pair], rng: np.random.Generator, count: int) -> tuple[Tensor, Tensor]:
    """Patches where something is to be seen more often than not, turned and mirrored at random."""
    smalls: list[Tensor] = []
    larges: list[Tensor] = []
    for _ in range(count):
        pair = data[int(rng.integers(len(data)))]
        rows, columns = pair.small.shape[1:]
        best = None
        for _ in range(3):
            r, c = int(rng.integers(0, rows - PATCH + 1)), int(rng.integers(0, columns - PATCH + 1))
            small = pair.small[:, r:r + PATCH, c:c + PATCH]
            detail = float(small.float().std())
            if best is None or detail > best[0]:
                best = detail, r, c
        assert best is not None
        _, r, c = best
        small = pair.small[:, r:r + PATCH, c:c + PATCH].float() / 255
        large = pair.large[:, 2 * r:2 * (r + PATCH), 2 * c:2 * (c + PATCH)].float() / 255
        turns, mirrored = int(rng.integers(4)), rng.random() < 0.5
        for picture, into in ((small, smalls), (large, larges)):
            turned = torch.rot90(picture, turns, (1, 2))
            into.append(turned.flip(2) if mirrored else turned)
    return torch.stack(smalls), torch.stack(larges)


def psnr(found: Tensor, true: Tensor) -> float:
    """Peak signal-to-noise ratio [dB] of pictures in [0, 1]."""
    return float(-10 * torch.log10((found - true).square().mean().clamp_min(1e-12)))


def train(data: Sequence[Pair], held_out: Sequence[Pair], minutes: float, seed: int,
          config: UpsamplerConfig, log: Any = print, steps: int = 10**9,
          init: Upsampler | None = None) -> Upsampler:
    """Train for some minutes or steps, whichever ends first; the configuration of what comes back
    says what it cost and won.

    init : begin with its weights, of the same configuration, instead of with fresh ones.
    """
    torch.manual_seed(seed)
    network = Doubling(config)
    if init is not None:
        network.load_state_dict(init.network.state_dict())
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, betas=(0.9, 0.99),
                                  weight_decay=1e-4)
    rng = np.random.default_rng(seed)
    began, step = time.monotonic(), 0
    while (share := max((time.monotonic() - began) / (60 * minutes), step / steps)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / 50, 2.5 * (1 - share))
        small, large = draw_batch(data, rng, 12)
        # Squares: most of a picture is flat and right already, and absolute errors there would
        # outvote its edges.
        given = degraded(small, rng).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=compute.in_bfloat16()):
            learned = network.departure(given)
        made = faithful(bicubic(given, 2) + learned.float(), given)
        loss = SCALE * (made - large).square().mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        step += 1
        if step % 200 == 0:
            log(f"step {step}  {share:.0%}  loss {float(loss.detach()):.5f}")
    ours, plain = [], []
    network.eval()
    with torch.inference_mode():
        for pair in held_out:
            small, large = pair.small[None].float() / 255, pair.large[None].float() / 255
            ours.append(psnr(network(small).clamp(0, 1), large))
            plain.append(psnr(bicubic(small, 2).clamp(0, 1), large))
    record: dict[str, Any] = {
        "minutes": round((time.monotonic() - began) / 60, 2), "steps": step, "pairs": len(data),
        "seed": seed,
        "held_out_pairs": len(held_out), "psnr_dB": round(float(np.mean(ours)), 3),
        "bicubic_psnr_dB": round(float(np.mean(plain)), 3),
    }
    if init is not None:
        record["before"] = init.config.training
    log(f"{len(held_out)} held-out frames: {record['psnr_dB']} dB, bicubic "
        f"{record['bicubic_psnr_dB']} dB")
    return Upsampler(dataclasses.replace(config, training=record), network, "")


def main(args: Sequence[str]) -> int:
    """Film, train and save."""
    from worldsim.scenario import list_scenarios
    from worldsim.splits import Purpose

    parser = argparse.ArgumentParser(prog="python -m worldsim.diffusion.upsampler_training",
                                     description="Train the upsampler on filmed scenes.")
    parser.add_argument("out", type=Path, help="directory to write to")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--cases", type=int, default=24, help="of each scenario")
    parser.add_argument("--scenario", default="", help="names with commas; all but town by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--init", default="", help="begin with the weights of another one")
    options = parser.parse_args(args)
    if not options.minutes > 0 or options.cases < 4:
        raise InputError("give --minutes above 0 and --cases of at least 4")
    before = Upsampler.from_pretrained(options.init) if options.init else None
    names = options.scenario.split(",") if options.scenario else [
        name for name in list_scenarios() if name != "town"]
    data: list[Pair] = []
    held_out: list[Pair] = []
    for number, name in enumerate(names, 1):
        print(f"{number}/{len(names)} {name}: simulate and film ...", flush=True)
        data += pairs([name], options.cases, options.seed, Purpose.TRAINING)
        held_out += pairs([name], 4, options.seed, Purpose.VALIDATION)
    print(f"{len(data)} pairs of {len(names)} scenarios")
    config = UpsamplerConfig()
    if before is not None:
        config = dataclasses.replace(before.config, training={})
    made = train(data, held_out, options.minutes, options.seed, config, init=before)
    print(f"{options.out}: sha256 {made.save_pretrained(options.out)}")
    return 0


if __name__ == "__main__":
    run_program(main)
