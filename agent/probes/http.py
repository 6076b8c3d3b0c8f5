"""Asks a web server and judges its answer: status, headers, body, JSON, redirects."""

import json
from typing import ClassVar, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, model_validator

from agent.core.ports import Probe
from agent.core.reasons import Reason
from agent.core.run import Inconclusive, ProbeFailure, Run
from agent.probes._address import host_and_port, parse_literal
from agent.probes._content_coding import decoded_body
from agent.probes._endpoint import url_endpoint
from agent.probes._http import MAX_BODY, Response, exchange
from agent.probes._http_settings import HttpRequestSettings
from agent.probes._http_target import CLOSE, HttpTarget
from agent.probes._network import Network
from agent.probes._regular_expression import RegularExpression
from agent.probes._settings import Pattern, TlsSettings
from agent.probes._text import quote, quote_json, unquoted
from agent.probes._verdict import StatusExpectation, is_redirect, judge_status, location_of, redirect_url

_MAX_REDIRECTS = 10
_LONGEST_HOST = 253
"""Characters that a name has at most (RFC 1035, section 3.1)."""
_LONGEST_PLACE = len("https://[]:65535") + _LONGEST_HOST + 160
"""Characters that are shown of a URL to which a redirect leads."""
_MOST_JSON = 256 * 1024
"""Characters of a JSON body: a hostile 1 MiB of nested lists would hold the event loop up for 100 ms."""
_COMPRESSED = ("Accept-Encoding", "gzip, deflate")

JsonValue = str | int | float | bool | None


class HttpExpectation(StatusExpectation):
    """What the answer must be."""

    body_matches: tuple[Pattern, ...] = ()
    """Regular expressions that must all be found in the body."""
    body_not_matches: tuple[Pattern, ...] = ()
    """Regular expressions none of which may be found in the body."""
    headers: dict[str, Pattern] = Field(default_factory=dict)
    """Regular expressions by header; each must be found in that header's value."""
    json_: dict[str, JsonValue] = Field(default_factory=dict, alias="json")
    """Values by path in a JSON body of up to 256 KiB, as in `{status: ok, components.0.name: database}`."""

    @property
    def needs_body(self) -> bool:
        """Whether the body of the answer is looked at."""
        return bool(self.body_matches or self.body_not_matches or self.json_)


class HttpSettings(HttpRequestSettings):
    """Keys of the `http` probe."""

    summary: ClassVar[str] = "Asks a web server and judges status, headers, body, JSON and redirects."

    kind: Literal["http"] = "http"
    method: Literal["GET", "HEAD", "POST", "PUT", "OPTIONS"] = "GET"
    """Request method."""
    body: str = ""
    """Request body."""
    follow_redirects: bool = False
    """Follow up to 10 redirects; the answer to the last request is judged. Credentials stay with the first origin."""
    compression: bool = False
    """Ask for a compressed answer, gzip or deflate."""
    max_body: int = Field(default=MAX_BODY, ge=1, le=16 * 1024 * 1024)
    """Bytes of the body that are read. A longer one is up, unless an expectation needs all of it."""
    expect: HttpExpectation = HttpExpectation()
    """What the answer must be."""

    @model_validator(mode="after")
    def _no_body_of_a_head(self) -> "HttpSettings":
        if self.method != "HEAD":
            return self
        if self.body:
            raise ValueError("a HEAD request has no body; remove body, or write method: POST")
        if self.expect.needs_body:
            words = "the answer to HEAD has no body for body_matches, body_not_matches or json; write method: GET"
            raise ValueError(words)
        return self

    def probe(self, network: Network) -> Probe:
        return HttpProbe(self, network)


class HttpProbe:
    """Asks once with a fresh connection, so that a fault of name, path or TLS cannot hide behind an old one."""

    def __init__(self, settings: HttpSettings, network: Network) -> None:
        self._settings = settings
        self._network = network
        self._target = settings.request_target(network)
        self._body = settings.body.encode()
        self._headers = (*CLOSE, _COMPRESSED) if settings.compression else CLOSE
        self._expectation = _ContentExpectation(settings.expect)

    async def run(self, run: Run) -> None:
        target, method, body = self._target, self._settings.method, self._body
        for _ in range(_MAX_REDIRECTS + 1):
            response = await self._ask(run, target, method, body)
            if not (self._settings.follow_redirects and is_redirect(response)):
                break
            if (response.status == 303 and method != "HEAD") or (response.status in (301, 302) and method == "POST"):
                method, body = "GET", b""
            target = self._redirected(target, response)
            run.redirected = _place(target)
        else:
            run.redirected = ""  # which this failure names itself
            last = quote(target.url)
            raise ProbeFailure(Reason.REDIRECT_LOOP, f"more than {_MAX_REDIRECTS} redirects, the last to {last}")
        if self._target.authenticated and not target.authenticated:
            self._judge_stranger(response)
        run.detail = judge_status(response, self._settings.expect, url=target.url, authenticated=target.authenticated)
        if not run.detail and self._expectation.wanted:
            self._expectation.judge(response, self._settings.max_body)

    def _judge_stranger(self, response: Response) -> None:
        """Raises Inconclusive where another origin asks for the credentials that it was not given."""
        status = response.status
        if status in (401, 403) and status not in self._settings.expect.status:
            raise Inconclusive(
                f"the answer is {status}, to a request without the credentials, which stay with the origin of the url",
                "To get a verdict, point the url at the final address, where the credentials are then sent.",
            )

    async def _ask(self, run: Run, target: HttpTarget, method: str, body: bytes) -> Response:
        request = target.request(run, method, body=body, headers=self._headers)
        with await target.open(run) as connection:
            return await exchange(run, connection, request, self._settings.max_body, head_only=method == "HEAD")

    def _redirected(self, before: HttpTarget, response: Response) -> HttpTarget:
        url = redirect_url(response, before.url)
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not _has_host(parts) or not _has_port(parts):
            raise _leads_nowhere(response)
        endpoint = url_endpoint(url)
        same = (parts.scheme, endpoint) == (self._target.scheme, (self._target.host, self._target.port))
        if same:
            return self._settings.request_target(self._network, url)
        if parse_literal(endpoint.host) and "%" in endpoint.host:  # only this machine knows its interfaces
            raise _leads_nowhere(response)
        return HttpTarget(self._network, url, tls=_for_strangers(self._settings.tls))


def _place(target: HttpTarget) -> str:
    """Origin and path of a target, as they may be shown: a query may let whoever reads it in."""
    origin = f"{target.scheme}://{host_and_port(target.host, target.port)}"
    return unquoted(f"{origin}{urlsplit(target.url).path or '/'}", _LONGEST_PLACE)


def _leads_nowhere(response: Response) -> ProbeFailure:
    return ProbeFailure(Reason.REDIRECT_UNEXPECTED, f"the answer redirects to {quote(location_of(response))}")


def _for_strangers(tls: TlsSettings | None) -> TlsSettings | None:
    """How to verify another host: by its own name, and without our client certificate."""
    return tls and tls.model_copy(update={"server_name": None, "cert_file": None, "key_file": None})


def _has_host(parts: SplitResult) -> bool:
    return 0 < len(parts.hostname or "") <= _LONGEST_HOST


def _has_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


class _ContentExpectation:
    """The compiled expectations of headers and body."""

    def __init__(self, expect: HttpExpectation) -> None:
        self._headers = {name.lower(): RegularExpression(pattern) for name, pattern in expect.headers.items()}
        self._matches = tuple(RegularExpression(pattern) for pattern in expect.body_matches)
        self._not_matches = tuple(RegularExpression(pattern) for pattern in expect.body_not_matches)
        self._json = expect.json_
        self._needs_body = expect.needs_body
        self.wanted = bool(self._headers) or self._needs_body

    def judge(self, response: Response, max_body: int) -> None:
        for name, pattern in self._headers.items():
            value = response.headers.get(name)
            if value is None:
                raise ProbeFailure(Reason.HEADER_MISMATCH, f"the answer has no header {name}")
            sent = value.encode("latin-1")  # as headers are decoded
            if pattern.end_of_match(sent) is None:
                raise ProbeFailure(
                    Reason.HEADER_MISMATCH,
                    f"the header {name} is {quote(sent)}, which does not match {pattern!r}",
                )
        if self._needs_body:
            self._judge_body(response, max_body)

    def _judge_body(self, response: Response, max_body: int) -> None:
        body = decoded_body(response, max_body)
        for pattern in self._matches:
            if pattern.end_of_match(body) is None:
                _too_large(response, max_body)
                raise ProbeFailure(Reason.BODY_MISMATCH, f"the body does not match {pattern!r}: {quote(body)}")
        for pattern in self._not_matches:
            if pattern.end_of_match(body) is not None:
                raise ProbeFailure(Reason.BODY_MISMATCH, f"the body matches {pattern!r}, which it must not")
        if self._not_matches or self._json:
            _too_large(response, max_body)
        if self._json:
            self._judge_json(body.decode("utf-8", "replace"))

    def _judge_json(self, text: str) -> None:
        if len(text) > _MOST_JSON:
            raise ProbeFailure(
                Reason.RESPONSE_TOO_LARGE, f"the body is longer than the {_MOST_JSON} characters that are read as JSON"
            )
        try:
            document: object = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ProbeFailure(Reason.BODY_MISMATCH, f"the body is not JSON: {quote(text)}") from error
        for path, wanted in self._json.items():
            found = _at(document, path)
            if type(found) is not type(wanted) or found != wanted:
                shown = quote_json(found) if found is not _MISSING else "missing"
                expected = json.dumps(wanted, ensure_ascii=False)
                raise ProbeFailure(Reason.BODY_MISMATCH, f"{path} is {shown}, not {expected}")


def _too_large(response: Response, max_body: int) -> None:
    if response.truncated:
        raise ProbeFailure(Reason.RESPONSE_TOO_LARGE, f"the body is longer than the {max_body} bytes that are read")


_MISSING = object()


def _at(document: object, path: str) -> object:
    """The value at a dotted path of names and list positions, or `_MISSING`."""
    value = document
    for step in path.split("."):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return _MISSING
    return value


SETTINGS = HttpSettings
