"""A session of boto3 that does not read S3's description anew: 0.01 s instead of 0.11."""

from functools import cache
from typing import Any


def session() -> Any:
    """A new session with the environment's credentials as they are now."""
    import boto3
    import botocore.session

    core = botocore.session.get_session()
    described = _described(core.get_config_variable("data_path"))
    core.register_component("data_loader", described)
    built = boto3.session.Session(botocore_session=core)
    described.search_paths[:] = dict.fromkeys(described.search_paths)  # each adds boto3's again
    return built


@cache
def _described(data_path: str | None) -> Any:
    """What botocore read of its own files, kept for the next session."""
    from botocore.loaders import create_loader

    return create_loader(data_path)
