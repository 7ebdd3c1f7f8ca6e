"""Nothing unsafe or private is in the repository, and every pin is exact."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.helpers.house import MTLSER, ROOT
from tests.helpers.top_imports import names, roots

UNSAFE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def unsafe(tree: ast.AST) -> list[str]:
    """Ways to run code from a data file: pickles in all their names."""
    ways = sorted(roots(names(tree, top=False)) & UNSAFE)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            keywords = {word.arg: ast.unparse(word.value) for word in node.keywords}
            if called in {"torch.load", "torch.save"} or called.endswith("read_pickle"):
                ways.append(called)
            if keywords.get("allow_pickle") == "True":
                ways.append("allow_pickle")
    return ways


def test_nothing_is_pickled() -> None:
    for room in (*MTLSER.packages, "tests", "benchmarks"):
        for path in (ROOT / room).rglob("*.py"):
            assert unsafe(ast.parse(path.read_text(encoding="utf-8"))) == [], path


@pytest.mark.parametrize(
    "code", ["import pickle", "from joblib import load", "import torch\ntorch.load('a')"]
)
def test_a_pickle_would_be_seen(code: str) -> None:
    assert unsafe(ast.parse(code))


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
