"""docs/reference.md is that of the code, and no environment variable is read unseen."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from mtlser.recipe import Recipe, Section
from tests.helpers.environment_reads import of_file, of_source
from tests.helpers.house import MTLSER, ROOT
from tests.helpers.reference import APPS, PAGE, TYPERS_OWN, field_texts, page, readers
from tests.helpers.top_imports import sources
from tests.helpers.variables import GROUPS

LISTED = {variable.name: variable for group in GROUPS.values() for variable in group}
PREFIXES = "MTLSER|MLFLOW|AWS|KF_PIPELINES|HF|OMP|MKL|OPENBLAS|ONEDNN|DNNL|CUBLAS|CUDA|XDG"
NAMED = re.compile(rf"\b(?:{PREFIXES})_[A-Z0-9_]*[A-Z0-9]\b")


def test_the_reference_is_that_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert (ROOT / PAGE).read_text(encoding="utf-8") == page(), "run `make reference`"


@pytest.mark.parametrize("package", MTLSER.packages)
def test_every_variable_that_is_read_is_listed(package: str) -> None:
    for path in sources(package):
        reads = of_file(path)
        assert reads.unclear == [], f"{path}: give the variable's name as text or as a constant"
        assert reads.names <= LISTED.keys(), f"{path}: add it to tests/helpers/variables.py"


def test_every_variable_that_is_listed_has_a_reader() -> None:
    assert {name for name, each in LISTED.items() if not each.reader} <= readers().keys()


def texts(path: Path) -> Iterator[str]:
    """Yields a file's text; of Python only what is in strings, comments left out."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield text
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_variable_that_a_text_names_is_listed() -> None:
    """Errors, help, profiles and documentation send users to variables."""
    paths = [path for package in MTLSER.packages for path in sources(package)]
    paths += [*(ROOT / "infra/profiles").glob("*.toml"), *ROOT.glob("*.md")]
    paths += [path for path in ROOT.glob("docs/*.md") if path != ROOT / PAGE]
    named = {name for path in paths for text in texts(path) for name in NAMED.findall(text)}
    assert named - LISTED.keys() == set(), "add it to tests/helpers/variables.py"


def test_every_option_has_a_help() -> None:
    for program, app in APPS.items():
        group = typer.main.get_command(app)
        for name, command in group.commands.items():  # type: ignore[attr-defined]
            without = [each.name for each in command.params if not each.help]
            assert set(without) <= TYPERS_OWN, f"{program} {name}"


def test_every_recipe_key_has_a_text() -> None:
    sections = {name: field.annotation for name, field in Recipe.model_fields.items()}
    models = {name: each for name, each in sections.items() if isinstance(each, type)}
    checked = 0
    for name, model in models.items():
        if issubclass(model, Section):
            without = [key for key, text in field_texts(model).items() if not text]
            assert without == [], f"[{name}]: say below the field what it does"
            checked += 1
    assert checked > 5


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import os\nos.environ['A']", {"A"}),
        ("import os\nos.environ.get('A', '')", {"A"}),
        ("import os\nos.environ.setdefault('A', 'x')", {"A"}),
        ("import os\nos.getenv('A')", {"A"}),
        ("from os import environ as e, getenv\ne['A'] or getenv('B')", {"A", "B"}),
        ("import os\n'A' in os.environ", {"A"}),
        ("import os\nA = 'B'\ndef f():\n    return os.environ.get(A)", {"B"}),
        ("import os\ndef f(n):\n    return os.environ[n]\nf('A')\nf(n='B')", {"A", "B"}),
        ("import os\nALL = ('A', 'B')\nfor n in ALL:\n    os.environ.get(n)", {"A", "B"}),
        ("import os\n[os.environ[n] for n in ('A', 'B')]", {"A", "B"}),
        ("import os\nfrom mtlser.tracking import RUN_VARIABLE as V\nos.environ[V]", {"MTLSER_RUN"}),
        ("import os\nfrom kfp import client as c\nos.environ[c.KF_PIPELINES_SA_TOKEN_ENV]",
         {"KF_PIPELINES_SA_TOKEN_PATH"}),
        ("import typer\ntyper.Option(envvar='A')", {"A"}),
        ("from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_TIMEOUT",
         {"MLFLOW_HTTP_REQUEST_TIMEOUT"}),
        ("import os\nos.environ['A'] = 'x'\nenv = {**os.environ, 'B': ''}", set()),
    ],
)  # fmt: skip
def test_a_read_is_seen(code: str, names: set[str]) -> None:
    found = of_source(code)
    assert (found.names, found.unclear) == (names, [])


@pytest.mark.parametrize(
    "use", ["os.environ[f'A{1}']", "os.environ.copy()", "x = os.environ", "os.environ.get(x())"]
)
def test_a_read_of_an_unknown_variable_is_seen(use: str) -> None:
    assert of_source(f"import os\n{use}").unclear
