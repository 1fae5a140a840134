"""A real browser opens the report from disk, at desktop and at phone width: everything is drawn, nothing is loaded.

Without a browser the test is skipped on a laptop and fails in CI, where there must be one.
"""

import importlib.util
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archlock.reports import render_evaluation, render_html
from evaluation_records import TASKS, full_evaluation, unhappy_evaluations
from report_records import attack_record, lock_record, unhappy_records, with_arms

WIDTHS = {"desktop": 1280, "phone": 390}
RECORDS = {
    "lock": lock_record(),
    "arms": with_arms(),
    "hostile_arms": with_arms(unhappy_records()["hostile_names"]),
    "attack": attack_record(),
    **{name: unhappy_records()[name] for name in ("long_names", "hostile_names", "nothing", "macro")},
}
EVALUATIONS = {
    "evaluation": full_evaluation(TASKS, seeds=3),
    **{f"evaluation_{name}": unhappy_evaluations()[name] for name in ("long", "hostile", "one_run", "many")},
}
PAGES = (*RECORDS, *EVALUATIONS)
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MEASURE = """
const shown = [...document.querySelectorAll("svg.plot")].filter(svg => getComputedStyle(svg).display !== "none");
return {
  overflow: document.documentElement.scrollWidth - window.innerWidth,
  width: window.innerWidth,
  text: document.querySelector("main").innerText.length,
  pictures: shown.map(svg => ({
    name: svg.getAttribute("aria-labelledby"),
    width: svg.getBoundingClientRect().width,
    height: svg.getBoundingClientRect().height,
    // things that are really painted, inside the picture, with some extent
    drawn: [...svg.querySelectorAll("path, use")].filter(e => {
      const box = e.getBoundingClientRect(), style = getComputedStyle(e);
      return box.width + box.height > 1 && (style.stroke !== "none" || style.fill !== "none");
    }).length,
    letters: [...svg.querySelectorAll("text")].filter(e => e.getBoundingClientRect().width > 0).length,
    outside: [...svg.querySelectorAll("text")].filter(e => {
      const box = e.getBoundingClientRect(), frame = svg.getBoundingClientRect();
      return box.left < frame.left - 8 || box.right > frame.right + 8;
    }).map(e => e.textContent),
  })),
  wide: [...document.querySelectorAll("table")].filter(table =>
    table.getBoundingClientRect().width > window.innerWidth && !table.closest(".scroll")).length,
};
"""


def browser_parts() -> tuple[str, str]:
    """Paths of browser and driver; skips on a laptop that has none, fails in CI."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    selenium = importlib.util.find_spec("selenium")
    if browser and driver and selenium:
        return browser, driver
    reason = f"needs chromium ({browser}), chromedriver ({driver}) and selenium ({selenium and selenium.name})"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    binary, driver = browser_parts()
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    window = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=driver))
    yield window
    window.quit()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("reports")
    for name, record in RECORDS.items():
        (made / f"{name}.html").write_text(render_html(record), encoding="utf-8")
    for name, evaluation in EVALUATIONS.items():
        (made / f"{name}.html").write_text(render_evaluation(evaluation), encoding="utf-8")
    return made


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", list(WIDTHS))
@pytest.mark.parametrize("page", PAGES)
def test_the_report_is_drawn_whole_and_loads_nothing(
    browser: Any, folder: Path, page: str, width: str, dark: bool
) -> None:
    open_page(browser, folder / f"{page}.html", WIDTHS[width], dark=dark)
    found = browser.execute_script(MEASURE)
    assert found["width"] == WIDTHS[width]
    assert found["overflow"] <= 0, "the page scrolls sideways"
    assert found["wide"] == 0, "a table outside a scrolling frame is wider than the page"
    assert found["text"] > 500
    assert found["pictures"], "no picture is shown"
    for picture in found["pictures"]:
        assert picture["width"] > 200, picture
        assert picture["height"] > 20, picture
        assert picture["drawn"] >= 1, picture
        assert picture["letters"] >= 1, picture
        assert picture["outside"] == [], picture
    assert [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    requested = requests(browser)
    assert requested == {(folder / f"{page}.html").as_uri()}


def test_the_test_sees_what_it_looks_for(browser: Any, tmp_path: Path) -> None:
    """A page with every fault is found faulty: the checks above can fail."""
    (tmp_path / "bad.html").write_text(
        "<!doctype html><meta name=viewport content='width=device-width'><main>x<div style='width:3000px'>wide</div>"
        "<svg class=plot aria-labelledby=t></svg></main><img src='missing.png'><script>console.error('x')</script>"
    )
    open_page(browser, tmp_path / "bad.html", 390, dark=False)
    found = browser.execute_script(MEASURE)
    assert found["overflow"] > 0 or found["width"] > 390
    assert found["pictures"][0]["drawn"] == 0
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert (tmp_path / "missing.png").as_uri() in requests(browser)


def open_page(browser: Any, path: Path, width: int, *, dark: bool) -> None:
    """Open a file with the screen of a desktop or a phone; logs of earlier pages are dropped."""
    screen = {"width": width, "height": 844, "deviceScaleFactor": 2, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(path.as_uri())


def requests(browser: Any) -> set[str]:
    """Every address asked for since the page was opened (data: addresses stay inside the page)."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = (m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent")
    return {address for address in sent if not address.startswith("data:")}
