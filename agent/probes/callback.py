"""Looks at where Meshery sends users back to after they have signed in at the Remote Provider.

Safe by what Meshery Server's code says (server/models/remote_provider.go, server/handlers/middlewares.go):
/api/providers needs no session and changes nothing. /user/login without a session answers with a redirect whose
parameter `source` is the callback, except where the provider supports anonymous users: there the call itself would
create one, so it is not made.
"""

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from typing import ClassVar, Literal
from urllib.parse import parse_qs, urlsplit

from agent.core.ports import Probe
from agent.core.reasons import Reason
from agent.core.run import Inconclusive, ProbeFailure, Run
from agent.probes._endpoint import DEFAULT_PORTS
from agent.probes._http import Response
from agent.probes._http_session import HttpSession
from agent.probes._http_settings import WebServerSettings
from agent.probes._http_target import HttpTarget
from agent.probes._json import JsonObject, child, children, json_object, text_of
from agent.probes._network import Network
from agent.probes._settings import CookieSettings, CookieValue, HttpUrl
from agent.probes._sign_in import SignInExpectation, judge_sign_in
from agent.probes._text import quote
from agent.probes._verdict import is_redirect, judge_status, redirect_url

_MAX_PROVIDERS = 512 * 1024
_MAX_LOGIN = 64 * 1024
_TOKEN_PATH = "/api/user/token"  # noqa: S105 - a path
_ANONYMOUS_USERS = "persist-anonymous-user"
_COOKIE_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]{1,200}")  # RFC 6265, section 4.1.1


class CallbackSettings(WebServerSettings):
    """Keys of the `callback` probe."""

    summary: ClassVar[str] = "Compares where Meshery sends users back to after a sign-in with the address they use."

    kind: Literal["callback"] = "callback"
    url: HttpUrl
    """Meshery's address as users know it."""
    callback: HttpUrl | None = None
    """Where users must be sent back to, with or without /api/user/token. Default: `url`."""
    provider: CookieValue | None = None
    """Key of the Remote Provider. Default: the first one that the Server lists."""
    expect: SignInExpectation = SignInExpectation()
    """What to take for a sign-in in front of Meshery, which says nothing about Meshery's own."""

    def probe(self, network: Network) -> Probe:
        return CallbackProbe(self, network)


class CallbackProbe:
    """Asks which providers there are, and then, where that is without consequences, for one's sign-in."""

    def __init__(self, settings: CallbackSettings, network: Network) -> None:
        self._settings = settings
        self._network = network
        self._target = HttpTarget(network, settings.url, tls=settings.tls)
        self._expected = (settings.callback or settings.url).rstrip("/").removesuffix(_TOKEN_PATH)

    async def run(self, run: Run) -> None:
        key = await self._provider(run)
        cookies = {"meshery-provider": CookieSettings(value=key)}
        target = HttpTarget(self._network, self._settings.url, tls=self._settings.tls, cookies=cookies)
        with HttpSession(run, target) as session:
            response = await session.get("/user/login", _MAX_LOGIN)
        run.detail = self._judge(response, target.url, key)

    async def _provider(self, run: Run) -> str:
        """The key of a provider that can be asked for a sign-in without consequences. Raises Inconclusive."""
        with HttpSession(run, self._target) as session:
            response = await session.get("/api/providers", _MAX_PROVIDERS)
        judge_sign_in(response, self._settings.expect, url=self._target.url, authenticated=False)
        judge_status(response, url=self._target.url, authenticated=False)
        providers = json_object(response.body)
        if providers is None:
            raise ProbeFailure(Reason.BODY_MISMATCH, f"not a list of providers: {quote(response.body)}")
        key = self._settings.provider or next(_remote(providers), None)
        if key is None or key not in providers:
            raise Inconclusive(
                f"the Server lists no Remote Provider{f' {quote(key)}' if key else ''}",
                "Without a Remote Provider there is no callback: leave the check out with enabled: false.",
            )
        features = _features(child(providers, key))
        if not features or _ANONYMOUS_USERS in features:
            raise Inconclusive(
                f"the provider {quote(key)} "
                + ("lets users in anonymously" if features else "does not say what it is capable of"),
                "A call could create an anonymous user, so it was not made: sign in once by hand to be sure.",
            )
        return key

    def _judge(self, response: Response, url: str, key: str) -> str:
        if not is_redirect(response):
            judge_status(response, url=url, authenticated=False)
        login = redirect_url(response, url)
        callback = _callback(login)
        if callback is None:
            raise Inconclusive(
                f"the sign-in of the provider {quote(key)} does not name a callback: {response.status} {quote(login)}",
                "Compare MESHERY_SERVER_CALLBACK_URL of the Server with the external URL by hand.",
            )
        written = callback.rstrip("/")
        has_path = written.endswith(_TOKEN_PATH)
        if _normal(written.removesuffix(_TOKEN_PATH)) != _normal(self._expected):
            raise ProbeFailure(
                Reason.CALLBACK_DRIFT,
                f"after a sign-in Meshery sends users to {quote(callback)}, not to {self._expected}{_TOKEN_PATH}",
            )
        remark = "" if has_path else f"; {_TOKEN_PATH} is not part of it, so this Server must add it by itself"
        return f"users are sent back to {quote(callback)}{remark}"


def _remote(providers: JsonObject) -> Iterator[str]:
    for key in sorted(providers):
        properties = child(providers, key)
        kind = text_of(properties, "provider_type") or text_of(properties, "providerType")
        if kind == "remote" and _COOKIE_VALUE.fullmatch(key):
            yield key


def _features(properties: JsonObject) -> frozenset[str]:
    return frozenset(text_of(capability, "feature") for capability in children(properties, "capabilities"))


def _callback(login: str) -> str | None:
    """The callback in the address of a sign-in, or None."""
    try:
        source = parse_qs(urlsplit(login).query, max_num_fields=50).get("source", [""])[0]
        return urlsafe_b64decode(source + "=" * (-len(source) % 4)).decode() or None
    except ValueError:  # too many fields, not base64, not UTF-8
        return None


def _normal(url: str) -> tuple[str, str, int | None, str]:
    """What makes two addresses the same: scheme, host, port, and path."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme), parts.path
    except ValueError:
        return "", url, None, ""


SETTINGS = CallbackSettings
