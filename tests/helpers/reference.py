"""The page of commands, recipe keys and environment variables: `make reference`.

Everything comes from the code: commands from typer's objects (never from rendered help, which
depends on terminal and version), keys from the recipe's JSON Schema and the texts below its fields,
variables from `variables.py` with the files that read them.
"""

import ast
import inspect
import json
import typing
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel

from mtlser.cli.app import app as mtlser
from mtlser.recipe import Recipe
from pipeline.cli import app as mtlser_pipeline
from tests.helpers import environment_reads
from tests.helpers.house import MTLSER, ROOT
from tests.helpers.top_imports import sources
from tests.helpers.variables import GROUPS, Variable

PAGE = "docs/reference.md"
APPS = {"mtlser": mtlser, "mtlser-pipeline": mtlser_pipeline}
EXAMPLE = "Example: "
TYPES = {str: "text", int: "integer", float: "number", Path: "path"}
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
NOT_SET = "not set"
TYPERS_OWN = {"help", "install_completion", "show_completion"}
"""Options whose texts are another version's tomorrow."""
KEY_HEAD = ("key", "type", "default", "allowed", "meaning")
HEAD = """\
# Reference

Every command, recipe key and environment variable, written from the code by `make reference`.

- Commands: [`mtlser`](#mtlser), [`mtlser-pipeline`](#mtlser-pipeline)
- [Recipe keys](#recipe-keys)
- [Environment variables](#environment-variables)

Both programs take `--help`, for themselves and for each command, and `--install-completion` for the
current shell. Exit codes: 0 done, 1 a failure, 2 a mistake that the printed sentence says how to
correct, 130 interrupted.
"""
ABOUT_KEYS = """\
A recipe is a TOML file; `mtlser recipes` lists those that ship with the package. `--set
SECTION.KEY=VALUE` overrides a key. An unknown key is refused.
"""
ABOUT_VARIABLES = """\
Variables that mtlser reads, with the files that read them, and those of libraries that its profiles
and documentation name or that many users need.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for name, app in APPS.items():
        parts += [f"## {name}\n", *commands(name, app)]
    parts += ["## Recipe keys\n", ABOUT_KEYS, *keys(Recipe)]
    parts += ["## Environment variables\n", ABOUT_VARIABLES, *variables()]
    return "\n".join(parts)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows as a Markdown table.

    >>> table(("a", "b"), [("1|2", "two\\n  lines")]).splitlines()
    ['| a | b |', '|---|---|', '| 1\\\\|2 | two lines |']
    """
    lines = [_row(head), "|" + "---|" * len(head), *map(_row, rows)]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"


def commands(program: str, app: typer.Typer) -> Iterator[str]:
    """Yields a section for the program's own options and for each command."""
    group: Any = typer.main.get_command(app)
    yield _parameters(group, hints={})
    for name, command in group.commands.items():
        if not command.hidden:
            yield f"### {program} {name}\n"
            yield from command_parts(command)


def command_parts(command: Any) -> Iterator[str]:
    """Yields a command's help, example and parameters; `command` is typer's or click's object."""
    yield f"{inspect.cleandoc(command.help)}\n"
    if command.epilog:
        yield f"    {command.epilog.removeprefix(EXAMPLE)}\n"
    signature = inspect.signature(inspect.unwrap(command.callback), eval_str=True)
    hints = {name: each.annotation for name, each in signature.parameters.items()}
    rows = _parameters(command, hints)
    if rows:
        yield rows


def _parameters(command: Any, hints: Mapping[str, Any]) -> str:
    shown = [each for each in command.params if not each.hidden and each.name not in TYPERS_OWN]
    rows = [_parameter(each, hints.get(each.name, bool)) for each in shown]
    return table(("name", "value", "default", "meaning"), rows) if rows else ""


def _parameter(parameter: Any, hint: Any) -> tuple[str, str, str, str]:
    """Name, value, default and meaning of an option or argument."""
    if parameter.param_type_name == "argument":
        name = f"`{parameter.metavar or parameter.name.upper()}`"
    else:
        name = ", ".join(f"`{each}`" for each in (*parameter.opts, *parameter.secondary_opts))
    default = "required" if parameter.required else _default(parameter.default)
    meaning = parameter.help or ""
    if parameter.envvar:
        meaning += f" Also by `{parameter.envvar}`."
    return name, _value(parameter, hint), default, meaning


def _default(value: Any) -> str:
    if value is None or value is False or value in ("", ()) or value == []:
        return ""
    return f"`{value}`"


def _value(parameter: Any, hint: Any) -> str:
    """What may be given, from the type in the function's signature and typer's own bounds."""
    kind, info = hint, None
    if typing.get_origin(kind) is typing.Annotated:
        kind, info = kind.__origin__, kind.__metadata__[0]
    several = False
    while typing.get_args(kind) and typing.get_origin(kind) is not typing.Literal:
        several |= typing.get_origin(kind) is list
        kind = next(each for each in typing.get_args(kind) if each is not type(None))
    if kind is bool:
        return "flag"
    if typing.get_origin(kind) is typing.Literal:
        text = ", ".join(f"`{each}`" for each in typing.get_args(kind))
    else:
        text = TYPES[kind]
    if parameter.param_type_name == "option" and parameter.metavar:
        text = f"`{parameter.metavar}`" if kind is str else f"{text} `{parameter.metavar}`"
    bounds = (("≥", getattr(info, "min", None)), ("≤", getattr(info, "max", None)))
    text += "".join(f" {sign} {bound}" for sign, bound in bounds if bound is not None)
    return f"{text}, several" if several else text


def keys(model: type[BaseModel]) -> Iterator[str]:
    """Yields a table of the model's own keys and of each of its sections."""
    yield "### At the top\n"
    yield from _sections(model, "")


def _sections(model: type[BaseModel], prefix: str) -> Iterator[str]:
    """Yields the table of a section's own keys, then those of the sections in it."""
    schema = model.model_json_schema()
    within = [name for name, each in schema["properties"].items() if "$ref" in each]
    alone = [name for name in schema["properties"] if name not in within]
    yield table(KEY_HEAD, _keys(model, schema, alone))
    for name in within:
        section = model.model_fields[name].annotation
        assert isinstance(section, type)
        assert issubclass(section, BaseModel)
        yield f"### [{prefix}{name}]\n"
        yield f"{inspect.cleandoc(section.__doc__ or '')}\n"
        yield from _sections(section, f"{prefix}{name}.")


def _keys(
    model: type[BaseModel], schema: Mapping[str, Any], names: Sequence[str]
) -> Iterator[tuple[str, str, str, str, str]]:
    texts = field_texts(model)
    for name in names:
        described = schema["properties"][name]
        if name in schema.get("required", ()):
            default = "required"
        else:
            value = described.get("default")
            default = NOT_SET if value is None else f"`{json.dumps(value)}`"
        kind, allowed = key_type(described)
        yield f"`{name}`", kind, default, allowed, _in_toml(texts[name])


def _in_toml(text: str) -> str:
    """A field's text for readers of TOML, which has no `None`."""
    told = text.replace("`None`", NOT_SET)
    return told.replace(NOT_SET, NOT_SET.capitalize(), 1) if told.startswith(NOT_SET) else told


def key_type(schema: Mapping[str, Any]) -> tuple[str, str]:
    """Type and allowed values of a JSON Schema.

    >>> key_type({"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}})
    ('list of numbers', 'each > 0')
    >>> key_type({"anyOf": [{"enum": ["a", "b"], "type": "string"}, {"type": "null"}]})
    ('text', '`a`, `b`')
    """
    if "anyOf" in schema:
        kinds = [key_type(each) for each in schema["anyOf"] if each.get("type") != "null"]
        return " or ".join(kind for kind, _ in kinds), ", ".join(a for _, a in kinds if a)
    if "$ref" in schema:
        return "section", ""
    if schema["type"] == "object":
        kind, allowed = key_type(schema["additionalProperties"])
        return f"table of {kind}s", f"each {allowed}" if allowed else ""
    if schema["type"] == "array":
        kind, allowed = key_type(schema["items"])
        least = f"{schema['minItems']} or more" if "minItems" in schema else ""
        if "maxItems" in schema:
            least = f"{schema['minItems']} to {schema['maxItems']}"
        each = f"each {allowed}" if allowed else ""
        return f"list of {kind}s", ", ".join(filter(None, (least, each)))
    kind = {"string": "text", "boolean": "true or false"}.get(schema["type"], schema["type"])
    values = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    bounds = [f"{sign} {schema[key]:g}" for key, sign in BOUNDS.items() if key in schema]
    return kind, ", ".join([*(f"`{each}`" for each in values), *bounds])


def field_texts(model: type[BaseModel]) -> dict[str, str]:
    """Text below each field where the model is defined; empty where there is none."""
    (defined,) = ast.parse(inspect.getsource(model)).body
    assert isinstance(defined, ast.ClassDef)
    texts = dict.fromkeys(model.model_fields, "")
    for field, below in zip(defined.body, defined.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr):
            texts[ast.unparse(field.target)] = str(ast.literal_eval(below.value))
    return texts


def readers() -> dict[str, list[str]]:
    """Variable -> files of ours that read it."""
    found: dict[str, list[str]] = defaultdict(list)
    for package in MTLSER.packages:
        for path in sources(package):
            for name in environment_reads.of_file(path).names:
                found[name].append(path.relative_to(ROOT).as_posix())
    return found


def variables() -> Iterator[str]:
    """Yields a table of each group of variables."""
    found = readers()
    for title, group in GROUPS.items():
        yield f"### {title}\n"
        yield table(
            ("variable", "default", "meaning", "read by"),
            (_variable(each, found) for each in group),
        )


def _variable(variable: Variable, found: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    files = ", ".join(f"`{path}`" for path in found.get(variable.name, ()))
    by = ", ".join(filter(None, (variable.reader, files)))
    return f"`{variable.name}`", variable.default, variable.meaning, by


def main(root: Path = ROOT) -> None:
    """Writes the page."""
    (root / PAGE).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
