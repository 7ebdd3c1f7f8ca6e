"""What pyproject.toml promises of versions agrees with the pins and with itself."""

import tomllib
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.helpers.house import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NEEDED = [
    Requirement(line)
    for lines in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for line in lines
]
PINS = {
    canonicalize_name(name): version
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    for name, _, version in [line.partition("==")]
}
TOGETHER = (("kfp", "kfp-kubernetes"), ("torch", "torchaudio"))
"""Packages that are published as sets of one minor version."""


def test_every_direct_dependency_has_a_floor_a_ceiling_and_a_pin_between() -> None:
    faults = []
    for needed in NEEDED:
        pin = PINS.get(canonicalize_name(needed.name))
        bounds = sorted(each.operator for each in needed.specifier)
        if bounds != ["<", ">="] or pin is None or not needed.specifier.contains(pin):
            faults.append(f"{needed}, pinned {pin}")
    assert not faults, f"expected NAME>=FLOOR,<CEILING around the pin: {faults}"


def test_sets_of_packages_have_the_same_bounds_and_pinned_minor() -> None:
    bounds = {needed.name: needed.specifier for needed in NEEDED}
    for one, other in TOGETHER:
        assert bounds[one] == bounds[other]
        minors = {PINS[canonicalize_name(name)].rpartition(".")[0] for name in (one, other)}
        assert len(minors) == 1


def test_the_classifiers_name_the_pythons_that_are_allowed() -> None:
    allowed = SpecifierSet(PROJECT["requires-python"])
    named = {
        each.rpartition(" ")[2]
        for each in PROJECT["classifiers"]
        if each.startswith("Programming Language :: Python :: 3.")
    }
    assert named == {f"3.{minor}" for minor in range(40) if f"3.{minor}.0" in allowed}
