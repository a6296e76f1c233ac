"""Authentication between services. Change it here if tokens do not come from files."""

import secrets
from collections.abc import Mapping
from pathlib import Path


def service_credential(token_file: Path | None) -> Mapping[str, str]:
    """The authorization header of this service; empty without a file. Raises OSError.

    The file is read for each call, because orchestrators rotate it.
    """
    return {} if token_file is None else {"authorization": f"Bearer {token_file.read_text('ascii').strip()}"}


class Accepted:
    """The accepted callers: bearers of a token in `tokens_file`, one per line; anyone without a file."""

    def __init__(self, tokens_file: Path | None) -> None:
        self._tokens_file = tokens_file

    def accepts(self, authorization: str) -> bool:
        """Whether a request with this header is accepted. Raises OSError."""
        if self._tokens_file is None:
            return True
        scheme, _, token = authorization.partition(" ")
        known = [line.strip() for line in self._tokens_file.read_text("ascii").splitlines() if line.strip()]
        # Compares all tokens, so that the time does not reveal which one matches.
        matches = [secrets.compare_digest(token.encode(), each.encode()) for each in known]
        return scheme.lower() == "bearer" and any(matches)
