"""A pool of simulated devices: engines, each with its own devices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.scheduling.presets import DeviceModel
from server.workers.device_spec import DeviceSpec

RUNNING_SONGS = 32


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool of simulated devices, with the given numbers of `devices` of each of `models`.

    An engine has the name of its model. At most `encoders` windows are encoded at a time; `None` means one per song.
    """

    models: tuple[DeviceModel, ...]
    devices: tuple[int, ...]
    encoders: int | None = None

    @property
    def engines(self) -> Mapping[str, DeviceModel]:
        """The device models of the pool, by the names of their engines."""
        return {model.name: model for model in self.models}

    def specs(self, *, alone: bool = False, running_songs: int = RUNNING_SONGS) -> list[DeviceSpec]:
        """Return the devices, each with slots for `running_songs` songs; with `alone` each makes one song at a time."""
        return [
            replace(_spec(model, alone, running_songs), name=f"{model.name}-{number}")
            for model, count in zip(self.models, self.devices, strict=True)
            for number in range(count)
        ]


def engine_of(spec: DeviceSpec) -> str:
    """Return the engine of a simulated device, which has only one."""
    (engine,) = spec.engines
    return engine


def by_engine(specs: Sequence[DeviceSpec]) -> dict[str, list[str]]:
    """Return the names of the devices of each engine."""
    found: dict[str, list[str]] = {}
    for spec in specs:
        found.setdefault(engine_of(spec), []).append(spec.name)
    return found


def _spec(model: DeviceModel, alone: bool, running_songs: int) -> DeviceSpec:
    return DeviceSpec(
        "",
        "simulated",
        (model.name,),
        lanes=model.lanes,
        running_songs=1 if alone else running_songs,
        batch_tokens=model.batch_tokens,
        batch_sections=1 if alone else RUNNING_SONGS,
    )
