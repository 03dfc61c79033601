"""Physics-IQ on folders of files: laid out and computed as published, bad files named."""

from __future__ import annotations

import dataclasses
import itertools
import json
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from physics_iq_films import FPS, FRAMES, noise, slow_masks, square

from evaluation.physics_iq.__main__ import main
from evaluation.physics_iq.agreement import Agreement, spatiotemporal_iou
from evaluation.physics_iq.folder import FolderScore, evaluate_folder
from evaluation.physics_iq.masks import motion_masks
from evaluation.physics_iq.takes import read_shrunk, resampled
from worldsim.errors import InputError
from worldsim.ffmpeg import find_ffmpeg
from worldsim.video_file import write_mp4

VIEWS = ("perspective-left", "perspective-center", "perspective-right")
SCENARIOS = ("trimmed-slow", "trimmed-fast")


def film_of(scenario: int, view: int, take: int, **changes: int) -> np.ndarray:
    return square(4 + 2 * take, 1.5 + scenario, row=8 * view + 4, **changes)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two experiments, three views, two takes, named and laid out as the published ones."""
    root = tmp_path_factory.mktemp("physics-IQ-benchmark")
    folder = root / "split-videos" / "testing" / f"{FPS}FPS"
    places = itertools.product(range(2), range(2), range(3))
    for number, (take, scenario, view) in enumerate(places, start=1):
        write_mp4(folder / f"{number:04d}_testing-videos_{FPS}FPS_{VIEWS[view]}_take-{take + 1}_"
                  f"{SCENARIOS[scenario]}.mp4", film_of(scenario, view, take), FPS)
    return root


def takes_of(root: Path) -> Path:
    return root / "split-videos" / "testing" / f"{FPS}FPS"


def copied(source: Path, target: Path, take: int) -> Path:
    """The real takes as a folder of dreams."""
    target.mkdir()
    for number, path in enumerate(sorted(source.glob(f"*_take-{take}_*.mp4")), start=1):
        (target / f"{number:04d}_dream.mp4").write_bytes(path.read_bytes())
    return target


@pytest.fixture()
def dreams(dataset: Path, tmp_path: Path) -> Path:
    return copied(takes_of(dataset), tmp_path / "model", 1)


def test_first_takes_as_dreams_score_100(dataset: Path, dreams: Path) -> None:
    score = evaluate_folder(dataset, dreams)
    assert score.original == score.original_rounded == 100
    assert score.verified == pytest.approx(100, abs=1e-4)
    assert (score.failed, score.fps, len(score.cases)) == (0, FPS, 6)
    assert [case.number for case in score.cases] == [f"{n:04d}" for n in range(1, 7)]
    assert score.cases[4].view == "perspective-center"
    assert score.cases[4].scenario == "trimmed-fast"
    assert not score.problems
    assert score.variance.spatial < 1


def test_second_takes_as_dreams_are_the_variance(dataset: Path, tmp_path: Path) -> None:
    score = evaluate_folder(takes_of(dataset), copied(takes_of(dataset), tmp_path / "model", 2))
    assert score.dream == score.variance
    assert score.original == pytest.approx(100)
    assert score.verified == pytest.approx(100, abs=1e-2)


def published(first: Path, second: Path, folder: Path) -> Agreement:
    """A pair of files as the benchmark's paper and program describe it, without our functions."""
    def frames(path: Path) -> list[np.ndarray]:
        source, found = cv2.VideoCapture(str(path)), []
        while (read := source.read())[0]:
            found.append(read[1])
        return found

    pictures, masks = [], []
    for number, path in enumerate((first, second)):
        films = frames(path)
        own = slow_masks(np.array(films)[..., ::-1]).astype(np.uint8) * 255
        stored = folder / f"{number}.mp4"
        writer = cv2.VideoWriter(str(stored), cv2.VideoWriter_fourcc(*"mp4v"), FPS,
                                 own.shape[:0:-1], isColor=False)
        for mask in own:
            writer.write(mask)
        writer.release()
        if number == 0:
            quarter = (films[0].shape[1] // 4, films[0].shape[0] // 4)
        pictures.append([cv2.resize(film, quarter) / 255.0 for film in films])
        masks.append(np.array([cv2.resize(mask, quarter) > 127 for mask in frames(stored)]))
    per_frame = [(a & b).sum() / (a | b).sum() if (a | b).any() else 1.0
                 for a, b in zip(*masks, strict=True)]
    squares = [float(np.mean((a.astype(np.float32) - b.astype(np.float32)) ** 2))
               for a, b in zip(*pictures, strict=True)]
    once = [stack.any(axis=0) for stack in masks]
    often = [stack.mean(axis=0) for stack in masks]
    return Agreement(
        (once[0] & once[1]).sum() / (once[0] | once[1]).sum(),
        np.mean([round(value, 4) for value in per_frame]),
        np.minimum(*often).sum() / np.maximum(*often).sum(),
        np.mean([round(value, 4) for value in squares]),
    )


def test_scores_are_those_of_a_second_implementation(dataset: Path, dreams: Path,
                                                     tmp_path: Path) -> None:
    """Dreams that move at other speeds, of another size than the takes."""
    for number, (scenario, view) in enumerate(itertools.product(range(2), range(3)), start=1):
        film = square(8, 0.7 + 0.5 * scenario, row=8 * view + 4, level=180)
        film = np.repeat(np.repeat(film, 2, axis=1), 2, axis=2) if view == 1 else film
        write_mp4(dreams / f"{number:04d}_dream.mp4", film, FPS)
    score = evaluate_folder(dataset, dreams)
    mine, takes = [], []
    for number, case in enumerate(score.cases, start=1):
        first, second = (next(takes_of(dataset).glob(
            f"*{case.view}_take-{take}_{case.scenario}.mp4")) for take in (1, 2))
        mine.append(published(first, dreams / f"{number:04d}_dream.mp4", tmp_path))
        takes.append(published(first, second, tmp_path))
        assert dataclasses.astuple(case.dream) == pytest.approx(
            dataclasses.astuple(mine[-1]), abs=1e-6)
        assert dataclasses.astuple(case.variance) == pytest.approx(
            dataclasses.astuple(takes[-1]), abs=1e-6)
    dream, real = (np.mean([dataclasses.astuple(one) for one in each], axis=0)
                   for each in (mine, takes))
    by_hand = np.mean(dream[:3] / real[:3]) - (dream[3] - real[3])
    assert score.original == pytest.approx(100 * by_hand, abs=1e-4)
    each = [np.append(np.array(dataclasses.astuple(d))[:3] / np.array(dataclasses.astuple(t))[:3],
                      t.mse / d.mse) for d, t in zip(mine, takes, strict=True)]
    assert score.verified == pytest.approx(100 * np.clip(each, 0, 1).mean(), abs=1e-3)
    assert 5 < score.original < 95


def test_the_data_sets_own_masks_are_used(dataset: Path, dreams: Path, tmp_path: Path) -> None:
    root = tmp_path / "own"
    takes = root / "split-videos" / "testing" / f"{FPS}FPS"
    takes.mkdir(parents=True)
    masks = root / "video-masks" / "real" / f"{FPS}FPS"
    for path in takes_of(dataset).glob("*.mp4"):
        (takes / path.name).write_bytes(path.read_bytes())
        white = np.full((FRAMES, 64, 96, 3), 255, np.uint8)
        write_mp4(masks / path.name.replace("testing-videos", "video-masks"), white, FPS)
    score = evaluate_folder(root, dreams)
    assert (score.variance.spatial, score.variance.spatiotemporal) == (1, 1)
    assert score.dream.spatial < 1
    assert any("masks of 12 of 12" in note for note in score.notes)


def test_other_rates_are_interpolated_from_30(tmp_path: Path) -> None:
    real, model = tmp_path / "30FPS", tmp_path / "model"
    for take, number in ((1, "0001"), (2, "0002")):
        write_mp4(real / f"{number}_testing-videos_30FPS_left_take-{take}_trimmed-x.mp4",
                  square(2 + take, 0.4, frames=150), 30)
    write_mp4(model / "0001_a.mp4", square(3, 3.0, frames=20), 4)
    score = evaluate_folder(real, model)
    assert score.fps == 4 and not score.failed
    assert any("interpolated from 30 to 4" in note for note in score.notes)
    assert score.original > 60


@pytest.mark.parametrize(("have", "want"), [(150, 40), (150, 120), (10, 10), (5, 9), (3, 1)])
def test_interpolation_is_first_on_first_and_last_on_last(have: int, want: int) -> None:
    rng = np.random.default_rng(0)
    films = rng.integers(0, 256, (have, 2, 2, 3)).astype(np.uint8)
    found = list(resampled(iter(films), have, want))
    assert len(found) == want
    for step, frame in enumerate(found):
        place = step * (have - 1) / max(want - 1, 1)
        here, share = int(place), place - int(place)
        ahead = films[min(here + 1, have - 1)].astype(np.float32)
        expected = (1 - share) * films[here].astype(np.float32) + share * ahead
        np.testing.assert_array_equal(frame, expected.astype(np.uint8))


def test_failures_stay_in_the_denominator(dataset: Path, dreams: Path) -> None:
    (dreams / "0001_dream.mp4").unlink()
    write_mp4(dreams / "0002_dream.mp4", square(4, 2)[:11], FPS)
    (dreams / "0003_dream.mp4").write_bytes(b"no video at all")
    write_mp4(dreams / "0004_dream.mp4", square(4, 2, frames=50), 10)
    whole = write_mp4(dreams / "0005_dream.mp4", noise(0, (FRAMES, 64, 96)), FPS).read_bytes()
    (dreams / "0005_dream.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    score = evaluate_folder(dataset, dreams)
    assert score.failed == 5
    assert score.verified == pytest.approx(100 / 6, abs=1e-3)
    assert score.dream == Agreement(*(pytest.approx(v) for v in (1 / 6, 1 / 6, 1 / 6, 5 / 6)))
    said = {problem.where: problem.text for problem in score.problems}
    assert "there is no usable video 0001" in said["0001"]
    assert "11 of 20 frames" in said["0002_dream.mp4"]
    assert "not a video" in said["0003_dream.mp4"]
    assert "10 frames/s, most others 4" in said["0004_dream.mp4"]
    assert "damaged or cut short" in said["0005_dream.mp4"]
    assert len(said) == 5
    assert all("\n" not in str(problem) for problem in score.problems)
    stored = json.loads(score.to_json())
    assert (stored["failed"], stored["cases"]) == (5, 6)
    assert len(stored["table"]) == 6


def test_two_files_for_one_case_count_as_none(dataset: Path, dreams: Path) -> None:
    (dreams / "0003_other.mp4").write_bytes((dreams / "0003_dream.mp4").read_bytes())
    (dreams / "0077_dream.mp4").write_bytes((dreams / "0003_dream.mp4").read_bytes())
    (dreams / "notes.mp4").write_bytes(b"")
    score = evaluate_folder(dataset, dreams)
    assert [case.number for case in score.cases if case.failed] == ["0003"]
    said = " ".join(map(str, score.problems))
    assert "has the number 0003 too" in said
    assert "no real take 0077" in said
    assert "notes.mp4: does not begin with a number" in said


def test_longer_videos_and_other_aspects_are_warned_of(dataset: Path, dreams: Path) -> None:
    film = film_of(0, 0, 0, frames=FRAMES + 8)
    write_mp4(dreams / "0001_dream.mp4", film, FPS)
    write_mp4(dreams / "0002_dream.mp4", film_of(0, 1, 0, size=(64, 64)), FPS)
    score = evaluate_folder(dataset, dreams)
    assert not score.failed
    said = {problem.where: str(problem) for problem in score.problems}
    assert "warning" in said["0001_dream.mp4"] and "lasts 7 s" in said["0001_dream.mp4"]
    assert "stretched" in said["0002_dream.mp4"]
    assert score.cases[0].parts.score > 99


def test_real_takes_that_cannot_be_used_are_named(dataset: Path, dreams: Path,
                                                  tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a folder"):
        evaluate_folder(tmp_path / "nowhere", dreams)
    with pytest.raises(InputError, match="holds no real takes at 4 or 30"):
        evaluate_folder(dreams, dreams)
    with pytest.raises(InputError, match="holds no generated videos"):
        evaluate_folder(dataset, dataset)
    half = tmp_path / "half"
    half.mkdir()
    for path in takes_of(dataset).glob("*_take-1_*.mp4"):
        (half / path.name).write_bytes(path.read_bytes())
    with pytest.raises(InputError, match=r"lacks take 2 of .* \(and 5 more takes\)"):
        evaluate_folder(half, dreams)
    for path in takes_of(dataset).glob("*_take-2_*.mp4"):
        (half / path.name).write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match=r"take-2.*(frames|not a video)"):
        evaluate_folder(half, dreams)


def test_odd_sizes_lose_a_column_of_the_mask(tmp_path: Path) -> None:
    film, path = square(2, 2, size=(48, 97)), tmp_path / "odd.mp4"
    subprocess.run(
        [find_ffmpeg(), "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "97x48",
         "-r", str(FPS), "-i", "pipe:0", "-c:v", "libx264", "-pix_fmt", "yuv444p", str(path)],
        input=film.tobytes(), check=True)
    found = read_shrunk(path, (12, 24), FRAMES, FPS).masks
    direct = motion_masks(film)[:, 1::4, 1:96:4]
    assert direct.any()
    assert spatiotemporal_iou(found[..., 0], direct).mean() > 0.8


def test_the_command(dataset: Path, dreams: Path, tmp_path: Path,
                     capsys: pytest.CaptureFixture[str]) -> None:
    (dreams / "0006_dream.mp4").unlink()
    target = tmp_path / "out" / "score.json"
    assert main(["--real", str(dataset), "--generated", str(dreams), "--json", str(target)]) == 0
    out, err = capsys.readouterr()
    stored = json.loads(target.read_text())
    assert f"Physics-IQ Verified    {stored['verified']:6.2f} of 100" in out
    assert "6 cases at 4 frames/s, 1 failed and counted" in out
    assert "not the 198 of the published data set" in out
    assert "error: 0006: there is no usable video" in err


def test_a_data_set_score_is_the_mean_of_its_cases(dataset: Path, dreams: Path) -> None:
    score = evaluate_folder(dataset, dreams)
    part = FolderScore(score.fps, score.cases[:2], (), ())
    rest = FolderScore(score.fps, score.cases[2:], (), ())
    assert score.verified == pytest.approx((2 * part.verified + 4 * rest.verified) / 6)
