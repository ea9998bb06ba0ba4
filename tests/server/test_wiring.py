import pytest

from server.processes import build_encoders, build_pool, engine_specs, song_slots
from server.settings.groups import Device, Limits, Threads
from server.settings.settings import Settings
from server.wiring import runner_settings
from server.workers.messages import EngineSpec

FAKE = "fake=tests.support.fakes:FakeEngine"
CPU = Device(device="cpu")


def test_runner_and_workers_get_their_sizes_and_engines_from_the_settings() -> None:
    devices = (CPU, Device(device="cuda:0", running_songs=4), CPU, Device(device="cpu", render_beside=True))
    limits = Limits(queued_songs=3, running_songs=7)
    settings = Settings(devices=devices, engines=("studio", FAKE), limits=limits)
    pool = build_pool(settings)
    assert [(spec.name, spec.device, spec.running_songs, len(spec.lanes)) for spec in pool.devices] == [
        ("cpu", "cpu", 7, 1),
        ("cuda:0", "cuda:0", 4, 2),
        ("cpu#2", "cpu", 7, 1),
        ("cpu#3", "cpu", 7, 2),
    ]
    assert song_slots(settings) == 25
    assert runner_settings(settings).max_queued_songs == 3
    variables = {"device": "MELISMA_DEVICES"}
    fake = EngineSpec("fake", "tests.support.fakes:FakeEngine", variables=variables)
    assert engine_specs(settings) == (EngineSpec("studio", variables=variables), fake)
    assert pool.engine_names == ("studio", "fake")


@pytest.mark.parametrize(("devices", "encoders", "processes"), [(1, 1, 1), (2, 1, 2), (2, 3, 6)])
def test_there_are_so_many_encoders_for_each_device(devices: int, encoders: int, processes: int) -> None:
    settings = Settings(devices=(CPU,) * devices, threads=Threads(encoders=encoders))
    assert build_encoders(settings).count == processes
