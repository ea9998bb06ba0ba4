"""Metrics of calls and their API keys."""

from prometheus_client import CollectorRegistry, Gauge

from server.telemetry.instruments import counter


class CallMetrics:
    """Counts refused calls, and shows the state of the file of API keys."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._refused = counter(registry, "calls_refused", "Calls of any method without a good API key", "reason")
        self._keys = Gauge(
            "melisma_keys_usable",
            "0 while the file of API keys cannot be used; the keys known before go on",
            registry=registry,
        )
        self._keys.set(1)
        for reason in ("unauthenticated", "permission_denied"):
            self._refused.labels(reason)

    def refused(self, reason: str) -> None:
        """A call was refused; `reason` is one of a few fixed words."""
        self._refused.labels(reason).inc()

    def keys_usable(self, usable: bool) -> None:
        """Set whether the file of API keys could be read at the last check."""
        self._keys.set(usable)
