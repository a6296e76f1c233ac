"""The credentials between services: the one place to change when tokens come from somewhere else."""

import secrets
from collections.abc import Mapping
from pathlib import Path


def service_credential(token_file: Path | None) -> Mapping[str, str]:
    """The header that says which service calls; none without a file. Raises OSError.

    The file is read for each call, because orchestrators rotate it.
    """
    return {} if token_file is None else {"authorization": f"Bearer {token_file.read_text('ascii').strip()}"}


class Accepted:
    """Who may call this agent: who has a token of `tokens_file`, one a line; everybody without a file."""

    def __init__(self, tokens_file: Path | None) -> None:
        self._tokens_file = tokens_file

    def accepts(self, authorization: str) -> bool:
        """Whether a request with this header is let in. Raises OSError."""
        if self._tokens_file is None:
            return True
        scheme, _, token = authorization.partition(" ")
        known = [line.strip() for line in self._tokens_file.read_text("ascii").splitlines() if line.strip()]
        # All are compared, so that time does not show which one matches.
        matches = [secrets.compare_digest(token.encode(), each.encode()) for each in known]
        return scheme.lower() == "bearer" and any(matches)
