"""The process that serves a model: one version, checked, until it is told to stop."""

import logging
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import FrameType

from mtlser import runtime
from mtlser.serving import load
from mtlser.serving.answers import Service
from mtlser.serving.load import Located

GRACE_S = 25
"""How long requests under way may take after SIGTERM; Kubernetes kills after 30 s."""
CONNECTIONS = 64
"""At once; further ones are answered 503."""
HEADER_BYTES = 16 << 10

log = logging.getLogger(__name__)


def serve(place: str, host: str, port: int) -> None:
    """Serves a model until SIGTERM or SIGINT, then ends what is under way and exits with 0.

    Args:
        place: as for `load.located`; an alias is looked up once, now.
        host: address to listen on.
        port: port to listen on.

    Raises:
        MtlserError: no such model, or it is another one than was registered.
    """
    _stop_when_told()
    runtime.return_large_blocks()
    located = _looked_up(place)
    service = Service(load.network(located.folder), located)
    runtime.restore_collector()
    runtime.return_freed_memory()
    log.info("serving %s (%s) on %s:%d", service.name, place, host, port)
    _listen(service, host, port)


def _looked_up(place: str) -> Located:
    """`load.located` by a process of its own, which takes MLflow's 0.2 GB with it when it ends."""
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other:
            return other.submit(load.located, place).result()
    except RuntimeError as error:
        if isinstance(error.__context__, SystemExit):  # told to stop while the pool began
            raise error.__context__ from None
        raise


def _stop_when_told() -> None:
    """Ends at SIGTERM while nothing listens yet; process 1 ignores it without a handler."""

    def stop(number: int, frame: FrameType | None) -> None:
        sys.exit(0)

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)


def _listen(service: Service, host: str, port: int) -> None:
    import uvicorn

    config = uvicorn.Config(
        service,
        host=host,
        port=port,
        lifespan="off",
        ws="none",
        http="h11",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=GRACE_S,
        h11_max_incomplete_event_size=HEADER_BYTES,
    )
    uvicorn.Server(config).run()
