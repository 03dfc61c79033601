"""The report in a real browser: headless Chromium opens the file as a reader would."""

import os
import shutil
import time
from pathlib import Path

import pytest
from synthetic_run import make_run
from test_report_comparison import simulated

from evaluation.report import write_report
from evaluation.report.comparison import write_comparison

INSTALL = "apt-get install -y chromium chromium-driver; python -m pip install selenium"
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--window-size=1280,900",
)
# The frame that a viewer sees, of every film that plays in step.
TIMES = "return [...document.querySelectorAll('#player video')].map(v => v.currentTime)"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("run") / "run", town={"people": 90})
    return write_report(run)


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    runs = [simulated(folder / name, wall) for name, wall in (("without", 0.0), ("with", 3.0))]
    return write_comparison(*runs, folder / "comparison.html", "worldsim report without with")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    try:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
    except ImportError:
        missing.append("selenium")
    if missing:
        message = f"{', '.join(missing)} not found, so no browser opened the report. {INSTALL}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_script_timeout(20)
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, report):
    """The report, freshly opened at desktop size, all films decoded."""
    resize(browser, 1280, 800)
    browser.get_log("browser")
    browser.get(Path(report).resolve().as_uri())
    every = "return [...document.querySelectorAll('video')].every(v => v.readyState >= 2)"
    wait(lambda: browser.execute_script(every), "the films are not decoded")
    return browser


def resize(browser, width, height):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
    )


def wait(condition, message, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, message
        time.sleep(0.05)


def clock(browser):
    return browser.execute_script("return document.getElementById('clock').textContent")


def click(browser, selector):
    browser.execute_script("document.querySelector(arguments[0]).click()", selector)


def choose(browser, selector, value):
    browser.execute_script(
        "const s = document.querySelector(arguments[0]); s.value = arguments[1];"
        "s.dispatchEvent(new Event('change'))",
        selector,
        value,
    )


def test_opens_from_a_file_without_error_and_asks_for_nothing_else(opened):
    assert [entry for entry in opened.get_log("browser") if entry["level"] != "INFO"] == []
    fetched = opened.execute_script(
        "return performance.getEntriesByType('resource').map(e => e.name)"
        ".filter(n => !n.startsWith('data:') && !n.startsWith('blob:'))"
    )
    assert fetched == []


def test_films_play_in_step(opened):
    opened.execute_script("document.getElementById('repeat').checked = false")
    before = opened.execute_script(TIMES)
    click(opened, "#player .play")
    wait(lambda: opened.execute_script(TIMES)[0] > before[0] + 0.8, "the films do not play")
    frame = 1 / float(opened.execute_script("return document.getElementById('player').dataset.fps"))
    drifts = []
    for _ in range(8):
        times = opened.execute_script(TIMES)
        drifts.append(max(times) - min(times))
        time.sleep(0.1)
    assert all(now > then for now, then in zip(opened.execute_script(TIMES), before, strict=True))
    assert max(drifts) < frame


@pytest.mark.parametrize("late", [-1.0, 1.0])
def test_a_film_that_falls_out_of_step_is_set_back(opened, late):
    click(opened, "#player .play")
    wait(lambda: opened.execute_script(TIMES)[0] > 1.5, "the films do not play")
    opened.execute_script(
        "const v = document.querySelectorAll('#player video')[3]; v.currentTime += arguments[0]",
        late,
    )

    def in_step():
        times = opened.execute_script(TIMES)
        return max(times) - min(times) < 0.2

    wait(in_step, "the film stays out of step", seconds=3.0)


def test_pause_stops_all_films_on_the_same_frame(opened):
    click(opened, "#player .play")
    wait(lambda: opened.execute_script(TIMES)[0] > 0.5, "the films do not play")
    click(opened, "#player .play")
    wait(lambda: len(set(opened.execute_script(TIMES))) == 1, "the films stand at different times")
    stood = opened.execute_script(TIMES)
    time.sleep(0.4)
    assert opened.execute_script(TIMES) == stood


def test_slider_moves_all_films_and_says_what_is_given_and_what_is_dreamt(opened):
    label = "return [...document.querySelectorAll('.given-now')].map(e => !e.hidden)"
    for frame, given in ((0, True), (4, True), (5, False), (33, False)):
        opened.execute_script(
            "const s = document.getElementById('scrub'); s.value = arguments[0];"
            "s.dispatchEvent(new Event('input'))",
            frame,
        )
        assert f"frame {frame + 1} of 60" in clock(opened)
        wait(
            lambda frame=frame: all(int(t * 5) == frame for t in opened.execute_script(TIMES)),
            f"the films are not at frame {frame}",
        )
        assert set(opened.execute_script(label)) == {given}


def test_slider_and_buttons_work_from_the_keyboard(opened):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    opened.find_element(By.ID, "scrub").send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert "frame 3 of 60" in clock(opened)
    opened.find_element(By.CSS_SELECTOR, "#player .back").send_keys(Keys.ENTER)
    assert "frame 2 of 60" in clock(opened)
    opened.find_element(By.CSS_SELECTOR, "#player .play").send_keys(Keys.SPACE)
    wait(lambda: opened.execute_script(TIMES)[0] > 1.0, "space on the button does not play")


def test_choosing_another_case_and_realization_shows_its_films(opened):
    sources = "return [...document.querySelectorAll('#player video')].map(v => v.src)"
    first = opened.execute_script(sources)
    choose(opened, "[data-choice=generated]", "1")
    second = opened.execute_script(sources)
    assert [a != b for a, b in zip(first, second, strict=True)] == [False, True, False, True]
    choose(opened, "[data-choice=case]", "1")
    third = opened.execute_script(sources)
    assert not set(second) & set(third)
    ready = "return [...document.querySelectorAll('#player video')].every(v => v.readyState >= 2)"
    wait(lambda: opened.execute_script(ready), "the other case's films are not decoded")


def test_speed_changes_every_film(opened):
    choose(opened, "#speed", "2")
    rates = opened.execute_script(
        "return [...document.querySelectorAll('#player video')].map(v => v.playbackRate)"
    )
    assert set(rates) == {2}


WIDTHS = [320, 360, 768, 1024, 1280]


def sideways(browser, width):
    """What stands beyond the right edge of a window of this width."""
    resize(browser, width, 800)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    return browser.execute_script(
        "return [...document.querySelectorAll('main *, header *')].filter(e => {"
        "const b = e.getBoundingClientRect(); return b.width > 0 && b.right > innerWidth + 1"
        "}).map(e => e.outerHTML.slice(0, 80))"
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_scrolls_sideways(opened, width):
    assert sideways(opened, width) == []


def test_half_a_page_is_enough_for_deciding(opened):
    """What cannot be told, what happens and how sure it is stand within a page and a half of a
    laptop, before any table."""
    bottom = opened.execute_script(
        "return document.querySelector('.decide').getBoundingClientRect().bottom + scrollY")
    assert bottom < 1.5 * 800


def test_the_comparison_opens_offline_without_error_at_any_width(browser, comparison):
    browser.get_log("browser")
    browser.get(Path(comparison).resolve().as_uri())
    assert [entry for entry in browser.get_log("browser") if entry["level"] != "INFO"] == []
    fetched = browser.execute_script(
        "return performance.getEntriesByType('resource').map(e => e.name)"
        ".filter(n => !n.startsWith('data:'))")
    assert fetched == []
    assert [sideways(browser, width) for width in WIDTHS] == [[]] * len(WIDTHS)
    resize(browser, 1280, 800)
    side_by_side = browser.execute_script(
        "return [...document.querySelectorAll('#maps .plots')].map(p => {"
        "const [a, b] = [...p.children].map(c => c.getBoundingClientRect());"
        "return a.top === b.top && a.right <= b.left})")
    assert side_by_side and all(side_by_side)


def test_lettering_is_legible_on_a_phone(opened):
    resize(opened, 360, 800)
    smallest = opened.execute_script(
        "return Math.min(...[...document.querySelectorAll('.plot svg text')].map(t => {"
        "const m = t.getScreenCTM(); return parseFloat(getComputedStyle(t).fontSize) * "
        "Math.hypot(m.a, m.b)}))"
    )
    assert smallest >= 8.5


def test_text_is_legible_in_light_and_dark(opened):
    """WCAG 2.1 contrast of at least 4.5 for both kinds' labels, in both colour schemes."""
    ratio = """
      const lum = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number).map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b };
      const paper = lum(getComputedStyle(document.body).backgroundColor);
      return [...document.querySelectorAll('.badge, p, figcaption, .flag, th, td')].map(e => {
        const ink = lum(getComputedStyle(e).color);
        return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05) });
    """
    for scheme in ("light", "dark"):
        opened.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
        )
        assert min(opened.execute_script(ratio)) >= 4.5, scheme
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
