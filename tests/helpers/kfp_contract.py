"""Kubeflow Pipelines' published API (Swagger 2.0), as a check of requests and answers."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator, FormatChecker

OPERATIONS = {1: "EQUALS", 9: "IS_SUBSTRING"}


class Contract:
    """The published API (Swagger 2.0), stricter than published: unknown keys are refused."""

    def __init__(self, path: Path) -> None:
        self.spec = json.loads(path.read_text(encoding="utf-8"))
        for definition in self.spec["definitions"].values():
            if "properties" in definition:
                definition.setdefault("additionalProperties", False)
        self.routes = [
            (re.compile(re.sub(r"\\{[^}]*\\}|\{[^}]*\}", "([^/:]+)", path) + "$"), methods)
            for path, methods in self.spec["paths"].items()
        ]
        self.checker = FormatChecker()
        self.checker.checks("date-time", raises=ValueError)(
            lambda text: bool(datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo)
        )
        self.checker.checks("int64", raises=ValueError)(lambda text: str(int(text)) == str(text))

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        result = [methods for route, methods in self.routes if route.match(path)]
        plain = [each for each in result if method.lower() in each]
        return plain[-1][method.lower()] if plain else None

    def broken(self, schema: dict[str, Any], value: Any) -> list[str]:
        whole = {"definitions": self.spec["definitions"], **schema}
        validator = Draft4Validator(whole, format_checker=self.checker)
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]

    def request(self, method: str, path: str, query: dict[str, str], body: Any) -> list[str]:
        operation = self.operation(method, path)
        if operation is None:
            return [f"{method} {path}: no such operation"]
        known = {each["name"]: each for each in operation.get("parameters", [])}
        problems = [f"query {name}: unknown" for name in query if name not in known]
        for name, text in query.items():
            kind = known.get(name, {})
            if kind.get("type") == "integer" and not text.isdigit():
                problems.append(f"query {name}={text}: no integer")
            if "enum" in kind and text not in kind["enum"]:
                problems.append(f"query {name}={text}: not one of {kind['enum']}")
        wanted = [each for each in known.values() if each["in"] == "body"]
        if wanted:
            problems += self.broken(wanted[0]["schema"], body)
        if query.get("filter"):
            problems += self.broken(
                {"$ref": "#/definitions/v2beta1Filter"}, normal(json.loads(query["filter"]))
            )
        return [f"{method} {path}: {problem}" for problem in problems]

    def answer(self, method: str, path: str, status: int, body: Any) -> list[str]:
        operation = self.operation(method, path)
        if operation is None:
            return []
        replies = operation["responses"]
        schema = replies["200" if status == 200 else "default"]["schema"]
        return [f"answer of {method} {path}: {each}" for each in self.broken(schema, body)]


def normal(filtered: dict[str, Any]) -> dict[str, Any]:
    """A filter as protobuf's JSON reads it: numbers of enumerations and camelCase allowed."""
    predicates = [
        {
            re.sub("[A-Z]", lambda hit: "_" + hit[0].lower(), key): (
                OPERATIONS.get(value, value) if key == "operation" else value
            )
            for key, value in each.items()
        }
        for each in filtered["predicates"]
    ]
    return {"predicates": predicates}
