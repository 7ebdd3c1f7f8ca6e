"""A session of boto3 that does not read S3's description anew: 0.01 s instead of 0.11."""

import os
from functools import cache
from typing import Any

OWN = ("MTLSER_S3_ACCESS_KEY_ID", "MTLSER_S3_SECRET_ACCESS_KEY")
"""Variables with a key and its secret."""


def session() -> Any:
    """A new session with the environment's credentials as they are now.

    `MTLSER_S3_ACCESS_KEY_ID` and `MTLSER_S3_SECRET_ACCESS_KEY` come before boto3's own: other
    programs of a process' environment, such as Kubeflow's launcher in a step's pod, do not read
    them.
    """
    import boto3
    import botocore.session

    core = botocore.session.get_session()
    described = _described(core.get_config_variable("data_path"))
    core.register_component("data_loader", described)
    key, secret = (os.environ.get(name) for name in OWN)
    if not (key and secret):
        key = secret = None
    built = boto3.session.Session(key, secret, botocore_session=core)
    described.search_paths[:] = dict.fromkeys(described.search_paths)  # each adds boto3's again
    return built


@cache
def _described(data_path: str | None) -> Any:
    """What botocore read of its own files, kept for the next session."""
    from botocore.loaders import create_loader

    return create_loader(data_path)
