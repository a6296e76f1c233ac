"""The credential of this service. Change it here if it does not come from a file."""

from collections.abc import Mapping
from pathlib import Path


def service_credential(token_file: Path | None) -> Mapping[str, str]:
    """The authorization header of this service; empty without a file. Raises OSError.

    The file is read for each call, because orchestrators rotate it.
    """
    return {} if token_file is None else {"authorization": f"Bearer {token_file.read_text('ascii').strip()}"}
