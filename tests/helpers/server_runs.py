"""Runs as a Kubeflow server tells of them."""

from typing import Any


def task(name: str, state: str, second: int, **more: Any) -> dict[str, Any]:
    return {
        "task_id": f"{name}-id",
        "display_name": name,
        "state": state,
        "start_time": f"2026-03-02T03:00:{second:02d}Z",
        "end_time": f"2026-03-02T03:01:{second:02d}Z",
        **more,
    }


def ended(state: str, *tasks: dict[str, Any]) -> dict[str, Any]:
    return {"state": state, "run_details": {"task_details": list(tasks)}}
