"""Metrics of the devices (CPU, GPU) and of the worker processes that drive them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import Metric

from server.telemetry.instruments import WORK_BUCKETS, LabelValues, Scraped, by_labels, counter, gauge_family, histogram
from server.telemetry.sliding_window import SlidingRate, Window
from server.workers.base import WorkerDeath
from server.workers.messages import DeviceMemory, Lane

SECTION_BUCKETS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
FILL_BUCKETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)


class DeviceMetrics:
    """Metrics of devices: denoising steps, rendering, busy time and memory, and the restarts of workers."""

    def __init__(self, registry: CollectorRegistry, devices: Sequence[str], window: Window) -> None:
        self._measure_steps(registry)
        self._measure_sound(registry)
        self._count_workers(registry)
        self._memory: dict[LabelValues, DeviceMemory] = {}
        registry.register(Scraped(self._memory_families))
        self._recent_busy: defaultdict[LabelValues, SlidingRate] = defaultdict(window.rate)
        registry.register(Scraped(self._recent_families))
        for device in devices:
            self._restarts.labels(device)
            for death in WorkerDeath:
                self._deaths.labels(device, death)
            self._up.labels(device)

    def _measure_steps(self, registry: CollectorRegistry) -> None:
        """Register the metrics of steps: denoising steps, or some frames of a token model."""
        count, measure = partial(counter, registry), partial(histogram, registry)
        by = ("device", "engine")
        self._sections = by_labels(
            measure(
                "batch_sections",
                "Number of sections in one step: a denoising step, or a fixed number of frames of a token model",
                SECTION_BUCKETS,
                *by,
            )
        )
        self._tokens = by_labels(
            count("step_tokens", "Number of tokens that were computed, summed over all sections of all steps", *by)
        )
        self._fill = by_labels(
            measure(
                "batch_fill_ratio",
                "Number of tokens of one step divided by the most tokens allowed in a step",
                FILL_BUCKETS,
                *by,
            )
        )
        self._step = by_labels(
            measure(
                "step_seconds",
                "Duration of one step (denoising, or some frames of a token model), in seconds",
                WORK_BUCKETS,
                *by,
            )
        )

    def _measure_sound(self, registry: CollectorRegistry) -> None:
        """Register the metrics of rendered windows of sound, and of the busy time of each device."""
        count, measure = partial(counter, registry), partial(histogram, registry)
        by = ("device", "engine")
        self._render = by_labels(
            measure("render_seconds", "Duration of rendering one window of sound, in seconds", WORK_BUCKETS, *by)
        )
        self._rendered = by_labels(
            count(
                "rendered_sound_seconds",
                "Seconds of sound that were rendered; the sound of retried sections counts twice",
                *by,
            )
        )
        self._busy = by_labels(
            count(
                "device_busy_seconds",
                "Seconds in which a command queue (lane) of a device was busy, counted when a command has ended",
                "device",
                "lane",
            )
        )

    def _count_workers(self, registry: CollectorRegistry) -> None:
        """Register the metrics of worker and encoder processes: numbers of restarts, and the workers that run."""
        count = partial(counter, registry)
        self._restarts = count(
            "worker_restarts", "Number of worker processes that were started in place of ended ones", "device"
        )
        self._deaths = count(
            "worker_deaths",
            "Number of worker processes that have ended, by cause; out_of_memory: killed by the kernel (memory.events)",
            "device",
            "reason",
        )
        self._encoder_restarts = count(
            "encoder_restarts", "Number of encoder processes that were started in place of ended ones"
        )
        self._up = Gauge(
            "melisma_worker_up",
            "1 while the worker process of the device runs, even if some engines could not be loaded, else 0",
            ["device"],
            registry=registry,
        )

    def steps(
        self, device: str, engine: str, *, steps: int, sections: int, tokens: int, budget_tokens: int, seconds: float
    ) -> None:
        """Record that a batch of `sections` sections with `tokens` tokens has done `steps` denoising steps, which took
        `seconds` in total. `budget_tokens` is the largest number of tokens allowed in a batch.
        """
        self._tokens(device, engine).inc(steps * tokens)
        for _ in range(steps):
            self._sections(device, engine).observe(sections)
            self._fill(device, engine).observe(tokens / budget_tokens)
            self._step(device, engine).observe(seconds / steps)

    def render(self, device: str, engine: str, *, windows: int, seconds: float, sound_seconds: float) -> None:
        """Record that `windows` windows (stretches of sound rendered at once), `sound_seconds` long in total, were
        rendered in `seconds`.
        """
        for _ in range(windows):
            self._render(device, engine).observe(seconds / windows)
        self._rendered(device, engine).inc(sound_seconds)

    def busy(self, device: str, lane: Lane, seconds: float) -> None:
        """Record that a lane (command queue) of a device has worked for `seconds` on a command of any kind."""
        self._busy(device, lane.value).inc(seconds)
        self._recent_busy[device, lane.value].add(seconds)

    def memory(self, device: str, memory: DeviceMemory) -> None:
        """Record the used and total memory of an accelerator."""
        self._memory[device,] = memory

    def worker_restarted(self, device: str, death: WorkerDeath) -> None:
        """Record that a worker was started in place of one that has ended; `death` is the cause of its end."""
        self._restarts.labels(device).inc()
        self._deaths.labels(device, death).inc()

    def encoder_restarted(self) -> None:
        """Record that an encoder was started in place of one that has ended."""
        self._encoder_restarts.inc()

    def worker_up(self, device: str, up: bool) -> None:
        """Record that the worker of a device now runs with its engines loaded (`up`), or has ended."""
        self._up.labels(device).set(up)

    def _memory_families(self) -> Iterator[Metric]:
        for name, text, values in (
            ("used", "Memory in use by all processes", {key: one.used_bytes for key, one in self._memory.items()}),
            ("total", "Memory", {key: one.total_bytes for key, one in self._memory.items()}),
        ):
            yield gauge_family(f"device_memory_{name}_bytes", f"{text} of an accelerator, in bytes", ["device"], values)

    def _recent_families(self) -> Iterator[Metric]:
        # Busy time is counted when a command ends; right after a long command it may exceed the window's time span.
        busy = {key: min(1.0, one.per_second()) for key, one in self._recent_busy.items()}
        yield gauge_family(
            "device_busy_ratio",
            "Share of the last five minutes in which a command queue (lane) of a device was busy",
            ["device", "lane"],
            busy,
        )
