import subprocess
import sys

import pytest
from pydantic import ValidationError

from server.assembly.processes import build_encoders, device_specs
from server.settings.groups import Device, Threads
from server.settings.pool import Pool
from server.settings.settings import Settings
from server.workers.ray.pool import RayPool
from tests.support.fakes import FAKE
from tests.support.workers.fake_cluster import DriverTask

RAY = Pool(kind="ray", ray_address="head:6379", ray_token_file="/token")


def test_a_device_with_a_count_stands_for_so_many_of_the_cluster() -> None:
    devices = (Device(device="cuda", count=2, running_songs=4), Device(device="cpu"))
    settings = Settings(pool=RAY, devices=devices, threads=Threads(encoders=2))
    specs = device_specs(settings)
    assert [(spec.name, spec.device, spec.running_songs) for spec in specs] == [
        ("cuda@1", "cuda", 4),
        ("cuda@2", "cuda", 4),
        ("cpu@1", "cpu", 32),
    ]
    pool = RayPool(specs, [FAKE], address=RAY.ray_address, new_process=lambda: DriverTask([]))
    assert build_encoders(settings, pool).count == 6


def test_settings_that_do_not_fit_the_pool_are_refused() -> None:
    cluster = {"ray_address": "head:6379", "ray_token_file": "/token"}
    for pool, devices, text in (
        ({"kind": "ray"}, (), "whoever reaches a cluster without a token"),
        ({"kind": "ray", "ray_address": "head:6379"}, (), "RAY_TOKEN_FILE"),
        ({**cluster}, (), "need MELISMA_POOL__KIND=ray"),
        ({**cluster, "kind": "ray", "ray_address": "ray://head:10001"}, (), "HOST:PORT"),
        ({**cluster, "kind": "ray"}, (Device(device="cuda:0"),), "a Ray cluster chooses the GPUs"),
        ({}, (Device(device="cuda", count=2),), "name every device of this computer"),
    ):
        with pytest.raises(ValidationError, match=text):
            Settings.model_validate({"pool": pool, **({"devices": devices} if devices else {})})


def test_a_server_without_a_cluster_imports_nothing_of_it() -> None:
    program = """
import sys
import server.__main__
from server.assembly.processes import build_pool
from server.settings.settings import Settings
build_pool(Settings())
print([name for name in sys.modules if name == "ray" or name.startswith(("ray.", "server.workers.ray"))])
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
