"""Recipes as TOML content: overrides of single keys, several sections of data, texts."""

import tomllib
from typing import Any

import tomli_w

from mtlser.errors import MtlserError
from mtlser.recipes.names import not_utf8


def override(key: str, value: object) -> str:
    r"""`KEY=VALUE` for `load`, whatever characters the value holds.

    >>> print(override("data.root", 'a "b" \\c'), override("search.alphas", [0.1]))
    data.root="a \"b\" \\c" search.alphas=[0.1]
    """
    return f"{key}={_toml(value)}"


def plain_override(key: str, value: str) -> str:
    """`KEY=VALUE` for `load`, without quotes where the text cannot be taken for another value.

    >>> plain_override("data.root", "runs/my speech"), plain_override("data.root", "2024")
    ('data.root=runs/my speech', 'data.root="2024"')
    """
    try:
        tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return f"{key}={value}"
    return override(key, value)


def _toml(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return tomli_w.dumps({"value": value}).removeprefix("value = ").rstrip("\n")


def apply(content: dict[str, Any], override: str) -> None:
    """Sets one key of a recipe's content.

    Args:
        content: changed in place.
        override: `KEY=VALUE`, the key dotted; the value is TOML, else a plain text. Of several
            sections `[[data]]` each has a number, from 0: `data.1.root=DIR`.

    Raises:
        MtlserError: it has another shape, or leads to a value as if it were a section.
    """
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise MtlserError(
            f"--set {override!r}: expected KEY=VALUE, for example --set train.learning_rate=2e-5"
        )
    section, (*parents, last) = _section(content, key.split("."), override)
    for parent in parents:
        section = section.setdefault(parent, {})
        if not isinstance(section, dict):
            raise MtlserError(f"--set {override!r}: {parent} is a value, not a section")
    try:
        parsed = tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        parsed = {}
    section[last] = parsed["value"] if parsed.keys() == {"value"} else value


def _section(
    content: dict[str, Any], parts: list[str], override: str
) -> tuple[dict[str, Any], list[str]]:
    """Where a key begins, and its parts from there: one of several sections has a number."""
    sections = content.get("data")
    if parts[0] != "data" or len(parts) == 1 or not isinstance(sections, list):
        return content, parts
    if len(parts) > 2 and parts[1].isdecimal() and int(parts[1]) < len(sections):
        return sections[int(parts[1])], parts[2:]
    key = ".".join(parts[2:] if parts[1].isdecimal() else parts[1:]) or "root"
    raise MtlserError(
        f"--set {override!r}: the recipe joins {len(sections)} corpora; name the one that is meant "
        f"by its number, for example `--set data.{len(sections) - 1}.{key}=...`"
    )


def parted(content: dict[str, Any], label: str) -> dict[str, Any]:
    """The content with its first section `[[data]]` apart from those that are joined with it.

    Raises:
        MtlserError: there is no section, or `joined` is named by itself.
    """
    if "joined" in content:
        raise MtlserError(f"recipe {label}: corpora are joined by several sections [[data]]")
    data = content.get("data")
    if not isinstance(data, list):
        return content
    if not data:
        raise MtlserError(f"recipe {label}: data = []: expected one section [[data]] or more")
    return {**content, "data": data[0], "joined": data[1:]}


def check_text(content: dict[str, Any], where: str) -> None:
    """Refuses texts that cannot be written as UTF-8, as of a folder with a name in Latin-1.

    Raises:
        MtlserError: one is such a text.
    """
    for key, value in content.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                check_text(each, f"{where}{key}.")
            fault = not_utf8(each) if isinstance(each, str) else None
            if fault is not None:
                raise MtlserError(
                    f"{where}{key} = {each!r} {fault}, so no recipe can hold it; rename the folder "
                    "or file, for example with `convmv`"
                )
