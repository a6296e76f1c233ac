"""The environment as configuration."""

from pathlib import Path

import pytest

from acme_agent_orders.settings import (
    ConfigurationError,
    Settings,
    StoreSettings,
    read_settings,
)

REQUIRED = {
    "ACCEPT_CALLERS": "/run/secrets/callers",
    "CHECKPOINT_URL": "postgresql://agent@db/threads",
    "MODEL_API_KEY": "key",
    "MODEL_NAME": "small",
    "MODEL_URL": "http://models/v1/",
}


def test_reads_the_environment() -> None:
    chosen = {"PORT": "8081", "TOOL_GRANTS": "weather, search", "HOME": "/"}
    settings = read_settings(Settings, {**REQUIRED, **chosen})

    assert (settings.port, settings.tool_grants) == (8081, {"weather", "search"})
    assert settings.checkpoint_url.get_secret_value() == "postgresql://agent@db/threads"


def test_has_defaults_for_what_is_the_same_everywhere() -> None:
    settings = read_settings(Settings, REQUIRED)

    assert (settings.port, settings.drain_delay_seconds, settings.tool_grants) == (8080, 0, frozenset())


def test_lets_everybody_in_only_when_told_so() -> None:
    assert read_settings(Settings, REQUIRED).accepted_tokens_file == Path("/run/secrets/callers")
    assert read_settings(Settings, {**REQUIRED, "ACCEPT_CALLERS": "anyone"}).accepted_tokens_file is None
    for bad in ("", "everyone", "callers"):
        with pytest.raises(ConfigurationError, match="ACCEPT_CALLERS: should be anyone, or"):
            read_settings(Settings, {**REQUIRED, "ACCEPT_CALLERS": bad})


def test_names_every_variable_that_is_missing() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(Settings, {})

    assert str(caught.value).split("; ") == [f"{name}: is required but not set" for name in REQUIRED]


def test_shows_no_value_of_a_variable() -> None:
    names: tuple[str, ...] = ("PORT", "DRAIN_TIMEOUT_SECONDS", "CHECKPOINT_URL", "MODEL_URL", "MODEL_API_KEY")
    bad = dict.fromkeys(names, "hunter2\n")
    with pytest.raises(ConfigurationError) as caught:
        read_settings(Settings, {**REQUIRED, **bad})

    text = str(caught.value)
    assert (sorted(bad), "hunter2" in text) == ([fault.split(":")[0] for fault in text.split("; ")], False)


def test_takes_the_credential_of_the_model_from_one_variable() -> None:
    with pytest.raises(ConfigurationError, match="MODEL_URL: should hold no user and no password"):
        read_settings(Settings, {**REQUIRED, "MODEL_URL": "http://user:hunter2@models/v1/"})


def test_needs_only_the_store_to_migrate() -> None:
    url = REQUIRED["CHECKPOINT_URL"]
    assert read_settings(StoreSettings, {"CHECKPOINT_URL": url}).checkpoint_url.get_secret_value() == url
