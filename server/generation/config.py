"""Sizes and limits of song generation."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from server.scheduling.policy import Policy


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """Sizes and limits of song generation; those of each device are in its `DeviceSpec`.

    A song pauses while `stream_buffer_bytes` of its sound are unheard. An idle worker has to answer every
    `ping_seconds`. An attempt at a song is repeated `retries` times. A song sends an event at least every
    `heartbeat_seconds`. `log_requests` puts prompts and lyrics into the log.
    """

    policy: Policy = field(default_factory=Policy)
    caller_weights: Mapping[str, float] = field(default_factory=dict)
    max_queued_songs: int = 64
    crowded_queue_ratio: float = 0.9
    any_engine: bool = False
    stream_buffer_bytes: int = 1 << 20
    retries: int = 3
    ping_seconds: float = 10.0
    heartbeat_seconds: float = 5.0
    log_requests: bool = False
