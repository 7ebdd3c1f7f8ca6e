"""Whether the S3 store that the environment names answers, and takes its credentials."""

import os

from mtlser.errors import MtlserError, public_address, public_text
from mtlser.storage.s3 import client as objects

WAIT_S = 3


def problem() -> str | None:
    """What keeps this machine from the store, in one line; `None` where it answers.

    Asked once, with short waits: for a person who waits for the answer.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        objects.connect(retries=0, connect_s=WAIT_S, read_s=WAIT_S).list_buckets()
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        # A user who may not list buckets may still read and write one.
        return None if code == "AccessDenied" else public_text(str(error))
    except (BotoCoreError, MtlserError) as error:
        return public_text(" ".join(str(error).split()))
    return None


def set_up() -> bool:
    """Whether the environment names an endpoint or credentials of S3."""
    keys = ("MTLSER_S3_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID")
    return objects.endpoint() is not None or any(os.environ.get(name) for name in keys)


def shown() -> str:
    """The store's address, without name and password."""
    return public_address(objects.endpoint() or "Amazon S3")
