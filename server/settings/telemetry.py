"""Settings of OpenTelemetry."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Telemetry(BaseSettings):
    """The standard variables of OpenTelemetry that the server reads; the library reads the others by itself."""

    model_config = SettingsConfigDict(frozen=True, env_prefix="OTEL_", extra="ignore")

    sdk_disabled: bool = False
    traces_exporter: str = ""
    exporter_otlp_endpoint: str = ""
    exporter_otlp_traces_endpoint: str = ""
    exporter_otlp_protocol: str = "grpc"
    exporter_otlp_traces_protocol: str = ""

    @property
    def exporter(self) -> str:
        """Exporter of spans: "otlp", "console", "none" (the default), or another name."""
        if self.sdk_disabled:
            return "none"
        endpoint = self.exporter_otlp_traces_endpoint or self.exporter_otlp_endpoint
        return self.traces_exporter or ("otlp" if endpoint else "none")

    @property
    def protocol(self) -> str:
        """Protocol of OTLP."""
        return self.exporter_otlp_traces_protocol or self.exporter_otlp_protocol
