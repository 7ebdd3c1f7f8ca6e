import json
import re

import pytest

from mtlser.evaluation import literature
from mtlser.evaluation.scores import Scores
from mtlser.evaluation.verification.sharing import Shared
from mtlser.reporting import page, verdict
from tests.helpers.factories import make_plan
from tests.helpers.pages import (
    Elements,
    make_context,
    make_scores,
    make_search,
    rendered,
)


def test_nothing_is_fetched_from_outside(html: str) -> None:
    for tag, attributes in Elements(html).seen:
        assert "src" not in attributes, tag
        address = attributes.get("href")
        if address is not None and tag != "a":
            assert address.startswith("data:")
        elif address is not None:
            assert address.startswith(("#", "https://doi.org/"))
    assert "@import" not in html
    assert "url(" not in html
    assert len(html) < 3_000_000


def test_elements_are_closed_in_order_and_links_have_targets(html: str) -> None:
    elements = Elements(html)
    assert elements.open == []
    ids = [a["id"] for _, a in elements.seen if "id" in a]
    assert len(ids) == len(set(ids))
    targets = {a["href"] for _, a in elements.seen if (a.get("href") or "").startswith("#")}
    assert targets
    assert targets <= {f"#{name}" for name in ids}


def test_tables_have_captions_and_figures_have_names_and_numbers(html: str) -> None:
    tables = re.findall(r"<table[^>]*><(\w+)", html)
    assert len(tables) > 15
    assert set(tables) == {"caption"}
    elements = Elements(html).seen
    plots = [a for tag, a in elements if a.get("class") == "plot"]
    ids = {a.get("id") for _, a in elements}
    assert len(plots) >= 7
    for plot in plots:
        assert plot["role"] == "img"
        assert plot["aria-label"]
        assert f"t-{plot['data-figure']}-numbers" in ids


def test_the_page_has_landmarks_a_language_and_a_way_past_the_head(html: str) -> None:
    elements = Elements(html).seen
    tags = [tag for tag, _ in elements]
    assert all(tags.count(tag) == 1 for tag in ("header", "nav", "main", "footer", "h1"))
    assert ("html", {"lang": "en"}) in elements
    assert ("a", {"class": "skip", "href": "#main"}) in elements


def test_a_leaking_protocol_is_in_title_banner_and_verdict(html: str) -> None:
    leaking = rendered("random")
    for place in ("<title>", '<p class="banner" role="alert">', '<p class="verdict">'):
        text = leaking.partition(place)[2].partition("<")[0]
        assert re.search("speaker-independent|test speakers", text, re.I), place
    assert "NOT SPEAKER-INDEPENDENT" not in html
    assert 'class="banner"' not in html


@pytest.mark.parametrize(
    ("speakers", "unknown", "certain"), [(2, 0, True), (2, 5, True), (0, 5, False)]
)
def test_a_leak_that_is_only_possible_is_called_possible(
    speakers: int, unknown: int, certain: bool
) -> None:
    shared = Shared(
        fold=0, name="random-0", pair="train-test", speakers=speakers, dialogues=0, recordings=0,
        audio=0, unknown=unknown,
    )  # fmt: skip
    plan = make_plan(folds=3, per_fold=30, protocol="random")
    scores = make_scores(plan).model_copy(update={"sharing": (shared,), "notes": ()})
    html = page.render(scores, make_context())
    assert ("test speakers are also in training" in html) == certain
    assert ("Test speakers are also in training" in html) == certain
    assert ("Some speakers are not known, so test speakers may also be" in html) != certain


def test_the_page_shows_the_measured_numbers() -> None:
    plan = make_plan(folds=3, per_fold=30)
    measured = make_scores(plan)
    html = page.render(measured, make_context())
    clean = measured.of("mtlser").clean
    for metric in ("wa", "ua", "macro_f1", "wer"):
        spread = clean.spreads[metric]
        assert spread.sd is not None
        assert f"{spread.mean * 100:.1f} ± {spread.sd * 100:.1f}" in html
    for fold in clean.folds:
        assert f"{fold.name} – WA {fold.numbers.wa * 100:.1f}" in html
        assert f"{fold.name} {fold.numbers.wa * 100:.1f}" in html
    row = measured.comparisons[0]
    assert row.welch is not None
    assert f"{row.welch.hedges_g:+.1f}" in html
    for part in ("4,508", "5,531", "12 test transcripts", "corrected resampled", "0a1b2c"):
        assert part.lower() in html.lower()


def test_the_embedded_scores_are_the_scores() -> None:
    measured = make_scores(make_plan(folds=2, per_fold=30))
    html = page.render(measured, make_context(search=make_search(2)))
    result = re.search(r'<script type="application/json" id="scores">(.*?)</script>', html, re.S)
    assert result is not None
    assert Scores.model_validate_json(result[1]) == measured


def test_hostile_names_stay_text() -> None:
    name = "</script><script>alert(1)</script>"
    plan = make_plan(folds=2, per_fold=30)
    folds = tuple(f.model_copy(update={"name": name}) for f in plan.folds)
    html = page.render(
        make_scores(plan.model_copy(update={"folds": folds})),
        make_context(search=make_search(2), ingest={name: {name: [name]}}, recipe_toml=name),
    )
    assert "<script>alert" not in html
    assert Elements(html).open == []


def test_the_search_shows_each_fold_and_marks_its_choice(html: str) -> None:
    # Per fold one star; in the mean one for each of UA, WER and speaker accuracy.
    assert html.count("★</td>") == html.count('class="chosen"') + 1 == 3 + 3 + 1
    one = rendered(search=make_search(alphas=(0.1,), betas=(0.8,)))
    assert "nothing was searched" in one
    assert 'class="chosen"' not in one


@pytest.mark.parametrize(
    ("metric", "text"), [("loss", "1.250"), ("wer", "WER, %"), ("joint", "mean of UA, 1 - WER")]
)
def test_the_search_may_choose_by_another_metric(metric: str, text: str) -> None:
    search = make_search().model_copy(update={"metric": metric})
    assert text in rendered(search=search)


def test_a_global_search_is_called_optimistic(html: str) -> None:
    search = make_search().model_copy(update={"scope": "global"})
    assert "scores are optimistic" in rendered(search=search)
    assert "optimistic" not in html


def test_a_search_without_a_grid_is_a_table() -> None:
    rows = [make_search(1, (0.1 * i,), (0.07 * i,)).rows[0] for i in range(1, 9)]
    html = rendered(search=make_search().model_copy(update={"rows": tuple(rows)}))
    assert "All 8 trainings" in html


def test_the_least_that_can_be_measured_makes_a_page() -> None:
    measured = make_scores(make_plan(folds=1, per_fold=30), baseline=False, noise=())
    html = page.render(measured, make_context(search=make_search(1), ingest={}, audit={}))
    for part in ("There is no test", "Noise was not measured", "has no audit"):
        assert part in html
    assert "one session fold" in verdict.sentence(measured)


def test_data_that_are_not_the_published_release_are_named_among_the_limits() -> None:
    scores = make_scores(make_plan(folds=2, per_fold=30))
    known = len(verdict.cautions(scores, None))
    unlike: list[tuple[dict[str, object], int]] = [
        ({}, 0),
        ({"differs_from_release": []}, 0),
        ({"differs_from_release": None}, 1),
        ({"differs_from_release": [{"what": "sad", "found": 3, "expected": 4}]}, 1),
    ]
    for ingest, added in unlike:
        cautions = verdict.cautions(scores, None, ingest)
        assert len(cautions) == known + added, ingest
    other = scores.model_copy(update={"corpus": "mine"})
    assert len(verdict.cautions(other, None, {"differs_from_release": None})) == known


def test_published_rows_are_set_apart_with_recomputed_p(html: str) -> None:
    section = html[html.index('id="published"') :]
    assert "not measured here" in section
    assert "STRL-SER" in section
    assert "STRL-SER" not in html[: html.index('id="published"')]
    row = next(row for row in literature.table_4() if row.key == "strl-ser")
    assert row.p_recomputed == pytest.approx(0.0109, abs=5e-5)
    assert "cannot be reproduced" in section


def test_the_real_ingest_report_is_shown_whole() -> None:
    from mtlser.data.ingest_report import IngestReport, LeftOut

    report = IngestReport(
        corpus="iemocap",
        digest="ab" * 32,
        seen=529,
        kept=528,
        hours=0.6,
        left_out=(LeftOut(reason="silent", count=1, ids=("x1",), faulty=True, first=None),),
        missing_transcripts=0,
        dropped_characters={},
        by_emotion={"sad": 528},
        by_label={"sad": 528},
        by_speaker={"Ses01_F": 528},
        by_style={"scripted": 528},
        differs_from_release=None,
    )
    shown = rendered(ingest=json.loads(report.model_dump_json()))
    for part in ("silent", "x1", "Ses01_F", "528"):
        assert part in shown
