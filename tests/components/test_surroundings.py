"""What a step finds around it."""

import logging

import pytest

from components import surroundings
from mtlser.errors import MtlserError
from mtlser.storage import work_folder
from mtlser.storage.s3 import files as s3_files

RUN = "11111111-2222-3333-4444-555555555555"
ARTIFACT = f"bucket/v2/artifacts/mtlser/{RUN}/search/0a1b/chosen"


@pytest.fixture(autouse=True)
def on_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLSER_RUN", RUN)
    monkeypatch.delenv("MTLSER_WORK", raising=False)
    monkeypatch.setattr(work_folder, "usable", lambda address: address)


@pytest.mark.parametrize("scheme", ["s3", "minio"])
def test_checkpoints_go_beside_the_artifacts_of_the_run(scheme: str) -> None:
    expected = f"s3://bucket/v2/artifacts/mtlser/{RUN}/work"
    assert surroundings.work(f"{scheme}://{ARTIFACT}") == expected


@pytest.mark.parametrize("artifact", [f"gs://{ARTIFACT}", "/here/chosen", "s3://bucket/chosen"])
def test_they_stay_with_the_step_where_that_is_no_place_on_s3(artifact: str) -> None:
    assert surroundings.work(artifact) == ""


def test_a_place_that_is_given_goes_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLSER_WORK", "s3://other/work/")
    assert surroundings.work(f"s3://{ARTIFACT}") == f"s3://other/work/{RUN}"


def test_without_a_run_no_key_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MTLSER_RUN")
    assert surroundings.run() == ""
    assert surroundings.work(f"s3://{ARTIFACT}") == ""
    monkeypatch.setenv("MTLSER_WORK", "/here")
    assert surroundings.work("/out") == "/here"


def test_a_place_that_may_not_be_written_is_not_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("MTLSER_RUN", RUN)

    def refuse(*_: object) -> None:
        raise MtlserError("s3://bucket: AccessDenied")

    monkeypatch.setattr(s3_files, "put", refuse)
    with caplog.at_level(logging.WARNING, "mtlser"):
        assert surroundings.work(f"s3://{ARTIFACT}") == ""
    assert "checkpoints do not outlive this machine: s3://bucket: AccessDenied" in caplog.text
