"""Panels of the Grafana dashboard about songs, engines and devices, in rows, with their Prometheus queries."""

from collections.abc import Mapping, Sequence

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
    mean,
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
    Figure("Servers", "none", f"sum({of_process('up')})", "That answer."),
    Figure("Ready", "none", f"sum(melisma_ready{{{SERVERS}}})", "Servers to which songs may be sent."),
    Figure("Engines", "none", f"sum(melisma_engine_ready{{{SERVERS}}})", "That are loaded, of all devices."),
    Figure("Being made", "none", f"sum(melisma_running_songs{{{ENGINES}}})", "Songs."),
    Figure("Waiting", "none", f"sum(melisma_queue_songs{{{ENGINES}}})", "Songs."),
    Figure("Listening", "none", f"sum(melisma_listeners{{{SERVERS}}})", "Listeners of all songs."),
    Figure(
        "Ran dry",
        "percentunit",
        share(f"melisma_songs_stalled_total{{{ENGINES}}}", f"melisma_song_underrun_seconds_count{{{ENGINES}}}"),
        "Of the songs that were heard in the last hour.",
        red_from=0.05,
    ),
    Figure(
        "Failed",
        "percentunit",
        share(f'melisma_songs_ended_total{{{ENGINES},outcome="failed"}}', f"melisma_songs_ended_total{{{ENGINES}}}"),
        "Of the songs that ended in the last hour.",
        red_from=0.05,
    ),
    Figure(
        "Rejected",
        "percentunit",
        share(f'melisma_songs_ended_total{{{ENGINES},outcome="rejected"}}', f"melisma_songs_ended_total{{{ENGINES}}}"),
        "Of the songs that ended in the last hour: they cannot be made as they were asked for.",
    ),
    Figure(
        "Server restarts",
        "none",
        f"sum(changes({of_process('process_start_time_seconds')}[1h]))",
        "In the last hour.",
        red_from=2,
    ),
    Figure(
        "Worker restarts",
        "none",
        f"sum(increase(melisma_worker_restarts_total{{{SERVERS}}}[1h]))",
        "In the last hour.",
        red_from=3,
    ),
    Figure(
        "Alerts",
        "none",
        'count(ALERTS{alertname=~"Melisma.+",alertstate="firing"}) or vector(0)',
        "That fire, in any namespace.",
        red_from=1,
    ),
)

LISTENERS = (
    Heatmap(
        "Time to first audio",
        "s",
        "melisma_first_audio_seconds",
        "How many songs took how long: two groups of songs, or a few late ones, that percentiles do not tell apart.",
    ),
    Lines(
        "First audio",
        "s",
        [*spread("melisma_first_audio_seconds", "engine", exemplars=True), objective("melisma_first_audio_seconds")],
        "From acceptance to the first chunk. Points are songs, and lead to their traces.",
    ),
    Lines(
        "Whole song",
        "s",
        [*spread("melisma_song_latency_seconds", "engine", exemplars=True), objective("melisma_song_latency_seconds")],
        "From acceptance to the end, completed songs.",
    ),
    Lines(
        "Time run dry",
        "s",
        spread("melisma_song_underrun_seconds", "engine", exemplars=True),
        "How long the listener of a song had nothing to hear.",
    ),
    Lines("Songs that ran dry", "cpm", per_minute("melisma_songs_stalled_total", "engine")),
    Lines(
        "Songs that ended",
        "cpm",
        per_minute("melisma_songs_ended_total", "engine", "outcome"),
        "rejected: they cannot be made as they were asked for, which was found after they were let in.",
    ),
    Lines(
        "Songs resumed",
        "cpm",
        per_minute("melisma_songs_retried_total", "engine", "reason"),
        "After a failure, of which the listener notices a pause at most.",
    ),
    Lines("Listeners", "none", as_it_is("melisma_listeners", labels=SERVERS), "Of all songs, over gRPC and HTTP."),
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
    Lines("Ready", "bool_yes_no", as_it_is("melisma_ready", labels=SERVERS), "May songs be sent there?"),
    Lines(
        "Time in the queue",
        "s",
        spread("melisma_song_queue_seconds", "engine", exemplars=True),
        "From acceptance to the first work on a song.",
    ),
    Lines("Songs accepted", "cpm", per_minute("melisma_songs_accepted_total", "engine")),
    Lines(
        "Songs refused",
        "cpm",
        per_minute("melisma_songs_refused_total", "reason", labels=SERVERS),
        "Of all engines, unknown ones included.",
    ),
    Lines(
        "Sections",
        "none",
        [
            Query(f"sum(melisma_open_sections{{{ENGINES}}})", "being made"),
            Query(f"sum(melisma_queue_sections{{{ENGINES}}})", "not begun"),
        ],
        "Of the songs that are being made.",
    ),
    Lines(
        "Calls turned away",
        "cpm",
        per_minute("melisma_calls_refused_total", "reason", labels=SERVERS),
        "For want of a good API key.",
    ),
    Lines("API keys", "bool_yes_no", as_it_is("melisma_keys_usable", labels=SERVERS), "Is their file usable?"),
)

DEVICES = (
    Lines(
        "Time at work",
        "percentunit",
        [
            Query(
                rate("melisma_device_busy_seconds_total", "pod, instance, device, lane", SERVERS),
                f"{SERVER} {{{{device}}}} {{{{lane}}}}",
            )
        ],
    ),
    Lines("A denoising step", "s", spread("melisma_step_seconds", "device", "engine")),
    Lines("Rendering a window", "s", spread("melisma_render_seconds", "device", "engine")),
    Lines(
        "Batch fill",
        "percentunit",
        mean("melisma_batch_fill_ratio", "device", "engine"),
        "Tokens of a step as a share of the most that it may have, on the average.",
    ),
    Lines("Sections in a step", "none", mean("melisma_batch_sections", "device", "engine"), "On the average."),
    Lines(
        "Tokens",
        "cps",
        [Query(rate("melisma_step_tokens_total", "device, engine"), "{{device}} {{engine}}")],
        "Of all steps in a second.",
    ),
    Lines(
        "Workers lost",
        "none",
        [
            Query(
                f"increase(melisma_worker_deaths_total{{{SERVERS}}}[$__rate_interval])",
                f"{SERVER} {{{{device}}}} {{{{reason}}}}",
            )
        ],
        "By cause; others were started in their place.",
    ),
    Lines(
        "Encoders started again",
        "none",
        [Query(f"increase(melisma_encoder_restarts_total{{{SERVERS}}}[$__rate_interval])", SERVER)],
        "In the place of lost ones. Their songs are made from their beginning, unheard.",
    ),
    Lines("Workers", "bool_yes_no", as_it_is("melisma_worker_up", "device", labels=SERVERS), "Up?"),
    Lines(
        "Workers of a node",
        "none",
        [Query(f"sum by (node) (melisma_device_node{{{SERVERS}}})", "{{node}}")],
        "Of a pool on Ray: how many have loaded on each node of its cluster.",
    ),
    Lines(
        "Time at work of a node",
        "percentunit",
        [
            Query(
                f"sum by (node) (rate(melisma_device_busy_seconds_total{{{SERVERS}}}[$__rate_interval])"
                f" * on (job, instance, pod, device) group_left (node) melisma_device_node{{{SERVERS}}})",
                "{{node}}",
            )
        ],
        "Of a pool on Ray: of all lanes of the node's devices together; 200 % are two busy lanes.",
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
        "Seconds of sound in a second. What is rendered again after a failure counts again.",
    ),
    Lines("Encoding a piece", "s", spread("melisma_encode_seconds", "engine"), "Mastering included."),
    Lines("MP3", "Bps", [Query(rate("melisma_chunk_bytes_total", "engine"), "{{engine}}")]),
)

ESTIMATES = (
    Lines(
        "Estimated over actual time",
        "none",
        spread("melisma_estimate_ratio", "engine", "estimate"),
        "1 is right; less is too hopeful.",
    ),
    Lines(
        "Off by",
        "s",
        [percentile(95, "melisma_estimate_error_seconds", "engine", "estimate", "direction")],
        "late: it took longer than was foretold.",
    ),
)

PROCESS = (
    Lines(
        "Memory",
        "bytes",
        [Query(of_process("process_resident_memory_bytes"), SERVER)],
        "Of the server process; workers are processes of their own.",
    ),
    Lines(
        "Cores",
        "none",
        [Query(f"rate({of_process('process_cpu_seconds_total')}[$__rate_interval])", SERVER)],
        "That the server process keeps busy.",
    ),
    Lines(
        "Files and connections",
        "none",
        [Query(of_process("process_open_fds"), SERVER), limit("connections")],
        "Open files. Every connection is one; the limit is that of connections.",
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
        "On the event loop on which everything happens: what is slow here is slow everywhere.",
    ),
    Lines(
        "Versions",
        "none",
        [Query(f"count by (version, revision) (melisma_build_info{{{SERVERS}}})", "{{version}} {{revision}}")],
        "Servers of each.",
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
