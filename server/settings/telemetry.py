"""Reads the settings of OpenTelemetry traces and metrics from the environment."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Telemetry(BaseSettings):
    """Values of those standard environment variables of OpenTelemetry that the server reads; OpenTelemetry's library
    reads further ones itself.
    """

    model_config = SettingsConfigDict(frozen=True, env_prefix="OTEL_", extra="ignore")

    sdk_disabled: bool = False
    traces_exporter: str = ""
    exporter_otlp_endpoint: str = ""
    exporter_otlp_traces_endpoint: str = ""
    exporter_otlp_protocol: str = "grpc"
    exporter_otlp_traces_protocol: str = ""
    exporter_otlp_metrics_protocol: str = ""
    metrics_exporter: str = "none"
    metric_export_interval: int = Field(default=60_000, gt=0)
    bsp_max_queue_size: int = Field(default=2048, gt=0)

    @property
    def exporter(self) -> str:
        """Name of the exporter of trace spans: "otlp", "console", "none", or another one. The default is "otlp" if an
        OTLP endpoint is set (OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT), otherwise "none".
        """
        if self.sdk_disabled:
            return "none"
        endpoint = self.exporter_otlp_traces_endpoint or self.exporter_otlp_endpoint
        return self.traces_exporter or ("otlp" if endpoint else "none")

    @property
    def metrics(self) -> str:
        """Name of the exporter of metrics: "otlp", "none" (the default), or another one. Prometheus can read /metrics
        with any of them.
        """
        return "none" if self.sdk_disabled else self.metrics_exporter

    @property
    def metrics_protocol(self) -> str:
        """Transport protocol of OTLP for metrics, such as "grpc"."""
        return self.exporter_otlp_metrics_protocol or self.exporter_otlp_protocol

    @property
    def metrics_seconds(self) -> float:
        """Interval, in seconds, at which metrics are exported."""
        return self.metric_export_interval / 1000

    @property
    def protocol(self) -> str:
        """Transport protocol of OTLP for trace spans, such as "grpc"."""
        return self.exporter_otlp_traces_protocol or self.exporter_otlp_protocol
