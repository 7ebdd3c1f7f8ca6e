"""Every command that the code, its help or its documents tell a user to run."""

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer.main

from mtlser.cli import app as library
from pipeline import cli as pipeline
from tests.helpers.house import ROOT

VALUE = "1"
"""Stands for what an f-string fills in: a path, a number, a name."""
PROGRAMS = {"mtlser": library.app, "mtlser-pipeline": pipeline.app}
QUOTED = re.compile(r"`((?:\.venv/bin/)?mtlser(?:-pipeline)? [^`]+)`")
EXAMPLE = re.compile(r"(?:^Example|, or): (mtlser(?:-pipeline)? [^\n]+?)(?=, or:|$)")
IN_A_BLOCK = re.compile(r"^\s*(?:\$ )?(?:\.venv/bin/)?(mtlser(?:-pipeline)? .*)$")
PLACEHOLDERS = re.compile(r"\$\{?\w+\}?")


@dataclass(frozen=True)
class Advised:
    """A command, and where it is advised."""

    words: tuple[str, ...]
    where: str
    whole: bool = False
    """Meant to be run as it is; else a command's name with the flags that matter."""


def of_code() -> Iterator[Advised]:
    """Yields those in the strings of the sources, and in calls of `command`."""
    for folder in ("mtlser", "components", "pipeline"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield from of_source(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))


def of_source(text: str, name: str) -> Iterator[Advised]:
    """Yields those of one source."""
    tree = ast.parse(text)
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
             for part in ast.walk(node) if part is not node}  # fmt: skip
    for node in ast.walk(tree):
        where = f"{name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "command":
            yield Advised(tuple(_command(node)), where)
        elif isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in inner:
            yield from of_text(_text(node), where)


def of_documents() -> Iterator[Advised]:
    """Yields those of the README, the documents and the components' READMEs."""
    paths = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    for path in [*paths, *(ROOT / "components").rglob("*.md")]:
        name, text = str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
        for match in QUOTED.finditer(" ".join(text.split("\n"))):
            yield Advised(_words(match[1].removeprefix(".venv/bin/")), name)
        for line in text.replace("\\\n", " ").splitlines():
            if block := IN_A_BLOCK.match(line):
                yield Advised(_words(block[1].partition(", or:")[0]), name)


def of_text(text: str, where: str) -> Iterator[Advised]:
    """Yields those between backticks, and those of an example in a command's help."""
    for match in QUOTED.finditer(text):
        yield Advised(_words(match[1].removeprefix(".venv/bin/")), where)
    for match in EXAMPLE.finditer(text):
        yield Advised(_words(match[1]), where, whole=True)


def fault(advised: Advised) -> str | None:
    """What the command line would refuse; `None` where it takes the command."""
    program, *rest = advised.words
    commands: Any = typer.main.get_command(PROGRAMS[program])
    if not rest or rest[0].startswith("-"):
        return None if rest[:1] in (["--version"], ["--help"], []) else f"option {rest[0]}"
    if not re.fullmatch(r"[a-z][a-z-]*", rest[0]):
        return None  # COMMAND, or prose
    command = commands.commands.get(rest[0])
    if command is None:
        return f"no command {rest[0]}"
    known = {flag for each in command.params for flag in (*each.opts, *each.secondary_opts)}
    for word in rest[1:]:
        flag = word.partition("=")[0]
        if word.startswith("--") and flag not in {*known, "--help"}:
            return f"{rest[0]} has no {flag}"
    if advised.whole:
        try:
            command.make_context(rest[0], list(rest[1:]))
        except Exception as error:  # typer's own copy of click's UsageError
            option = getattr(getattr(error, "param", None), "name", "")
            return f"{option}: {getattr(error, 'message', '') or type(error).__name__}"
    return None


def _command(node: ast.Call) -> Iterator[str]:
    """The words of a call of `mtlser.cli.flags.command`; lists that it unpacks are left out."""
    program = [each.value for each in node.keywords if each.arg == "program"]
    yield _text(program[0]) if program else "mtlser"
    for each in node.args:
        if not isinstance(each, ast.Starred):
            yield _text(each) or VALUE


def _text(node: ast.AST) -> str:
    """A literal's text, with `VALUE` for what is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or VALUE for part in node.values)
    return ""


def _words(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(PLACEHOLDERS.sub(VALUE, text), comments=True))
    except ValueError:  # an apostrophe of the prose around it
        return tuple(text.split())
