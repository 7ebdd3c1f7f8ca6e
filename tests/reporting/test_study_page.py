"""A study's figures, tables, pictures and page, and its place in a report."""

import csv
from pathlib import Path

import pytest

from mtlser.evaluation.choices import Choice, SearchResult, SearchRow, ValidationSize
from mtlser.evaluation.study_records import Kind, Study, StudyTraining
from mtlser.records import write_json, write_jsonl
from mtlser.reporting import page, study_figures, study_page
from tests.helpers.commands import Run, refused
from tests.helpers.factories import make_plan, make_predictions
from tests.helpers.pages import make_context, make_scores
from tests.helpers.trainings import make_inputs

NAMES = ("Ses01", "Ses02", "Ses03")


def training(
    arm: str, fold: int, pair: tuple[float, float], ua: float, seed: int = 0
) -> StudyTraining:
    row = SearchRow(
        fold=fold, alpha=pair[0], beta=pair[1], epoch=2, epochs=2, score=ua, loss=1.0, wa=ua,
        ua=ua, f1=ua, wer=0.5 - pair[0] / 10, speaker_accuracy=0.5 + pair[1] / 10,
    )  # fmt: skip
    epochs: tuple[dict[str, float | None], ...] = tuple(
        {
            "validation_wa": ua * share, "validation_ua": ua * share, "validation_wer": 0.5,
            "validation_speaker_accuracy": 0.5, "train_loss": 1.0,
        }
        for share in (0.9, 1.0)
    )  # fmt: skip
    return StudyTraining(arm=arm, seed=seed, row=row, epochs=epochs)


def made(kind: Kind) -> Study:
    pairs = [(a, b) for a in (0.0, 0.5) for b in (0.0, 0.5)]
    found = {
        "ablation": [
            training(arm, f, pair, 0.6 + sum(pair) / 10)
            for arm, of in (("beta = 0", pairs[::2]), ("alpha = 0", pairs[:2]))
            for f in range(3) for pair in of
        ],
        "grid": [
            training("grid", f, pair, 0.6 + 0.05 * f - pair[0] / 5 + pair[1] / 100)
            for f in range(3) for pair in pairs
        ],
        "seeds": [
            training(f"seed {s}", f, (0.1, 0.8), 0.6 + 0.1 * f + 0.01 * s, s)
            for s in range(3) for f in range(3)
        ],
        "encoders": [
            training(name, f, (0.1, 0.8), 0.6 + 0.1 * place)
            for place, name in enumerate(("<one>", "two")) for f in range(3)
        ],
    }[kind]  # fmt: skip
    search = SearchResult(
        scope="global", metric="ua", rows=tuple(each.row for each in found),
        choices=tuple(Choice(fold=f, alpha=0.0, beta=0.5, run=None) for f in range(3)),
    )  # fmt: skip
    return Study(
        kind=kind, recipe_name="made-up", recipe_hash="abc", metric="ua", manifest_digest="",
        folds_digest=make_plan(3).digest, fold_names=NAMES, trainings=tuple(found),
        search=search if kind == "grid" else None,
        sizes=tuple(
            ValidationSize(fold=f, classes=(10,) * 4, words=9, speaker_check=9) for f in range(3)
        ),
    )  # fmt: skip


FIGURES: dict[Kind, list[str]] = {
    "ablation": ["figure-7", "figure-8", "figure-9", "figure-10"],
    "grid": [
        "figure-14", "study-grid-region", "study-grid-emotion", "study-grid-words",
        "study-grid-speaker",
    ],
    "seeds": ["study-seeds-figure"],
    "encoders": ["figure-11", "figure-12", "figure-13"],
}  # fmt: skip


@pytest.mark.parametrize("kind", FIGURES)
def test_each_figure_is_in_the_page_and_a_picture_and_each_table_a_file(
    kind: Kind, tmp_path: Path
) -> None:
    study = made(kind)
    study_page.write(tmp_path, study)
    drawn = study_figures.figures(study)
    assert [figure.id for figure in drawn] == FIGURES[kind]
    text = (tmp_path / "study.html").read_text()
    assert "no test set was read" in text
    assert "<one>" not in text
    for figure in drawn:
        assert f'data-figure="{figure.id}"' in text
        picture = (tmp_path / "figures" / f"{figure.id}.png").read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert len(picture) > 5000
        with (tmp_path / "tables" / f"{figure.table.id}.csv").open(newline="") as file:
            head, *rows = csv.reader(file)
        assert tuple(head) == figure.table.columns
        assert [tuple(row) for row in rows] == list(figure.table.rows)
    with (tmp_path / "tables" / f"study-{kind}-trainings.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) == 1 + len(study.trainings)


def test_seeds_give_the_mean_and_both_deviations() -> None:
    """Folds 0.1 apart, seeds 0.01 apart: SDs of 10 points and of 1."""
    table = study_figures.tables(made("seeds"))[0]
    assert table.columns == ("Metric", "Mean", "SD over folds", "SD over seeds")
    assert ("UA, %", "71.0", "10.0", "1.0") in table.rows


def test_the_region_holds_what_is_within_one_error_over_folds() -> None:
    """Folds 0.05 apart: an error of 0.05 / sqrt(3) = 0.0289; alpha 0.5 costs 0.1."""
    figure = next(f for f in study_figures.figures(made("grid")) if f.id == "study-grid-region")
    within = {row[:2]: row[4] for row in figure.table.rows}
    assert within == {
        ("0", "0"): "yes", ("0", "0.5"): "yes", ("0.5", "0"): "no", ("0.5", "0.5"): "no",
    }  # fmt: skip
    assert "0.0289 over folds" in figure.caption


def test_a_report_shows_the_studies_that_it_got() -> None:
    scores = make_scores(make_plan(3))
    alone = page.render(scores, make_context())
    assert 'data-figure="figure-7"' not in alone
    assert "<strong>Figure 7</strong>" in alone
    kinds: tuple[Kind, ...] = ("ablation", "grid", "seeds", "encoders")
    both = page.render(scores, make_context(studies=tuple(made(kind) for kind in kinds)))
    for kind in kinds:
        assert f'id="t-study-{kind}"' in both
        for name in FIGURES[kind]:
            assert both.count(f'data-figure="{name}" style') == 1
    assert "<strong>Figure 7</strong>" not in both


def test_a_study_s_folder_is_one_of_a_report_s_results(run: Run, tmp_path: Path) -> None:
    """Of the same folds: figures of others would be taken for those of the page."""
    plan = make_plan(3)
    write_jsonl(tmp_path / "mine.jsonl", make_predictions(plan))
    write_json(tmp_path / "folds.json", plan)
    (tmp_path / "studied").mkdir()
    study_page.write(tmp_path / "studied", made("seeds"))
    write_json(tmp_path / "studied" / "study.json", made("seeds"))
    words = ("report", "mine.jsonl", "studied", "--folds", "folds.json", "--out", "r")
    code, _, err = run(*words)
    assert code == 0, err
    assert 'data-figure="study-seeds-figure"' in (tmp_path / "r" / "report.html").read_text()
    other = made("seeds").model_copy(update={"folds_digest": "another"})
    write_json(tmp_path / "studied" / "study.json", other)
    refused(run(*words), "study of seeds of recipe made-up is of other folds")


def test_a_study_that_cannot_be_made_is_one_sentence(run: Run, tmp_path: Path) -> None:
    inputs = make_inputs(tmp_path)
    (tmp_path / "folds").mkdir()
    write_json(tmp_path / "folds" / "folds.json", inputs.plan)
    given = ("--manifest", "corpus", "--folds", "folds", "--out", "studied")
    refused(run("study", "seeds", *given, "--seeds", 2), "--seeds 2: expected 3 or more")
    refused(run("study", "encoders", *given, "--encoder", "one"), "expected two or more")
    refused(run("study", "grid", *given), "allowed are sampler = 'grid' and 4 pairs or more")
    assert run("study", "everything", *given)[0] == 2
    assert not (tmp_path / "studied").exists()
