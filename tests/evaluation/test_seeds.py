"""Trainings of several seeds in one report: means, both spreads, tests, and what is refused."""

import shutil
import statistics
from collections.abc import Callable
from pathlib import Path

import pytest

from mtlser.errors import MtlserError
from mtlser.evaluation import scores
from mtlser.evaluation.choices import SearchResult
from mtlser.evaluation.number_records import SPREAD_METRICS
from mtlser.evaluation.score_records import Scores
from mtlser.evaluation.significance import paired
from mtlser.evaluation.summary import flat
from mtlser.evaluation.verification import ledger
from mtlser.evaluation.verification.claim_records import Scoring
from mtlser.recipe import load
from mtlser.records import Prediction, read_json
from mtlser.reporting import figures, logged_scores, table, task_tables, verdict
from mtlser.stages import cells, verify
from tests.helpers.factories import make_plan, make_predictions, make_recipe
from tests.helpers.forging import copied, reseal, rewrite, set_value
from tests.helpers.honest import HonestRun, make_honest_recipe, make_honest_run

SEEDS = (0, 1, 2)
PLAN = make_plan(folds=4, per_fold=30)
RECIPE = make_recipe()


def predictions(system: str, seed: int, quality: float) -> list[Prediction]:
    """A system's predictions by the training of one seed."""
    made = make_predictions(PLAN, system, quality, snr_db=(0, 10, 20), seed=seed)
    return [each.model_copy(update={"seed": seed}) for each in made]


def measured(networks: tuple[int, ...] = SEEDS, svms: tuple[int, ...] = SEEDS) -> Scores:
    every = [p for seed in networks for p in predictions("mtlser", seed, 0.7)]
    every += [p for seed in svms for p in predictions("svm", seed, 0.55)]
    return scores.measure(every, PLAN, RECIPE)


@pytest.fixture(scope="module")
def three() -> Scores:
    return measured()


@pytest.fixture(scope="module")
def alone() -> dict[int, Scores]:
    """A report of each seed by itself."""
    return {seed: measured((seed,), (seed,)) for seed in SEEDS}


def test_each_fold_is_the_mean_over_its_seeds(three: Scores, alone: dict[int, Scores]) -> None:
    for system in ("mtlser", "svm"):
        for condition in ("clean", "babble@10dB"):
            part = three.of(system).condition(condition)
            apart = [one.of(system).condition(condition) for one in alone.values()]
            for metric in SPREAD_METRICS:
                expected = [
                    statistics.fmean(each)
                    for each in zip(*(one.values(metric) for one in apart), strict=True)
                ]
                assert part.values(metric) == pytest.approx(expected, abs=1e-12)
                if expected:
                    assert part.spreads[metric].sd == pytest.approx(statistics.stdev(expected))
                    means = [one.spreads[metric].mean for one in apart]
                    assert part.seed_spreads[metric].mean == pytest.approx(statistics.fmean(means))
                    assert part.seed_spreads[metric].sd == pytest.approx(statistics.stdev(means))
            assert three.utterances == alone[0].utterances
            assert three.class_counts == alone[0].class_counts
            assert part.pooled.utterances == apart[0].pooled.utterances
            counts = sum(sum(map(sum, one.pooled.confusion)) for one in apart)
            assert sum(map(sum, part.pooled.confusion)) == counts


def test_speaker_accuracy_and_groups_are_means_too(three: Scores, alone: dict[int, Scores]) -> None:
    own = three.of("mtlser").speaker
    apart = [one.of("mtlser").speaker for one in alone.values()]
    assert own is not None
    means = [one.spread.mean for one in apart if one is not None]
    assert own.spread.mean == pytest.approx(statistics.fmean(means))
    assert own.pooled == pytest.approx(statistics.fmean(o.pooled for o in apart if o is not None))
    assert own.seed_spread is not None
    assert own.seed_spread.sd == pytest.approx(statistics.stdev(means))
    by_name = {group.name: group for group in three.groups_of("speaker")}
    for name, group in by_name.items():
        each = [g for one in alone.values() for g in one.groups_of("speaker") if g.name == name]
        assert group.ua == pytest.approx(statistics.fmean(g.ua for g in each))
        assert {g.utterances for g in each} == {group.utterances}


def test_one_seed_stays_as_it_was(alone: dict[int, Scores]) -> None:
    clean = alone[1].of("mtlser").clean
    assert (clean.seed_spreads, clean.folds[0].seeds) == ({}, ())
    assert (alone[1].seed, alone[1].seeds) == (1, (1,))
    assert any(note.startswith("One training seed: ") for note in alone[1].notes)
    assert "wa_seed_sd" not in flat(alone[1])


def test_tests_between_systems_are_on_means_over_seeds(three: Scores) -> None:
    row = next(row for row in three.comparisons if row.metric == "ua")
    a, b = (three.of(name).clean.values("ua") for name in ("mtlser", "svm"))
    n_train, n_test = len(PLAN.folds[0].train), len(PLAN.folds[0].test)
    expected = paired.corrected_resampled_t(a, b, n_train, n_test, ("mtlser", "svm"))
    assert row.corrected is not None
    assert row.corrected.p == expected.p
    assert all(each.mcnemar is None for each in three.comparisons)
    assert any("no McNemar's test: it takes one prediction" in note for note in three.notes)
    assert row.bootstrap is not None
    assert row.bootstrap.estimate == pytest.approx(
        three.of("mtlser").clean.pooled.ua - three.of("svm").clean.pooled.ua
    )


def test_another_number_of_seeds_is_said() -> None:
    mixed = measured(SEEDS, (0,))
    assert any(note.startswith("svm has 1 of the 3 seeds") for note in mixed.notes)
    assert mixed.of("svm").clean.seed_spreads == {}
    assert mixed.of("mtlser").clean.seed_spreads["ua"].n == 3


@pytest.mark.parametrize(
    ("left_out", "command"),
    [
        (lambda p: p.seed == 1 and p.fold == 2, "mtlser train --fold 2 --system mtlser --seed 1"),
        (
            lambda p: p.seed == 1 and p.condition == "babble@0dB",
            "mtlser noise-eval --fold 0 --system mtlser --seed 1",
        ),
        (
            lambda p: (
                (p.seed, p.fold, p.split, p.condition) == (2, 1, "test", "clean")
                and p.utterance_id == PLAN.folds[1].test[4]
            ),
            "mtlser train --fold 1 --system mtlser --seed 2",
        ),
    ],
)
def test_a_seed_that_lacks_a_fold_a_condition_or_an_utterance_is_refused(
    left_out: object, command: str
) -> None:
    assert callable(left_out)
    every = [p for seed in SEEDS for p in predictions("mtlser", seed, 0.7) if not left_out(p)]
    with pytest.raises(MtlserError, match=command):
        scores.measure(every, PLAN, make_recipe("baseline.systems=[]"))


def test_both_spreads_stand_side_by_side(three: Scores) -> None:
    clean = three.of("mtlser").clean
    folds, seeds = clean.spreads["ua"], clean.seed_spreads["ua"]
    assert folds.sd is not None
    assert seeds.sd is not None
    shown = f"{folds.mean * 100:.1f} ± {folds.sd * 100:.1f} / {seeds.sd * 100:.1f}"
    assert shown in table.console(three, width=140)
    assert shown in dict(verdict.headline(three))["UA"]
    own = task_tables.seeds(three)
    assert own is not None
    rows = {row[:2]: row[2:] for row in own.rows}
    assert rows["mtlser", "SD over seeds"][0] == f"{seeds.sd * 100:.1f}"
    assert rows["mtlser", "SD over folds"][0] == f"{folds.sd * 100:.1f}"
    assert len([key for key in rows if key[0] == "svm"]) == len(SEEDS) + 2
    summary = flat(three)
    assert (summary["seeds"], summary["ua_seed_sd"], summary["ua_sd"]) == (3, seeds.sd, folds.sd)
    fold = logged_scores.fold_scores(three.of("mtlser"), three.fold_names[0])
    rates = [each.numbers.ua for each in clean.folds[0].seeds]
    assert fold["test_clean_ua_seed_sd"] == pytest.approx(statistics.stdev(rates))
    drawn = figures.by_fold(three).data[1]["error_y"]["array"]
    assert drawn[0] == round(statistics.stdev(rates) * 100, 2)
    assert "each the mean of 3 seeds; SD over seeds" in verdict.sentence(three)


def test_a_seed_that_was_picked_among_others_is_said(tmp_path: Path, three: Scores) -> None:
    alone = measured((2,), (2,))
    ledger.add(tmp_path, ledger.of(three, None))
    known = ledger.earlier(tmp_path, [], alone.folds_digest)
    picked = alone.model_copy(
        update={"scorings": ledger.different([*known, *ledger.of(alone, None)])}
    )
    assert "mtlser was scored with 3 seeds, of which this report has 1" in verdict.scorings(picked)
    whole = three.model_copy(update={"scorings": ledger.different(known)})
    assert "picked" not in verdict.scorings(whole)
    tags = ledger.tags(three) | {ledger.RECIPE: three.recipe_hash}
    (network, _) = ledger.earlier(None, [tags], three.folds_digest)
    assert isinstance(network, Scoring)
    assert network.seeds == SEEDS


def test_the_recipe_names_the_cells_of_all_seeds_and_keeps_its_hash() -> None:
    one, several = load("demo"), load("demo", ("train.seeds=3", "seed=5"))
    assert load("demo", ("train.seeds=3",)).hash == one.hash
    named = cells(PLAN, several)
    assert len(named) == len(set(named)) == 3 * 2 * len(PLAN.folds)
    assert named[:4] == [f"mtlser:f{fold}:s5" for fold in range(4)]
    assert named[-1] == "svm:f3:s7"


SEED_1 = "mtlser-f1-s1"


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> HonestRun:
    """A run of two seeds with all its records."""
    place = tmp_path_factory.mktemp("seeds") / "run"
    return make_honest_run(place, recipe=make_honest_recipe("train.seeds=2"))


def test_a_run_of_several_seeds_is_verified(honest: HonestRun, tmp_path: Path) -> None:
    run = copied(honest, tmp_path / "run")
    report = run.write_report()
    written = read_json(report / "scores.json", Scores)
    assert {claim.name: claim.state for claim in written.claims} == dict.fromkeys(
        ("data", "folds", "speakers", "weights", "selection"), "yes"
    ), written.claims
    assert "all 12 trainings" in next(c for c in written.claims if c.name == "selection").detail
    chosen = read_json(report / "chosen.json", SearchResult)
    assert [(each.fold, each.seed) for each in chosen.reached] == [
        (fold, seed) for fold in range(6) for seed in (0, 1)
    ]
    found = {each.name: each for each in verify(str(report), str(run.corpus)).findings}
    assert all(found[name].state == "agrees" for name in ("files", "chain", "figures")), found


def worse_epoch(run: HonestRun) -> None:
    """The second seed kept another epoch than its best."""
    set_value(run.place / "cells" / SEED_1 / "result.json", ("epoch",), 1)
    reseal(run.place / "cells" / SEED_1)


def another_pair(run: HonestRun) -> None:
    """The second seed was trained with a pair that was not chosen."""
    set_value(run.place / "cells" / SEED_1 / "result.json", ("alpha",), 0.9)
    reseal(run.place / "cells" / SEED_1)


def model_of_the_first_seed(run: HonestRun) -> None:
    model = run.place / "cells" / SEED_1 / "model"
    shutil.rmtree(model)
    shutil.copytree(run.place / "cells" / "mtlser-f1-s0" / "model", model)


def rows_of_the_first_seed(run: HonestRun) -> None:
    """Its better rows under the other seed's number."""
    path = run.place / "cells" / SEED_1 / "predictions.jsonl"
    shutil.copy(run.place / "cells" / "mtlser-f1-s0" / "predictions.jsonl", path)
    rewrite(path, lambda rows: [row | {"seed": 1} for row in rows])


def a_fold_left_out(run: HonestRun) -> None:
    for kind in ("cells", "noisy"):
        shutil.rmtree(run.place / kind / SEED_1)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (worse_epoch, "epoch 1 was kept|validation .* of epoch 1"),
        (another_pair, "was trained with alpha 0.9"),
        (model_of_the_first_seed, "mtlser:f1:s0"),
        (rows_of_the_first_seed, SEED_1),
        (a_fold_left_out, "train --fold 1 --system mtlser --seed 1"),
    ],
)
def test_a_spoilt_seed_is_refused(
    spoil: Callable[[HonestRun], None], named: str, honest: HonestRun, tmp_path: Path
) -> None:
    run = copied(honest, tmp_path / "run")
    spoil(run)
    with pytest.raises(MtlserError, match=named):
        run.write_report()
