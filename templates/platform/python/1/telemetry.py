"""OpenTelemetry: traces and metrics of the process, sent over OTLP if the variables OTEL_* ask for it.

Without them nothing is recorded, and no exporter is loaded.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import Final

from .settings import ConfigurationError

SIGNALS: Final = ("TRACES", "METRICS")
PROTOCOL: Final = "http/protobuf"
# What is left to send when the process stops has this long, also if the collector hangs.
FLUSH_SECONDS: Final = 2.0


@contextmanager
def telemetry(name: str, environment: Mapping[str, str]) -> Generator[None]:
    """Record telemetry of a service during the body, if the environment asks for it.

    The service has this name, unless the environment has another one. Raises ConfigurationError.
    """
    if not (signals := signals_of(environment)):
        yield
        return
    # Not loaded otherwise.
    from .otlp import open_providers

    close = open_providers(name, signals)
    try:
        yield
    finally:
        # A thread that waits for the collector ends with the process.
        thread = Thread(target=close, daemon=True)
        thread.start()
        thread.join(FLUSH_SECONDS)


def signals_of(environment: Mapping[str, str]) -> frozenset[str]:
    """Return which of SIGNALS are exported. Raises ConfigurationError.

    It is those with an endpoint, or whose exporter is `otlp`; none if the SDK is disabled.
    """
    if _of(environment, "OTEL_SDK_DISABLED").lower() == "true":
        return frozenset()
    exported: set[str] = set()
    for signal in SIGNALS:
        name = f"OTEL_{signal}_EXPORTER"
        exporter = _of(environment, name)
        if exporter not in ("", "none", "otlp"):
            raise ConfigurationError(f"{name}: must be otlp or none")
        endpoints = (f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
        asked = exporter == "otlp" or any(_of(environment, each) for each in endpoints)
        if exporter == "none" or not asked:
            continue
        for protocol in (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
            if value := _of(environment, protocol):
                if value != PROTOCOL:
                    raise ConfigurationError(f"{protocol}: must be {PROTOCOL}")
                break
        exported.add(signal)
    return frozenset(exported)


def _of(environment: Mapping[str, str], name: str) -> str:
    # An empty variable is one that is not set.
    return environment.get(name, "").strip()
