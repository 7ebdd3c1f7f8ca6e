"""One schedule of each name, whatever went wrong before."""

from typing import Any

import pytest

from pipeline.server import schedule as schedules
from tests.helpers.kfp_api import KubeflowApi
from tests.helpers.server_words import CLUSTER, Done, command

MONDAYS, DAILY = "0 0 3 * * 1", "0 30 4 * * *"


def schedule(cron: str = MONDAYS, *more: str, name: str = "weekly") -> Done:
    return command("schedule", "--name", name, "--cron", cron, *CLUSTER, *more)


def test_a_schedule_is_made_as_asked(kubeflow: KubeflowApi) -> None:
    done = schedule()
    assert done.code == 0, done.err
    assert "schedule: weekly made, 0 0 3 * * 1" in done.out
    (built,) = kubeflow.schedules("weekly")
    assert built["trigger"]["cron_schedule"] == {"cron": MONDAYS}
    assert (built["max_concurrency"], built["no_catchup"], built["status"]) == (
        "1",
        True,
        "ENABLED",
    )
    assert 'root = "s3://corpora/emodb"' in built["runtime_config"]["parameters"]["recipe"]
    (pipeline,) = kubeflow.store["pipelines"]
    assert built["pipeline_version_reference"] == {"pipeline_id": pipeline["pipeline_id"]}


def test_the_same_command_again_changes_nothing(kubeflow: KubeflowApi) -> None:
    schedule()
    before = kubeflow.schedules("weekly")[0]["recurring_run_id"]
    done = schedule()
    assert "weekly unchanged" in done.out
    assert "was there" in done.out
    assert [each["recurring_run_id"] for each in kubeflow.schedules("weekly")] == [before]
    assert len(kubeflow.store["versions"]) == len(kubeflow.store["pipelines"]) == 1


def test_another_cron_replaces_and_two_are_never_active(kubeflow: KubeflowApi) -> None:
    schedule()
    done = schedule(DAILY)
    assert "weekly replaced" in done.out
    (left,) = kubeflow.schedules("weekly")
    assert (left["trigger"]["cron_schedule"]["cron"], left["status"]) == (DAILY, "ENABLED")
    assert kubeflow.most_active["weekly"] == 1


def test_another_service_account_replaces(kubeflow: KubeflowApi) -> None:
    schedule()
    assert "weekly replaced" in schedule(MONDAYS, "--service-account", "default-editor").out
    assert "weekly unchanged" in schedule(MONDAYS, "--service-account", "default-editor").out
    assert "weekly replaced" in schedule(DAILY).out
    (left,) = kubeflow.schedules("weekly")
    assert left["service_account"] == "default-editor"
    schedule(DAILY, "--service-account", "")
    (left,) = kubeflow.schedules("weekly")
    assert not left.get("service_account")


def test_a_new_cron_keeps_the_recipe_where_none_is_given(kubeflow: KubeflowApi) -> None:
    schedule()
    before = kubeflow.schedules("weekly")[0]["runtime_config"]
    done = command("schedule", "--name", "weekly", "--cron", DAILY)
    assert done.code == 0, done.err
    (left,) = kubeflow.schedules("weekly")
    assert left["runtime_config"] == before
    assert left["trigger"]["cron_schedule"]["cron"] == DAILY


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "recurringruns$"),
        ("POST", ":disable$"),
        ("POST", ":enable$"),
        ("DELETE", "recurringruns/"),
    ],
)
@pytest.mark.parametrize("done", [True, False])
def test_killed_at_any_call_the_next_command_puts_it_right(
    kubeflow: KubeflowApi, method: str, path: str, done: bool
) -> None:
    schedule()
    for _ in range(4):
        kubeflow.fail(method, path, (418, {"code": 1, "message": "killed"}), done=done)
    kubeflow.fail("POST", ":disable$", (418, {"code": 1, "message": "killed"}))
    broken = schedule(DAILY)
    assert broken.code == 2
    assert broken.err.count("\n") == 1
    kubeflow.faults.clear()
    again = schedule(DAILY)
    assert again.code == 0, again.err
    (left,) = kubeflow.schedules("weekly")
    assert (left["trigger"]["cron_schedule"]["cron"], left["status"]) == (DAILY, "ENABLED")
    assert kubeflow.most_active["weekly"] == 1


def test_a_refused_creation_leaves_the_old_one_active_and_says_so(kubeflow: KubeflowApi) -> None:
    schedule()
    kubeflow.fail("POST", "recurringruns$", 400)
    done = schedule(DAILY)
    assert done.code == 2
    assert "was not made, the one before goes on" in done.err
    (left,) = kubeflow.active("weekly")
    assert left["trigger"]["cron_schedule"]["cron"] == MONDAYS


def test_a_first_refused_creation_says_that_none_is_active(kubeflow: KubeflowApi) -> None:
    kubeflow.fail("POST", "recurringruns$", 400)
    assert "was not made, none is active" in schedule().err
    assert kubeflow.schedules("weekly") == []


def test_where_the_new_one_cannot_start_the_old_one_goes_on(kubeflow: KubeflowApi) -> None:
    schedule()
    kubeflow.fail("POST", ":enable$", 400)
    done = schedule(DAILY)
    assert done.code == 2
    assert "the one before goes on" in done.err
    (left,) = kubeflow.active("weekly")
    assert left["trigger"]["cron_schedule"]["cron"] == MONDAYS


def test_duplicates_become_one_over_several_pages(kubeflow: KubeflowApi) -> None:
    schedule()
    first = kubeflow.schedules("weekly")[0]
    for number in range(5):
        twin = {**first, "recurring_run_id": f"twin-{number}", "created_at": kubeflow.now()}
        kubeflow.store["recurringruns"].append(twin)
    schedule(name="another")
    done = schedule()
    assert done.code == 0, done.err
    assert len(kubeflow.schedules("weekly")) == len(kubeflow.active("weekly")) == 1
    assert len(kubeflow.active("another")) == 1


def test_deleting_the_old_one_spares_the_runs_it_has_started(kubeflow: KubeflowApi) -> None:
    schedule()
    schedule(DAILY)
    assert kubeflow.queries("DELETE", "recurringruns/") == [{"propagation_policy": "ORPHAN"}]


def test_another_dag_is_another_version_and_latest_follows(kubeflow: KubeflowApi) -> None:
    schedule()
    schedule(MONDAYS, "--image", "r/i@sha256:2")
    assert len(kubeflow.store["versions"]) == 2
    assert (
        "pipeline_version_id" not in kubeflow.schedules("weekly")[0]["pipeline_version_reference"]
    )


def test_going_back_to_an_older_dag_makes_it_the_latest_again(kubeflow: KubeflowApi) -> None:
    schedule()
    schedule(MONDAYS, "--image", "r/i@sha256:2")
    schedule()
    names = [each["display_name"] for each in kubeflow.store["versions"]]
    assert len(names) == 3
    assert names[2] == f"{names[0]}-2"
    assert schedule().code == 0
    assert len(kubeflow.store["versions"]) == 3


def test_current_and_named_versions_are_pinned(kubeflow: KubeflowApi) -> None:
    schedule(MONDAYS, "--version", "current")
    (version,) = kubeflow.store["versions"]
    wanted = {key: version[key] for key in ("pipeline_id", "pipeline_version_id")}
    assert kubeflow.schedules("weekly")[0]["pipeline_version_reference"] == wanted
    schedule(MONDAYS, "--image", "r/i@sha256:2")
    done = schedule(MONDAYS, "--version", version["display_name"])
    assert done.code == 0, done.err
    assert kubeflow.schedules("weekly")[0]["pipeline_version_reference"] == wanted
    assert len(kubeflow.store["versions"]) == 2


def test_an_unknown_version_makes_nothing(kubeflow: KubeflowApi) -> None:
    done = schedule(MONDAYS, "--version", "retrain-0")
    assert done.code == 2
    assert "no such version of mtlser-retrain" in done.err
    assert not any(call.startswith("POST") for call in kubeflow.calls)


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        (["--name", "w", "--cron", "0 3 * * 1", *CLUSTER], "5 fields; expected six"),
        (["--name", "w", "--cron", "61 0 3 * * 1", *CLUSTER], "bad second"),
        (["--name", "w", "--cron", MONDAYS, "--recipe", "nothing"], "no such recipe"),
        (["--name", "w", "--cron", MONDAYS, *CLUSTER, "--dag", "x"], "expected one of crossval"),
        (["--name", "w", *CLUSTER], "--cron is missing"),
        (["--name", "w", "--list"], "expected one of --name"),
        ([], "expected one of --name"),
    ],
)
def test_mistakes_send_nothing(kubeflow: KubeflowApi, words: list[str], outcome: str) -> None:
    done = command("schedule", *words)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert outcome in done.err
    assert kubeflow.calls == []


def test_pause_resume_list_delete(kubeflow: KubeflowApi) -> None:
    schedule()
    assert command("schedule", "--pause", "weekly").code == 0
    assert kubeflow.active("weekly") == []
    assert "paused" in command("schedule", "--list").out
    assert command("schedule", "--resume", "weekly").code == 0
    assert len(kubeflow.active("weekly")) == 1
    assert command("schedule", "--delete", "weekly").code == 0
    assert kubeflow.schedules("weekly") == []
    done = command("schedule", "--delete", "weekly")
    assert done.code == 2
    assert "no such schedule" in done.err


def test_the_next_five_times_are_told_with_their_time_zone(kubeflow: KubeflowApi) -> None:
    (told,) = [line for line in schedule().out.splitlines() if line.startswith("next:")]
    assert told.count(" 03:00") == 5
    assert "(UTC" in told


def test_missed_runs_are_made_up_for_where_that_is_asked(kubeflow: KubeflowApi) -> None:
    schedule()
    assert "weekly replaced" in schedule(MONDAYS, "--catch-up").out
    (left,) = kubeflow.schedules("weekly")
    assert left["no_catchup"] is False


@pytest.mark.parametrize(("before_ours", "left"), [(True, MONDAYS), (False, DAILY)])
def test_two_people_at_once_leave_one_schedule(
    kubeflow: KubeflowApi, monkeypatch: pytest.MonkeyPatch, before_ours: bool, left: str
) -> None:
    """The other one's command runs between our look at what is there and our switch."""
    make = schedules._make

    def meanwhile(*given: Any) -> Any:
        monkeypatch.setattr(schedules, "_make", make)
        if before_ours:
            assert schedule(DAILY).code == 0
            return make(*given)
        ours = make(*given)
        assert schedule(DAILY).code == 0
        return ours

    monkeypatch.setattr(schedules, "_make", meanwhile)
    done = schedule()
    (one,) = kubeflow.schedules("weekly")
    assert (one["trigger"]["cron_schedule"]["cron"], one["status"]) == (left, "ENABLED")
    assert (done.code == 0) == (left == MONDAYS), done.err
