"""Panels of the Grafana dashboard about service level objectives, gRPC calls, and the processes of the servers."""

from deploy.grafana.queries import (
    PERCENTILE_TIME,
    SERVER,
    SERVERS,
    Lines,
    Query,
    as_it_is,
    per_minute,
    percentile,
    rate,
    spread,
)

_ENGINE = 'namespace=~"$namespace",engine=~"$engine"'

OBJECTIVES = (
    Lines(
        "Error budget left",
        "percentunit",
        [Query(f"engine:melisma_songs_budget:ratio30d{{{_ENGINE}}}", "{{engine}}")],
        "Of the last 30 days, as far as Prometheus has data. Below 0 more songs were bad than the objective allows.",
    ),
    Lines(
        "Bad songs",
        "percentunit",
        [
            Query(f"engine:melisma_songs_bad:ratio{window}{{{_ENGINE}}}", f"{{{{engine}}}} {window}")
            for window in ("5m", "1h", "6h", "3d")
        ],
        "Share of songs that failed, were interrupted, refused by a fault of the service, stalled, or not stored.",
    ),
    Lines(
        "Late songs",
        "percentunit",
        [
            Query(f"engine:melisma_songs_late:ratio{window}{{{_ENGINE}}}", f"{{{{engine}}}} {window}")
            for window in ("5m", "1h", "6h", "3d")
        ],
        "Share of songs whose first audio came later than the objective.",
    ),
    Lines("Songs by verdict", "cpm", per_minute("melisma_songs_judged_total", "engine", "verdict")),
    Lines(
        "Engines",
        "bool_yes_no",
        as_it_is("melisma_engine_ready", "engine", "device"),
        "Yes if the engine is loaded on the device.",
    ),
    Lines(
        "Held back by listeners",
        "none",
        [Query(rate("melisma_song_held_seconds_total", "engine", time=PERCENTILE_TIME), "{{engine}}")],
        "Mean number of songs that are held back because their listeners have not received the sound.",
    ),
)

CALLS = (
    Lines("Calls of gRPC", "cpm", per_minute("melisma_rpcs_total", "method", "code", labels=SERVERS)),
    Lines(
        "Duration over gRPC",
        "s",
        [percentile(95, "melisma_rpc_seconds", "method", labels=SERVERS)],
        "The call of a song lasts as long as the song is made and streamed.",
    ),
    Lines("Calls of REST", "cpm", per_minute("melisma_http_calls_total", "method", "route", "status", labels=SERVERS)),
    Lines("Duration over REST", "s", [percentile(95, "melisma_http_seconds", "method", "route", labels=SERVERS)]),
    Lines(
        "Certificates and keys",
        "s",
        [
            Query(f"melisma_certificate_expiry_timestamp_seconds{{{SERVERS}}} - time()", f"{SERVER} {{{{use}}}}"),
            Query(f"melisma_api_key_expiry_timestamp_seconds{{{SERVERS}}} - time()", f"{SERVER} next key"),
        ],
        "Time until certificates and API keys expire.",
    ),
)

MORE_PROCESSES = (
    Lines(
        "Memory of other processes",
        "bytes",
        as_it_is("melisma_process_resident_bytes", "process", "device", labels=SERVERS),
        "Memory of workers, encoders and the process that checks requests.",
    ),
    Lines(
        "Memory of GPUs",
        "bytes",
        [
            Query(f"melisma_device_memory_used_bytes{{{SERVERS}}}", f"{SERVER} {{{{device}}}}"),
            Query(f"melisma_device_memory_total_bytes{{{SERVERS}}}", f"{SERVER} {{{{device}}}} in all"),
        ],
        "Memory that all processes use on a GPU; empty without GPUs.",
    ),
    Lines(
        "Lag of the event loop",
        "s",
        spread("melisma_event_loop_lag_seconds", "instance", labels=SERVERS),
        "Delay of timers on the server's event loop.",
    ),
    Lines(
        "Draining and crowded",
        "bool_yes_no",
        [
            Query(f"melisma_draining{{{SERVERS}}}", f"{SERVER} draining"),
            Query(f"melisma_crowded{{{SERVERS}}}", f"{SERVER} crowded"),
        ],
        "draining: the server finishes its songs and ends; crowded: its queue is nearly full.",
    ),
)
