"""Panels of the Grafana dashboard about the song store; most of them have data only with a shared store."""

from deploy.grafana.queries import ENGINES, SERVER, SERVERS, Lines, Query, as_it_is, limit, per_minute, spread

STORE = (
    Lines(
        "Stored songs",
        "none",
        as_it_is("melisma_stored_songs", labels=SERVERS),
        "Stored songs, including those that are being made.",
    ),
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
        "Silence of the song directory",
        "s",
        as_it_is("melisma_directory_silence_seconds", labels=SERVERS),
        "Time since the song directory last answered each server.",
    ),
    Lines(
        "Answers of the store",
        "s",
        spread("melisma_store_call_seconds", "part", labels=SERVERS),
        "Time until the store answered. Each chunk of sound waits for one answer of the song directory.",
    ),
    Lines(
        "Calls of the store",
        "cpm",
        per_minute("melisma_store_call_seconds_count", "part", labels=SERVERS),
        "Calls that the store answered.",
    ),
    Lines(
        "Failed calls of the store",
        "cpm",
        per_minute("melisma_store_errors_total", "part", "reason", labels=SERVERS),
        "Failed calls to the store; each repetition counts.",
    ),
    Lines(
        "Memory of the song directory",
        "bytes",
        [*as_it_is("melisma_directory_memory_bytes", labels=SERVERS), limit("directory_memory_bytes")],
        "From 80 % of the limit on new songs are refused.",
    ),
    Lines(
        "Songs in the song directory",
        "none",
        [
            Query(f"max by (engine) (melisma_service_queue_songs{{{ENGINES}}})", "{{engine}} waiting"),
            Query(f"max(melisma_service_running_songs{{{SERVERS}}})", "begun"),
        ],
        "Songs of all servers; every server reports the same numbers.",
    ),
    Lines(
        "Songs not sealed",
        "none",
        as_it_is("melisma_unsealed_songs", labels=SERVERS),
        "Songs that have ended and are not in the object store yet.",
    ),
    Lines(
        "Sound not sealed",
        "bytes",
        as_it_is("melisma_unsealed_bytes", labels=SERVERS),
        "Sound that takes memory of the song directory until it is in the object store.",
    ),
    Lines(
        "First song not sealed",
        "s",
        as_it_is("melisma_unsealed_seconds", labels=SERVERS),
        "Time for which the oldest song waits to be moved to the object store.",
    ),
    Lines(
        "Songs of the service",
        "none",
        as_it_is("melisma_service_songs", "engine", labels=SERVERS),
        "Songs that wait, are made or have lost their server. Every server reports the same numbers.",
    ),
    Lines(
        "Backlog",
        "s",
        as_it_is("melisma_backlog_seconds", "engine", labels=SERVERS),
        "Device seconds that the waiting songs need. Every server reports the same number.",
    ),
    Lines(
        "Songs lost",
        "none",
        [
            Query(f"increase(melisma_leases_lost_total{{{SERVERS}}}[$__rate_interval])", f"{SERVER} taken from it"),
            Query(f"increase(melisma_songs_found_lost_total{{{SERVERS}}}[$__rate_interval])", f"{SERVER} found by it"),
            Query(f"increase(melisma_songs_taken_over_total{{{SERVERS}}}[$__rate_interval])", f"{SERVER} continued"),
            Query(f"increase(melisma_songs_handed_over_total{{{SERVERS}}}[$__rate_interval])", f"{SERVER} handed over"),
            Query(f"increase(melisma_songs_diverged_total{{{SERVERS}}}[$__rate_interval])", f"{SERVER} differed"),
            Query(f"increase(melisma_songs_not_kept_total{{{SERVERS}}}[$__rate_interval])", f"{SERVER} not kept"),
        ],
        "A server that does not renew its leases loses its songs; another server continues them.",
    ),
)
