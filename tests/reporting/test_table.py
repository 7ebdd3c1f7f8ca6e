from mtlser.evaluation import scores
from mtlser.evaluation.scores import Scores
from mtlser.records import Protocol
from mtlser.reporting import table
from tests.helpers.factories import make_plan, make_predictions, make_recipe


def measured(folds: int = 3, protocol: Protocol = "session") -> Scores:
    plan = make_plan(folds=folds, per_fold=30, protocol=protocol)
    built = make_predictions(plan, "mtlser", 0.7, snr_db=(0, 10))
    return scores.measure(
        [*built, *make_predictions(plan, "svm", 0.5, seed=1)], plan, make_recipe()
    )


def test_the_table_shows_every_system_condition_and_test() -> None:
    result = measured()
    text = table.console(result)
    main = result.of("mtlser")
    for condition in main.test:
        spread = condition.spreads["wa"]
        assert spread.sd is not None
        row = next(
            line
            for line in text.splitlines()
            if line.split()[:2] == ["mtlser", condition.condition]
        )
        assert f"{spread.mean * 100:.1f} ± {spread.sd * 100:.1f}" in row
    assert main.speaker is not None
    assert f"{main.speaker.spread.mean * 100:.1f} ±" in text
    welch = result.comparisons[0].welch
    assert welch is not None
    row = next(
        line for line in text.splitlines() if line.split()[:4] == ["mtlser", "-", "svm", "WA"]
    )
    assert f"{welch.difference * 100:+.1f}" in row
    assert all(note.split()[0] in text for note in result.notes)


def test_wa_comes_before_ua_under_its_own_heading() -> None:
    result = measured()
    lines = table.console(result).splitlines()
    heading = next(line for line in lines if "macro F1" in line).split()
    row = next(line for line in lines if line.split()[:1] == ["mtlser"]).replace(" ± ", "±").split()
    assert heading[1:3] == ["WA", "UA"]
    clean = result.of("mtlser").clean.spreads
    assert row[1].startswith(f"{clean['wa'].mean * 100:.1f}±")
    assert row[2].startswith(f"{clean['ua'].mean * 100:.1f}±")


def test_plain_text_has_no_escape_codes_and_fits_the_width() -> None:
    text = table.console(measured(), width=110)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 110
    assert "…" not in text


def test_a_protocol_without_speaker_separation_is_named_first() -> None:
    first = table.console(measured(protocol="recording")).partition("\n")[0]
    assert first.startswith("NOT SPEAKER-INDEPENDENT")
    assert "recording" in first
    assert "NOT SPEAKER-INDEPENDENT" not in table.console(measured())


def test_one_fold_has_neither_spread_nor_test() -> None:
    text = table.console(measured(folds=1))
    assert "±" not in text.split("\n", 1)[1]
    assert "Welch t-test" not in text
