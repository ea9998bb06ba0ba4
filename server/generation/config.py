"""Settings of song generation: buffer sizes and time limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from server.scheduling.policy import Policy


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """Buffer sizes and time limits of song generation; the limits of each device are in its `DeviceSpec`. `policy` has
    the rules by which songs are ranked, and `caller_weights` the weights of callers in fair sharing (1 for callers not
    named).

    At most `max_queued_songs` songs may wait; when the share `crowded_queue_ratio` of them wait, the server reports
    that it is not ready. With `any_engine` it is ready with one loaded engine, otherwise only with all. A song pauses
    while its listeners have not read `stream_buffer_bytes` of its sound. An idle worker must answer a ping every
    `ping_seconds`. A failed song is retried at most `retries` times. A song sends an event at least every
    `heartbeat_seconds`. With `log_requests` prompts and lyrics are logged.
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
