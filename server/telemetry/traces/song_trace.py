"""Records one OpenTelemetry trace for each song, with a span for each phase of its making.

    melisma.v1.MusicService/Generate      the call; its parent is the caller's span, from W3C's headers
      queued                              from acceptance to the first work
      first_audio                         from acceptance to the first chunk
      plan                                in the worker
      section                             one for each, from its first work to its last sample in the stream
        prepare, denoise, render          in the worker; denoise links to the calls of songs that shared its steps
        encode

Workers record their spans by their own clocks and send them with their replies. Workers do not connect to the
collector, so a slow or missing collector delays no denoising step.
"""

from collections import defaultdict
from collections.abc import Iterable

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.trace import Link, Span, SpanContext, Tracer

from server.workers.messages import WorkSpan

MAX_LINKS = 8
"""Maximum number of other songs to which the span of a section's denoising links."""


class SongTrace:
    """Records the trace spans of one song, as children of the span that is current when the object is created. Without
    such a span nothing is recorded.

    All methods must be called on the event loop, and take microseconds.
    """

    def __init__(self, tracer: Tracer, song_id: str, engine: str) -> None:
        self._tracer = tracer
        self._context = get_current()
        self._call = trace.get_current_span()
        self._on = self._call.is_recording()
        self._call.set_attributes({"melisma.song_id": song_id, "melisma.engine": engine})
        self._open: dict[str, Span] = {}
        self._sections: dict[int, Span] = {}
        self._encoding: _Encoding | None = None
        self._links: defaultdict[int, dict[int, SpanContext]] = defaultdict(dict)
        for name in ("queued", "first_audio") if self._on else ():
            self._open[name] = tracer.start_span(name, self._context)

    @property
    def trace_id(self) -> str:
        """The id of the song's trace, in hexadecimal; empty if no spans are recorded."""
        return trace.format_trace_id(self._call.get_span_context().trace_id) if self._on else ""

    @property
    def names(self) -> dict[str, str]:
        """The id of the song's trace as a field for log lines, even if no spans are recorded; empty without a trace."""
        context = self._call.get_span_context()
        return {"trace_id": trace.format_trace_id(context.trace_id)} if context.is_valid else {}

    @property
    def parent(self) -> str:
        """The span of the song's call as a W3C `traceparent`, for workers; empty if there is none.

        The "sampled" flag is set if this server records spans, regardless of the caller's flag.
        """
        context = self._call.get_span_context()
        if not context.is_valid:
            return ""
        numbers = trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)
        return "-".join(("00", *numbers, "01" if self._on else "00"))

    def started(self) -> None:
        """Record that work on the song begins: end the span "queued"."""
        self._close("queued")

    def first_chunk(self) -> None:
        """Record that the first chunk of the song is in the stream: end the span "first_audio"."""
        self._close("first_audio")

    def shared_step(self, section: int, songs: Iterable["SongTrace"]) -> None:
        """Record that other `songs` have shared a denoising step of section number `section`: link the section's span
        "denoise" to the calls of at most eight of these songs.
        """
        if not self._on:
            return
        links = self._links[section]
        for song in songs:
            if len(links) >= MAX_LINKS:
                return
            context = song._call.get_span_context()
            if song is not self and context.is_valid:
                links[context.span_id] = context

    def worked(self, work: WorkSpan, device: str) -> None:
        """Record a span of work on the song, which the worker of `device` has sent with a reply."""
        if not self._on:
            return
        context = self._context if work.section is None else self._in_section(work.section, work.start_ns)
        shared = self._links.pop(work.section, {}) if work.section is not None and work.name == "denoise" else {}
        span = self._tracer.start_span(
            work.name,
            context,
            attributes={**work.attributes, "melisma.device": device},
            links=[Link(one) for one in shared.values()],
            start_time=work.start_ns,
        )
        span.end(work.end_ns)

    def encoded(self, start_ns: int, end_ns: int) -> None:
        """Record that a window (a stretch of sound rendered at once) was encoded between two wall-clock times, in
        nanoseconds since 1970.
        """
        if self._on:
            self._encoding = self._encoding or _Encoding(start_ns)
            self._encoding.end_ns, self._encoding.pieces = end_ns, self._encoding.pieces + 1
            self._encoding.seconds += (end_ns - start_ns) / 1e9

    def section_encoded(self, index: int) -> None:
        """Record that all sound of a section was encoded: add the section's span "encode"."""
        encoding, self._encoding = self._encoding, None
        if encoding:
            attributes = {"melisma.busy_seconds": encoding.seconds, "melisma.pieces": encoding.pieces}
            context = self._in_section(index, encoding.start_ns)
            span = self._tracer.start_span("encode", context, attributes=attributes, start_time=encoding.start_ns)
            span.end(encoding.end_ns)

    def section_sent(self, index: int) -> None:
        """Record that all sound of a section is in the stream: end the section's span."""
        if span := self._sections.pop(index, None):
            span.end()

    def retried(self, cause: str) -> None:
        """Record that the song is continued by another attempt after a failure; `cause` is the kind of failure."""
        if self._call.is_recording():
            self._call.add_event("retried", {"melisma.cause": cause})

    def ended(self, outcome: str, sound_seconds: float) -> None:
        """Record the outcome and the length of the song, and end all its open spans."""
        if self._call.is_recording():  # the call may have ended before its song, which continues without the call
            self._call.set_attributes({"melisma.outcome": outcome, "melisma.sound_seconds": sound_seconds})
        for span in (*self._open.values(), *self._sections.values()):
            span.set_attribute("melisma.outcome", outcome)
            span.end()
        self._open.clear()
        self._sections.clear()
        self._on = False

    def _close(self, name: str) -> None:
        if span := self._open.pop(name, None):
            span.end()

    def _in_section(self, index: int, start_ns: int) -> Context:
        if index not in self._sections:
            attributes = {"melisma.section": index}
            span = self._tracer.start_span("section", self._context, attributes=attributes, start_time=start_ns)
            self._sections[index] = span
        return trace.set_span_in_context(self._sections[index], self._context)


class _Encoding:
    """Work of an encoder on a section so far: start and end in nanoseconds since 1970, `seconds` of encoding, and
    number of encoded windows of sound (`pieces`).
    """

    def __init__(self, start_ns: int) -> None:
        self.start_ns = self.end_ns = start_ns
        self.pieces = 0
        self.seconds = 0.0
