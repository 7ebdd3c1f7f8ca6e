"""What a step pays before and after its own work: imports, and the garbage collector."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from mtlser import recipe, runtime
from mtlser.records import Cell, write_json
from mtlser.storage.layout import FOLDS
from tests.helpers.trainings import make_inputs

SVM = Cell(system="svm", fold=0, seed=0).text
STEPS = """
import sys
from mtlser import recipe, stages

corpus, folds, text, cell, out = sys.argv[1:]
given = recipe.load(text)
stages.train(corpus, folds, "", cell, given, out + "/cell", run="job")
stages.noise_eval(corpus, folds, out + "/cell", cell, given, out + "/noisy")
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_the_svms_steps_import_neither_mlflow_nor_transformers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes a second or more, in each of the steps of a loop."""
    monkeypatch.delenv("MTLSER_TRACKING", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    inputs = make_inputs(tmp_path)
    write_json(tmp_path / FOLDS, inputs.plan)
    text = recipe.dumps(recipe.load("demo", ("noise.kinds=[]",)))
    places = (str(inputs.corpus), str(tmp_path), text, SVM, str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", STEPS, *places], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    imported = done.stdout.splitlines()[-1].split()
    assert {"torch", "sklearn"} <= set(imported)
    assert not {"mlflow", "transformers", "optuna", "accelerate"} & set(imported)


def test_the_collector_is_as_ever_once_a_network_computes() -> None:
    before = gc.get_threshold()
    try:
        runtime.relax_collector()
        assert gc.get_threshold()[0] > runtime.DEFAULT_THRESHOLD[0]
        runtime.restore_collector()
        assert gc.get_threshold() == runtime.DEFAULT_THRESHOLD
    finally:
        gc.set_threshold(*before)
