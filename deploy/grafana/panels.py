"""Panels of the Grafana dashboard about songs, engines and devices, in rows, with their Prometheus queries."""

from collections.abc import Mapping, Sequence

from deploy.grafana.device_panels import DEVICES
from deploy.grafana.objective_panels import CALLS, MORE_PROCESSES, OBJECTIVES
from deploy.grafana.queries import (
    ENGINES,
    SERVER,
    SERVERS,
    Figure,
    Heatmap,
    Lines,
    Query,
    as_it_is,
    limit,
    objective,
    of_process,
    per_minute,
    percentile,
    rate,
    share,
    spread,
)
from deploy.grafana.store_panels import STORE

VARIABLES = {
    "namespace": "label_values(melisma_build_info, namespace)",
    "pod": 'label_values(melisma_build_info{namespace=~"$namespace"}, pod)',
    "engine": f"label_values(melisma_songs_accepted_total{{{SERVERS}}}, engine)",
}

NOW = (
    Figure("Servers", "none", f"sum({of_process('up')})", "Servers that respond to Prometheus."),
    Figure("Ready", "none", f"sum(melisma_ready{{{SERVERS}}})", "Servers to which songs may be sent."),
    Figure("Engines", "none", f"sum(melisma_engine_ready{{{SERVERS}}})", "Loaded engines, of all devices."),
    Figure("Being made", "none", f"sum(melisma_running_songs{{{ENGINES}}})", "Songs that are being made."),
    Figure("Waiting", "none", f"sum(melisma_queue_songs{{{ENGINES}}})", "Songs in the queue."),
    Figure("Listening", "none", f"sum(melisma_listeners{{{SERVERS}}})", "Listeners of all songs."),
    Figure(
        "Ran dry",
        "percentunit",
        share(f"melisma_songs_stalled_total{{{ENGINES}}}", f"melisma_song_underrun_seconds_count{{{ENGINES}}}"),
        "Share of the songs heard in the last hour whose listener ran out of sound.",
        red_from=0.05,
    ),
    Figure(
        "Failed",
        "percentunit",
        share(f'melisma_songs_ended_total{{{ENGINES},outcome="failed"}}', f"melisma_songs_ended_total{{{ENGINES}}}"),
        "Share of the songs that ended in the last hour.",
        red_from=0.05,
    ),
    Figure(
        "Rejected",
        "percentunit",
        share(f'melisma_songs_ended_total{{{ENGINES},outcome="rejected"}}', f"melisma_songs_ended_total{{{ENGINES}}}"),
        "Share of the songs that ended in the last hour: they cannot be made as requested.",
    ),
    Figure(
        "Server restarts",
        "none",
        f"sum(changes({of_process('process_start_time_seconds')}[1h]))",
        "Restarts of servers in the last hour.",
        red_from=2,
    ),
    Figure(
        "Worker restarts",
        "none",
        f"sum(increase(melisma_worker_restarts_total{{{SERVERS}}}[1h]))",
        "Restarts of workers in the last hour.",
        red_from=3,
    ),
    Figure(
        "Alerts",
        "none",
        'count(ALERTS{alertname=~"Melisma.+",alertstate="firing"}) or vector(0)',
        "Alerts that fire, in any namespace.",
        red_from=1,
    ),
)

LISTENERS = (
    Heatmap(
        "Time to first audio",
        "s",
        "melisma_first_audio_seconds",
        "Distribution of the times of songs. It shows two groups of songs, or a few late ones, which percentiles hide.",
    ),
    Lines(
        "First audio",
        "s",
        [*spread("melisma_first_audio_seconds", "engine", exemplars=True), objective("melisma_first_audio_seconds")],
        "Time from acceptance to the first chunk. Points are songs, and link to their traces.",
    ),
    Lines(
        "Whole song",
        "s",
        [*spread("melisma_song_latency_seconds", "engine", exemplars=True), objective("melisma_song_latency_seconds")],
        "Time from acceptance to the end of completed songs.",
    ),
    Lines(
        "Time run dry",
        "s",
        spread("melisma_song_underrun_seconds", "engine", exemplars=True),
        "Time in which the listener of a song had no sound to play.",
    ),
    Lines("Songs that ran dry", "cpm", per_minute("melisma_songs_stalled_total", "engine")),
    Lines(
        "Songs that ended",
        "cpm",
        per_minute("melisma_songs_ended_total", "engine", "outcome"),
        "rejected: the song cannot be made as requested, which was found after its acceptance.",
    ),
    Lines(
        "Songs resumed",
        "cpm",
        per_minute("melisma_songs_retried_total", "engine", "reason"),
        "Songs that continued after a failure; their listeners notice a pause at most.",
    ),
    Lines(
        "Listeners",
        "none",
        as_it_is("melisma_listeners", labels=SERVERS),
        "Listeners of all songs, over gRPC and HTTP.",
    ),
)

QUEUE = (
    Lines(
        "Songs waiting",
        "none",
        [*as_it_is("melisma_queue_songs", "engine"), limit("queue_songs")],
        "The limit is that of all engines together.",
    ),
    Lines(
        "Songs being made",
        "none",
        [*as_it_is("melisma_running_songs", "engine"), limit("running_songs")],
        "The limit is that of all engines together.",
    ),
    Lines("Ready", "bool_yes_no", as_it_is("melisma_ready", labels=SERVERS), "Yes if songs may be sent to the server."),
    Lines(
        "Time in the queue",
        "s",
        spread("melisma_song_queue_seconds", "engine", exemplars=True),
        "Time from acceptance to the first work on a song.",
    ),
    Lines("Songs accepted", "cpm", per_minute("melisma_songs_accepted_total", "engine")),
    Lines(
        "Songs refused",
        "cpm",
        per_minute("melisma_songs_refused_total", "reason", labels=SERVERS),
        "Refused songs of all engines, including unknown engines.",
    ),
    Lines(
        "Sections",
        "none",
        [
            Query(f"sum(melisma_open_sections{{{ENGINES}}})", "being made"),
            Query(f"sum(melisma_queue_sections{{{ENGINES}}})", "not begun"),
        ],
        "Sections of the songs that are being made.",
    ),
    Lines(
        "Calls turned away",
        "cpm",
        per_minute("melisma_calls_refused_total", "reason", labels=SERVERS),
        "Calls refused because of their API key.",
    ),
    Lines(
        "API keys",
        "bool_yes_no",
        as_it_is("melisma_keys_usable", labels=SERVERS),
        "Yes if the file of API keys can be used.",
    ),
)

SOUND = (
    Lines(
        "Real-time factor",
        "none",
        [percentile(percent, "melisma_song_realtime_factor", "engine") for percent in (5, 50)],
        "Seconds of sound per second of latency. Below 1 listeners run dry.",
    ),
    Lines(
        "Sound",
        "none",
        [
            Query(rate("melisma_sound_seconds_total", "engine"), "{{engine}} encoded"),
            Query(rate("melisma_rendered_sound_seconds_total", "engine"), "{{engine}} rendered"),
        ],
        "Seconds of sound per second. Sound that is rendered again after a failure counts again.",
    ),
    Lines(
        "Encoding a piece",
        "s",
        spread("melisma_encode_seconds", "engine"),
        "Time to master and encode one window of sound.",
    ),
    Lines("MP3", "Bps", [Query(rate("melisma_chunk_bytes_total", "engine"), "{{engine}}")]),
)

ESTIMATES = (
    Lines(
        "Estimated over actual time",
        "none",
        spread("melisma_estimate_ratio", "engine", "estimate"),
        "Estimated time divided by actual time; below 1 the estimate was too short.",
    ),
    Lines(
        "Off by",
        "s",
        [percentile(95, "melisma_estimate_error_seconds", "engine", "estimate", "direction")],
        "Difference of estimated and actual time; late: the song took longer than estimated.",
    ),
)

PROCESS = (
    Lines(
        "Memory",
        "bytes",
        [Query(of_process("process_resident_memory_bytes"), SERVER)],
        "Memory of the server process, without its workers.",
    ),
    Lines(
        "Cores",
        "none",
        [Query(f"rate({of_process('process_cpu_seconds_total')}[$__rate_interval])", SERVER)],
        "Processor cores that the server process uses.",
    ),
    Lines(
        "Files and connections",
        "none",
        [Query(of_process("process_open_fds"), SERVER), limit("connections")],
        "Open files, including one per connection; the dashed line is the limit of connections.",
    ),
    Lines(
        "Files of those that may be open",
        "percentunit",
        [Query(f"{of_process('process_open_fds')} / {of_process('process_max_fds')}", SERVER)],
    ),
    Lines(
        "Answering Prometheus",
        "s",
        [Query(of_process("scrape_duration_seconds"), SERVER)],
        "Time of a scrape. It runs on the event loop of all calls: if scrapes are slow, all calls are.",
    ),
    Lines(
        "Versions",
        "none",
        [Query(f"count by (version, revision) (melisma_build_info{{{SERVERS}}})", "{{version}} {{revision}}")],
        "Number of servers of each version.",
    ),
)

ROWS: Mapping[str, Sequence[Lines | Figure | Heatmap]] = {
    "Now": NOW,
    "Objectives": OBJECTIVES,
    "Listeners": LISTENERS,
    "Queue and admission": QUEUE,
    "Calls": CALLS,
    "Devices": DEVICES,
    "Sound": SOUND,
    "Store": STORE,
    "Estimates": ESTIMATES,
    "Processes": (*PROCESS, *MORE_PROCESSES),
}
