"""What a server has answered, as Prometheus reads it from `GET /metrics`."""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

PROMETHEUS = CONTENT_TYPE_LATEST
SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Bounds of the histogram: a clip of a second is the first, the longest file beyond the last."""


class Answers:
    """Counts of requests to `/invocations`.

    Args:
        model: which model answers.
    """

    def __init__(self, model: str) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "mtlser_requests", "Requests by status; 4xx and 503 were refused.", ["code"],
            registry=self._registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "mtlser_request_seconds", "From the first byte to the answer, waiting included.",
            buckets=SECONDS, registry=self._registry,
        )  # fmt: skip
        self._audio = Counter(
            "mtlser_audio_seconds", "Audio that was predicted.", registry=self._registry
        )
        served = Gauge("mtlser_model", "1 for the model.", ["model"], registry=self._registry)
        served.labels(model).set(1)

    def answered(self, status: int, seconds: float) -> None:
        """Counts a request that ended with this status after so long."""
        self._requests.labels(str(status)).inc()
        self._seconds.observe(seconds)

    def predicted(self, audio_s: float) -> None:
        """Counts audio, in seconds."""
        self._audio.inc(audio_s)

    def text(self) -> bytes:
        """All counts in Prometheus' text format."""
        return generate_latest(self._registry)
