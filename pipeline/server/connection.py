"""The connection to a Kubeflow Pipelines server: who asks, how long, how often, what went wrong.

Everything comes from environment variables; no kubeconfig and no `~/.config/kfp` is read, nothing
is forwarded. Every failure is one sentence without any secret.
"""

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import tenacity
import urllib3
from kfp import client as kfp_client
from kfp_server_api.exceptions import ApiException

from mtlser.errors import MtlserError, public_address
from pipeline import kfp_internals

TIMEOUT_S = (10, 120)
"""To connect, and from one byte of the answer to the next."""
TRIES = 4
PAUSE_S = 0.5
"""Before the second try; doubles each time."""
PASSING = frozenset({0, 429, 500, 502, 503, 504})
"""Answers that a later try may not give again; 0 is none at all."""
SWITCHES = (":enable", ":disable")
NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
HEADER = re.compile(r"[\x21-\x7e]+( [\x21-\x7e]+)*")


class ServerError(MtlserError):
    """The server refused, failed or did not answer; `status` is HTTP's, 0 without an answer."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Settings:
    """Where the server is and who asks."""

    endpoint: str
    namespace: str = ""
    token: str = field(default="", repr=False)
    cookies: str = field(default="", repr=False)
    token_file: str = ""
    """Of a service account, read anew for each request."""
    ca_certificate: str = ""

    @classmethod
    def read(cls) -> Self:
        """What the environment says.

        Raises:
            MtlserError: no endpoint, one that is no address, a secret that no header can hold,
                or a certificate that is not there.
        """
        endpoint = os.environ.get("KF_PIPELINES_ENDPOINT", "").strip().rstrip("/")
        if not endpoint:
            raise MtlserError(
                "KF_PIPELINES_ENDPOINT is not set; give the address of the Kubeflow Pipelines API, "
                "for example KF_PIPELINES_ENDPOINT=http://localhost:8888 after `kubectl "
                "port-forward -n kubeflow svc/ml-pipeline 8888`"
            )
        if urlsplit(endpoint).scheme not in {"http", "https"} or not urlsplit(endpoint).hostname:
            raise MtlserError(
                f"KF_PIPELINES_ENDPOINT={_shown(endpoint)}: expected an address that begins with "
                "http:// or https://"
            )
        certificate = os.environ.get("KF_PIPELINES_CA_CERT", "")
        if certificate and not Path(certificate).is_file():
            raise MtlserError(
                f"KF_PIPELINES_CA_CERT={certificate}: no such file; give the certificate of the "
                "authority that signed the server's, as PEM"
            )
        return cls(
            endpoint=endpoint,
            namespace=os.environ.get("KF_PIPELINES_NAMESPACE", "").strip(),
            token=_secret("KF_PIPELINES_TOKEN"),
            cookies=_secret("KF_PIPELINES_COOKIES"),
            token_file=_token_file(),
            ca_certificate=certificate,
        )

    def safe(self, text: str) -> str:
        """The text on one line, without secrets."""
        for secret in (self.token, self.cookies):
            if secret:
                text = text.replace(secret, "***")
        return " ".join(text.split())


class Server(kfp_internals.Client):
    """kfp's client with timeouts, retries of what may be repeated, and one-sentence errors."""

    def __init__(self, settings: Settings) -> None:
        """Connects, and asks the server what it is.

        Raises:
            MtlserError: no answer, not allowed, not a Kubeflow Pipelines API, or no namespace
                where the server wants one.
        """
        self.settings = settings
        credentials = None
        if settings.token_file and not settings.token:
            credentials = kfp_client.ServiceAccountTokenVolumeCredentials(settings.token_file)
        super().__init__(
            lambda configuration: Transport(configuration, settings),
            host=settings.endpoint,
            existing_token=settings.token or None,
            cookies=settings.cookies or None,
            ssl_ca_cert=settings.ca_certificate or None,
            credentials=credentials,
        )
        self.namespace = self._place()
        self.enter(self.namespace)

    def _place(self) -> str:
        """The namespace of runs; empty on a server for one user."""
        try:
            health = self.health()
        except ServerError as error:
            if error.status == 404:
                raise MtlserError(_stranger(self.settings, "no /apis/v2beta1/healthz")) from None
            raise
        if health.multi_user is None and health.pipeline_store is None:
            raise MtlserError(_stranger(self.settings, "an unknown answer of healthz"))
        if not health.multi_user:
            return ""
        if self.settings.namespace:
            return self.settings.namespace
        if NAMESPACE_FILE.is_file():
            return NAMESPACE_FILE.read_text(encoding="utf-8").strip()
        raise MtlserError(
            f"{_shown(self.settings.endpoint)} serves many users; say in which namespace you run "
            "with KF_PIPELINES_NAMESPACE"
        )

    def link(self, run_id: str) -> str:
        """Address of a run's page."""
        return f"{_shown(self.page_prefix()).rstrip('/')}/#/runs/details/{run_id}"


class Transport(kfp_internals.Transport):
    """Requests that end in time, and are repeated only where twice is as once."""

    def __init__(self, configuration: Any, settings: Settings) -> None:
        configuration.retries = False  # no redirects either: they lead to login pages
        super().__init__(configuration)
        self.settings = settings

    def request(self, method: str, url: str, **more: Any) -> Any:
        """The answer.

        Raises:
            ServerError: none came, or one other than 2xx or not JSON.
        """
        path = urlsplit(url).path
        repeatable = method in {"GET", "DELETE"} or path.endswith(SWITCHES)

        def once() -> Any:
            try:
                answer = self.send(method, url, TIMEOUT_S, more)
            except (ApiException, urllib3.exceptions.HTTPError, ValueError) as error:
                raise self._error(error, path, repeatable) from None
            if not self.streams(more):
                self._check(answer)
            return answer

        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(TRIES if repeatable else 1),
            wait=tenacity.wait_exponential(multiplier=PAUSE_S),
            retry=tenacity.retry_if_exception(
                lambda error: isinstance(error, ServerError) and error.status in PASSING
            ),
            reraise=True,
        )
        return retrying(once)

    def _check(self, answer: Any) -> None:
        try:
            json.loads(answer.data)
        except ValueError:
            kind = answer.getheader("content-type") or "no content type"
            raise MtlserError(_stranger(self.settings, f"{kind} instead of JSON")) from None

    def _error(self, error: Exception, path: str, repeatable: bool) -> ServerError:
        where = _shown(self.settings.endpoint)
        status = int(getattr(error, "status", None) or 0)
        if status == 0:
            doubt = (
                ""
                if repeatable
                else "; whether the server did it is not known, see `mtlser-pipeline status`"
            )
            return ServerError(
                f"{where}: no answer ({self.settings.safe(_reason(error))}); check "
                f"KF_PIPELINES_ENDPOINT, and that the server can be reached from here{doubt}",
                0,
            )
        message = self.settings.safe(_message(error))
        return ServerError(f"{where}: {_meaning(status, message, path)}", status)


def _meaning(status: int, message: str, path: str) -> str:
    """What an answer says, and what to do about it."""
    login = "KF_PIPELINES_TOKEN or KF_PIPELINES_COOKIES"
    if 300 <= status < 400:
        return f"leads elsewhere ({status}), to a login page most likely; set {login}"
    if status == 401:
        return f"does not know who asks (401); set {login} anew"
    if status == 403:
        return (
            f"does not allow this (403{message}); ask for the right, or check "
            "KF_PIPELINES_NAMESPACE"
        )
    if status >= 500:
        return f"failed ({status}{message}); see `kubectl logs -n kubeflow deploy/ml-pipeline`"
    return f"refused {path} ({status}{message}); see `mtlser-pipeline status`"


def _message(error: Exception) -> str:
    """The server's own words after a colon, its stack of wrapped errors cut; empty without any."""
    body = getattr(error, "body", None) or b""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    try:
        content = json.loads(text)
    except ValueError:
        return ""
    answer = content.get("message") or content.get("error") if isinstance(content, dict) else ""
    return f": {str(answer)[:300]}" if answer else ""


def _reason(error: Exception) -> str:
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return f"within {TIMEOUT_S[1]} s"
    if isinstance(error, ApiException):
        return str(error.reason)
    text = str(error.args[-1] if error.args else error)
    return re.sub(r"^.*?object at 0x\w+>[^:]*: |^\S*Connection\([^)]*\): ", "", text)


def _stranger(settings: Settings, seen: str) -> str:
    return (
        f"{_shown(settings.endpoint)}: not a Kubeflow Pipelines API of version 2 ({seen}); check "
        "KF_PIPELINES_ENDPOINT, or log in with KF_PIPELINES_TOKEN or KF_PIPELINES_COOKIES"
    )


def _shown(address: str) -> str:
    """The address without user, password and query."""
    return public_address(address) if "://" in address else "the server"


def _secret(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if value and not HEADER.fullmatch(value):
        raise MtlserError(
            f"{name} holds characters that no HTTP header can; give one line of plain ASCII"
        )
    return value


def _token_file() -> str:
    """The service account's token that the cluster mounts; empty outside one."""
    named = os.environ.get(kfp_client.KF_PIPELINES_SA_TOKEN_ENV, "")
    if named and not Path(named).is_file():
        raise MtlserError(
            f"{kfp_client.KF_PIPELINES_SA_TOKEN_ENV}={named}: no such file; mount the service "
            "account's token there, or unset it"
        )
    usual = kfp_client.KF_PIPELINES_SA_TOKEN_PATH
    return named or (usual if Path(usual).is_file() else "")
