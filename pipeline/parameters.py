"""What Kubeflow takes as a parameter: checked before a run begins, here or on a server.

A recipe travels as text, as one of the DAG's parameters. A server refuses parameters of more than
10,000 bytes together; here a step gets them in one argument of its command, which Linux limits to
131,072. kfp.local and Argo replace whatever stands between double braces. The same limits hold
here as on a server, so that a recipe that runs here can be submitted.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from mtlser.errors import MtlserError
from mtlser.recipes import names

LIMIT_BYTES = 10_000
"""Of all parameters together as JSON: `MaxParameterBytes` of Kubeflow's API server."""
RECIPES = ("recipe", "rival")
"""Parameters that hold a recipe's text."""
ESCAPED = "<>&"
"""Characters that its JSON writes in six bytes each."""
REPLACED = ("{{", "/kfp-workspace")
"""kfp.local and Argo replace what `{{` begins, and kfp.local the name of its workspace."""
SHOWN = 60


def check(arguments: Mapping[str, Any]) -> None:
    """Refuses parameters that would not reach a step as they are.

    Args:
        arguments: of the DAG, by name; texts of recipes among them.

    Raises:
        MtlserError: a text that Kubeflow would change, or too many bytes.
    """
    for key, text in _texts(arguments):
        fault = names.not_utf8(text)
        if fault is not None:
            raise MtlserError(f"{key} = {_cut(text)!r} {fault}; give another name")
        for sign in REPLACED:
            if sign in text:
                around = text[max(text.index(sign) - SHOWN // 2, 0) :]
                raise MtlserError(
                    f"{key} = {_cut(around)!r} holds {sign}, which Kubeflow replaces by a value of "
                    "its own; leave it out"
                )
    _check_size(arguments)


def size(arguments: Mapping[str, Any]) -> int:
    """Bytes of all parameters together, as the server counts them.

    >>> size({"run": "a"}), size({"run": "<"})
    (12, 17)
    """
    text = json.dumps(dict(arguments), ensure_ascii=False)
    return len(text.encode()) + 5 * sum(text.count(sign) for sign in ESCAPED)


def _check_size(arguments: Mapping[str, Any]) -> None:
    total = size(arguments)
    if total <= LIMIT_BYTES:
        return
    key, text = max(_texts(arguments), key=lambda each: len(each[1]))
    raise MtlserError(
        f"the parameters have {total} bytes, with the recipe's text; Kubeflow takes at most "
        f"{LIMIT_BYTES} of all together; shorten {key}, whose longest value has {len(text)} "
        "characters"
    )


def _texts(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yields every text with its key; a recipe's text as the keys and values in it."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _texts(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            for each in value:
                yield f"{prefix}{key}", str(each)
        elif key in RECIPES and not prefix:
            yield from _texts(tomllib.loads(value), f"{key}: ")
        else:
            yield prefix + key, str(value)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
