"""The alias `champion`, and the ones before it: moved forward on evidence, back by one command."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtlser import runtime
from mtlser.errors import MtlserError, public_text
from mtlser.records import Record, timestamp
from mtlser.tracking import mlflow_uris

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION = "champion"
HISTORY = "mtlser.champions"
"""Tag of the registered model: champions in their order, the present one last (`1,3,4`)."""
SINCE = "mtlser.champion_since"
"""Tag of a version: when it last became champion."""
ROLLED_BACK = "mtlser.rolled_back"
"""Tag of a version that was rolled back from: when, by whom, why, to which."""
HISTORY_LENGTH = 200
"""Champions that are remembered; MLflow bounds the length of a tag."""


class RolledBack(Record):
    """What a roll-back did."""

    name: str
    left: int
    champion: int
    note: str
    """When, by whom, why."""


def present(client: "MlflowClient", name: str) -> int | None:
    """Version of the champion; `None` where there is no such model or alias."""
    from mlflow.exceptions import MlflowException

    try:
        version = client.get_registered_model(name).aliases.get(CHAMPION)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    return None if version is None else int(version)


def history(client: "MlflowClient", name: str) -> list[int]:
    """All champions in their order, the present one last.

    An alias that was moved by hand is followed: to an earlier champion it is a way back, to
    another version a way forward.
    """
    stored = client.get_registered_model(name).tags.get(HISTORY, "")
    versions = [int(version) for version in stored.split(",") if version]
    now = present(client, name)
    if now is None or (versions and versions[-1] == now):
        return versions
    if now in versions:
        return versions[: len(versions) - versions[::-1].index(now)]
    return [*versions, now]


def been(client: "MlflowClient", name: str, version: int, tags: Mapping[str, str]) -> bool:
    """True where the version is champion or was, also one that was rolled back from."""
    return SINCE in tags or ROLLED_BACK in tags or version in history(client, name)


def crown(client: "MlflowClient", name: str, version: int) -> None:
    """Makes the version champion and remembers the one before; saying it twice is fine.

    The alias moves first: what is killed between leaves a history that the next call mends.
    """
    before = history(client, name)
    client.set_registered_model_alias(name, CHAMPION, str(version))
    _remember(client, name, before if before[-1:] == [version] else [*before, version])
    client.set_model_version_tag(name, str(version), SINCE, timestamp())


def rollback(
    client: "MlflowClient", name: str, to: int | None = None, reason: str = ""
) -> RolledBack:
    """Makes the champion before the present one champion again, or an earlier one.

    Args:
        client: the registry.
        name: the registered model.
        to: a version that was champion before; `None`: the last one that still exists.
        reason: why, for the tag on the version that is left.

    Raises:
        MtlserError: no such model, no champion, none before it, or a version that was none.
    """
    now = present(client, name)
    if now is None:
        raise MtlserError(
            f"{name}: no registered model of that name has a champion, so there is nothing to roll "
            "back from; list models in the MLflow UI"
        )
    versions = history(client, name)
    there = {int(each.version) for each in client.search_model_versions(f"name = '{name}'")}
    earlier = [version for version in versions[:-1] if version in there and version != now]
    if not earlier:
        raise MtlserError(
            f"{name}: version {now} is the first champion, so there is none to roll back to; "
            "promote another with `mtlser promote`"
        )
    target = earlier[-1] if to is None else to
    if target not in earlier:
        known = ", ".join(map(str, dict.fromkeys(earlier)))
        raise MtlserError(
            f"{name}: version {target} was no champion before version {now}; those that were: "
            f"{known}; give one with `--to`"
        )
    note = f"{timestamp()} by {runtime.user()}: {reason or 'no reason given'}"
    client.set_registered_model_alias(name, CHAMPION, str(target))
    remaining = versions[: len(versions) - versions[::-1].index(target)]
    _remember(client, name, remaining)
    client.set_model_version_tag(name, str(target), SINCE, timestamp())
    text = f"{note}; champion is version {target} again"
    client.set_model_version_tag(name, str(now), ROLLED_BACK, text)
    return RolledBack(name=name, left=now, champion=target, note=note)


def tell(name: str, version: int, before: int | None, reason: str) -> None:
    """Tells the webhook that another version is champion, for what serves it to follow."""
    from mtlser.tracking import outcome, webhook

    change = webhook.ChampionChange(
        name=name,
        version=version,
        before=before,
        place=f"{mlflow_uris.MODELS}{name}/{version}",
        reason=public_text(reason),
        at=timestamp(),
    )
    outcome.tell(change)


def _remember(client: "MlflowClient", name: str, versions: list[int]) -> None:
    client.set_registered_model_tag(name, HISTORY, ",".join(map(str, versions[-HISTORY_LENGTH:])))
