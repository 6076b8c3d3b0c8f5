"""A running agent, asked over its HTTP API."""

import ssl
from pathlib import Path
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from agent.commands.words import words_of
from agent.core.run import ProbeFailure
from agent.probes._credentials import basic_authorization
from agent.probes._endpoint import parse_url
from agent.probes._files import Files
from agent.probes._json import JsonObject, json_object

_TIMEOUT = 5.0
_MAX_ANSWER = 4 * 1024 * 1024


class RunningAgent:
    """Where an agent is, and how to prove to it who asks."""

    def __init__(self, url: str, user: str | None, password_file: Path | None, ca_file: Path | None) -> None:
        """Raises ValueError, with a remedy and without any secret, for what cannot be used.

        ca_file: certificates by which the agent is verified, PEM; default: the system's.
        """
        if "@" in url:
            raise ValueError(
                "credentials do not belong in the agent's address; give them with --user and --password-file"
            )
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"{url}: expected the agent's address as http://host:port")
        parse_url(url)
        if (user is None) != (password_file is None):
            raise ValueError("--user and --password-file belong together")
        if ca_file is not None and not url.startswith("https://"):
            raise ValueError("--ca-file is for an agent at https://")
        self.url = url.rstrip("/")
        self.authenticates = user is not None
        self._authorization = basic_authorization(f"{user}:{_password(password_file)}") if password_file else ""
        # The agent is near; no proxy leads to it.
        self._opener = build_opener(ProxyHandler({}), HTTPSHandler(context=_trust(ca_file)))

    def ask(self, path: str) -> JsonObject:
        """An object that the agent answers. Raises OSError, HTTPException, and ValueError when it is none."""
        request = Request(f"{self.url}{path}")  # noqa: S310 - the scheme has been looked at
        if self._authorization:
            request.add_unredirected_header("Authorization", self._authorization)  # for the agent's eyes only
        with self._opener.open(request, timeout=_TIMEOUT) as answer:
            document = json_object(answer.read(_MAX_ANSWER))
        if document is None:
            raise ValueError("what answers there is no agent")
        return document


def _password(file: Path) -> str:
    try:
        return Files().secret(file)
    except ProbeFailure as failure:
        raise ValueError(failure.detail) from None


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ValueError(f"cannot use the certificates in {ca_file}: {words_of(error)}") from None
