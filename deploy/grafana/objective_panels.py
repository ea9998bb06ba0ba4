"""Panels of the Grafana dashboard about objectives, calls and processes."""

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
        "Of 30 days, as far as Prometheus looks back. Below 0 more songs were bad than the objective allows.",
    ),
    Lines(
        "Bad songs",
        "percentunit",
        [
            Query(f"engine:melisma_songs_bad:ratio{window}{{{_ENGINE}}}", f"{{{{engine}}}} {window}")
            for window in ("5m", "1h", "6h", "3d")
        ],
        "Failed, interrupted, refused by a fault of the service, out of sound, or not kept.",
    ),
    Lines(
        "Late songs",
        "percentunit",
        [
            Query(f"engine:melisma_songs_late:ratio{window}{{{_ENGINE}}}", f"{{{{engine}}}} {window}")
            for window in ("5m", "1h", "6h", "3d")
        ],
        "Heard later than the objective for first audio.",
    ),
    Lines("Songs by verdict", "cpm", per_minute("melisma_songs_judged_total", "engine", "verdict")),
    Lines(
        "Engines",
        "bool_yes_no",
        as_it_is("melisma_engine_ready", "engine", "device"),
        "Loaded?",
    ),
    Lines(
        "Held back by listeners",
        "none",
        [Query(rate("melisma_song_held_seconds_total", "engine", time=PERCENTILE_TIME), "{{engine}}")],
        "Songs whose listeners have not taken what was made, on the average.",
    ),
)

CALLS = (
    Lines("Calls of gRPC", "cpm", per_minute("melisma_rpcs_total", "method", "code", labels=SERVERS)),
    Lines(
        "Duration over gRPC",
        "s",
        [percentile(95, "melisma_rpc_seconds", "method", labels=SERVERS)],
        "A song's call lasts as long as the song is made and heard.",
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
        "Time until they expire.",
    ),
)

MORE_PROCESSES = (
    Lines(
        "Memory of other processes",
        "bytes",
        as_it_is("melisma_process_resident_bytes", "process", "device", labels=SERVERS),
        "Workers, encoders, the checker.",
    ),
    Lines(
        "Memory of GPUs",
        "bytes",
        [
            Query(f"melisma_device_memory_used_bytes{{{SERVERS}}}", f"{SERVER} {{{{device}}}}"),
            Query(f"melisma_device_memory_total_bytes{{{SERVERS}}}", f"{SERVER} {{{{device}}}} in all"),
        ],
        "Of all processes on them; nothing without GPUs.",
    ),
    Lines(
        "Lag of the event loop",
        "s",
        spread("melisma_event_loop_lag_seconds", "instance", labels=SERVERS),
        "How late the server does what is due.",
    ),
    Lines(
        "Draining and crowded",
        "bool_yes_no",
        [
            Query(f"melisma_draining{{{SERVERS}}}", f"{SERVER} draining"),
            Query(f"melisma_crowded{{{SERVERS}}}", f"{SERVER} crowded"),
        ],
        "Does it finish its songs before it ends, or is its queue nearly full?",
    ),
)
