"""Profiles: what steps ask for, here and on a cluster."""

from pathlib import Path

import pytest

from mtlser.errors import MtlserError
from pipeline.dags import profile as profiles
from pipeline.dags.profile import local


def test_the_local_profile_shares_the_cores_of_the_loop() -> None:
    assert local(2).loop_environment["OMP_NUM_THREADS"] == "1"
    assert local(16).loop_environment["OMP_NUM_THREADS"] == "8"
    assert local(1).loop_environment["OMP_NUM_THREADS"] == "1"
    assert local(2).retry.count == 0


def test_a_profile_of_ones_own_starts_each_step_from_the_common_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[step]\nmemory = "2Gi"\ntimeout_s = 60\n[steps.train]\nmemory = "8Gi"\n')
    mine = profiles.load(str(path))
    assert (mine.of("train").memory, mine.of("train").timeout_s) == ("8Gi", 60)
    assert mine.of("ingest").memory == "2Gi"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("width = 0", "width: Input should be greater than or equal to 1"),
        ("widht = 4", "widht: Extra inputs are not permitted"),
        ('[steps.tarin]\ncpu = "1"', r"\[steps.tarin\]: no such step"),
        ('[step]\ncpu = "many"', "step.cpu: String should match pattern"),
        ("width = ", "not TOML"),
        (
            '[[secrets]]\nname = "a"\nkey = "b"\nvariable = "C"\nsteps = ["tarin"]',
            "secrets.0.steps: Value error, no such step: tarin",
        ),
    ],
)
def test_a_mistake_in_a_profile_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(MtlserError, match=sentence):
        profiles.load(str(path))
