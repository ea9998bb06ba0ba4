"""Data types of Grafana panels, and functions that build common Prometheus queries."""

from collections.abc import Sequence
from dataclasses import dataclass

SERVERS = 'namespace=~"$namespace",pod=~"$pod"'
ENGINES = f'{SERVERS},engine=~"$engine"'
SERVER = "{{pod}} {{instance}}"
"""Legend of the line of a server: its pod, or its instance outside of Kubernetes, where there are no pods."""

PERCENTILE_TIME = "5m"
"""Time span of percentiles and means, as in the alerts; a shorter one has too few songs."""


@dataclass(frozen=True)
class Query:
    """A Prometheus query and the legend of its lines in the panel.

    With `exemplars`, the traces of single songs are shown as points. `dashed` is for a line with which others are
    compared, such as a limit.
    """

    expr: str
    legend: str = ""
    exemplars: bool = False
    dashed: bool = False


@dataclass(frozen=True)
class Lines:
    """A panel of values over time. `unit` is the name of a unit in Grafana, and `about` is the description in the
    panel.
    """

    title: str
    unit: str
    queries: Sequence[Query]
    about: str = ""


@dataclass(frozen=True)
class Figure:
    """A dashboard panel that shows the present value of a query; the value is red from `red_from` on. `about` is the
    description in the panel.
    """

    title: str
    unit: str
    expr: str
    about: str
    red_from: float | None = None


@dataclass(frozen=True)
class Heatmap:
    """A dashboard panel of a histogram over time: the number of measurements in each bucket. `about` is the description
    in the panel.
    """

    title: str
    unit: str
    histogram: str
    about: str

    @property
    def query(self) -> Query:
        """The query for the measurements of each interval by bucket."""
        return Query(f"sum by (le) (increase({self.histogram}_bucket{{{ENGINES}}}[$__rate_interval]))", "{{le}}")


def rate(counter: str, by: str, labels: str = ENGINES, time: str = "$__rate_interval") -> str:
    """Return the query for the rate of a counter per second over the range `time`, summed for each value of the labels
    in `by`; `labels` is the selector of the series.
    """
    return f"sum by ({by}) (rate({counter}{{{labels}}}[{time}]))"


def per_minute(counter: str, *by: str, labels: str = ENGINES) -> list[Query]:
    """Return a list with one query, the rate of a counter per minute, summed for each value of the labels `by`;
    `labels` is the selector of the series.
    """
    return [Query(f"60 * {rate(counter, ', '.join(by), labels)}", _legend(*by))]


def percentile(percent: int, histogram: str, *by: str, exemplars: bool = False, labels: str = ENGINES) -> Query:
    """Return the query for the percentile `percent`, 1 to 99, of a histogram, for each value of the labels `by`. With
    `exemplars` the traces of songs are shown on its line; `labels` is the selector of the series.
    """
    rates = rate(f"{histogram}_bucket", ", ".join(("le", *by)), labels, time=PERCENTILE_TIME)
    return Query(f"histogram_quantile({percent / 100}, {rates})", f"{_legend(*by)} P{percent}", exemplars)


def spread(histogram: str, *by: str, exemplars: bool = False, labels: str = ENGINES) -> list[Query]:
    """Return the queries for the 50th and 95th percentile of a histogram, for each value of the labels `by`; with
    `exemplars` the traces of songs are shown on the line of the latter. `labels` is the selector of the series.
    """
    return [
        percentile(50, histogram, *by, labels=labels),
        percentile(95, histogram, *by, exemplars=exemplars, labels=labels),
    ]


def mean(histogram: str, *by: str) -> list[Query]:
    """Return a list with one query, the mean of a histogram for each value of the labels `by`."""
    total, count = (rate(f"{histogram}_{what}", ", ".join(by), time=PERCENTILE_TIME) for what in ("sum", "count"))
    return [Query(f"{total} / {count}", _legend(*by))]


def objective(histogram: str) -> Query:
    """Return the query for the service level objective that deploy/prometheus/rules.yml sets for a histogram, as a
    dashed line.
    """
    return Query(f'engine:{histogram}:objective{{engine=~"$engine"}}', "{{engine}} objective", dashed=True)


def limit(what: str) -> Query:
    """Return the query for the metric "melisma_WHAT_limit", the limit that each server has for all its engines
    together, as a dashed line.
    """
    return Query(f"melisma_{what}_limit{{{SERVERS}}}", f"{SERVER} limit", dashed=True)


def share(part: str, whole: str) -> str:
    """Return the query for the ratio of the increases of two counters, `part` and `whole`, in the last hour."""
    return f"sum(increase({part}[1h])) / sum(increase({whole}[1h]))"


def as_it_is(gauge: str, *by: str, labels: str = ENGINES) -> list[Query]:
    """Return a list with one query, the present values of a gauge; the legend shows the server and the labels `by`.
    `labels` is the selector of the series.
    """
    return [Query(f"{gauge}{{{labels}}}", f"{SERVER} {_legend(*by)}".strip())]


def of_process(metric: str) -> str:
    """Return the query for a metric of the server process, such as its memory, on the selected servers."""
    return f'{metric}{{job="melisma",{SERVERS}}}'


def _legend(*labels: str) -> str:
    return " ".join(f"{{{{{label}}}}}" for label in labels)
