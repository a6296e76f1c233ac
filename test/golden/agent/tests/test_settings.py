"""The environment as configuration."""

import pytest

from acme_agent_orders.settings import (
    ConfigurationError,
    Settings,
    StoreSettings,
    read_settings,
)

ENVIRONMENT = {
    "PORT": "8080",
    "DRAIN_DELAY_SECONDS": "3",
    "DRAIN_TIMEOUT_SECONDS": "10",
    "TURN_TIMEOUT_SECONDS": "120",
    "CHECKPOINT_URL": "postgresql://agent@db/threads",
    "MODEL_URL": "http://models/v1/",
    "MODEL_NAME": "small",
    "MODEL_API_KEY": "key",
    "TOOL_GRANTS": "weather, search",
}


def test_reads_the_environment() -> None:
    settings = read_settings(Settings, {**ENVIRONMENT, "HOME": "/"})

    assert (settings.port, settings.tool_grants) == (8080, {"weather", "search"})
    assert settings.checkpoint_url.get_secret_value() == "postgresql://agent@db/threads"


def test_grants_nothing_when_told_so() -> None:
    assert read_settings(Settings, {**ENVIRONMENT, "TOOL_GRANTS": ""}).tool_grants == frozenset()


def test_names_every_variable_that_is_missing() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(Settings, {})

    want = [f"{name}: is required but not set" for name in sorted(ENVIRONMENT)]
    assert str(caught.value).split("; ") == want


def test_shows_no_value_of_a_variable() -> None:
    names: tuple[str, ...] = ("PORT", "DRAIN_TIMEOUT_SECONDS", "CHECKPOINT_URL", "MODEL_URL", "MODEL_API_KEY")
    bad = dict.fromkeys(names, "hunter2\n")
    with pytest.raises(ConfigurationError) as caught:
        read_settings(Settings, {**ENVIRONMENT, **bad})

    text = str(caught.value)
    assert (sorted(bad), "hunter2" in text) == ([fault.split(":")[0] for fault in text.split("; ")], False)


def test_takes_the_credential_of_the_model_from_one_variable() -> None:
    with pytest.raises(ConfigurationError, match="MODEL_URL: should hold no user and no password"):
        read_settings(Settings, {**ENVIRONMENT, "MODEL_URL": "http://user:hunter2@models/v1/"})


def test_needs_only_the_store_to_migrate() -> None:
    url = ENVIRONMENT["CHECKPOINT_URL"]
    assert read_settings(StoreSettings, {"CHECKPOINT_URL": url}).checkpoint_url.get_secret_value() == url
