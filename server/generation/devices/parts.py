"""Groups the objects that the command loops of all devices share, such as scheduler and metrics."""

from collections.abc import Callable
from dataclasses import dataclass

from server.generation.devices.failures import Failures
from server.generation.devices.results import Results
from server.generation.devices.wakes import Wakes
from server.scheduling.scheduler import Scheduler
from server.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class LaneParts:
    """The objects that the command loops (`LaneLoop`) of all devices share, such as scheduler and metrics.

    `clock` returns monotonic seconds; an idle worker must answer a ping every `ping_seconds`.
    """

    scheduler: Scheduler
    results: Results
    failures: Failures
    wakes: Wakes
    metrics: Metrics
    clock: Callable[[], float]
    ping_seconds: float
