"""One at a time moves the registry's aliases: versions take turns in the order of their numbers.

MLflow knows no lock, but gives every version a number of its own. A version is made with a tag
that says that its turn is to come, and its step waits for every earlier version that says so.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

TURN = "mtlser.turn"
"""Tag of a version whose step has yet to weigh it (`to come`), or has (`over`)."""
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
    client.set_model_version_tag(name, str(version), TURN, TO_COME)
    deadline = time.monotonic() + PATIENCE_S
    while earlier := _earlier(client, name, version):
        if time.monotonic() > deadline:
            for other in earlier:
                log.warning("%s: version %s did not end its turn; going on", name, other)
                client.set_model_version_tag(name, str(other), TURN, OVER)
            break
        time.sleep(BETWEEN_S)
    try:
        yield
    finally:
        client.set_model_version_tag(name, str(version), TURN, OVER)


def _earlier(client: "MlflowClient", name: str, version: int) -> list[int]:
    """The earlier versions whose turn is to come, in order."""
    waiting = client.search_model_versions(f"name = '{name}' and tags.`{TURN}` = '{TO_COME}'")
    return sorted(int(each.version) for each in waiting if int(each.version) < version)
