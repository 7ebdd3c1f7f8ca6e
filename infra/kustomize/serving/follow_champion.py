"""Makes KServe serve the champion by its number: pods of another version are replaced.

usage: python follow_champion.py MODEL SERVICE [--api ADDRESS] [--account FOLDER]

The version is an annotation of the predictor's pods, which hand it to `mtlser serve`: replicas of
one rollout serve one version, whenever each of them starts. Where the annotation is the champion
already, nothing is written.

Reads MLFLOW_TRACKING_URI, MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.
"""

import argparse
import base64
import json
import os
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

ANNOTATION = "mtlser.io/champion"
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
WAIT_S = 20.0


def asked(
    request: urllib.request.Request, token: str = "", trusted: ssl.SSLContext | None = None
) -> Any:
    """The JSON that a server answers."""
    if token:
        request.add_header("Authorization", token)
    with urllib.request.urlopen(request, timeout=WAIT_S, context=trusted) as answer:
        return json.load(answer)


def champion(model: str) -> str | None:
    """The champion's version; `None`: there is none."""
    server = os.environ["MLFLOW_TRACKING_URI"].rstrip("/")
    query = urllib.parse.urlencode({"name": model, "alias": "champion"})
    request = urllib.request.Request(f"{server}/api/2.0/mlflow/registered-models/alias?{query}")
    user = os.environ.get("MLFLOW_TRACKING_USERNAME", "")
    word = f"{user}:{os.environ.get('MLFLOW_TRACKING_PASSWORD', '')}".encode()
    try:
        found = asked(request, f"Basic {base64.b64encode(word).decode()}" if user else "")
    except urllib.error.HTTPError as error:
        with error:
            code = json.loads(error.read() or b"{}").get("error_code")
        if code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return None
        raise
    return str(found["model_version"]["version"])


def follow(model: str, service: str, api: str, account: Path) -> str:
    """Gives the predictor the champion's number, where it has another; what was done."""
    version = champion(model)
    if version is None:
        return f"{model} has no champion; {service} stays as it is"
    namespace = (account / "namespace").read_text(encoding="utf-8").strip()
    token = f"Bearer {(account / 'token').read_text(encoding='utf-8').strip()}"
    secure = api.startswith("https://")
    trusted = ssl.create_default_context(cafile=str(account / "ca.crt")) if secure else None
    group = f"{api}/apis/serving.kserve.io/v1beta1/namespaces/{namespace}/inferenceservices"
    address = f"{group}/{service}"
    predictor = asked(urllib.request.Request(address), token, trusted)["spec"]["predictor"]
    before = predictor.get("annotations", {}).get(ANNOTATION)
    if before == f"/{version}":
        return f"{service} serves {model} version {version}"
    wanted = {"spec": {"predictor": {"annotations": {ANNOTATION: f"/{version}"}}}}
    request = urllib.request.Request(address, json.dumps(wanted).encode(), method="PATCH")
    request.add_header("Content-Type", "application/merge-patch+json")
    asked(request, token, trusted)
    return f"{service} goes from {model}{before or ''} to version {version}"


def main() -> int:
    """Runs once; the exit code."""
    host = os.environ.get("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc")
    port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    parser = argparse.ArgumentParser(description="Make a KServe predictor serve the champion.")
    parser.add_argument("model", help="registered model")
    parser.add_argument("service", help="InferenceService in this pod's namespace")
    parser.add_argument("--api", default=f"https://{host}:{port}", help="Kubernetes' API")
    parser.add_argument("--account", type=Path, default=ACCOUNT, help="the pod's account")
    given = parser.parse_args()
    try:
        sys.stdout.write(f"{follow(given.model, given.service, given.api, given.account)}\n")
    except urllib.error.HTTPError as error:
        sys.stderr.write(f"HTTP {error.code} {error.reason}: {error.url}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"not reached: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
