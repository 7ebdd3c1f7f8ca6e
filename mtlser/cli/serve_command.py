"""The command `mtlser serve`: a model over HTTP."""

from typing import Annotated

import typer

EXAMPLE = "Example: mtlser serve models:/mtlser@champion --port 8080"


def serve(
    model: Annotated[
        str,
        typer.Argument(
            metavar="RUN_OR_MODEL",
            help="MLflow URI (models:/mtlser@champion, models:/mtlser/3), run or model folder.",
        ),
    ],
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8080,
) -> None:
    """Serve a model over HTTP, as MLflow's scoring server answers, until SIGTERM.

    An alias is looked up once, at the start; GET /metadata says which version is served. Clips come
    as base64 in the column `audio`, never as a path.
    """
    from mtlser.serving import server

    server.serve(model, host, port)
