"""Settings of OpenTelemetry."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Telemetry(BaseSettings):
    """What of OpenTelemetry's standard variables has to be known here; its library reads the others by itself."""

    model_config = SettingsConfigDict(frozen=True, env_prefix="OTEL_", extra="ignore")

    sdk_disabled: bool = False
    traces_exporter: str = ""
    exporter_otlp_endpoint: str = ""
    exporter_otlp_traces_endpoint: str = ""
    exporter_otlp_protocol: str = "grpc"
    exporter_otlp_traces_protocol: str = ""

    @property
    def exporter(self) -> str:
        """Where spans go: "otlp", "console", "none" (the default), or whatever else was asked for."""
        if self.sdk_disabled:
            return "none"
        place = self.exporter_otlp_traces_endpoint or self.exporter_otlp_endpoint
        return self.traces_exporter or ("otlp" if place else "none")

    @property
    def protocol(self) -> str:
        """How OTLP travels."""
        return self.exporter_otlp_traces_protocol or self.exporter_otlp_protocol
