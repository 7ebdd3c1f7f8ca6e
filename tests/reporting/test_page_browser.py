"""The page in a real headless Chromium; skipped, saying so, where there is none."""

import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mtlser.evaluation import gathering
from mtlser.reporting import listening, page
from mtlser.reporting.histories import History
from tests.helpers.factories import make_plan, make_predictions
from tests.helpers.listening import make_corpus
from tests.helpers.pages import make_context, make_scores, make_search

CHROMIUM = Path(os.environ.get("MTLSER_CHROMIUM", "/usr/bin/chromium"))
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1400, "height": 900}
DOWNLOAD_PACE_MS = 150
"""Between downloads: Chromium drops the eleventh that a page starts within a second."""
PNG = b"\x89PNG\r\n\x1a\n"

pytestmark = pytest.mark.skipif(
    not CHROMIUM.is_file(), reason=f"no Chromium at {CHROMIUM}; MTLSER_CHROMIUM names another"
)
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with every kind of figure; one fold's name would be a script."""
    plan = make_plan(folds=3, per_fold=30)
    name = "<img src=x onerror=alert(1)>"
    folds = (plan.folds[0].model_copy(update={"name": name}), *plan.folds[1:])
    grown = make_scores(plan.model_copy(update={"folds": folds}))
    pairs = [(0.0, 0.0), (0.1, 0.0), (0.0, 0.5), (0.1, 0.8)]
    kinds = ("wa", "ua", "wer", "speaker", "train_loss")
    trained = [
        History(fold=f, alpha=a, beta=b, values=dict.fromkeys(kinds, (0.4, 0.5 + a, 0.6)))
        for f in range(3)
        for a, b in pairs
    ]
    context = make_context(search=make_search(), histories=trained)
    path = tmp_path_factory.mktemp("page") / "report.html"
    page.write(path, grown, context)
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def opened(browser: Any, report: Path) -> Iterator[Open]:
    """Opens the page once drawn; at the end the console is empty and nothing came from outside."""
    messages: list[str] = []
    asked: list[str] = []
    contexts: list[Any] = []

    def routed(route: Any) -> None:
        if route.request.url.startswith("file:"):
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    def start(scheme: str = "light", size: dict[str, int] = DESKTOP) -> Any:
        context = browser.new_context(viewport=size, color_scheme=scheme, accept_downloads=True)
        contexts.append(context)
        view = context.new_page()
        view.on("console", lambda message: messages.append(f"{message.type}: {message.text}"))
        view.on("pageerror", lambda error: messages.append(f"error: {error}"))
        view.route("**/*", routed)
        view.goto(report.as_uri())
        view.wait_for_selector("html[data-ready]", timeout=60_000)
        return view

    yield start
    for context in contexts:
        context.close()
    assert messages == []
    assert asked == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_figure_is_drawn_and_the_page_never_scrolls_sideways(
    opened: Open, scheme: str, size: dict[str, int]
) -> None:
    view = opened(scheme, size)
    figures = json.loads(view.locator("#figures").text_content())
    ids = {figure["id"] for figure in figures}
    wanted = {f"figure-{number}" for number in (4, 5, 6, 7, 8, 9, 10, 14)}
    assert wanted <= ids
    for figure in figures:
        plot = view.locator(f'.plot[data-figure="{figure["id"]}"]')
        seen = plot.locator(".trace, .heatmaplayer image, .hm").count()
        assert seen, f"{figure['id']} is empty"
        box = plot.locator(".main-svg").first.bounding_box()
        assert box["height"] > 150
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size["width"]
    wide = "document.documentElement.scrollWidth"
    assert view.evaluate(wide) <= size["width"]
    view.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert view.evaluate(wide) <= size["width"], "with everything unfolded"


def test_dark_and_light_are_unlike_in_page_and_figures_and_follow_a_change(opened: Open) -> None:
    view = opened("light")
    colours = (
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle("
        "document.querySelector('.plot .bg, .plot .main-svg')).backgroundColor, document"
        ".querySelector('.plot .main-svg').style.background]"
    )
    light = view.evaluate(colours)
    view.emulate_media(color_scheme="dark")
    view.wait_for_function(f"JSON.stringify({colours}) !== {json.dumps(json.dumps(light))}")
    view.wait_for_function(f"{colours}[2] !== {json.dumps(light[2])}")
    dark = view.evaluate(colours)
    assert dark[0] != light[0]


@pytest.mark.parametrize("way", ["click", "Enter", "Space"])
def test_tables_sort_by_mouse_and_keyboard_and_absent_stays_last(opened: Open, way: str) -> None:
    view = opened()
    heading = view.locator("#t-systems thead th", has_text="WER")
    button = heading.locator("button")

    def press() -> list[str]:
        if way == "click":
            button.click()
        else:
            button.focus()
            view.keyboard.press(way)
        return list(view.locator("#t-systems tbody th").all_text_contents())

    assert press() == ["mtlser", "svm"]
    assert heading.get_attribute("aria-sort") == "descending"
    assert press() == ["mtlser", "svm"], "svm has no WER: last both ways"
    assert heading.get_attribute("aria-sort") == "ascending"
    heading = view.locator("#t-systems thead th", has_text="UA").first
    button = heading.locator("button")
    assert press() == ["mtlser", "svm"]
    assert press() == ["svm", "mtlser"]
    assert "Sorted by UA, ascending" in view.locator("#status").text_content()


def test_every_figure_gives_a_png_and_its_numbers(opened: Open, tmp_path: Path) -> None:
    view = opened()
    buttons = view.locator("button.png")
    assert buttons.count() == view.locator(".plot").count()
    for index in range(buttons.count()):
        view.wait_for_timeout(DOWNLOAD_PACE_MS)
        with view.expect_download() as waiting:
            buttons.nth(index).click()
        assert waiting.value.suggested_filename.endswith(".png")
        path = tmp_path / "figure.png"
        waiting.value.save_as(path)
        content = path.read_bytes()
        assert content.startswith(PNG)
        assert len(content) > 10_000
    with view.expect_download() as waiting:
        view.locator('#figure-4 button.csv[data-name="figure-4"]').click()
    waiting.value.save_as(tmp_path / "figure.csv")
    assert (tmp_path / "figure.csv").read_text().startswith("System,Metric,")


def test_a_table_gives_a_csv_of_numbers(opened: Open, tmp_path: Path) -> None:
    view = opened()
    with view.expect_download() as waiting:
        view.locator('button.csv[data-name="systems"]').click()
    assert waiting.value.suggested_filename == "systems.csv"
    waiting.value.save_as(tmp_path / "t.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text(encoding="utf-8"))))
    assert [row["System"] for row in rows] == ["mtlser", "svm"]
    shown = view.locator("#t-systems tbody tr").first.locator("td").first.text_content()
    assert shown == f"{rows[0]['UA']} ± {rows[0]['UA SD']}"
    assert rows[1]["WER"] == rows[1]["WER SD"] == ""
    with view.expect_download() as waiting:
        view.locator("#download").click()
    waiting.value.save_as(tmp_path / "all.json")
    whole = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert {"scores", "context", "figures"} <= whole.keys()


def test_lines_are_switched_by_keyboard(opened: Open) -> None:
    view = opened()
    key = view.locator("#figure-4 .key", has_text="svm UA")
    bars = view.locator("#figure-4 .plot .trace.bars")
    before = bars.count()
    assert key.get_attribute("aria-pressed") == "false"
    key.focus()
    view.keyboard.press("Enter")
    assert key.get_attribute("aria-pressed") == "true"
    view.wait_for_function(
        f"document.querySelectorAll('#figure-4 .plot .trace.bars').length === {before + 1}"
    )


def test_everything_that_acts_is_reached_by_tab_and_shows_focus(opened: Open) -> None:
    view = opened()
    view.keyboard.press("Tab")
    assert view.evaluate("document.activeElement.className") == "skip"
    view.keyboard.press("Enter")
    assert view.evaluate("document.activeElement.id") == "main"
    view.keyboard.press("Tab")
    style = "getComputedStyle(document.activeElement)"
    assert view.evaluate(f"{style}.outlineStyle") == "solid"
    names = view.evaluate(
        "[...document.querySelectorAll('button, a[href], summary, [role=region], [role=img]')]"
        ".filter((e) => !(e.ariaLabel || e.textContent.trim()"
        " || e.getAttribute('aria-labelledby')))"
        ".length"
    )
    assert names == 0, "something that acts has no name"


def test_misclassified_clips_play_under_the_pages_own_security_policy(
    browser: Any, tmp_path: Path
) -> None:
    plan = make_plan(folds=3, per_fold=30)
    manifest = make_corpus(tmp_path, make_predictions(plan, "mtlser", 0.7), 5.0)
    columns = gathering.columns(make_predictions(plan, "mtlser", 0.7))
    chosen = listening.clips(columns, "mtlser", plan, tmp_path, manifest, 4)
    path = tmp_path / "report.html"
    page.write(path, make_scores(plan), make_context(), chosen)
    context = browser.new_context(viewport=PHONE)
    view = context.new_page()
    complaints: list[str] = []
    view.on("console", lambda message: complaints.append(message.text))
    view.goto(path.as_uri())
    lengths = view.evaluate(
        "Promise.all([...document.querySelectorAll('audio')].map((audio) => new Promise((done) => {"
        "audio.onloadedmetadata = () => done(audio.duration); audio.onerror = () => done(-1);"
        "audio.preload = 'auto'; audio.load(); })))"
    )
    assert lengths == pytest.approx([listening.LONGEST_S] * 4)
    assert view.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert complaints == []
    context.close()


def test_without_scripts_every_table_is_there(browser: Any, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=PHONE)
    view = context.new_page()
    view.goto(report.as_uri())
    assert view.locator("#t-systems tbody tr").count() == 2
    assert view.locator(".plot noscript, .plot").count()
    assert view.locator("button.csv:visible").count() == 0
    context.close()
