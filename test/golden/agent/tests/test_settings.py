"""The environment as configuration."""

import pytest

from acme_agent_orders.settings import (
    ConfigurationError,
    read_settings,
)

ENVIRONMENT = {
    "PORT": "8080",
    "DRAIN_DELAY_SECONDS": "3",
    "DRAIN_TIMEOUT_SECONDS": "10",
    "CHECKPOINT_URL": "postgresql://agent@db/threads",
    "MODEL_URL": "http://models/v1/",
    "MODEL_NAME": "small",
    "MODEL_API_KEY": "key",
    "TOOL_GRANTS": "weather, search",
}


def test_reads_the_environment() -> None:
    settings = read_settings({**ENVIRONMENT, "HOME": "/"})

    assert (settings.port, settings.tool_grants) == (8080, {"weather", "search"})
    assert settings.checkpoint_url.get_secret_value() == "postgresql://agent@db/threads"


def test_grants_nothing_when_told_so() -> None:
    assert read_settings({**ENVIRONMENT, "TOOL_GRANTS": ""}).tool_grants == frozenset()


def test_names_every_variable_that_is_missing() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings({})

    want = [f"{name}: is required but not set" for name in sorted(ENVIRONMENT)]
    assert str(caught.value).split("; ") == want


def test_shows_no_value_of_a_variable() -> None:
    bad = dict.fromkeys(("PORT", "DRAIN_TIMEOUT_SECONDS", "CHECKPOINT_URL", "MODEL_URL"), "hunter2")
    with pytest.raises(ConfigurationError) as caught:
        read_settings({**ENVIRONMENT, **bad})

    text = str(caught.value)
    assert (sorted(bad), "hunter2" in text) == ([fault.split(":")[0] for fault in text.split("; ")], False)
