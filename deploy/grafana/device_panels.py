"""Panels of the Grafana dashboard about devices, the processes that use them, and the nodes of a Ray cluster."""

from deploy.grafana.queries import SERVER, SERVERS, Lines, Query, as_it_is, mean, rate, spread

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
        "Mean number of tokens in a step, as a share of the token budget.",
    ),
    Lines(
        "Sections in a step",
        "none",
        mean("melisma_batch_sections", "device", "engine"),
        "Mean number of sections in a step.",
    ),
    Lines(
        "Tokens",
        "cps",
        [Query(rate("melisma_step_tokens_total", "device, engine"), "{{device}} {{engine}}")],
        "Tokens of all steps per second.",
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
        "Lost workers by cause; each was replaced by a new one.",
    ),
    Lines(
        "Encoders started again",
        "none",
        [Query(f"increase(melisma_encoder_restarts_total{{{SERVERS}}}[$__rate_interval])", SERVER)],
        "Encoders started in place of lost ones. Their songs are made again from the beginning, unheard by listeners.",
    ),
    Lines("Workers", "bool_yes_no", as_it_is("melisma_worker_up", "device", labels=SERVERS), "Yes if the worker runs."),
    Lines(
        "Workers of a node",
        "none",
        [Query(f"sum by (node) (melisma_device_node{{{SERVERS}}})", "{{node}}")],
        "Loaded workers on each node of a Ray cluster.",
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
        "Busy time of all lanes (command queues) of the devices of a node of a Ray cluster; 200 % are two busy lanes.",
    ),
)
