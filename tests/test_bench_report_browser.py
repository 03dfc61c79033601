"""The benchmark's page in a real browser: headless Chromium opens the file as a reader would."""

import bench_results as synthetic
import pytest
from test_report_browser import (  # noqa: F401  browser is a fixture
    browser,
    click,
    resize,
    sideways,
    wait,
)

from evaluation.benchmark.report import write_report

FIRST = "document.querySelector('.film')"
TIMES = f"return [...{FIRST}.querySelectorAll('video')].map(v => v.currentTime)"
FRAME = 1 / synthetic.FPS


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    found = synthetic.result()
    found["unsupported"] = {"incline": "it takes no parameters"}
    found["blocks"][0]["failed"] = found["failed"] = 1
    found["failures"] = {"free_fall-in_range-0003": "ValueError: " + "no_memory_left" * 12}
    found["model"]["name"] = "python:a_rather_long_package_name.with_a_module:AndAClassThatIsLonger"
    return write_report(synthetic.make_folder(tmp_path_factory.mktemp("run") / "run", found),
                        synthetic.frames)


def load(browser, report):  # noqa: F811
    """Open the page at the first film, and wait until it is decoded."""
    resize(browser, 1400, 900)
    browser.get_log("browser")
    browser.get(report.resolve().as_uri())
    browser.execute_script(f"{FIRST}.scrollIntoView({{block: 'center'}})")
    ready = f"return [...{FIRST}.querySelectorAll('video')].every(v => v.readyState >= 2)"
    wait(lambda: browser.execute_script(ready), "the films are not decoded")
    return browser


@pytest.fixture
def opened(browser, report):  # noqa: F811
    return load(browser, report)


def set_slider(browser, selector, value):  # noqa: F811
    browser.execute_script(
        "const s = document.querySelector(arguments[0]); s.value = arguments[1];"
        "s.dispatchEvent(new Event('input'))", selector, value)


def test_opens_from_a_file_without_error_and_asks_for_nothing_else(opened):
    assert [entry for entry in opened.get_log("browser") if entry["level"] != "INFO"] == []
    fetched = opened.execute_script(
        "return performance.getEntriesByType('resource').map(e => e.name)"
        ".filter(n => !n.startsWith('data:') && !n.startsWith('blob:'))")
    assert fetched == []


def test_truth_and_dream_play_in_step_and_pause_on_one_frame(opened):
    click(opened, ".film .play")
    wait(lambda: opened.execute_script(TIMES)[0] > 0.3, "the films do not play")
    drifts = []
    for _ in range(8):
        times = opened.execute_script(TIMES)
        drifts.append(max(times) - min(times))
    assert sorted(drifts)[len(drifts) // 2] < FRAME
    click(opened, ".film .play")
    wait(lambda: len(set(opened.execute_script(TIMES))) == 1, "the films stand at two times")
    assert opened.execute_script(f"return {FIRST}.querySelectorAll('video')[1].paused")


@pytest.mark.parametrize(("frame", "kind"), [(0, "given"), (4, "given"), (5, "dreamt"),
                                             (39, "dreamt")])
def test_slider_of_a_film_moves_both_and_says_what_is_given(opened, frame, kind):
    set_slider(opened, ".film .controls input", frame)
    clock = opened.execute_script(f"return {FIRST}.querySelector('.clock').textContent")
    assert clock == f"{frame * FRAME:.2f} s, {kind}"
    wait(lambda: [int(t / FRAME) for t in opened.execute_script(TIMES)] == [frame, frame],
         "the films are not at the frame")


def test_films_far_away_are_decoded_only_when_they_come_near(browser, report):  # noqa: F811
    load(browser, report)
    browser.execute_script("scrollTo(0, 0)")
    last = "[...document.querySelectorAll('.film')].at(-1)"
    state = f"return {last}.querySelector('video').src.slice(0, 5)"
    assert browser.execute_script(state) == "data:"
    browser.execute_script(f"{last}.scrollIntoView()")
    wait(lambda: browser.execute_script(state) == "blob:", "the film is not decoded")


def test_slider_of_a_what_if_shows_numbers_and_turns_grey_outside_training(opened):
    sweep = synthetic.what_if()
    for level, inside in enumerate(sweep["in_range"]):
        set_slider(opened, ".what-if input", level)
        shown = opened.execute_script(
            "const a = document.querySelector('.what-if'), o = a.querySelector('output');"
            "return {text: o.innerText, grey: getComputedStyle(o).filter,"
            "line: a.querySelector('.cursor').style.left}")
        assert f"{sweep['truth'][level]:.3f} m" in shown["text"]
        assert f"{sweep['dream'][level]:.3f} m" in shown["text"]
        assert ("outside the training range" in shown["text"]) is not inside
        assert ("grayscale" in shown["grey"]) is not inside
    assert shown["line"].endswith("%")


def test_line_of_the_slider_stands_on_the_curve(opened):
    """Where the browser draws the line, and where it draws the curve's marker."""
    set_slider(opened, ".what-if input", 7)
    apart = opened.execute_script(
        "const a = document.querySelector('.what-if');"
        "const line = a.querySelector('.cursor').getBoundingClientRect().left + 1;"
        "const marks = [...a.querySelectorAll('svg use')].filter(u =>"
        "  u.getAttribute('style')?.includes('#0072b2'));"
        "const b = marks[7].getBoundingClientRect();"
        "return line - (b.left + b.right) / 2")
    assert abs(apart) < 2.5


def test_a_link_of_the_chart_opens_its_scenario(opened):
    opened.execute_script(
        "for (const d of document.querySelectorAll('details.block')) d.open = false;"
        "document.querySelector('.chart a[href$=collision-in_range]').click()")
    wait(lambda: opened.execute_script(
        "return document.getElementById('block-collision-in_range').open"), "it stays shut")


@pytest.mark.parametrize("width", [320, 375, 768, 1400])
def test_nothing_scrolls_sideways(opened, width):
    opened.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    beyond = [one for one in sideways(opened, width) if 'class="sideways"' not in one]
    inside = opened.execute_script(
        "return [...document.querySelectorAll('.sideways *')].map(e => e.outerHTML.slice(0, 80))")
    assert [one for one in beyond if one not in inside] == []


def test_half_a_page_is_enough_for_deciding(opened):
    bottom = opened.execute_script(
        "return document.querySelector('.decide').getBoundingClientRect().bottom + scrollY")
    assert bottom < 900


def test_text_is_legible_in_light_and_dark(opened):
    """WCAG 2.1 contrast of at least 4.5 for text, 3 for the chart's symbols."""
    ratio = """
      const lum = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number).map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b };
      const paper = lum(getComputedStyle(document.body).backgroundColor);
      return [...document.querySelectorAll(arguments[0])].map(e => {
        const ink = lum(getComputedStyle(e)[arguments[1]]);
        return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05) });
    """
    for scheme in ("light", "dark"):
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})
        assert min(opened.execute_script(ratio, ".badge, p, figcaption, .flag, th, td, summary",
                                         "color")) >= 4.5, scheme
        assert min(opened.execute_script(ratio, ".legend .symbol:not(.model)",
                                         "stroke")) >= 3, scheme
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_without_scripts_films_keep_their_own_controls_and_sliders_stay_away(browser, report):  # noqa: F811
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(report.resolve().as_uri())
        shown = browser.execute_script(
            "const seen = e => e.getBoundingClientRect().height > 0;"
            "return [[...document.querySelectorAll('video')].every(v => v.controls),"
            "[...document.querySelectorAll('.lever, .film .controls')].some(seen),"
            "seen(document.querySelector('.chart')), seen(document.querySelector('.plot svg'))]")
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert shown == [True, False, True, True]
