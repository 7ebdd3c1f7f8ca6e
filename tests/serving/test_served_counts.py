"""`GET /metrics` of a server: requests, refusals, seconds, audio."""

import os
from pathlib import Path

import pytest

from tests.helpers.house import ROOT
from tests.helpers.served import served
from tests.helpers.trained import write_model
from tests.serving.test_served_model import noise, table

pytestmark = pytest.mark.timeout(600)


def test_it_counts_what_it_answers(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1"}
    with served(str(write_model(tmp_path)), env) as running:
        assert running.post(table(noise(0.5)))[0] == 200
        assert running.post(b"{}")[0] == 400
        assert running.post(b"x", kind="text/csv")[0] == 415
        assert running.get("/ping")[0] == 200
        code, text = running.get("/metrics")
    assert code == 200
    for line in (
        'mtlser_requests_total{code="200"} 1.0', 'mtlser_requests_total{code="400"} 1.0',
        'mtlser_requests_total{code="415"} 1.0', "mtlser_request_seconds_count 3.0",
        "mtlser_audio_seconds_total 0.5", 'mtlser_model{model="unregistered"} 1.0',
    ):  # fmt: skip
        assert line in text.splitlines()
