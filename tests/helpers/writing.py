"""Where code writes to standard output or standard error by itself, read from its syntax."""

import ast
from collections.abc import Iterator

STREAMS = ("stdout", "stderr", "__stdout__", "__stderr__")
CALLS = ("print", "typer.echo", "typer.secho", "click.echo", "rich.print", "pprint.pprint")
CONSOLES = ("Console", "rich.console.Console")
ELSEWHERE = ("file", "stderr")
"""Arguments of a console that does not write to standard output."""


def writes(source: str) -> Iterator[str]:
    """Yields `LINE: CODE` of each place that prints, or uses a standard stream.

    Asking `isatty` of a stream is allowed, and a console with a file, or for bars on stderr.
    """
    tree = ast.parse(source)
    asked = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "isatty"
    }
    for node in ast.walk(tree):
        if id(node) not in asked and (code := _written(node)):
            yield f"{getattr(node, 'lineno', 0)}: {code}"


def _written(node: ast.AST) -> str:
    """The code of a node that prints or names a stream; empty for another."""
    if isinstance(node, ast.Attribute) and node.attr in STREAMS:
        return ast.unparse(node) if ast.unparse(node.value) == "sys" else ""
    if isinstance(node, ast.ImportFrom) and node.module == "sys":
        return ast.unparse(node) if {alias.name for alias in node.names} & {*STREAMS} else ""
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        to_stdout = name in CONSOLES and not {key.arg for key in node.keywords} & {*ELSEWHERE}
        return ast.unparse(node) if name in CALLS or to_stdout else ""
    return ""
