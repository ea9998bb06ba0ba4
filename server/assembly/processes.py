"""Builds the pools of worker and encoder processes from the settings.

This module imports little, so that a server starts its workers before it imports its other modules.
"""

from server.checking.local_checker import LocalChecker
from server.encoders.encoder_process import EncoderProcess
from server.encoders.local_pool import LocalEncoders
from server.encoders.messages import EncoderSpec
from server.encoders.restarting_pool import RestartingEncoders
from server.logs import Logs
from server.settings.engines import engine_options, option_variables
from server.settings.groups import Device, Limits
from server.settings.settings import Settings
from server.store.claim import Resume
from server.workers.device_spec import DeviceSpec
from server.workers.local_pool import LocalPool
from server.workers.messages import Lane
from server.workers.restarting_pool import AnyPool
from server.workers.worker_spec import EngineSpec

ENCODER_ANSWER_RATIO = 1 / 3
"""Timeout for an encoder's answer, as a share of the timeout for a worker's: an encoder that hangs is replaced before a
worker that waits for it.
"""


def build_pool(settings: Settings) -> AnyPool:
    """Create the pool of worker processes, not started yet: on this computer or on a Ray cluster, as the settings say.

    Raises:
        PoolUnusable: the pool needs a package or file that is missing; the text says what to do.
    """
    return _ray_pool(settings) if settings.pool.kind == "ray" and settings.makes_songs else _local_pool(settings)


def _local_pool(settings: Settings) -> LocalPool:
    limits = settings.limits
    return LocalPool(
        device_specs(settings),
        engine_specs(settings),
        worker_threads=settings.threads.worker,
        exchange_timeout_seconds=limits.exchange_timeout_seconds,
        load_timeout_seconds=limits.load_timeout_seconds,
        logs=Logs(settings.log_level, settings.log_format),
        fingerprinted=_fingerprinted(settings),
    )


def _ray_pool(settings: Settings) -> AnyPool:
    # The import is here, so that a server without a cluster imports nothing of Ray.
    from server.workers.ray.pool import RayPool, driver_process

    limits, pool = settings.limits, settings.pool
    return RayPool(
        device_specs(settings),
        engine_specs(settings),
        address=pool.ray_address,
        new_process=driver_process(pool.ray_token_file),
        worker_threads=settings.threads.worker,
        exchange_timeout_seconds=limits.exchange_timeout_seconds,
        load_timeout_seconds=limits.load_timeout_seconds,
        logs=Logs(settings.log_level, settings.log_format),
        fingerprinted=_fingerprinted(settings),
    )


def build_encoders(settings: Settings, pool: AnyPool, spec: EncoderSpec | None = None) -> RestartingEncoders:
    """Create the pool of encoder processes, not started yet: on this computer, or on the cluster nodes that have
    workers. `spec` replaces the encoder's default settings.
    """
    logs = Logs(settings.log_level, settings.log_format)
    producer = settings.marking.producer if settings.marking.enabled else None
    spec = spec or EncoderSpec(logs=logs, fingerprinted=bool(_fingerprinted(settings)), producer=producer)
    answer_timeout_seconds = settings.limits.exchange_timeout_seconds * ENCODER_ANSWER_RATIO
    if settings.pool.kind == "ray":
        return _ray_encoders(settings, pool, spec, answer_timeout_seconds)
    return LocalEncoders(
        lambda address: EncoderProcess(address, spec),
        settings.threads.encoders * sum(device.count for device in settings.devices),
        answer_timeout_seconds=answer_timeout_seconds,
    )


def _ray_encoders(
    settings: Settings, pool: AnyPool, spec: EncoderSpec, answer_timeout_seconds: float
) -> RestartingEncoders:
    # The import is here, so that a server without a cluster imports nothing of Ray.
    from server.encoders.node_pool import NodeEncoders
    from server.workers.ray.pool import RayPool

    assert isinstance(pool, RayPool)
    return NodeEncoders(
        spec,
        [device.name for device in device_specs(settings)],
        settings.threads.encoders,
        bridge=pool.bridge,
        node_id=pool.node_id,
        answer_timeout_seconds=answer_timeout_seconds,
    )


def resume_rule(settings: Settings, engine: str) -> Resume:
    """Return the rule by which this server decides if it continues songs of `engine` whose server was lost."""
    rules = settings.store.resume
    if rule := rules.get(engine) if isinstance(rules, dict) else rules:
        return rule
    # A GPU may not repeat a song bit for bit when the song shares its batch with other songs.
    on_processors = all(device.device == "cpu" for device in device_specs(settings) if device.loads(engine))
    return Resume.SAME_SOUND if on_processors else Resume.UNHEARD


def _fingerprinted(settings: Settings) -> tuple[str, ...]:
    """Return the engines for which workers compute a sound fingerprint: a hash that is equal on servers whose songs are
    identical byte for byte.
    """
    if settings.store.kind == "embedded":
        return ()
    return tuple(name for name in settings.engine_names if resume_rule(settings, name) is Resume.SAME_SOUND)


def build_checker(settings: Settings) -> LocalChecker:
    """Return the handle of the process that checks requests, not started yet."""
    logs = Logs(settings.log_level, settings.log_format)
    return LocalChecker(engine_specs(settings), logs=logs, log_requests=settings.log_requests)


def engine_specs(settings: Settings) -> tuple[EngineSpec, ...]:
    """Return the specifications of the engines that workers load, with each engine's settings."""
    named = [engine.partition("=") for engine in settings.engines]
    return tuple(_engine_spec(settings, name, factory) for name, _, factory in named)


def _engine_spec(settings: Settings, name: str, factory: str) -> EngineSpec:
    options = {} if factory else engine_options(settings, name)
    return EngineSpec(name, factory, options, option_variables(settings, name))


def device_specs(settings: Settings) -> tuple[DeviceSpec, ...]:
    """Return one worker specification for each configured device; empty on a frontend, which makes no songs. A device
    that is configured several times gets a number after its name: `cpu#2` on this computer, `cuda@2` on a cluster,
    where all devices are numbered.
    """
    devices = settings.devices if settings.makes_songs else ()
    if settings.pool.kind == "ray":
        devices = tuple(device for device in devices for _ in range(device.count))
    names = [device.device for device in devices]
    seen = (names[: position + 1].count(name) for position, name in enumerate(names))
    labels = [_label(name, count, settings.pool.kind) for name, count in zip(names, seen, strict=True)]
    return tuple(_device_spec(label, device, settings.limits) for label, device in zip(labels, devices, strict=True))


def _label(name: str, number: int, kind: str) -> str:
    if kind == "ray":
        return f"{name}@{number}"
    return name if number == 1 else f"{name}#{number}"


def _device_spec(name: str, device: Device, limits: Limits) -> DeviceSpec:
    beside = device.device != "cpu" if device.render_beside is None else device.render_beside
    return DeviceSpec(
        name=name,
        device=device.device,
        engines=device.engines,
        lanes=(Lane.DENOISE, Lane.RENDER) if beside else (Lane.BOTH,),
        running_songs=device.running_songs or limits.running_songs,
        batch_tokens=device.batch_tokens or limits.batch_tokens,
        batch_sections=device.batch_sections or limits.batch_sections,
        memory_bytes=device.memory_mebibytes << 20,
    )


def song_slots(settings: Settings) -> int:
    """Return the number of songs that all devices together can make at the same time."""
    return sum(device.running_songs for device in device_specs(settings))
