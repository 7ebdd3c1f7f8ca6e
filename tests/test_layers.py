"""Imports go down only, and light paths load nothing heavy."""

import ast
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.helpers.house import MTLSER, ROOT, Floor, House, faults
from tests.helpers.top_imports import imports, names, reached, roots, sources

HEAVY = {"torch", "torchaudio", "transformers", "mlflow", "sklearn", "plotly", "optuna", "kfp"}
TORCH = {"torch", "torchaudio", "transformers", "accelerate"}

WITHOUT_TORCH = (
    "mtlser/records",
    "mtlser/errors.py",
    "mtlser/recipe.py",
    "mtlser/recipes",
    "mtlser/evaluation/metrics.py",
    "mtlser/evaluation/significance/statistics.py",
    "mtlser/evaluation/scores.py",
    "mtlser/reporting",
    "components",
    "pipeline",
)
"""No torch anywhere in these files, nor in what they import of ours."""

LIGHT_AT_THE_TOP = {
    "mtlser/stages": HEAVY,
    "mtlser/cli": HEAVY,
    "mtlser/records": HEAVY,
    "mtlser/recipe.py": HEAVY,
    "mtlser/recipes": HEAVY,
    "components": HEAVY - {"kfp"},
    "pipeline/cli.py": HEAVY,
    "pipeline/local/run.py": HEAVY,
    "pipeline/local/worker.py": HEAVY,
}
"""Heavy packages load only inside functions of these files (and of what they import)."""


def test_the_code_keeps_to_its_rooms_and_floors() -> None:
    """A fault's sentence names the import; `make map` shows the rooms, `house.py` the rules."""
    assert faults(MTLSER, ROOT) == []


HEALTHY = {
    "toy/__init__.py": "",
    "toy/ground.py": "",
    "toy/words.py": "from toy.ground import A",
    "toy/low/__init__.py": "",
    "toy/low/one.py": "from toy.low import two\nfrom toy import words",
    "toy/low/two.py": "",
    "toy/beside/__init__.py": "",
    "toy/high/__init__.py": "from toy.low.one import A",
    "around/__init__.py": "def late():\n    import toy.high, mlflow",
}
TOY = House(
    library="toy",
    floors=(
        Floor("ground", ("ground", "words"), open=True),
        Floor("low", ("low", "beside")),
        Floor("high", ("high", "toy")),
    ),
    outside=("around",),
    only={"kfp": ("around",), "mlflow": ("around", "low.two")},
)
PLANTED = {
    "a circle between files": (
        {"toy/low/two.py": "def late():\n    from toy.low import one"},
        ["circle of files: toy.low.one -> toy.low.two -> toy.low.one"],
    ),
    "a circle between rooms of the ground floor": (
        {"toy/ground.py": "import toy.words"},
        [
            "circle of files: toy.ground -> toy.words -> toy.ground",
            "circle of rooms: ground -> words -> ground",
        ],
    ),
    "a circle between rooms, none between files": (
        {"toy/low/two.py": "from toy.high import sub", "toy/high/sub.py": ""},
        [
            "circle of rooms: high -> low -> high",
            "toy.low.two imports toy.high.sub: floor 2 imports floor 3, upwards",
        ],
    ),
    "an import upwards inside a function": (
        {"toy/beside/__init__.py": "def late():\n    import toy.high"},
        ["toy.beside imports toy.high: floor 2 imports floor 3, upwards"],
    ),
    "an import upwards for the type checker": (
        {
            "toy/beside/__init__.py": (
                "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from toy.high import A"
            )
        },
        ["toy.beside imports toy.high: floor 2 imports floor 3, upwards"],
    ),
    "an import of the package itself": (
        {"toy/beside/__init__.py": "import toy"},
        ["toy.beside imports toy: floor 2 imports floor 3, upwards"],
    ),
    "an import of what builds on the library": (
        {"toy/high/__init__.py": "import around"},
        [
            "circle of files: around -> toy.high -> around",
            "circle of rooms: around -> high -> around",
            "toy.high imports around: floor 3 imports floor 4, upwards",
        ],
    ),
    "an import of a neighbour": (
        {"toy/low/two.py": "from toy.beside import A"},
        ["toy.low.two imports toy.beside: both are on floor 2"],
    ),
    "a third-party package in the wrong room": (
        {"toy/low/two.py": "import mlflow.tracking", "toy/low/one.py": "from mlflow import A"},
        ["toy.low.one imports mlflow, which is for around, low.two only"],
    ),
    "a third-party package that the library does without": (
        {"toy/high/__init__.py": "def late():\n    from kfp import dsl"},
        ["toy.high imports kfp, which is for around only"],
    ),
    "a single module outside a room": ({"toy/extra.py": ""}, ["toy.extra is in no room"]),
    "a folder outside a room": (
        {"toy/extra/__init__.py": ""},
        ["toy.extra is in no room"],
    ),
    "a folder without __init__.py": (
        {"toy/low/deep/one.py": ""},
        ["toy/low/deep/one.py is no module: a folder lacks its __init__.py"],
    ),
}


def plant(root: Path, files: Mapping[str, str | None]) -> None:
    """Writes files of a source tree; None leaves one out."""
    for name, text in files.items():
        path = root / name
        if text is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_fault_is_seen(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, expected = PLANTED[kind]
    plant(tmp_path, {**HEALTHY, **files})
    monkeypatch.syspath_prepend(tmp_path)
    assert faults(TOY, tmp_path) == expected


def test_an_exception_holds_only_as_long_as_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upwards = ("toy.beside", "toy.high")
    excused = replace(TOY, exceptions={upwards: "to be mended"})
    plant(tmp_path, {**HEALTHY, "toy/beside/__init__.py": "import toy.high"})
    monkeypatch.syspath_prepend(tmp_path)
    assert faults(excused, tmp_path) == []
    plant(tmp_path, HEALTHY)
    needless = "toy.beside no longer imports toy.high: remove this exception"
    assert faults(excused, tmp_path) == [needless]


def test_too_many_folders_modules_and_floors_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [f"f{number:02}" for number in range(11)]
    modules = [f"m{number}" for number in range(4)]
    plant(tmp_path, HEALTHY)
    plant(tmp_path, {f"toy/{name}/__init__.py": "" for name in folders[:9]})
    plant(tmp_path, {f"toy/{name}.py": "" for name in modules})
    plant(tmp_path, {"toy/stale/__pycache__/old.cpython-311.pyc": ""})
    monkeypatch.syspath_prepend(tmp_path)
    wings = Floor("wings", (*folders[:9], *modules))
    assert faults(replace(TOY, floors=(*TOY.floors, wings)), tmp_path) == []

    plant(tmp_path, {f"toy/{name}/__init__.py": "" for name in folders[9:]})
    plant(tmp_path, {"toy/m4.py": ""})
    annex = Floor("annex", (*folders[9:], "m4"))
    empty = tuple(Floor(f"empty {number}", ()) for number in range(4))
    large = replace(TOY, floors=(*TOY.floors, wings, annex, *empty))
    folders_listed = ", ".join(sorted((*folders, "beside", "high", "low")))
    modules_listed = ", ".join(sorted((*modules, "m4", "ground", "words")))
    floors_listed = ", ".join(floor.name for floor in large.floors)
    assert faults(large, tmp_path) == [
        f"14 folders, at most 13 are allowed: {folders_listed}",
        f"7 single modules, at most 6 are allowed: {modules_listed}",
        f"9 floors, at most 8 are allowed: {floors_listed}",
    ]


@pytest.mark.parametrize("place", WITHOUT_TORCH)
def test_measuring_and_reporting_load_no_torch(place: str) -> None:
    for path in sources(place):
        assert not roots(imports(path)) & TORCH, path
        for other in reached(path):
            assert not roots(imports(other, top=True)) & TORCH, f"{path} loads {other}"


@pytest.mark.parametrize("place", LIGHT_AT_THE_TOP)
def test_light_paths_load_nothing_heavy(place: str) -> None:
    for path in sources(place):
        for other in reached(path):
            heavy = roots(imports(other, top=True)) & LIGHT_AT_THE_TOP[place]
            assert not heavy, f"{path} loads {other}, which loads {heavy}"


def test_an_import_inside_a_function_counts_unless_only_loading_is_asked_for() -> None:
    hidden = ast.parse("def late():\n    from kfp import dsl\n    import components.train")
    assert roots(names(hidden, top=False)) == {"kfp", "components"}
    assert roots(names(hidden, top=True)) == set()


def test_components_have_no_future_annotations() -> None:
    """Kubeflow reads the annotations themselves; as text they raise a TypeError there."""
    for path in sources("components"):
        assert "__future__" not in roots(imports(path)), path
