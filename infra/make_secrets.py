"""Prints the Secrets that the manifests refer to, with new random values, for `kubectl create`.

python3 infra/make_secrets.py --steps-namespace kubeflow | kubectl create -f -

`kubectl create` refuses to replace a Secret that is there already, so nothing is rotated unasked.
"""

import argparse
import json
import secrets
import sys

S3 = "http://s3.mtlser.svc.cluster.local:8333"
MLFLOW = "http://mlflow.mtlser.svc.cluster.local:5000"
PLATFORM = "mtlser"


def key() -> dict[str, str]:
    """A new S3 key."""
    return {"access-key": secrets.token_hex(10), "secret-key": secrets.token_hex(20)}


def identity(name: str, pair: dict[str, str], actions: list[str]) -> dict[str, object]:
    """What SeaweedFS lets the owner of a key do."""
    credentials = [{"accessKey": pair["access-key"], "secretKey": pair["secret-key"]}]
    return {"name": name, "credentials": credentials, "actions": actions}


def within(bucket: str) -> list[str]:
    """What to do with the objects of one bucket, and with no other."""
    return [f"{action}:{bucket}" for action in ("Read", "Write", "List", "Tagging")]


def secret(namespace: str, name: str, values: dict[str, str]) -> dict[str, object]:
    """One Kubernetes Secret."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "stringData": values,
    }


def everything(steps: str) -> dict[str, object]:
    """All Secrets; `steps` is the namespace of the pipelines' steps."""
    admin, server, step = key(), key(), key()
    identities = [
        identity("admin", admin, ["Admin"]),
        identity("mlflow", server, within("mlflow")),
        identity("steps", step, within("mtlser")),
    ]
    items = [
        secret(PLATFORM, "mtlser-postgres", {"password": secrets.token_hex(20)}),
        secret(
            PLATFORM,
            "mtlser-mlflow-login",
            {"admin-password": secrets.token_hex(20), "secret-key": secrets.token_hex(32)},
        ),
        secret(PLATFORM, "mtlser-mlflow-reader", {"password": secrets.token_hex(20)}),
        secret(steps, "mtlser-mlflow-steps", {"password": secrets.token_hex(20)}),
        secret(PLATFORM, "mtlser-s3-admin", admin),
        secret(PLATFORM, "mtlser-s3", {**server, "endpoint": S3}),
        secret(
            PLATFORM,
            "mtlser-s3-identities",
            {"identities.json": json.dumps({"identities": identities})},
        ),
        secret(steps, "mtlser-mlflow", {"uri": MLFLOW}),
        secret(steps, "mtlser-s3", {**step, "endpoint": S3}),
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Print the Secrets that the manifests refer to.")
    parser.add_argument("--steps-namespace", required=True, help="where Kubeflow runs the steps")
    json.dump(everything(parser.parse_args().steps_namespace), sys.stdout, indent=1)
