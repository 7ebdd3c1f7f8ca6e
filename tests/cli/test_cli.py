"""The command line as a user meets it: through `main`, real folders, real messages."""

import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from mtlser import stages
from mtlser.recipe import load, names
from tests.helpers.commands import (
    Run,
    refused,
)
from tests.helpers.trained import write_emodb, write_wav

COMMANDS = (
    "synth",
    "recipes",
    "ingest",
    "split",
    "audit",
    "train",
    "search",
    "predict",
    "serve",
    "noise-eval",
    "profile",
    "report",
    "register",
)


@pytest.fixture(scope="module")
def emodb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_emodb(tmp_path_factory.mktemp("release") / "emodb")


def test_every_command_shows_an_example(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    for command in COMMANDS:
        assert command in out
        code, printed, _ = run(command, "--help")
        assert code == 0
        assert f"Example: mtlser {command}" in " ".join(printed.split())


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; from mtlser import cli\n"
        "heavy = {'torch', 'mlflow', 'transformers', 'sklearn', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_recipes_are_listed_and_printed_whole(run: Run, tmp_path: Path) -> None:
    _, out, _ = run("recipes")
    assert all(name in out for name in names())
    _, text, _ = run("recipes", "demo")
    (tmp_path / "copy.toml").write_text(text)
    assert load(str(tmp_path / "copy.toml")) == load("demo")


def test_from_release_to_audit_with_the_next_command_each_time(
    run: Run, emodb: Path, tmp_path: Path
) -> None:
    code, out, err = run("ingest", "--corpus", "emodb", "--root", emodb, "--out", "corpus")
    assert code == 0, err
    assert "next: mtlser split --manifest corpus" in out
    assert len(stages.load_manifest(tmp_path / "corpus")) == 32
    code, out, err = run("split", "--manifest", "corpus", "--recipe", "emodb", "--out", "folds")
    assert code == 0, err
    assert "next: mtlser search --manifest corpus --folds folds --out chosen --recipe emodb" in out
    assert stages.load_folds(tmp_path / "folds").protocol == "loso"
    given = ("audit", "--manifest", "corpus", "--recipe", "emodb")
    code, out, err = run(*given, "--protocol", "random", "--set", "split.random_folds=2")
    assert code == 0, err
    assert "LEAKS" in out
    code, out, err = run(*given, "--folds", "folds")
    assert code == 0, err
    assert "CLEAN" in out


def test_the_audit_hears_copies_and_says_what_to_do(run: Run, tmp_path: Path) -> None:
    emodb = write_emodb(tmp_path / "emodb")
    wav_n, rate_hz = soundfile.read(write_wav(emodb / "wav" / "03a01Na.wav", 3.0))
    soundfile.write(emodb / "wav" / "08a01Na.wav", 0.5 * wav_n, rate_hz)  # another's, but lower
    code, _, err = run("ingest", "--corpus", "emodb", "--root", emodb, "--out", "corpus")
    assert code == 0, err
    given = ("--manifest", "corpus", "--recipe", "emodb")
    code, out, err = run("audit", *given)
    assert code == 0, err
    *_, last = out.splitlines()
    assert last.startswith("`mtlser split` refuses them: the folds violate the speaker separation")
    assert "near-identical" in last
    assert "data.merge_speakers" in last
    code, _, err = run("split", *given, "--out", "folds")
    assert (code, last.removeprefix("`mtlser split` refuses them: ") in err) == (2, True)


def test_a_fold_trains_without_a_search_and_takes_the_flags(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed: list[tuple[object, ...]] = []
    monkeypatch.setattr(stages, "train", lambda *given: printed.append(given))
    code, out, err = run(
        "train", "--manifest", "c", "--folds", "f", "--fold", 3, "--recipe", "demo",
        "--set", "train.learning_rate=2e-5", "--set", "seed=7", "--out", "cells/f3",
    )  # fmt: skip
    assert code == 0, err
    corpus, folds, chosen, cell, recipe, out_folder, _, _, processes = printed[0]
    assert (corpus, folds, chosen, cell, out_folder) == ("c", "f", "", "mtlser:f3:s7", "cells/f3")
    assert recipe == load("demo", ("train.learning_rate=2e-5", "seed=7"))
    assert processes == 1
    assert "next: mtlser noise-eval" in out


@pytest.mark.parametrize(
    ("words", "output"),
    [
        (("ingest", "--root", "nowhere", "--out", "corpus"), ("nowhere", "no such")),
        (("ingest", "--root", "empty", "--out", "corpus"), ("empty",)),
        (("ingest", "--corpus", "nosuch", "--root", "empty", "--out", "corpus"), ("nosuch",)),
        (("ingest", "--recipe", "nope", "--out", "corpus"), ("'nope'", "shipped are", "demo")),
        (
            ("ingest", "--set", "train.learning_rat=1", "--out", "corpus"),
            ("unknown key 'train.learning_rat'", "did you mean 'learning_rate'"),
        ),
        (("ingest", "--set", "seed", "--out", "corpus"), ("KEY=VALUE",)),
        (("split", "--manifest", "nowhere", "--out", "folds"), ("nowhere", "no such")),
        (("split", "--manifest", "empty", "--out", "folds"), ("empty",)),
        (("audit", "--manifest", "empty"), ("empty",)),
        (("train", "--manifest", "empty", "--folds", "empty", "--out", "cell"), ("empty",)),
        (
            ("train", "--manifest", "a", "--folds", "b", "--final", "--out", "cell"),
            ("--chosen REPORT_FOLDER",),
        ),
        (("predict", "nowhere", "missing.wav"), ("missing.wav", "no such file")),
        (("register", "--model", "a", "--report", "nowhere", "--out", "r"), ("nowhere",)),
        (("recipes", "nope"), ("'nope'", "shipped are")),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    run: Run, tmp_path: Path, words: tuple[str, ...], output: tuple[str, ...]
) -> None:
    (tmp_path / "empty").mkdir()
    refused(run(*words), *output)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


@pytest.mark.parametrize(
    "words",
    [("ingest",), ("nonsense",), ("split", "--mainfest", "a"), ("train", "--fold", "x"), ()],
)
def test_wrong_usage_exits_with_2(run: Run, words: tuple[str, ...]) -> None:
    code, out, err = run(*words)
    assert code == 2
    assert "Usage: mtlser" in out + err
    assert "Traceback" not in out + err


def test_a_missing_encoder_is_refused_before_anything_is_written(
    run: Run, emodb: Path, tmp_path: Path
) -> None:
    run("ingest", "--corpus", "emodb", "--root", emodb, "--out", "corpus")
    run("split", "--manifest", "corpus", "--recipe", "emodb", "--out", "folds")
    before = sorted(tmp_path.iterdir())
    outcome = run(
        "train", "--manifest", "corpus", "--folds", "folds", "--recipe", "emodb",
        "--set", "model.encoder=./no-encoder", "--out", "cell", "--work", "work",
    )  # fmt: skip
    refused(outcome, "no-encoder")
    assert [path.name for path in sorted(tmp_path.iterdir()) if path not in before] == ["work"]
    assert not (tmp_path / "cell").exists()


def test_a_foreign_folder_is_not_replaced(run: Run, emodb: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    outcome = run("ingest", "--corpus", "emodb", "--root", emodb, "--out", "mine")
    refused(outcome, "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
