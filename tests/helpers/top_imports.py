"""What our files import, and which of it is loaded as soon as a file is."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.helpers.house import MTLSER, ROOT


def sources(place: str) -> list[Path]:
    """Python files of a folder, or the one file; `place` is relative to the repository."""
    path = ROOT / place
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    assert files, place
    return files


def imports(path: Path, *, top: bool = False) -> Iterator[str]:
    """Yields dotted names that a file imports; `top`: only when the file itself is imported."""
    return names(ast.parse(path.read_text(encoding="utf-8")), top=top)


def names(tree: ast.AST, *, top: bool) -> Iterator[str]:
    """Like `imports`, of parsed code."""
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
    """Top-level packages of dotted names."""
    return {name.partition(".")[0] for name in dotted}


def reached(path: Path, seen: set[Path] | None = None) -> set[Path]:
    """Our files that are loaded when `path` is."""
    seen = set() if seen is None else seen
    if path in seen:
        return seen
    seen.add(path)
    for name in imports(path, top=True):
        if name.partition(".")[0] in MTLSER.packages:
            file = ROOT / name.replace(".", "/")
            for candidate in (file.with_suffix(".py"), file / "__init__.py"):
                if candidate.is_file():
                    reached(candidate, seen)
    return seen
