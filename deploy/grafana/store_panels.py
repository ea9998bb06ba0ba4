"""Panels of the Grafana dashboard about the song store; most of them have data only with a shared store."""

from deploy.grafana.queries import ENGINES, SERVER, SERVERS, Lines, Query, as_it_is, limit, per_minute, spread

STORE = (
    Lines("Stored songs", "none", as_it_is("melisma_stored_songs", labels=SERVERS), "Those being made included."),
    Lines(
        "Stored sound",
        "bytes",
        [
            *as_it_is("melisma_stored_bytes", labels=SERVERS),
            Query(f"melisma_store_free_bytes{{{SERVERS}}}", f"{SERVER} free on the disk"),
            Query(f"melisma_stored_bytes_limit{{{SERVERS}}}", f"{SERVER} limit", dashed=True),
        ],
    ),
    Lines(
        "Silence of the directory",
        "s",
        as_it_is("melisma_directory_silence_seconds", labels=SERVERS),
        "Time since each server last had an answer.",
    ),
    Lines(
        "Answers of the store",
        "s",
        spread("melisma_store_call_seconds", "part", labels=SERVERS),
        "Every piece of sound waits for one answer of the directory.",
    ),
    Lines(
        "Calls of the store",
        "cpm",
        per_minute("melisma_store_call_seconds_count", "part", labels=SERVERS),
        "Those that were answered.",
    ),
    Lines(
        "Failed calls of the store",
        "cpm",
        per_minute("melisma_store_errors_total", "part", "reason", labels=SERVERS),
        "Repeated ones included.",
    ),
    Lines(
        "Memory of the directory",
        "bytes",
        [*as_it_is("melisma_directory_memory_bytes", labels=SERVERS), limit("directory_memory_bytes")],
        "From 80 % of the limit on no new songs are let in.",
    ),
    Lines(
        "Songs in the directory",
        "none",
        [
            Query(f"max by (engine) (melisma_service_queue_songs{{{ENGINES}}})", "{{engine}} waiting"),
            Query(f"max(melisma_service_running_songs{{{SERVERS}}})", "begun"),
        ],
        "Those of all servers; each tells the same.",
    ),
    Lines(
        "Songs not sealed",
        "none",
        as_it_is("melisma_unsealed_songs", labels=SERVERS),
        "They have ended, and are not in the object store yet.",
    ),
    Lines("Sound not sealed", "bytes", as_it_is("melisma_unsealed_bytes", labels=SERVERS), "It fills the directory."),
    Lines("First song not sealed", "s", as_it_is("melisma_unsealed_seconds", labels=SERVERS), "For how long it waits."),
    Lines(
        "Songs of the service",
        "none",
        as_it_is("melisma_service_songs", "engine", labels=SERVERS),
        "They wait, are made or have lost their maker. Every server tells the same.",
    ),
    Lines(
        "Backlog",
        "s",
        as_it_is("melisma_backlog_seconds", "engine", labels=SERVERS),
        "Device seconds of the songs that wait. Every server tells the same.",
    ),
    Lines(
        "Songs lost",
        "none",
        [
            Query(f"increase(melisma_leases_lost_total{{{SERVERS}}}[$__rate_interval])", f"{SERVER} taken from it"),
            Query(f"increase(melisma_songs_found_lost_total{{{SERVERS}}}[$__rate_interval])", f"{SERVER} found by it"),
            Query(f"increase(melisma_songs_taken_over_total{{{SERVERS}}}[$__rate_interval])", f"{SERVER} went on with"),
            Query(f"increase(melisma_songs_handed_over_total{{{SERVERS}}}[$__rate_interval])", f"{SERVER} handed over"),
            Query(f"increase(melisma_songs_diverged_total{{{SERVERS}}}[$__rate_interval])", f"{SERVER} differed"),
            Query(f"increase(melisma_songs_not_kept_total{{{SERVERS}}}[$__rate_interval])", f"{SERVER} not kept"),
        ],
        "A server that is silent for the time of a lease loses its songs; another one goes on with them.",
    ),
)
