"""The environment as configuration."""

import pytest

from acme_agent_orders.settings import (
    ConfigurationError,
    Settings,
    StoreSettings,
    read_settings,
)

REQUIRED = {
    "ACCEPTED_TOKENS_FILE": __file__,
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
    environment = {name: value for name, value in REQUIRED.items() if name != "ACCEPTED_TOKENS_FILE"}

    assert read_settings(Settings, {**environment, "ALLOW_ANONYMOUS": "true"}).accepted_tokens_file is None
    with pytest.raises(ConfigurationError, match="ACCEPTED_TOKENS_FILE: is required but not set"):
        read_settings(Settings, {**environment, "ALLOW_ANONYMOUS": "false"})


def test_names_every_variable_that_is_missing() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(Settings, {})

    got = str(caught.value).split("; ")
    assert [each.split(",")[0] for each in got] == [f"{name}: is required but not set" for name in REQUIRED]


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
