"""What a benchmark makes up is still what the package takes: a benchmark runs too seldom to say."""

import importlib
from pathlib import Path

import pytest
import torch

from benchmarks import ours
from tests.helpers.house import ROOT

MODULES = sorted(path.stem for path in (ROOT / "benchmarks").glob("[!_]*.py"))


@pytest.mark.parametrize("name", MODULES)
def test_a_benchmark_can_be_loaded(name: str) -> None:
    assert Path(str(importlib.import_module(f"benchmarks.{name}").__file__)).stem == name


def test_the_records_of_a_training_step_are_whole() -> None:
    clip = {"input_values": torch.zeros(32000), "emotion": 1, "speaker": 0}
    made = ours.utterance(3, clip)
    assert (made.id, made.duration_s) == ("3", 2.0)
