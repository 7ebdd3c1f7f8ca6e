"""`mtlser check-data`, `promote` and `rollback` as a user types them."""

import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from mtlser import tracking
from mtlser.cli import app
from mtlser.recipe import dumps
from mtlser.registry import champions
from tests.helpers.corpora import write_corpus
from tests.helpers.retraining import CHALLENGER, CHAMPION, measured, plan, write_report
from tests.helpers.trained import write_model

pytestmark = pytest.mark.usefixtures("mlflow_store")


def run(*words: str) -> str:
    outcome = CliRunner().invoke(app.app, list(words), catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return outcome.output


@pytest.mark.parametrize("command", ["check-data", "promote", "rollback"])
def test_help_shows_an_example(command: str) -> None:
    printed = run(command, "--help")
    assert f"Example: mtlser {command}" in printed


def test_a_retraining_by_hand_and_back(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    write_corpus(corpus)
    (tmp_path / "recipe.toml").write_text(dumps(CHAMPION))
    printed = run(
        "check-data", "--manifest", "corpus", "--recipe", "recipe.toml", "--out", "checked"
    )
    assert "verdict: first" in printed
    assert "next: mtlser split --manifest corpus" in printed

    final = str(write_model(tmp_path / "model").parent)
    write_report(tmp_path / "theirs", CHAMPION, measured(CHAMPION, 0.55, plan()))
    write_report(tmp_path / "ours", CHALLENGER, measured(CHALLENGER, 0.85, plan(), 1))
    run("register", "--model", final, "--report", "theirs", "--out", "registered", "--run", "one")
    printed = run(
        "promote", "--model", final, "--report", "ours", "--rival", "theirs", "--out", "promoted",
        "--set", "registry.rule=better", "--run", "two",
    )  # fmt: skip
    assert "mtlser version 2: better on 6 folds" in printed.replace("\n", " ")
    assert "champion is 2" in printed
    assert (tmp_path / "promoted" / "registered.json").is_file()

    printed = run("rollback", "--name", "mtlser", "--reason", "too slow")
    assert "champion of mtlser is version 1; version 2 was left" in printed
    assert int(MlflowClient().get_model_version_by_alias("mtlser", "champion").version) == 1


def test_a_mistake_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["mtlser", "rollback", "--name", "mtlser"])
    for expected in ("no MLflow store", "nothing to roll back", "is the first champion"):
        with pytest.raises(SystemExit) as refused:
            app.main()
        assert refused.value.code == 2
        printed = capsys.readouterr().err
        assert expected in printed
        assert printed.count("\n") == 1
        tracking.init_store()
        if expected == "nothing to roll back":
            client = MlflowClient()
            client.create_registered_model("mtlser")
            client.create_model_version("mtlser", "file:///nowhere")
            champions.crown(client, "mtlser", 1)
