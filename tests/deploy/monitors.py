"""Starts Prometheus and Alertmanager with the configuration of deploy/, in which addresses and intervals are replaced,
and the server that they watch.
"""

import json
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import grpc
import yaml

from tests.deploy.tools import DEPLOY, running, tool
from tests.support.servers import eventually, free_port
from tests.support.service import Service, running_service

PROMETHEUS = DEPLOY / "prometheus"
PACE = "1s"
"""Interval at which Prometheus scrapes the server and computes its rules."""

PATIENCE_SECONDS = 120.0
"""Maximum time to wait for an effect of a few scrapes, in seconds."""

ENGINES = "fake=tests.deploy.engines:SlowEngine"
"""Setting MELISMA_ENGINES of the servers that Prometheus watches."""

_TIMEOUT_SECONDS = 10.0


@contextmanager
def watched_service() -> Iterator[Service]:
    """Context manager with a server that is ready; a thread reads its log, so that the server does not block on a full
    pipe.
    """
    with running_service(ENGINES) as service:
        assert service.process.stderr is not None
        reader = threading.Thread(target=service.process.stderr.read)
        reader.start()
        try:
            with grpc.insecure_channel(service.address) as channel:
                service.wait_serving(channel)
            yield service
        finally:
            service.process.kill()
            reader.join()


def answer(url: str, **question: str) -> Any:
    """Return the JSON response to a GET request with the query parameters `question`."""
    with urlopen(f"{url}?{urlencode(question)}", timeout=_TIMEOUT_SECONDS) as response:
        return json.load(response)


def healthy(url: str) -> bool:
    """Return True if a GET request to the URL succeeds."""
    try:
        urlopen(url, timeout=_TIMEOUT_SECONDS).close()
    except OSError:
        return False
    return True


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus; `port` is the port of its HTTP API."""

    port: int

    def ask(self, path: str, **question: str) -> Any:
        """Return the data of Prometheus's response to a GET request for /api/v1/`path` with the query parameters
        `question`; fails if the response is an error.
        """
        told = answer(f"http://127.0.0.1:{self.port}/api/v1/{path}", **question)
        assert told["status"] == "success", told
        return told["data"]

    def values(self, expr: str) -> list[float]:
        """Return the present values of an expression, one for each series."""
        return [float(sample["value"][1]) for sample in self.ask("query", query=expr)["result"]]

    def value(self, expr: str) -> float:
        """Return the present value of an expression that has exactly one series."""
        (value,) = self.values(expr)
        return value

    def wait_for(self, expr: str, value: float) -> None:
        """Wait until the only series of an expression has the value `value`, and then until all rules have been
        computed again.
        """
        eventually(lambda: self.values(expr) == [value], PATIENCE_SECONDS)
        seen_at = datetime.now(UTC)
        eventually(lambda: min(self._computed_at()) > seen_at, PATIENCE_SECONDS)

    def _computed_at(self) -> list[datetime]:
        return [datetime.fromisoformat(group["lastEvaluation"]) for group in self.ask("rules")["groups"]]

    def alerts(self) -> dict[str, dict[str, Any]]:
        """Return the firing alerts by name, one alert for each name."""
        return {one["labels"]["alertname"]: one for one in self.ask("alerts")["alerts"] if one["state"] == "firing"}


@contextmanager
def prometheus(
    server: str, folder: Path, *, patience: Mapping[str, str] | None = None, alertmanager: str = ""
) -> Iterator[Prometheus]:
    """Context manager with a Prometheus that scrapes the "host:port" `server`, and sends alerts to the "host:port"
    `alertmanager` if it is given; `folder` has its files. `patience` replaces the `for` durations of alerts, by the
    alerts' names.
    """
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    config["global"] |= {"scrape_interval": PACE, "evaluation_interval": PACE}
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [server]
    config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [alertmanager] if alertmanager else []
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), "utf-8")
    (folder / "rules.yml").write_text(yaml.safe_dump(_at_once()), "utf-8")
    (folder / "alerts.yml").write_text(yaml.safe_dump(_hurried(patience or {})), "utf-8")
    port = free_port()
    command = (
        *(
            tool("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'figures'}",
        ),
        *(f"--web.listen-address=127.0.0.1:{port}", "--enable-feature=exemplar-storage"),
    )
    ready = f"http://127.0.0.1:{port}/-/ready"
    with running(*command, ready=lambda: healthy(ready), log=folder / "prometheus.log", cwd=folder):
        yield Prometheus(port)


def _at_once() -> Any:
    """Return the content of rules.yml (the recording rules) without the groups' own intervals, so that Prometheus
    evaluates all rules at its default interval.
    """
    config = yaml.safe_load((PROMETHEUS / "rules.yml").read_text("utf-8"))
    for group in config["groups"]:
        group.pop("interval", None)
    return config


def _hurried(patience: Mapping[str, str]) -> Any:
    config = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text("utf-8"))
    rules = {rule["alert"]: rule for group in config["groups"] for rule in group["rules"]}
    for name, time_to_wait in patience.items():
        rules[name]["for"] = time_to_wait
    return config


@contextmanager
def alertmanager(folder: Path) -> Iterator[str]:
    """Context manager with the "host:port" of a running Alertmanager."""
    port = free_port()
    command = (
        *(tool("prometheus-alertmanager"), f"--config.file={PROMETHEUS / 'alertmanager.yml'}"),
        *(f"--storage.path={folder / 'alerts'}", f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="),
    )
    ready = f"http://127.0.0.1:{port}/-/ready"
    with running(*command, ready=lambda: healthy(ready), log=folder / "alertmanager.log", cwd=folder):
        yield f"127.0.0.1:{port}"


def tell(manager: str, namespace: str, names: Collection[str]) -> None:
    """Send firing alerts of the deployment in `namespace` to Alertmanager, as Prometheus would."""
    alerts = [{"labels": {"alertname": name, "namespace": namespace}} for name in names]
    headers = {"Content-Type": "application/json"}
    request = Request(f"http://{manager}/api/v2/alerts", json.dumps(alerts).encode(), headers)
    urlopen(request, timeout=_TIMEOUT_SECONDS).close()


def told(manager: str, namespace: str = "") -> dict[str, str]:
    """Return the state, such as active or suppressed, of each alert of a deployment in Alertmanager, by the alert's
    name.
    """
    alerts = answer(f"http://{manager}/api/v2/alerts")
    return {
        alert["labels"]["alertname"]: alert["status"]["state"]
        for alert in alerts
        if alert["labels"].get("namespace", "") == namespace
    }
