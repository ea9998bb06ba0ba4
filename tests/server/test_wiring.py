import pytest

from server.assembly.processes import build_encoders, build_pool, engine_specs, resume_rule, song_slots
from server.assembly.wiring import runner_settings
from server.settings.groups import Device, Limits, Threads
from server.settings.settings import Settings
from server.settings.store import Store
from server.store.claim import Resume
from server.workers.worker_spec import EngineSpec

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
    assert build_encoders(settings, build_pool(settings)).count == processes


@pytest.mark.parametrize(
    ("resume", "rules"),
    [
        ("", [Resume.SAME_SOUND, Resume.UNHEARD]),
        ("never", [Resume.NEVER, Resume.NEVER]),
        ({"ace_step": "same_sound"}, [Resume.SAME_SOUND, Resume.SAME_SOUND]),
        ({"studio": "unheard"}, [Resume.UNHEARD, Resume.UNHEARD]),
    ],
)
def test_engines_on_gpus_go_on_with_unheard_songs_alone_unless_told_otherwise(
    resume: object, rules: list[Resume]
) -> None:
    devices = (Device(device="cpu", engines=("studio",)), Device(device="cuda:0", engines=("ace_step",)))
    store = Store.model_validate(
        {"kind": "shared", "directory": "redis://host", "objects": "s3://songs", "resume": resume}
    )
    settings = Settings(devices=devices, engines=("studio", "ace_step"), store=store)
    assert [resume_rule(settings, name) for name in ("studio", "ace_step")] == rules


def test_workers_and_encoders_make_fingerprints_where_songs_go_on_by_them() -> None:
    assert build_pool(Settings())._fingerprinted == frozenset()
    store = Store(kind="shared", directory="redis://host", objects="s3://songs")
    assert build_pool(Settings(store=store))._fingerprinted == {"studio"}
