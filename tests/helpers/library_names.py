"""Which names of other libraries our files use that those libraries do not promise to keep."""

import ast
import importlib.util
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

PUBLIC = {
    "kfp": ("kfp", "client", "compiler", "components", "dsl", "kubernetes", "local"),
    "kfp_server_api": ("kfp_server_api", "exceptions"),
    "torch": (
        "torch", "nn", "nn.functional", "nn.utils.rnn", "optim", "optim.lr_scheduler",
        "utils.checkpoint", "utils.flop_counter.FlopCounterMode", "utils.weak",
    ),
    "transformers": ("transformers", "utils.logging"),
}  # fmt: skip
"""Library -> its modules and names in use that its documentation or `__all__` names."""
OWN = re.compile(r"_(fields|exit)")
"""Names of the standard library that begin with `_` and are documented."""
DOTTED = re.compile(rf"({'|'.join(PUBLIC)})(\.\w+)+")
BY_NAME = frozenset({"delattr", "getattr", "hasattr", "setattr"})


def is_private(name: str) -> bool:
    """Whether a part of a dotted name begins with one underscore."""
    return any(re.match(r"_(?!_)\w", part) for part in name.split("."))


def is_public(name: str) -> bool:
    """Whether a dotted name is promised by its library; also true for libraries not watched.

    >>> is_public("kfp.dsl"), is_public("kfp.dsl.pipeline_channel"), is_public("torch._C")
    (True, False, False)
    """
    root, _, inside = name.partition(".")
    return root not in PUBLIC or (not is_private(name) and (inside or root) in PUBLIC[root])


def is_promised(name: str, module: str, ours: set[str]) -> bool:
    """Whether what a file imports from a module is public, or a private name of ours."""
    root = module.partition(".")[0]
    if root not in PUBLIC:
        return not is_private(name) or name.rpartition(".")[2] in ours
    return is_public(name) or (
        is_public(module) and not is_private(name) and not is_module(name, module)
    )


def is_module(name: str, parent: str) -> bool:
    """Whether a library has a module of this dotted name; `parent` is its module above."""
    package = hasattr(importlib.import_module(parent), "__path__")
    return package and importlib.util.find_spec(name) is not None


def defined(trees: Mapping[Path, ast.AST]) -> set[str]:
    """Private names that are ours: functions, classes, arguments, variables and attributes."""
    found = set()
    for node in (each for tree in trees.values() for each in ast.walk(tree)):
        match node:
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                found.add(name)
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.Attribute(attr=name, value=ast.Name(id="self"), ctx=ast.Store()):
                found.add(name)
    return {name for name in found if is_private(name)}


def used(tree: ast.AST, ours: set[str]) -> Iterator[tuple[int, str]]:
    """Yields line and name of what a file uses of other libraries without their promise.

    Args:
        tree: the parsed file.
        ours: private names that we define; any other belongs to a library.
    """
    imported = dict(names_of_imports(tree))
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                yield from ((node.lineno, a.name) for a in aliases if not is_public(a.name))
            case ast.ImportFrom(module=str(module), names=aliases):
                full = (f"{module}.{alias.name}" for alias in aliases)
                yield from ((node.lineno, n) for n in full if not is_promised(n, module, ours))
            case ast.Attribute(attr=name):
                root, _, rest = ast.unparse(node).partition(".")
                whole = f"{imported.get(root, root)}.{rest}"
                theirs = whole.split(".", maxsplit=1)[0] in PUBLIC
                if is_private(name) and (theirs or name not in ours) and not OWN.fullmatch(name):
                    yield node.lineno, whole
            case ast.keyword(arg=str(name)):
                if is_private(name) and name not in ours:
                    yield node.lineno, name
            case ast.Call(func=ast.Name(id=call), args=[_, ast.Constant(value=str(name)), *_]):
                if call in BY_NAME and is_private(name) and name not in ours:
                    yield node.lineno, name
            case ast.Constant(value=str(text)):
                if DOTTED.fullmatch(text) and is_private(text):
                    yield node.lineno, text


def names_of_imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yields the name that an import binds in a file, and what it stands for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.split(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (root, root)
        elif isinstance(node, ast.ImportFrom):
            yield from ((a.asname or a.name, f"{node.module}.{a.name}") for a in node.names)
