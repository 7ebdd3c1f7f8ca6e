"""What is late is told once, and only what is."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace as Built
from typing import Any

import pytest

from mtlser.tracking import webhook
from pipeline.server import runs, schedule, watch
from tests.helpers.kfp_api import KubeflowApi
from tests.helpers.server_words import CLUSTER, command

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
DUE = datetime(2026, 3, 4, 3, tzinfo=UTC)


def plan(cron: str = "0 0 3 * * *", **more: Any) -> Built:
    """Every day at 3:00, since Monday."""
    trigger = Built(cron_schedule=Built(cron=cron))
    made = datetime(2026, 3, 2, tzinfo=UTC)
    built = {"recurring_run_id": "s1", "display_name": "daily", "status": "ENABLED", "mode": None}
    return Built(**{**built, "trigger": trigger, "created_at": made, **more})


def run(state: str | None, created: datetime, **more: Any) -> Built:
    built = {"run_id": "r1", "display_name": "crossval demo", "recurring_run_id": None}
    return Built(**{**built, "state": state, "created_at": created, **more})


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Any:
    def look(
        plans: list[Built], recent: list[Built], late_s: float = 3600, new_s: float = 0
    ) -> Any:
        monkeypatch.setattr(runs, "recent", lambda *_: recent)
        monkeypatch.setattr(schedule, "every", lambda _: plans)
        described = {each.run_id: each for each in recent}
        server: Any = Built(get_run=described.__getitem__)
        return watch.late(server, late_s, new_s, NOW)

    return look


def test_a_schedule_that_did_not_fire_is_late(late: Any) -> None:
    before = run("SUCCEEDED", DUE - timedelta(days=1), recurring_run_id="s1")
    (told,) = late([plan()], [before])
    assert (told.kind, told.what, told.late_s) == ("schedule", "did not fire", 9 * 3600)
    assert told.text == (
        "mtlser schedule daily: did not fire (since 2026-03-04T03:00:00+00:00; id s1)"
    )


def test_one_that_is_due_more_often_than_it_may_be_late_is_late_too(late: Any) -> None:
    (told,) = late([plan(cron="0 */2 * * * *")], [run("FAILED", DUE, recurring_run_id="s1")])
    assert told.late_s == 3600


def test_one_that_waits_for_its_last_run_says_so(late: Any) -> None:
    going = run("RUNNING", DUE - timedelta(days=1), recurring_run_id="s1", run_details=None)
    (told,) = late([plan()], [going])
    assert told.what == "did not fire, as run r1 goes on"


@pytest.mark.parametrize(
    "planned",
    [
        plan(status="DISABLED"),
        plan(cron="0 0 3 1 6 *"),
        plan(created_at=NOW - timedelta(hours=1)),
        plan(trigger=Built(cron_schedule=None)),
        plan(cron="nonsense"),
    ],
)
def test_what_was_not_due_is_not_late(late: Any, planned: Built) -> None:
    assert late([planned], []) == []


def test_one_that_fired_is_not_late(late: Any) -> None:
    assert late([plan()], [run("FAILED", DUE, recurring_run_id="s1")]) == []


def test_a_run_that_has_not_begun_and_a_step_that_waits_are_late(late: Any) -> None:
    began = NOW - timedelta(hours=2)
    waits = {"task_id": "t", "state": "PENDING", "start_time": began, "end_time": None}
    waits |= {"error": None, "child_tasks": [], "pod_name": "", "display_name": "train"}
    details = Built(task_details=[Built(**waits)])
    first = run("PENDING", began)
    second = run("RUNNING", began, run_id="r2", run_details=details)
    told = late([], [first, second, run("SUCCEEDED", began, run_id="r3")])
    assert [each.what for each in told] == ["has not begun", "train waits for a node"]
    assert {each.late_s for each in told} == {7200}


def test_each_is_told_once_by_who_looks_again_and_again(late: Any) -> None:
    waits = [run("PENDING", NOW - timedelta(seconds=3700))]
    assert len(late([], waits, 3600, 600)) == 1
    assert late([], waits, 3600, 60) == []
    assert late([], waits, 4000) == []


def test_the_command_posts_what_is_late(
    kubeflow: KubeflowApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted: list[webhook.Message] = []

    def post(_: str, message: webhook.Message) -> bool:
        posted.append(message)
        return True

    monkeypatch.setattr(webhook, "post", post)
    assert command("watch").out == "nothing is late\n"
    command("schedule", "--name", "weekly", "--cron", "0 0 3 * * 1", *CLUSTER)
    done = command("watch", "--late-s", "0", "--json")
    assert done.code == 1
    (told,) = json.loads(done.out)["late"]
    assert (told["kind"], told["name"], told["what"]) == ("schedule", "weekly", "did not fire")
    assert posted == []
    monkeypatch.setenv("MTLSER_WEBHOOK", "https://hooks.example.org/x")
    assert command("watch", "--late-s", "0").code == 1
    assert "mtlser schedule weekly: did not fire" in posted[0].text
