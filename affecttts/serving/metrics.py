"""Figures for Prometheus; never of what was said."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from affecttts.serving.queue import SpeechQueue

if TYPE_CHECKING:
    from affecttts.synthesis.result import AudioChunk

SECONDS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30)
FACTORS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3)
UNDERRUN = 0.1  # seconds of silence that a listener notices


class Metrics:
    """What one server counts."""

    def __init__(self, queue: SpeechQueue) -> None:
        self.registry = registry = CollectorRegistry()
        self.answers = Counter(
            "affecttts_answers",
            "Answers by route and status",
            ("route", "status"),
            registry=registry,
        )
        self.first_audio = Histogram(
            "affecttts_first_audio_seconds",
            "From the worker's start to the first samples",
            buckets=SECONDS,
            registry=registry,
        )
        self.factor = Histogram(
            "affecttts_real_time_factor",
            "Seconds of work per second of speech",
            buckets=FACTORS,
            registry=registry,
        )
        self.seconds = Counter(
            "affecttts_audio_seconds", "Seconds of speech made", registry=registry
        )
        self.underruns = Counter(
            "affecttts_underruns",
            f"Requests whose listener waited over {UNDERRUN} s in between",
            registry=registry,
        )
        for name, help, read in (
            ("affecttts_waiting", "Requests that wait for a worker", lambda: queue.length),
            ("affecttts_at_work", "Requests at work", lambda: queue.at_work),
        ):
            Gauge(name, help, registry=registry).set_function(read)

    def watched(self, chunks: Iterator[AudioChunk]) -> Iterator[AudioChunk]:
        """The chunks, timed."""
        started = time.perf_counter()
        first, seconds, late = None, 0.0, 0.0
        for chunk in chunks:
            now = time.perf_counter()
            if first is None:
                first = now
                self.first_audio.observe(now - started)
            late = max(late, now - first - seconds)
            seconds += len(chunk.audio) / chunk.sample_rate
            yield chunk
        if seconds:
            self.factor.observe((time.perf_counter() - started) / seconds)
            self.seconds.inc(seconds)
            self.underruns.inc(late > UNDERRUN)

    def page(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)
