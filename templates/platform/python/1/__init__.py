"""What agents share: the API, threads and their store, callers, settings, telemetry."""
