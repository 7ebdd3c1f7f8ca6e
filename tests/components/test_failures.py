"""What the exit handler says of the steps that failed."""

import base64
import gzip
import json
import logging
from typing import Any

import pytest

from components import failures
from mtlser.tracking.webhook import Failure, Outcome

ROOT = "mtlser-x(0).root(0).exit-handler-1(0).search-steps(0)"


def node(name: str, number: int, phase: str, kind: str = "Pod", **more: Any) -> dict[str, Any]:
    built = {"name": f"{ROOT}.{name}", "id": f"mtlser-x-{number}", "type": kind, "phase": phase}
    return built | {"templateName": "retry-system-container-impl", **more}


NODES = (
    node("ingest(0).executor", 1, "Succeeded", "Retry"),
    node("ingest(0).executor(0)", 2, "Error", message="pod deleted", finishedAt="2026-01-01"),
    node("ingest(0).executor(1)", 3, "Succeeded"),
    node("train(0).executor", 4, "Failed", "Retry"),
    node("train(0).executor(0)", 5, "Failed", message="exit code 1", finishedAt="2026-01-03"),
    node("search(0).executor(0)", 6, "Failed", message="OOMKilled", finishedAt="2026-01-02"),
    node("search-driver(0)", 7, "Succeeded"),
)
LOG = """I1129 09:02:34.529836      15 main.go:67] Setting log level
epoch 1
mtlser.errors.MtlserError: http://user:word@store is away
F1129 09:02:37.357843      15 main.go:99] exit status 1
"""


def workflow(*, compressed: bool) -> dict[str, Any]:
    nodes = {each["id"]: each for each in NODES}
    packed = base64.b64encode(gzip.compress(json.dumps(nodes).encode())).decode()
    status = {"compressedNodes": packed} if compressed else {"nodes": nodes}
    return {"metadata": {"name": "mtlser-x"}, "status": status}


@pytest.mark.parametrize("compressed", [False, True])
def test_what_failed_for_good_is_named_first_things_first(compressed: bool) -> None:
    search, train = failures.failures(workflow(compressed=compressed))
    assert (search.step, search.message) == ("search", "OOMKilled")
    assert search.pod == "mtlser-x-retry-system-container-impl-6"
    assert (train.step, train.message) == ("train", "exit code 1")


def test_the_first_one_has_the_end_of_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    run = {"pipeline_runtime": {"workflow_manifest": json.dumps(workflow(compressed=False))}}
    answers = {
        "/apis/v1beta1/runs/r": json.dumps(run),
        "/apis/v1alpha1/runs/r/nodes/mtlser-x-6/log": LOG,
    }
    monkeypatch.setattr(failures, "_get", answers.__getitem__)
    state, (first, second) = failures.of_run("r", "RUNNING")
    assert state == "RUNNING", "the workflow does not tell"
    assert first.log == "epoch 1\nmtlser.errors.MtlserError: http://store is away"
    assert second.log == ""
    told = Outcome(pipeline="search", run="r", state="RUNNING", failed=(first, second), at="now")
    lines = told.text.splitlines()
    assert lines[:2] == [
        "mtlser search: RUNNING (run r)",
        f"search failed: OOMKilled (pod {first.pod})",
    ]
    assert lines[-1] == "and 1 after it"


@pytest.mark.parametrize(
    ("phase", "told", "state"),
    [
        ("Succeeded", "RUNNING", "SUCCEEDED"),
        ("Failed", "RUNNING", "FAILED"),
        ("Error", "RUNNING", "FAILED"),
        ("Running", "RUNNING", "RUNNING"),
        ("Failed", "CANCELED", "CANCELED"),
        ("Succeeded", "COMPLETE", "COMPLETE"),
    ],
)
def test_steps_that_kubeflow_calls_running_are_as_the_workflow_has_them(
    monkeypatch: pytest.MonkeyPatch, phase: str, told: str, state: str
) -> None:
    """Kubeflow says `RUNNING` after a retraining that found nothing new and a killed step alike."""
    built = {
        name: {"name": name, "id": name, "type": kind, "phase": its}
        for name, kind, its in (
            ("mtlser-x(0).root(0).exit-handler-1", "Retry", phase),
            ("mtlser-x(0).root(0).exit-handler-1-driver", "Retry", "Succeeded"),
            ("mtlser-x(0).root(0).exit-handler-1.onExit", "Retry", "Running"),
        )
    }
    manifest = {"metadata": {"name": "mtlser-x"}, "status": {"nodes": built}}
    run = {"pipeline_runtime": {"workflow_manifest": json.dumps(manifest)}}
    monkeypatch.setattr(failures, "_get", lambda _: json.dumps(run))
    assert failures.of_run("r", told) == (state, [])


def test_an_api_without_a_log_says_so_with_status_200(monkeypatch: pytest.MonkeyPatch) -> None:
    run = {"pipeline_runtime": {"workflow_manifest": json.dumps(workflow(compressed=False))}}
    refusal = '{"error_message":"BadRequestError: Failed to read logs","error_details":""}'
    answers = {
        "/apis/v1beta1/runs/r": json.dumps(run),
        "/apis/v1alpha1/runs/r/nodes/mtlser-x-6/log": refusal,
    }
    monkeypatch.setattr(failures, "_get", answers.__getitem__)
    _, (first, _) = failures.of_run("r", "FAILED")
    assert (first.step, first.log) == ("search", "")


@pytest.mark.parametrize("answer", ["", "{}", '{"pipeline_runtime": null}', "away"])
def test_an_api_that_tells_nothing_is_no_failure_of_the_handler(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, answer: str
) -> None:
    def get(_: str) -> str:
        if answer == "away":
            raise ConnectionRefusedError("no route")
        return answer

    monkeypatch.setattr(failures, "_get", get)
    with caplog.at_level(logging.WARNING):
        assert failures.of_run("r", "RUNNING") == ("RUNNING", [])
    assert "what failed was not asked for" in caplog.text


def test_a_failure_reads_like_a_record() -> None:
    built = Failure(step="train", pod="p", node="n", message="m")
    assert Failure.model_validate_json(built.model_dump_json()) == built
