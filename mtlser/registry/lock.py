"""One at a time moves the registry's aliases: versions take turns in the order of their numbers.

MLflow knows no lock, but gives every version a number of its own. A version is made with a tag
that says that its turn is to come, and its step waits for every earlier version that says so.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mtlser.storage import lock

if TYPE_CHECKING:
    from mlflow import MlflowClient

TURN = "mtlser.turn"
"""Tag of a version whose step has yet to weigh it (`to come`), or has (`over`)."""
HOLDER = "mtlser.turn.holder"
"""Tag with the process, host and time of the step that weighs a version."""
TO_COME, OVER = "to come", "over"
PATIENCE_S = 180.0
"""How long earlier versions are waited for: a step may have been killed. A turn downloads the
champion's report and derives its figures again, which may take half a minute."""
BETWEEN_S = 0.2

log = logging.getLogger(__name__)


@contextmanager
def taken(client: "MlflowClient", name: str, version: int) -> Iterator[None]:
    """Runs its block while no other version's block runs.

    Args:
        client: the registry.
        name: the registered model.
        version: one that was made with the tag `TURN`.
    """
    client.set_model_version_tag(name, str(version), HOLDER, lock.this_process())
    client.set_model_version_tag(name, str(version), TURN, TO_COME)
    started, said = time.monotonic(), False
    while earlier := _earlier(client, name, version):
        waited_s = time.monotonic() - started
        if waited_s > lock.SAID_S and not said:
            said = True
            for other, holder in earlier.items():
                log.info("%s: waiting for version %s, of %s", name, other, holder)
        if waited_s > PATIENCE_S:
            for other in earlier:
                log.warning("%s: version %s did not end its turn; going on", name, other)
                client.set_model_version_tag(name, str(other), TURN, OVER)
            break
        time.sleep(BETWEEN_S)
    try:
        yield
    finally:
        client.set_model_version_tag(name, str(version), TURN, OVER)


def _earlier(client: "MlflowClient", name: str, version: int) -> dict[int, str]:
    """The earlier versions whose turn is to come, in order, and who waits for it."""
    waiting = client.search_model_versions(f"name = '{name}' and tags.`{TURN}` = '{TO_COME}'")
    holders = {int(each.version): lock.described(each.tags.get(HOLDER, "")) for each in waiting}
    return {other: holders[other] for other in sorted(holders) if other < version}
