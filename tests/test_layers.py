"""Imports go one way, and nothing unsafe or private is in the repository."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("mtlser", "components", "pipeline")
UNSAFE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
HEAVY = {"torch", "torchaudio", "transformers", "mlflow", "sklearn", "plotly", "optuna", "kfp"}
TORCH = {"torch", "torchaudio", "transformers", "accelerate"}

NEVER = {
    "mtlser": {"kfp", "components", "pipeline"},
    "components": {"pipeline"},
}
"""Room -> packages it never imports, anywhere in a file."""

UP = {
    "data": {"evaluation", "training", "reporting", "serving"},
    "models": {"evaluation", "training", "reporting", "serving"},
    "evaluation": {"training", "reporting", "serving"},
    "training": {"reporting", "serving"},
    "reporting": {"training", "serving"},
    "serving": {"training", "reporting"},
}
"""Room of the library -> rooms that it never imports: those on top of it or beside it."""

WITHOUT_TORCH = (
    "mtlser/records.py",
    "mtlser/errors.py",
    "mtlser/recipe.py",
    "mtlser/recipes/sections.py",
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
    "mtlser/records.py": HEAVY,
    "mtlser/recipe.py": HEAVY,
    "mtlser/recipes/sections.py": HEAVY,
    "components": HEAVY - {"kfp"},
    "pipeline/cli.py": HEAVY,
    "pipeline/local.py": HEAVY,
    "pipeline/worker.py": HEAVY,
}
"""Heavy packages load only inside functions of these files (and of what they import)."""


def sources(place: str) -> list[Path]:
    path = ROOT / place
    found = [path] if path.is_file() else sorted(path.rglob("*.py"))
    assert found, place
    return found


def imports(path: Path, *, top: bool = False) -> Iterator[str]:
    """Yields dotted names that a file imports; `top`: only when the file itself is imported."""
    return names(ast.parse(path.read_text(encoding="utf-8")), top=top)


def names(tree: ast.AST, *, top: bool) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif not (top and runs_later(node)):
            yield from names(node, top=top)


def runs_later(node: ast.AST) -> bool:
    """True for a function's body, and for what only a type checker reads."""
    typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    return typing_only or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def roots(dotted: Iterator[str]) -> set[str]:
    return {name.partition(".")[0] for name in dotted}


def reached(path: Path, seen: set[Path] | None = None) -> set[Path]:
    """Our files that are loaded when `path` is."""
    seen = set() if seen is None else seen
    if path in seen:
        return seen
    seen.add(path)
    for name in imports(path, top=True):
        if name.partition(".")[0] in ROOMS:
            file = ROOT / name.replace(".", "/")
            for candidate in (file.with_suffix(".py"), file / "__init__.py"):
                if candidate.is_file():
                    reached(candidate, seen)
    return seen


@pytest.mark.parametrize("room", NEVER)
def test_no_import_goes_against_the_grain(room: str) -> None:
    wrong = {
        str(path.relative_to(ROOT)): sorted(against)
        for path in sources(room)
        if (against := roots(imports(path)) & NEVER[room])
    }
    assert wrong == {}


@pytest.mark.parametrize("room", UP)
def test_no_room_of_the_library_imports_what_builds_on_it(room: str) -> None:
    above = tuple(f"mtlser.{name}" for name in ("stages", "cli", *UP[room]))
    wrong = {
        (str(path.relative_to(ROOT)), name)
        for path in sources(f"mtlser/{room}")
        for name in imports(path)
        if f"{name}.".startswith(tuple(f"{each}." for each in above))
    }
    assert wrong == set()


def test_the_contract_imports_no_stage() -> None:
    for name in ("records", "errors", "recipe", "recipe_sections"):
        ours = {each for each in imports(ROOT / f"mtlser/{name}.py") if each.startswith("mtlser")}
        allowed = ("mtlser.errors", "mtlser.records", "mtlser.recipes.sections")
        assert all(each.startswith(allowed) for each in ours), (name, ours)


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


def unsafe(tree: ast.AST) -> list[str]:
    """Ways to run code from a data file: pickles in all their names."""
    found = sorted(roots(names(tree, top=False)) & UNSAFE)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            keywords = {word.arg: ast.unparse(word.value) for word in node.keywords}
            if called in {"torch.load", "torch.save"} or called.endswith("read_pickle"):
                found.append(called)
            if keywords.get("allow_pickle") == "True":
                found.append("allow_pickle")
    return found


def test_nothing_is_pickled() -> None:
    for room in (*ROOMS, "tests", "benchmarks"):
        for path in (ROOT / room).rglob("*.py"):
            assert unsafe(ast.parse(path.read_text(encoding="utf-8"))) == [], path


@pytest.mark.parametrize(
    "code", ["import pickle", "from joblib import load", "import torch\ntorch.load('a')"]
)
def test_a_pickle_would_be_seen(code: str) -> None:
    assert unsafe(ast.parse(code))


def test_an_import_against_the_grain_would_be_seen() -> None:
    hidden = ast.parse("def late():\n    from kfp import dsl\n    import components.train")
    assert roots(names(hidden, top=False)) == {"kfp", "components"}
    assert roots(names(hidden, top=True)) == set()


def test_components_have_no_future_annotations() -> None:
    """Kubeflow reads the annotations themselves; as text they raise a TypeError there."""
    for path in sources("components"):
        assert "__future__" not in roots(imports(path)), path


PRIVATE = re.compile(
    # An index of packages or files, and folders of one machine. Split so as not to find itself.
    r"https?://[\w.-]*(?:pyp" + r"i|pythonhoste" + r"d|anacond" + r"a|debia" + r"n|npmj" + r"s)\."
    r"|index-ur" + r"l|find-link" + r"s"
    r"|(?<![\w.])/(?:wor" + r"k|roo" + r"t|hom" + r"e/(?!mtlser))/?\w+"
)


def tracked() -> list[Path]:
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout: what is tracked is unknown")
    return [ROOT / name for name in listed.split("\0") if name]


def test_no_tracked_file_names_a_package_host_or_a_workplace() -> None:
    wrong = []
    for path in tracked():
        if not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if match := PRIVATE.search(line):
                wrong.append(f"{path.relative_to(ROOT)}:{number}: {match[0]}")
    assert wrong == []


def test_every_pin_is_exact_and_plain() -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!]+", pin) for pin in pins)
    assert "torch==2.11.0" in pins
