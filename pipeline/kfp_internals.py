"""What is used of kfp and its API client beyond their public interface.

A new kfp is checked here first: `tests/test_library_internals.py` refuses such names anywhere else.
"""

import warnings
from collections.abc import Callable
from typing import Any

import kfp
from kfp.dsl.pipeline_channel import PipelineArtifactChannel
from kfp_server_api.rest import RESTClientObject

__all__ = ["Client", "PipelineArtifactChannel", "Transport"]


class Transport(RESTClientObject):
    """Sends the requests of a `Client`."""

    def send(self, method: str, url: str, timeout_s: tuple[float, float], more: Any) -> Any:
        """The answer; `timeout_s` is to connect, and from one byte to the next."""
        more = {**more, "_request_timeout": more.get("_request_timeout") or timeout_s}
        return super().request(method, url, **more)

    @staticmethod
    def streams(more: Any) -> bool:
        """Whether these arguments of a request ask for the answer as it comes, of any type."""
        return not more.get("_preload_content", True)


class Client(kfp.Client):
    """`kfp.Client` without the user's context file, which asks no server as it is made."""

    def __init__(self, transport: Callable[[Any], Transport], **settings: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            super().__init__(**settings)
        api = self._healthz_api.api_client
        api.rest_client = transport(api.configuration)

    def _load_context_setting_or_default(self) -> None:
        # Any namespace here keeps the constructor from asking five times, 5 s apart.
        self._context_setting = {"namespace": "not yet known"}

    def enter(self, namespace: str) -> None:
        """Runs and experiments are in this namespace from now on; empty: of one user."""
        self._context_setting["namespace"] = namespace

    def health(self) -> Any:
        """What the server says of itself, asked once."""
        return self._healthz_api.healthz_service_get_healthz()

    def page_prefix(self) -> str:
        """Address that the server's pages begin with."""
        return str(self._get_url_prefix())

    def get_stream(self, path: str, **parts: str) -> Any:
        """Answer of a route that the API's description lacks; `parts` fill the path."""
        return self._run_api.api_client.call_api(
            path,
            "GET",
            path_params=parts,
            header_params={"Accept": "text/plain"},
            auth_settings=["Bearer"],
            _preload_content=False,
            _return_http_data_only=True,
        )
