"""Tokens of an issuer (JWT), verified with the keys that it publishes by OpenID Connect Discovery."""

# PyJWT leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false

import asyncio
import json
import math
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import jwt

LEEWAY_SECONDS: Final = 30
# How long keys are used before they are fetched again, and the shortest time between two fetches.
MAX_AGE_SECONDS: Final = 300.0
COOLDOWN_SECONDS: Final = 10.0
FETCH_SECONDS: Final = 5.0
MAX_WAITING: Final = 16
MAX_BODY_BYTES: Final = 1024 * 1024
# All with public keys.
ALGORITHMS: Final = [*(f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)), "EdDSA"]


class InvalidTokenError(Exception):
    """The token is not accepted."""


class IssuerUnavailableError(Exception):
    """The keys cannot be fetched, so that a token is neither valid nor invalid."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where an issuer publishes its keys. Its files are read with each fetch, because they are rotated."""

    url: str
    ca_file: Path | None
    token_file: Path | None

    def check(self) -> None:
        """Raise OSError or ValueError if the files cannot be read."""
        self._certificates()
        self._headers()

    async def keys(self) -> Sequence[jwt.PyJWK]:
        """Fetch the public keys that sign tokens. Keys of unknown types are left out."""
        async with httpx2.AsyncClient(
            verify=self._certificates(), headers=self._headers(), timeout=FETCH_SECONDS
        ) as client:
            found = await _get(client, f"{self.url.removesuffix('/')}/.well-known/openid-configuration")
            address = str(found.get("jwks_uri"))
            if found.get("issuer") != self.url:
                raise ValueError(f"it says that it is the issuer {found.get('issuer')}")
            if self.url.startswith("https:") and not address.startswith("https:"):
                raise ValueError(f"its keys are at {address}, without TLS")
            published: list[dict[str, Any]] = (await _get(client, address)).get("keys", [])
        keys = [key for each in published if (key := _key(each)) is not None]
        if not keys:
            raise ValueError(f"{address} has no keys")
        return keys

    def _certificates(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca_file)

    def _headers(self) -> dict[str, str]:
        if self.token_file is None:
            return {}
        return {"authorization": f"Bearer {self.token_file.read_text('ascii').strip()}"}


class Issuer:
    """Verifies tokens. Keys are fetched when they are needed, by one request at a time for all callers."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._keys: Sequence[jwt.PyJWK] = ()
        self._failure: Exception | None = None
        self._fetched = self._started = -math.inf
        self._fetch: asyncio.Task[None] | None = None
        self._waiting = 0

    async def subject_of(self, token: str, audience: str) -> str:
        """Return the subject of a token for an audience. Raises InvalidTokenError and IssuerUnavailableError.

        Nothing is fetched for a token whose claims are refused anyway.
        """
        expected: dict[str, Any] = {
            "audience": audience,
            "issuer": self._server.url,
            "leeway": LEEWAY_SECONDS,
        }
        require: Any = {"require": ["exp", "sub"]}
        names = ("exp", "nbf", "iat", "aud", "iss")
        unverified: Any = {"verify_signature": False, **{f"verify_{name}": True for name in names}, **require}
        try:
            header = jwt.get_unverified_header(token)
            jwt.decode(token, options=unverified, **expected)
        except (jwt.PyJWTError, ValueError) as error:
            raise InvalidTokenError(str(error)) from error
        if (algorithm := header.get("alg")) not in ALGORITHMS:
            raise InvalidTokenError("the algorithm is not accepted")
        for key in await self._find(header):
            try:
                claims = jwt.decode(token, key.key, algorithms=[algorithm], options=require, **expected)
            except (jwt.PyJWTError, TypeError, ValueError):
                continue
            return str(claims["sub"])
        raise InvalidTokenError("no key of the issuer verifies it")

    async def _find(self, header: Mapping[str, Any]) -> Sequence[jwt.PyJWK]:
        """Return the known keys that may have signed a token. If there are none, wait for a fetch."""
        keys = self._matching(header)
        now = time.monotonic()
        due = not keys or now - self._fetched > MAX_AGE_SECONDS
        if due and self._fetch is None and now - self._started >= COOLDOWN_SECONDS:
            self._started = now
            self._fetch = asyncio.create_task(self._refresh())
        if keys:
            return keys
        if self._fetch is not None:
            if self._waiting >= MAX_WAITING:
                raise IssuerUnavailableError("too many calls wait for the keys")
            self._waiting += 1
            try:
                # A caller that disconnects does not end the fetch of the others.
                await asyncio.shield(self._fetch)
            finally:
                self._waiting -= 1
        if not (keys := self._matching(header)) and self._failure is not None:
            raise IssuerUnavailableError("cannot fetch the keys of the issuer") from self._failure
        return keys

    async def _refresh(self) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                self._keys = await self._server.keys()
            self._fetched, self._failure = time.monotonic(), None
        except Exception as error:
            # The known keys remain.
            self._failure = error
        finally:
            self._fetch = None

    def _matching(self, header: Mapping[str, Any]) -> Sequence[jwt.PyJWK]:
        kid = header.get("kid")
        return [key for key in self._keys if not (kid and key.key_id and key.key_id != kid)]


def _key(published: Mapping[str, Any]) -> jwt.PyJWK | None:
    if published.get("use", "sig") != "sig" or published.get("kty") == "oct" or "d" in published:
        return None
    try:
        return jwt.PyJWK(dict(published))
    except jwt.PyJWTError:
        return None


async def _get(client: httpx2.AsyncClient, address: str) -> dict[str, Any]:
    # Redirects are not followed: the token is for this server.
    async with client.stream("GET", address) as response:
        if response.status_code != 200:
            raise ValueError(f"GET {address}: status {response.status_code}")
        body = b""
        async for part in response.aiter_bytes():
            body += part
            if len(body) > MAX_BODY_BYTES:
                raise ValueError(f"GET {address}: too long")
    return json.loads(body)
