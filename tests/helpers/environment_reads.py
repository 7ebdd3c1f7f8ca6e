"""Which environment variables a source file reads, found in its syntax tree.

Names may be literals, constants of this or another module, items of a tuple that is looped over,
or arguments of a function of the same file. A read whose name cannot be followed is listed too, so
that no variable is read unseen.
"""

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

READERS = {"get", "pop", "setdefault", "__getitem__"}
MLFLOW = "mlflow.environment_variables"
"""MLflow's objects of this module read the variable of their own name."""
Function = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass
class Reads:
    """What a file reads."""

    names: set[str] = field(default_factory=set)
    unclear: list[str] = field(default_factory=list)
    """Line and code of each use whose variable is not known."""


def of_file(path: Path) -> Reads:
    """What one file reads."""
    return of_source(path.read_text(encoding="utf-8"))


def of_source(text: str) -> Reads:
    """What a source text reads.

    >>> of_source("import os\\nA = 'ONE'\\nos.environ.get(A)\\n'TWO' in os.environ").names == {
    ...     "ONE", "TWO"}
    True
    """
    source = _Source(ast.parse(text))
    found = Reads()
    for use, name in source.uses():
        names = None if name is None else source.follow(name)
        if names is None:
            found.unclear.append(f"line {use.lineno}: {ast.unparse(use)}")
        else:
            found.names |= names
    return found


class _Source:
    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.nodes = list(ast.walk(tree))

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """Each node's parent."""
        return {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}

    @cached_property
    def imported(self) -> dict[str, str]:
        """Name in this file -> dotted name of what it is, imports inside functions included."""
        names = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    whole = alias.name if alias.asname else alias.name.partition(".")[0]
                    names[alias.asname or whole] = whole
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        return names

    def dotted(self, node: ast.AST) -> str:
        """Full name of an expression such as `os.environ`; empty where it is none."""
        if isinstance(node, ast.Name):
            return self.imported.get(node.id, "")
        if isinstance(node, ast.Attribute):
            inner = self.dotted(node.value)
            return f"{inner}.{node.attr}" if inner else ""
        return ""

    def uses(self) -> Iterator[tuple[ast.expr, ast.expr | None]]:
        """Yields each use of the environment and the expression of the variable's name."""
        for name, whole in self.imported.items():
            if whole.startswith(f"{MLFLOW}."):
                yield ast.Name(name, lineno=0), ast.Constant(whole.removeprefix(f"{MLFLOW}."))
        for node in self.nodes:
            if isinstance(node, ast.Call):
                for keyword in node.keywords:
                    if keyword.arg == "envvar":
                        yield node, keyword.value
                if self.dotted(node.func) == "os.getenv":
                    yield node, node.args[0] if node.args else None
            elif isinstance(node, ast.expr) and self.dotted(node) == "os.environ":
                yield from self._use_of_all(node)

    def _use_of_all(self, node: ast.expr) -> Iterator[tuple[ast.expr, ast.expr | None]]:
        """Yields what is done with `os.environ` at one place; nothing where it is no read."""
        parent = self.parents[node]
        outer = self.parents.get(parent)
        if isinstance(parent, ast.Subscript):
            if isinstance(parent.ctx, ast.Load):
                yield parent, parent.slice
        elif isinstance(parent, ast.Compare):
            yield parent, parent.left
        elif isinstance(parent, ast.Attribute) and isinstance(outer, ast.Call):
            known = parent.attr in READERS and outer.args
            yield outer, outer.args[0] if known else None
        elif not isinstance(parent, ast.Dict):  # {**os.environ, ...} is a child's environment
            yield node, None

    def follow(self, node: ast.expr) -> set[str] | None:
        """The texts that an expression may be; `None` where that is not known."""
        if isinstance(node, ast.Constant):
            return {node.value} if isinstance(node.value, str) else None
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            return self._all(node.elts)
        if isinstance(node, ast.Name):
            values = self._values(node)
            if values:
                return self._all(values)
        return _imported_text(self.dotted(node))

    def _all(self, nodes: list[ast.expr]) -> set[str] | None:
        found: set[str] = set()
        for node in nodes:
            names = self.follow(node)
            if names is None:
                return None
            found |= names
        return found

    def _values(self, name: ast.Name) -> list[ast.expr]:
        """What a name is bound to, in the innermost scope that binds it."""
        scope: ast.AST = name
        while scope is not self.tree:
            scope = self.parents[scope]
            if isinstance(scope, Comprehension):
                found = [each.iter for each in scope.generators if _is(each.target, name.id)]
            elif isinstance(scope, ast.For) and _is(scope.target, name.id):
                found = [scope.iter]
            elif isinstance(scope, Function | ast.Module):
                found = self._bound(scope, name.id)
            else:
                continue
            if found:
                return found
        return []

    def _bound(self, scope: Function | ast.Module, name: str) -> list[ast.expr]:
        inside = ast.walk(scope) if isinstance(scope, Function) else iter(scope.body)
        found: list[ast.expr] = []
        for node in inside:
            if isinstance(node, ast.Assign):
                found += [node.value for target in node.targets if _is(target, name)]
            elif isinstance(node, ast.AnnAssign) and node.value:
                found += [node.value] if _is(node.target, name) else []
            elif isinstance(node, ast.For):
                found += [node.iter] if _is(node.target, name) else []
        if isinstance(scope, Function):
            found += self._arguments(scope, name)
        return found

    def _arguments(self, function: Function, name: str) -> list[ast.expr]:
        """What calls in this file give as one parameter of a function."""
        positional = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
        if name not in positional:
            return []
        place = positional.index(name)
        calls = [
            node
            for node in self.nodes
            if isinstance(node, ast.Call) and _is(node.func, function.name)
        ]
        by_place = [call.args[place] for call in calls if len(call.args) > place]
        words = [word.value for call in calls for word in call.keywords if word.arg == name]
        return by_place + words


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _imported_text(dotted: str) -> set[str] | None:
    """The text, or the texts, of a constant in another module."""
    module, _, name = dotted.rpartition(".")
    if not module:
        return None
    value = getattr(importlib.import_module(module), name, None)
    if isinstance(value, str):
        return {value}
    if isinstance(value, tuple) and all(isinstance(each, str) for each in value):
        return set(value)
    return None
