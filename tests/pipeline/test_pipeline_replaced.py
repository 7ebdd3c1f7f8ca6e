"""What a run may replace: nothing goes that it did not make, before all of its own is there."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from mtlser import storage
from mtlser.storage.s3 import client as objects
from tests.helpers.fake_stages import split_cells
from tests.helpers.local_runs import KEPT, MEASURED, Machine, files, retrained


def names(location: str) -> set[str]:
    """First parts of the names of all objects below an address."""
    place = objects.Place.parse(location)
    result = objects.listed(objects.connect(), place)
    return {remote.name.partition("/")[0] for remote in result}


def texts(folder: Path) -> dict[str, str]:
    """Text of every file of a run folder, by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and ".work" not in path.parts and path.name != ".mtlser.json"
    }


def retrained_to(machine: Machine, address: str, verdict: str) -> str:
    """Console output of a retraining to S3."""
    done = machine.run("--dag", "retrain", "--out", address, FAKE_VERDICT=verdict)
    assert done.returncode == 0, done.stderr
    machine.calls()
    return done.stdout


def test_an_unchanged_retraining_on_an_empty_machine_leaves_what_is_on_s3(
    machine: Machine, s3: str
) -> None:
    place = f"{s3}/out"
    retrained_to(machine, place, "new_recipe")
    before, there = texts(storage.fetch(place)), names(place)
    assert {name.partition("/")[0] for name in before} > KEPT
    shutil.rmtree(storage.cache_folder())
    shown = retrained_to(machine, place, "unchanged")
    assert texts(storage.fetch(place)) == before
    assert names(place) == there
    drift = Path(shown.partition("drift:   ")[2].splitlines()[0])
    assert json.loads(drift.read_text())["verdict"] == "unchanged"
    assert "outcome: nothing was trained" in shown


def test_an_unchanged_retraining_puts_no_older_run_of_this_machine_on_s3(
    machine: Machine, s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = f"{s3}/out"
    retrained_to(machine, place, "new_recipe")
    with monkeypatch.context() as patch:
        patch.setenv("MTLSER_CACHE", str(tmp_path / "another-machine"))
        retrained_to(machine, place, "first")
    before = texts(storage.fetch(place))
    retrained_to(machine, place, "unchanged")
    assert texts(storage.fetch(place)) == before


def test_an_upload_that_failed_is_done_by_the_same_command_and_nothing_else(
    machine: Machine, s3: str, s3_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server refuses the new files: another user of the bucket turned the marker to text."""
    place = f"{s3}/out"
    client, marker = objects.connect(), objects.Place.parse(place).key(".mtlser.json")
    machine.run("--out", place, FAKE_BREAK="mtlser:final:s0")
    machine.calls()
    client.put_object(Bucket="mtlser", Key=marker, Body=b"no marker")
    broken = machine.run("--out", place)
    assert broken.returncode == 2
    assert "not a marker; remove this object" in broken.stderr
    client.delete_object(Bucket="mtlser", Key=marker)
    assert machine.calls() == [], "refused before anything ran"
    done = machine.run("--out", place)
    assert done.returncode == 0, done.stderr
    assert (storage.fetch(place) / "report.html").is_file()


@pytest.mark.parametrize("dag", ["search", "compare"])
def test_a_dag_that_measures_less_does_not_replace_report_and_models(
    machine: Machine, dag: str
) -> None:
    assert machine.run().returncode == 0
    before = texts(machine.out)
    machine.calls()
    rival = ["--rival", "demo"] if dag == "compare" else []
    refused = machine.run("--dag", dag, *rival)
    assert refused.returncode == 2
    assert refused.stderr == (
        f"mtlser-pipeline: --out out: holds the report and models of a crossval or retrain run, "
        f"which {dag} would remove; give another folder, for example `--out out-{dag}`\n"
    )
    assert machine.calls() == []
    assert texts(machine.out) == before


def test_a_dag_that_measures_less_is_refused_on_s3_too(machine: Machine, s3: str) -> None:
    with storage.output(f"{s3}/out") as folder:
        (folder / "model").mkdir()
        (folder / "model" / "weights").write_text("of weeks")
    refused = machine.run("--dag", "search", "--out", f"{s3}/out")
    assert refused.returncode == 2
    assert "which search would remove" in refused.stderr
    assert machine.calls() == []


def test_a_run_goes_on_with_its_upload_where_that_was_stopped(
    machine: Machine, s3: str, tmp_path: Path
) -> None:
    """A proxy of the stage's: the last step takes the marker's place, so that the upload fails."""
    place = f"{s3}/out"
    sabotage = f"{objects.Place.parse(place).key('.mtlser.json')}"
    broken = machine.run("--out", place, FAKE_SABOTAGE=sabotage)
    assert broken.returncode == 2
    assert "not a marker" in broken.stderr
    assert len(machine.calls()) == 7 + 2 * len(split_cells())
    objects.connect().delete_object(Bucket="mtlser", Key=sabotage)
    done = machine.run("--out", place)
    assert done.returncode == 0, done.stderr
    assert machine.calls() == []
    assert (storage.fetch(place) / "model" / "weights").read_text() == "mtlser:final:s0"


def test_an_unchanged_retraining_keeps_the_manifest_that_the_report_is_of(
    machine: Machine,
) -> None:
    retrained(machine, "first")
    (machine.out / "manifest.jsonl").write_text("of the report\n")
    before = texts(machine.out)
    retrained(machine, "unchanged")
    after = texts(machine.out)
    assert {name for name in before if after[name] != before[name]} == {"drift.json"}


def test_a_retraining_leaves_its_folds_and_their_audit(machine: Machine) -> None:
    for verdict in ("first", "new_data", "new_recipe"):
        retrained(machine, verdict)
        assert files(machine.out) >= KEPT | {"folds.json", "audit.json", "chosen.json"}


@pytest.mark.parametrize("verdict", ["first", "new_data", "new_recipe"])
def test_a_resumed_retraining_reuses_its_finished_steps(machine: Machine, verdict: str) -> None:
    options = {"FAKE_VERDICT": verdict}
    broken = machine.run("--dag", "retrain", FAKE_BREAK="mtlser:final:s0", **options)
    assert broken.returncode == 1
    first = Counter(machine.calls())
    done = machine.run("--dag", "retrain", **options)
    assert done.returncode == 0, done.stderr
    measured = MEASURED + MEASURED if verdict == "new_recipe" else MEASURED
    last = "register" if verdict == "first" else "promote"
    once = Counter(["ingest", "split", "train", last])
    assert first + Counter(machine.calls()) == measured + once + Counter(check_data=2)
    assert files(machine.out) >= KEPT | {"folds.json", "audit.json"}
