"""The hand-worked and published examples of `tests/data`."""

import tomllib
from fractions import Fraction
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "examples"


def examples(name: str) -> dict[str, Any]:
    """One file of examples, for example `worked_metrics`."""
    return tomllib.loads((DATA / f"{name}.toml").read_text(encoding="utf-8"))


def fraction(text: str) -> float:
    """A rate that is written as a fraction."""
    return float(Fraction(text))
