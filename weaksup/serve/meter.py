"""What a server counts, in the text format of Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from weaksup.distill.bundle.decide import Decisions, SetDecisions

__all__ = ["CONTENT_TYPE", "Meter"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Meter:
    """Counters of one server; safe from many threads."""

    def __init__(self, classes: tuple[str, ...]) -> None:
        self.registry = CollectorRegistry()
        self._classes = classes
        self._requests = Counter("weaksup_requests", "Requests answered.", ["route", "status"], registry=self.registry)
        self._seconds = Histogram(
            "weaksup_request_seconds", "Time to answer.", ["route"], buckets=_BUCKETS, registry=self.registry
        )
        self._texts = Counter("weaksup_texts", "Texts classified.", registry=self.registry)
        self._labels = Counter("weaksup_labels", "Labels given.", ["label"], registry=self.registry)
        self._abstains = Counter("weaksup_abstains", "Texts left without a label.", registry=self.registry)
        self.waiting = Gauge("weaksup_requests_waiting", "Requests that wait or are answered.", registry=self.registry)
        for name in classes:
            self._labels.labels(name)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def decided(self, found: Decisions | SetDecisions) -> None:
        """Count texts, labels and abstains."""
        self._texts.inc(len(found.proba))
        self._abstains.inc(found.abstained)
        for name, count in zip(self._classes, found.counts(len(self._classes)).tolist(), strict=True):
            if count:
                self._labels.labels(name).inc(count)

    def text(self) -> bytes:
        """Return all counts."""
        return generate_latest(self.registry)
