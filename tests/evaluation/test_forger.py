"""A forger spoils one thing of an honest run at a time; nobody believes it."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mtlser import stages
from mtlser.errors import MtlserError
from mtlser.evaluation import scores
from mtlser.evaluation.score_records import Scores
from mtlser.evaluation.verification import recheck, registration, sources
from mtlser.records import Cell, read_json, write_json
from mtlser.registry import gate
from mtlser.reporting import comparison_page, runs
from mtlser.storage.custody import CUSTODY, Custody
from tests.helpers.forging import (
    copied,
    drop_fields,
    drop_record,
    edit_model,
    edit_record,
    reseal,
    rewrite,
    set_value,
)
from tests.helpers.honest import HonestRun, make_honest_recipe, make_honest_run

Forgery = Callable[[HonestRun], None]
FIRST, SECOND = "cells/mtlser-f0-s0", "cells/mtlser-f1-s0"
NOISY = "noisy/mtlser-f0-s0"


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> HonestRun:
    """An honest run with its report, that nobody may change."""
    run = make_honest_run(tmp_path_factory.mktemp("honest") / "run")
    run.write_report()
    return run


@dataclass
class Book:
    """Forgeries by what they spoil, each to be refused before a report is written."""

    inputs: dict[str, Forgery] = field(default_factory=dict)
    reports: dict[str, Forgery] = field(default_factory=dict)
    bare: dict[str, Forgery] = field(default_factory=dict)
    """Of a report, so that nothing is left that would give another figure."""


BOOK = Book()


def of_inputs(name: str) -> Callable[[Forgery], Forgery]:
    def note(forgery: Forgery) -> Forgery:
        BOOK.inputs[name] = forgery
        return forgery

    return note


def rows_of_cell(
    name: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], cell: str = FIRST
) -> None:
    """Three forgeries: the file alone; the digest anew; no record at all."""

    def plain(run: HonestRun) -> None:
        rewrite(run.place / cell / "predictions.jsonl", change)

    def resealed(run: HonestRun) -> None:
        plain(run)
        reseal(run.place / cell)

    def unsealed(run: HonestRun) -> None:
        plain(run)
        drop_record(run.place / cell)

    BOOK.inputs[f"{name}"] = plain
    BOOK.inputs[f"{name}, digest anew"] = resealed
    BOOK.inputs[f"{name}, record dropped"] = unsealed


def each_row(**values: Any) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    def change(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            row | {key: v(row) if callable(v) else v for key, v in values.items()}
            if row["split"] == "test" and row["condition"] in {"clean", "babble@10dB"}
            else row
            for row in rows
        ]

    return change


def surely_right(row: dict[str, Any]) -> dict[str, float]:
    """Probabilities that name the true class."""
    return {n: 0.7 if n == row["emotion_true"] else 0.1 for n in row["emotion_probabilities"]}


def predicted(row: dict[str, Any]) -> str:
    probabilities: dict[str, float] = row["emotion_probabilities"]
    return max(probabilities, key=lambda name: probabilities[name])


def right(row: dict[str, Any]) -> bool:
    return predicted(row) == row["emotion_true"]


rows_of_cell("true classes are the predictions", each_row(emotion_true=predicted))
rows_of_cell("transcripts are the hypotheses", each_row(text_true=lambda r: r["text_predicted"]))
rows_of_cell("no transcript where it is wrong", each_row(text_true=None))
rows_of_cell("speakers are others", each_row(speaker_true="Ses02_M"))
rows_of_cell("styles are gone", each_row(style=None))
rows_of_cell("wrong utterances are dropped", lambda rows: [r for r in rows if right(r)])
rows_of_cell("rows are there twice", lambda rows: rows + rows[-3:])
rows_of_cell("the seed is another", each_row(seed=1))
rows_of_cell("the fold is another", each_row(fold=1))
rows_of_cell("the system is another", each_row(system="svm"))
rows_of_cell("validation passes for test", lambda rows: [
    r | {"split": "test"} if r["split"] == "validation" else r for r in rows
])  # fmt: skip
rows_of_cell("the recipe is another", each_row(recipe_hash="another"))
rows_of_cell("noisy classes are the predictions", each_row(emotion_true=predicted), cell=NOISY)
rows_of_cell("noise passes for clean", each_row(condition="clean"), cell=NOISY)


@of_inputs("probabilities are those of the truth")
def _(run: HonestRun) -> None:
    rewrite(
        run.place / FIRST / "predictions.jsonl",
        each_row(emotion_probabilities=lambda r: {
            name: 0.7 if name == r["emotion_true"] else 0.1 for name in r["emotion_probabilities"]
        }),
    )  # fmt: skip


@of_inputs("one probability is shifted by 2e-6")
def _(run: HonestRun) -> None:
    def shift(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        name = next(iter(rows[0]["emotion_probabilities"]))
        rows[0]["emotion_probabilities"][name] += 2e-6
        return rows

    rewrite(run.place / FIRST / "predictions.jsonl", shift)


@of_inputs("the manifest is relabelled")
def _(run: HonestRun) -> None:
    rewrite(run.corpus / "manifest.jsonl", lambda rows: [r | {"emotion": "sad"} for r in rows])


@of_inputs("the manifest is relabelled, digest anew")
def _(run: HonestRun) -> None:
    rewrite(run.corpus / "manifest.jsonl", lambda rows: [r | {"emotion": "sad"} for r in rows])
    reseal(run.corpus)


@of_inputs("the manifest names other speakers")
def _(run: HonestRun) -> None:
    rewrite(
        run.corpus / "manifest.jsonl",
        lambda rows: [r | {"speaker": f"{r['speaker']}{i % 2}"} for i, r in enumerate(rows)],
    )
    drop_record(run.corpus)


@of_inputs("the manifest names other genders")
def _(run: HonestRun) -> None:
    rewrite(run.corpus / "manifest.jsonl", lambda rows: [r | {"gender": "F"} for r in rows])


def move(run: HonestRun, source: str, target: str) -> None:
    """Moves one utterance of fold 0 from one split to another."""
    path = run.folds / "folds.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    fold = content["folds"][0]
    fold[target].append(fold[source].pop())
    path.write_text(json.dumps(content), encoding="utf-8")


for _one, _other in (("test", "train"), ("validation", "train"), ("train", "test")):

    def _moved(run: HonestRun, one: str = _one, other: str = _other) -> None:
        move(run, one, other)

    def _moved_anew(run: HonestRun, one: str = _one, other: str = _other) -> None:
        move(run, one, other)
        (run.folds / "audit.json").unlink()
        drop_record(run.folds)

    BOOK.inputs[f"an utterance goes from {_one} to {_other}"] = _moved
    BOOK.inputs[f"an utterance goes from {_one} to {_other}, record dropped"] = _moved_anew


@of_inputs("wrong utterances leave folds and predictions, records dropped")
def _(run: HonestRun) -> None:
    wrong: set[str] = set()

    def dropped(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        wrong.update(r["utterance_id"] for r in rows if r["split"] == "test" and not right(r))
        return [r for r in rows if r["utterance_id"] not in wrong]

    rewrite(run.place / FIRST / "predictions.jsonl", dropped)
    path = run.folds / "folds.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    for fold in content["folds"]:
        for split in ("train", "validation", "test", "speaker_check"):
            fold[split] = [name for name in fold[split] if name not in wrong]
    path.write_text(json.dumps(content), encoding="utf-8")
    (run.folds / "audit.json").unlink()
    for folder in (run.folds, *run.results):
        drop_record(folder)
        if folder != run.place / FIRST and folder in run.results:
            rewrite(
                folder / "predictions.jsonl",
                lambda rows: [r for r in rows if r["utterance_id"] not in wrong],
            )


@of_inputs("the protocol is called another")
def _(run: HonestRun) -> None:
    set_value(run.folds / "folds.json", ("protocol",), "session")
    drop_record(run.folds)
    (run.folds / "audit.json").unlink()


@of_inputs("folds say another manifest")
def _(run: HonestRun) -> None:
    set_value(run.folds / "folds.json", ("manifest_digest",), "0" * 64)


@of_inputs("the audit is of other folds")
def _(run: HonestRun) -> None:
    set_value(run.folds / "audit.json", ("overall", "shared", "speakers_in_train"), 1)
    drop_record(run.folds)


@of_inputs("the weights are those of another fold")
def _(run: HonestRun) -> None:
    shutil.copy(
        run.place / SECOND / "model" / "weights.safetensors",
        run.place / FIRST / "model" / "weights.safetensors",
    )


@of_inputs("the model is that of another fold")
def _(run: HonestRun) -> None:
    shutil.rmtree(run.place / FIRST / "model")
    shutil.copytree(run.place / SECOND / "model", run.place / FIRST / "model")


@of_inputs("the model is that of another fold, record of the cell dropped")
def _(run: HonestRun) -> None:
    shutil.rmtree(run.place / FIRST / "model")
    shutil.copytree(run.place / SECOND / "model", run.place / FIRST / "model")
    edit_model(run.place / FIRST, read_json(run.place / SECOND / "model" / CUSTODY, Custody).digest)


@of_inputs("a model has seen a test utterance")
def _(run: HonestRun) -> None:
    model = run.place / FIRST / "model"
    set_value(model / "seen.json", ("fitted",), lambda ids: [*ids, run.plan.folds[0].test[0]])
    reseal(model)
    edit_model(run.place / FIRST, read_json(model / CUSTODY, Custody).digest)


@of_inputs("a model has seen a test speaker")
def _(run: HonestRun) -> None:
    model = run.place / FIRST / "model"
    speaker = next(u.speaker for u in run.utterances if u.id == run.plan.folds[0].test[0])
    set_value(model / "seen.json", ("speakers",), lambda names: [*names, speaker])
    reseal(model)
    edit_model(run.place / FIRST, read_json(model / CUSTODY, Custody).digest)


@of_inputs("the noise is of another fold's model")
def _(run: HonestRun) -> None:
    other = read_json(run.place / SECOND / "model" / CUSTODY, Custody)
    edit_model(run.place / NOISY, other.digest)


@of_inputs("a later epoch was kept")
def _(run: HonestRun) -> None:
    set_value(run.place / FIRST / "result.json", ("epoch",), 3)
    drop_record(run.place / FIRST)


@of_inputs("a better score is claimed")
def _(run: HonestRun) -> None:
    set_value(run.place / FIRST / "result.json", ("score",), lambda v: v + 2e-6)
    drop_record(run.place / FIRST)


@of_inputs("a history is another")
def _(run: HonestRun) -> None:
    rewrite(
        run.place / FIRST / "history.jsonl",
        lambda rows: [r | {"validation_ua": 0.99} if r["epoch"] == 3 else r for r in rows],
    )
    drop_record(run.place / FIRST)


@of_inputs("validation figures of the result are others")
def _(run: HonestRun) -> None:
    set_value(run.place / FIRST / "result.json", ("validation", "wa"), 0.5)
    reseal(run.place / FIRST)


@of_inputs("a search row claims more")
def _(run: HonestRun) -> None:
    set_value(run.chosen / "chosen.json", ("rows", 0, "score"), lambda v: v + 0.01)
    reseal(run.chosen)


@of_inputs("choices are of other folds")
def _(run: HonestRun) -> None:
    edit_record(run.chosen, folds="0" * 64)


@of_inputs("cells of two recipes are mixed")
def _(run: HonestRun) -> None:
    rewrite(
        run.place / SECOND / "predictions.jsonl",
        lambda rows: [r | {"recipe_hash": "another"} for r in rows],
    )
    edit_record(run.place / SECOND, recipe_hash="another")
    reseal(run.place / SECOND)


@of_inputs("a cell of another run")
def _(run: HonestRun) -> None:
    edit_record(run.place / FIRST, folds="1" * 64)


@of_inputs("the search has neither rows nor choices")
def _(run: HonestRun) -> None:
    set_value(run.chosen / "chosen.json", ("rows",), [])
    set_value(run.chosen / "chosen.json", ("choices",), [])
    drop_record(run.chosen)


@of_inputs("the search chose another pair")
def _(run: HonestRun) -> None:
    for keys in (("choices", 0, "alpha"), ("rows", 0, "alpha")):
        set_value(run.chosen / "chosen.json", keys, 0.9)
    drop_record(run.chosen)


@of_inputs("a training had another pair")
def _(run: HonestRun) -> None:
    set_value(run.place / FIRST / "result.json", ("beta",), 0.1)
    reseal(run.place / FIRST)


@of_inputs("a record is edited")
def _(run: HonestRun) -> None:
    set_value(run.chosen / CUSTODY, ("recipe_hash",), "another")


def of_report(name: str) -> Callable[[Forgery], Forgery]:
    def note(forgery: Forgery) -> Forgery:
        BOOK.reports[name] = forgery
        return forgery

    return note


def figure(name: str, keys: tuple[str | int, ...], value: Any, file: str = "scores.json") -> None:
    """Three forgeries: the file alone; the digest anew; no record at all."""

    def plain(run: HonestRun) -> None:
        set_value(run.report / file, keys, value)

    def resealed(run: HonestRun) -> None:
        plain(run)
        reseal(run.report)

    def unsealed(run: HonestRun) -> None:
        plain(run)
        drop_record(run.report)

    BOOK.reports[name] = plain
    BOOK.reports[f"{name}, digest anew"] = resealed
    BOOK.reports[f"{name}, record dropped"] = unsealed


CLEAN_UA = ("systems", 0, "test", 0, "spreads", "ua")
figure("mean UA is 2e-6 higher", (*CLEAN_UA, "mean"), lambda v: v + 2e-6)
figure("the SD is smaller", (*CLEAN_UA, "sd"), lambda v: v / 2)
figure("pooled F1 is 2e-6 higher", ("systems", 0, "test", 0, "pooled", "macro_f1"),
       lambda v: v + 2e-6)  # fmt: skip
figure("WER is lower", ("systems", 0, "test", 0, "pooled", "wer"), 0.01)
figure("p is smaller", ("comparisons", 0, "welch", "p"), 1e-9)
figure("a class has more utterances", ("class_counts", "sad"), lambda v: v + 1)
figure("the protocol is another", ("protocol",), "session")
figure("the manifest is another", ("manifest_digest",), "0" * 64)
figure("the recipe is another", ("recipe_hash",), "another")
figure("a speaker is better", ("groups", 0, "ua"), 1.0)
figure("the summary's WA is higher", ("wa_mean",), lambda v: v + 2e-6, "summary.json")
figure("the summary's p is smaller", ("welch_p_ua",), 1e-9, "summary.json")


@of_report("predictions of the report are others, digest anew")
def _(run: HonestRun) -> None:
    rewrite(
        run.report / "predictions.jsonl",
        each_row(emotion_probabilities=lambda r: {
            name: 0.7 if name == r["emotion_true"] else 0.1 for name in r["emotion_probabilities"]
        }),
    )  # fmt: skip
    reseal(run.report)


@of_report("the folds of the report are others, record dropped")
def _(run: HonestRun) -> None:
    set_value(run.report / "folds.json", ("seed",), 7)
    drop_record(run.report)


@of_report("what folds share is another count, digest anew")
def _(run: HonestRun) -> None:
    set_value(run.report / "scores.json", ("sharing", 0, "speakers"), 1)
    reseal(run.report)


def bare(name: str, *gone: str) -> None:
    """A better figure, and no file beside it that it could be derived from."""

    def forge(run: HonestRun) -> None:
        rewrite(run.report / "predictions.jsonl", each_row(emotion_probabilities=surely_right))
        better = scores.measure(recheck.read(run.report).columns, run.plan, run.recipe)
        write_json(run.report / "scores.json", better)
        scores.write_summary(run.report / "summary.json", better)
        for each in (CUSTODY, *gone):
            (run.report / each).unlink()

    BOOK.bare[name] = forge


bare("a better figure without predictions", "predictions.jsonl")
bare("a better figure without folds", "folds.json")
bare("a better figure without predictions, folds and recipe", "predictions.jsonl", "folds.json",
     "recipe.toml")  # fmt: skip


def everyone() -> Iterator[Any]:
    for name, forgery in BOOK.inputs.items():
        yield pytest.param("inputs", forgery, id=name)
    for name, forgery in BOOK.reports.items():
        yield pytest.param("manifest" if "folds share" in name else "report", forgery, id=name)
    for name, forgery in BOOK.bare.items():
        yield pytest.param("bare", forgery, id=name)


def test_the_honest_run_is_believed(honest: HonestRun) -> None:
    written = read_json(honest.report / "scores.json", Scores)
    assert {claim.name: claim.state for claim in written.claims} == dict.fromkeys(
        ("data", "folds", "speakers", "weights", "selection"), "yes"
    )
    assert recheck.check(honest.report, honest.utterances)
    found = stages.verify(str(honest.report), str(honest.corpus))
    assert {each.name: each.state for each in found.findings} == {
        **dict.fromkeys(
            ("files", "chain", "predictions", "data and folds", "figures", "selection"), "agrees"
        ),
        "weights": "not at hand",
        "noise": "not at hand",
        "final model": "not at hand",
    }


@pytest.mark.parametrize(("of_what", "forgery"), list(everyone()))
def test_no_forgery_is_believed(
    of_what: str, forgery: Forgery, honest: HonestRun, tmp_path: Path
) -> None:
    run = copied(honest, tmp_path / "run")
    forgery(run)
    if of_what == "inputs":
        with pytest.raises(MtlserError) as refusal:
            run.write_report("again")
        assert not (run.place / "again").exists()
        assert len(str(refusal.value)) > 40
        return
    found = stages.verify(str(run.report), str(run.corpus))
    if of_what == "bare":  # nothing is left that it could differ from
        assert {each.name: each.state for each in found.findings}["figures"] == "not at hand"
        with pytest.raises(MtlserError, match=r"cannot be derived.*`mtlser report`"):
            gate.reported(run.report)
        with runs.opened([str(run.report), str(honest.report)]) as opened:
            assert f"Not verified: {run.report}" in comparison_page.render(
                opened, comparison_page.compare(opened)
            )
        return
    assert found.differs, [each.state for each in found.findings]
    if of_what == "manifest":  # which a comparison does not have
        return
    with pytest.raises(MtlserError):
        gate.reported(run.report)
    with pytest.raises(MtlserError), runs.opened([str(run.report), str(honest.report)]):
        pass


def test_a_model_that_has_seen_the_test_speaker_evaluates_no_noise(honest: HonestRun) -> None:
    wanted = Cell.parse("mtlser:f0:s0")
    other = honest.place / SECOND
    with pytest.raises(MtlserError, match="has seen"):
        sources.checked_model(other, wanted, honest.plan, honest.utterances)
    sources.checked_model(honest.place / FIRST, wanted, honest.plan, honest.utterances)


def test_there_are_enough_forgeries() -> None:
    assert len(BOOK.inputs) + len(BOOK.reports) >= 40


def claims_of(report: Path) -> dict[str, str]:
    written = read_json(report / "scores.json", Scores)
    return {claim.name: claim.state for claim in written.claims}


def test_what_is_not_at_hand_is_never_a_yes(honest: HonestRun, tmp_path: Path) -> None:
    run = copied(honest, tmp_path / "models")
    for cell in sorted((run.place / "cells").iterdir())[1:]:
        shutil.rmtree(cell / "model")
    assert claims_of(run.write_report("again"))["weights"] == "not at hand"
    run = copied(honest, tmp_path / "genders")
    drop_record(run.corpus)
    rewrite(run.corpus / "manifest.jsonl", lambda rows: [r | {"gender": "F"} for r in rows])
    assert claims_of(run.write_report("again"))["data"] == "not at hand"
    run = copied(honest, tmp_path / "manifest")
    assert claims_of(run.write_report("again", manifest=False)) == {
        "data": "not at hand",
        "folds": "not at hand",
        "speakers": "not at hand",
        "weights": "yes",
        "selection": "yes",
    }


def test_a_report_of_another_recipe_on_the_same_folds_is_written(
    honest: HonestRun, tmp_path: Path
) -> None:
    """As a retraining measures the champion's recipe on the challenger's folds."""
    run = copied(honest, tmp_path / "run")
    other = make_honest_recipe("split.speaker_check=0.3")
    run = HonestRun(run.place, other, run.utterances, run.plan)
    claims = claims_of(run.write_report("again"))
    assert (claims["folds"], claims["selection"]) == ("not at hand", "not at hand")


def test_folds_and_choices_are_taken_from_a_run_folder_too(
    honest: HonestRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTLSER_TRACKING", "off")
    run = copied(honest, tmp_path / "run")
    stages.report(
        str(run.corpus), str(run.report), str(run.report), [str(path) for path in run.results],
        run.recipe, str(tmp_path / "again"),
    )  # fmt: skip
    assert set(claims_of(tmp_path / "again").values()) == {"yes"}


def test_data_ingested_again_with_other_levels_are_the_same_data(
    honest: HonestRun, tmp_path: Path
) -> None:
    run = copied(honest, tmp_path / "run")
    rewrite(run.corpus / "manifest.jsonl", lambda rows: [r | {"level_dbfs": -11.0} for r in rows])
    reseal(run.corpus)
    assert set(claims_of(run.write_report("again")).values()) == {"yes"}


def test_a_folds_model_is_no_final_model(honest: HonestRun) -> None:
    with pytest.raises(MtlserError, match="fitted on a part of the data"):
        registration.check(honest.place / FIRST / "model", honest.report)


def test_a_report_of_an_older_version_is_no_forgery(honest: HonestRun, tmp_path: Path) -> None:
    """It has no records, fewer fields, and says the same figures in other words."""
    run = copied(honest, tmp_path / "run")
    drop_record(run.report)
    for name in ("summary.json", "scores.json"):
        drop_fields(run.report / name, "seeds", "claims")
    set_value(run.report / "scores.json", ("comparisons", 0, "welch", "reading"), "In other words.")
    set_value(run.report / "scores.json", ("comparisons", 0, "p_holm"), 0.9)
    assert recheck.check(run.report)
    set_value(run.report / "scores.json", ("comparisons", 0, "welch", "p"), 0.9)
    with pytest.raises(MtlserError, match=r"welch_p_wa is .* gives 0\.9"):
        recheck.check(run.report)


def test_an_audit_in_other_words_is_the_same_audit(honest: HonestRun, tmp_path: Path) -> None:
    run = copied(honest, tmp_path / "run")
    set_value(run.folds / "audit.json", ("findings",), ["In other words."])
    drop_record(run.folds)
    assert run.write_report("again").is_dir()
