"""Recurring runs by name: one of each name, however often and however badly the command ran.

Kubeflow cannot change a recurring run and lets many bear one name. A new one is therefore made
paused, the old ones are paused, the new one is started, and only then the old ones are deleted:
two never run at a time, and where a step fails the older one goes on or the error says that none
does. What a killed command left behind is put right by the next.
"""

import hashlib
import json
import shlex
from dataclasses import dataclass, replace
from typing import Any, Literal

import kfp_server_api as api
from kfp_server_api import V2beta1RecurringRun

from mtlser.errors import MtlserError
from pipeline.server.connection import Server, ServerError
from pipeline.server.runs import named, pages

KEEP_RUNS = "ORPHAN"
"""Deleting a recurring run would else end the runs that it has started."""
Outcome = Literal["made", "replaced", "unchanged", "started again"]


@dataclass(frozen=True)
class Wanted:
    """What a recurring run shall be."""

    name: str
    cron: str
    experiment_id: str
    pipeline_id: str
    version_id: str | None
    """`None`: whichever version is the latest when a run begins."""
    arguments: dict[str, Any]
    about: str
    catch_up: bool = False
    """Whether runs that were missed, while the server was away or the schedule paused, are made."""
    service_account: str | None = None
    """Of the pods; empty: the server's default; `None`: that of the schedule replaced."""

    @property
    def description(self) -> str:
        """The description, which tells this content from any other."""
        content = [self.cron, self.experiment_id, self.pipeline_id, self.version_id, self.arguments]
        content += [self.service_account] if self.service_account else []
        content += ["catch up"] if self.catch_up else []
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
        return f"{self.about} [mtlser {digest}]"

    def is_of(self, run: V2beta1RecurringRun) -> bool:
        """Whether a recurring run has this content."""
        return bool(run.description == self.description and cron_of(run) == self.cron)

    def body(self) -> V2beta1RecurringRun:
        """The request that makes it, paused."""
        return V2beta1RecurringRun(
            display_name=self.name,
            description=self.description,
            experiment_id=self.experiment_id,
            mode=api.RecurringRunMode.DISABLE,
            trigger=api.V2beta1Trigger(cron_schedule=api.V2beta1CronSchedule(cron=self.cron)),
            max_concurrency="1",
            no_catchup=not self.catch_up,
            service_account=self.service_account or None,
            pipeline_version_reference=api.V2beta1PipelineVersionReference(
                pipeline_id=self.pipeline_id, pipeline_version_id=self.version_id
            ),
            runtime_config=api.V2beta1RuntimeConfig(parameters=self.arguments),
        )


def ensure(server: Server, wanted: Wanted) -> Outcome:
    """Leaves exactly one recurring run of the name, active and as wanted; says what it took.

    Raises:
        MtlserError: the server failed; the sentence says what is active now.
    """
    existing = of_name(server, wanted.name)
    wanted = _with_account(wanted, existing)
    same = sorted((run for run in existing if wanted.is_of(run)), key=is_active, reverse=True)
    chosen = same[0] if same else _make(server, wanted, existing)
    others = [run for run in existing if run.recurring_run_id != chosen.recurring_run_id]
    _switch(server, wanted.name, chosen, [run for run in others if is_active(run)])
    _settle(server, wanted.name, chosen, {run.recurring_run_id for run in existing})
    left = [run for run in others if not _deleted(server, run)]
    if left:
        raise MtlserError(
            f"schedule {wanted.name!r} is active as asked, but {len(left)} paused older one(s) "
            "could not be deleted; run the same command again"
        )
    if not same:
        return "replaced" if existing else "made"
    return "unchanged" if is_active(chosen) and not others else "started again"


def _with_account(wanted: Wanted, existing: list[V2beta1RecurringRun]) -> Wanted:
    """As wanted, with the account of the schedule replaced where none is named.

    A server may tell its default as if it had been asked for: one that is as wanted stays so.
    """
    if wanted.service_account is not None or any(map(wanted.is_of, existing)):
        return wanted
    accounts = (str(run.service_account) for run in existing if run.service_account)
    return replace(wanted, service_account=next(accounts, None))


def _make(
    server: Server, wanted: Wanted, existing: list[V2beta1RecurringRun]
) -> V2beta1RecurringRun:
    try:
        return server.recurring_runs.recurring_run_service_create_recurring_run(
            recurring_run=wanted.body()
        )
    except ServerError as error:
        before = "the one before goes on" if any(map(is_active, existing)) else "none is active"
        raise ServerError(
            f"schedule {wanted.name!r} was not made, {before}: {error}", error.status
        ) from None


def _switch(
    server: Server, name: str, chosen: V2beta1RecurringRun, active: list[V2beta1RecurringRun]
) -> None:
    """Pauses the active others and starts the kept one, or goes back."""
    paused: list[V2beta1RecurringRun] = []
    try:
        for run in active:
            paused.append(run)
            server.disable_recurring_run(run.recurring_run_id)
        if not is_active(chosen):
            server.enable_recurring_run(chosen.recurring_run_id)
    except ServerError as error:
        back = _went_back(server, chosen, paused)
        now = "the one before goes on" if back else "none may be active now"
        raise ServerError(
            f"schedule {name!r} was not changed, {now}; run the same command again: {error}",
            error.status,
        ) from None


def _settle(server: Server, name: str, chosen: V2beta1RecurringRun, known: set[str]) -> None:
    """Leaves one of two schedules that two people made at the same moment: the newer one.

    Whoever is second sees both, and either deletes the same one.

    Raises:
        MtlserError: the other one stays.
    """
    own = chosen.recurring_run_id
    others = [run for run in of_name(server, name) if run.recurring_run_id not in known | {own}]
    twins = [run for run in others if is_active(run)]
    newest = max([chosen, *twins], key=lambda run: (run.created_at, run.recurring_run_id))
    for run in (chosen, *twins):
        if run is not newest:
            delete(server, run)
    if newest is not chosen:
        raise MtlserError(
            f"schedule {name!r} was made by somebody else at the same moment; theirs is active, "
            "see `mtlser-pipeline schedule --list`"
        )


def _went_back(
    server: Server, chosen: V2beta1RecurringRun, paused: list[V2beta1RecurringRun]
) -> bool:
    """Whether one of the paused ones is active again; never while the new one may be."""
    if not paused or is_active(chosen):
        return is_active(chosen)
    try:
        server.disable_recurring_run(chosen.recurring_run_id)
        server.enable_recurring_run(paused[0].recurring_run_id)
    except ServerError:
        return False
    return True


def _deleted(server: Server, run: V2beta1RecurringRun) -> bool:
    try:
        delete(server, run)
    except ServerError:
        return False
    return True


def delete(server: Server, run: V2beta1RecurringRun) -> None:
    """Deletes a recurring run; runs that it has started go on."""
    try:
        server.recurring_runs.recurring_run_service_delete_recurring_run(
            recurring_run_id=run.recurring_run_id, propagation_policy=KEEP_RUNS
        )
    except ServerError as error:
        if error.status != 404:
            raise


def of_name(server: Server, name: str) -> list[V2beta1RecurringRun]:
    """Recurring runs of that name, active or not."""
    existing = pages(
        server.list_recurring_runs,
        "recurring_runs",
        namespace=server.namespace,
        filter=named(name),
    )
    return [run for run in existing if run.display_name == name]


def every(server: Server) -> list[V2beta1RecurringRun]:
    """All recurring runs by name."""
    existing = pages(server.list_recurring_runs, "recurring_runs", namespace=server.namespace)
    return sorted(existing, key=lambda run: str(run.display_name))


def known(server: Server, name: str) -> list[V2beta1RecurringRun]:
    """As `of_name`.

    Raises:
        MtlserError: there is none.
    """
    existing = of_name(server, name)
    if not existing:
        raise MtlserError(
            f"{name}: no such schedule; list them with `mtlser-pipeline schedule --list`"
        )
    return existing


def recipe_of(server: Server, name: str) -> str:
    """Text of the recipe that the schedule of that name runs with.

    Raises:
        MtlserError: there is no such schedule, or it has none.
    """
    for run in of_name(server, name):
        text = ((run.runtime_config and run.runtime_config.parameters) or {}).get("recipe")
        if text:
            return str(text)
    raise MtlserError(f"schedule --name {name}: --recipe is missing; for example --recipe emodb")


def is_active(run: V2beta1RecurringRun) -> bool:
    """Whether a recurring run starts runs."""
    return bool(run.status == "ENABLED" or (run.status is None and run.mode == "ENABLE"))


def cron_of(run: V2beta1RecurringRun) -> str | None:
    """Its cron expression; `None` for one that runs every so many seconds."""
    schedule = run.trigger.cron_schedule if run.trigger else None
    return schedule.cron if schedule else None


def pause(server: Server, name: str) -> None:
    """Stops a schedule from starting runs; see `known` for errors."""
    for run in known(server, name):
        if is_active(run):
            server.disable_recurring_run(run.recurring_run_id)


def resume(server: Server, name: str) -> None:
    """Lets a paused schedule start runs again; Kubeflow may start the last missed one at once.

    Raises:
        MtlserError: no such schedule, or several of the name.
    """
    existing = known(server, name)
    if len(existing) > 1:
        raise MtlserError(
            f"{name}: {len(existing)} schedules of this name; leave one by running "
            f"`mtlser-pipeline schedule --name {shlex.quote(name)} ...` again"
        )
    if not is_active(existing[0]):
        server.enable_recurring_run(existing[0].recurring_run_id)
