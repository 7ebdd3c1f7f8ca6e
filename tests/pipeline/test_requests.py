"""What steps should ask for: the table of measurements, the rule, and what is said of a profile."""

import re
from pathlib import Path

import pytest

from mtlser import recipe as recipes
from pipeline import requests
from pipeline.dags import profile as profiles
from tests.helpers.server_words import Done, command

SEEN = Path(__file__).parents[2] / "docs" / "kubeflow-tested.md"
CLUSTER = SEEN.with_name("cluster.md")
DEMO = ("size", "--recipe", "demo", "--clips")
SHOWN = (*DEMO, "10000", "--profile", "cpu")


def of(step: str, clips: int, *overrides: str, encoder: str = "bundled") -> requests.Request:
    found = requests.requests(recipes.load("demo", overrides), clips, encoder)
    return next(each for each in found if each.step == step)


def block(printed: str) -> str:
    """What a document shows of it."""
    lines = (line.rstrip() for line in printed.splitlines())
    return "\n".join(["```text", *lines, "```"])


def row(done: Done, step: str) -> list[str]:
    line = next(line for line in done.out.splitlines() if line.startswith(f"{step} "))
    return re.split(r"  +", line.strip())


def test_the_table_names_steps_and_conditions_that_there_are() -> None:
    table = requests.measured()
    steps = {each.step for each in table.rows}
    assert steps <= profiles.STEPS
    assert table.growth.keys() == steps | {requests.PREDICTIONS}
    assert {each.on for each in table.rows} == table.conditions.keys()


def test_the_table_of_pods_is_that_of_the_document() -> None:
    text = SEEN.read_text(encoding="utf-8").partition("## Memory and time")[2].partition("\n## ")[0]
    told: dict[str, tuple[int, float]] = {}
    for first, memory, time_s in re.findall(r"^\| (.*?) \| ([\d,]+) \| ([\d-]+) \|$", text, re.M):
        for step in re.findall(r"`(\w+)`", first):
            told[step] = (int(memory.replace(",", "")), float(time_s.rpartition("-")[2]))
    pods = [each for each in requests.measured().rows if each.on == "pods"]
    assert {each.step: (each.memory_mib, each.seconds) for each in pods} == told


def test_the_document_shows_what_the_command_prints() -> None:
    done = command(*SHOWN)
    assert block(done.out) in CLUSTER.read_text(encoding="utf-8")


def test_a_request_is_the_measured_peak_and_a_margin() -> None:
    search = of("search", 722)
    assert search.row is not None
    assert search.peak_mib == search.row.memory_mib == 3970
    assert search.memory_mib == 5120
    assert of("prepare", 10**6).memory_mib == 512


def test_it_grows_with_the_corpus_and_with_trainings_side_by_side() -> None:
    asked = [of("ingest", clips).peak_mib or 0 for clips in (1, 722, 100_000, 1_000_000)]
    assert asked[0] == asked[1] < asked[2] < asked[3]
    assert asked[3] == pytest.approx(230 + 3300 * 999_278 / 2**20, abs=1)
    one, four = (of("search", 722, f"search.jobs={jobs}").peak_mib for jobs in (1, 4))
    assert (one, four) == (1985, 7940)
    few, many = (of("report", 10_000, f"train.seeds={seeds}").peak_mib or 0 for seeds in (1, 9))
    assert few < many


def test_another_encoder_is_told_as_a_lower_bound() -> None:
    train = of("train", 722, encoder="facebook/wav2vec2-large")
    assert train.is_least
    assert train.row is not None
    assert train.row.encoder == "bundled"
    assert not of("train", 722, encoder="facebook/wav2vec2-base").is_least
    assert not of("ingest", 722, encoder="facebook/wav2vec2-large").is_least
    done = command(*DEMO, "722", "--encoder", "facebook/wav2vec2-large")
    assert row(done, "train")[1] == "at least 2304Mi"
    assert "not measured: the encoder facebook/wav2vec2-large; of a smaller one are: " in done.out


def test_what_was_not_measured_is_said() -> None:
    done = command(*DEMO, "5000", "--hours", "10")
    assert (done.code, done.err) == (0, "")
    absent = sorted(profiles.STEPS - {each.step for each in requests.measured().rows})
    assert f"not measured: {', '.join(absent)}\n" in done.out or not absent
    assert "(10 h take 1.2 GB at 16 kHz)" in done.out
    assert "pods: pods of Kubeflow" in done.out


@pytest.mark.parametrize("name", profiles.names())
def test_shipped_profiles_ask_for_more_than_was_measured(name: str) -> None:
    done = command(*DEMO, "722", "--profile", name)
    assert (done.code, done.err) == (0, "")


def test_a_profile_that_asks_for_less_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text('[step]\nmemory = "2Gi"\n[steps.train]\nmemory = "1500Mi"\n')
    done = command(*DEMO, "722", "--profile", str(path))
    assert done.code == 0
    assert done.err.splitlines() == [
        f"mtlser-pipeline: warning: profile {path}: search asks for 2Gi, and 3970 MiB are "
        "expected; give it 5120Mi",
        f"mtlser-pipeline: warning: profile {path}: train asks for 1500Mi, and 1680 MiB are "
        "expected; give it 2304Mi",
    ]
    path.write_text("")
    assert command(*DEMO, "722", "--profile", str(path)).err == ""
