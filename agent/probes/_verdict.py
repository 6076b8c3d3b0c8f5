"""What the status of an HTTP answer means: up, up but wanting a sign-in, or one of the reasons to be down."""

from urllib.parse import quote as percent_encode
from urllib.parse import urljoin, urlsplit

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure
from agent.probes._http import Response
from agent.probes._settings import Model, Status
from agent.probes._text import quote

_REDIRECTS = (301, 302, 303, 307, 308)
_SIGN_IN_REDIRECTS = (302, 303)
_ASCII = bytes(range(128))


class StatusExpectation(Model):
    """Which answers count as up."""

    status: tuple[Status, ...] = ()
    """Statuses that are up, and no others. Default: 200 to 299, and what asks an anonymous caller to sign in."""
    login_paths: tuple[str, ...] = ()
    """Beginnings of paths, or of whole URLs, to which a 302 or 303 means: up, but sign in."""
    forbidden_is_up: bool = False
    """A 403 to a call without credentials is up: something answered, and guards itself."""


_ANY_GOOD = StatusExpectation()


def is_redirect(response: Response) -> bool:
    """Whether the answer sends the caller elsewhere."""
    return response.status in _REDIRECTS and "location" in response.headers


def redirect_url(response: Response, url: str) -> str:
    """Where the answer to `url` redirects to; empty where its Location header makes no URL."""
    try:
        target = urljoin(url, location_of(response))
        urlsplit(target)
    except ValueError:
        return ""
    return target


def location_of(response: Response) -> str:
    """The Location header as browsers take it: UTF-8 as it is, and other bytes beyond ASCII percent-encoded."""
    location = response.headers.get("location", "")
    if location.isascii():
        return location
    raw = location.encode("latin-1")  # as headers are decoded
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return percent_encode(raw, safe=_ASCII)


def judge_status(response: Response, expected: StatusExpectation = _ANY_GOOD, *, url: str, authenticated: bool) -> str:
    """Returns a remark for people, mostly empty, when the status is up. Raises ProbeFailure otherwise.

    An answer that was cut short is not up, whatever its status.
    """
    remark = _remark_on_good(response, expected, url, authenticated)
    if remark is None:
        raise ProbeFailure(_reason(response, authenticated), _describe(response))
    if response.cut_short:
        words = f"the target closed the connection in the middle of its answer ({response.status})"
        raise ProbeFailure(Reason.CONNECTION_CLOSED, words)
    return remark


def _remark_on_good(response: Response, expected: StatusExpectation, url: str, authenticated: bool) -> str | None:
    """What to say of a status that is up, mostly nothing; None for any other."""
    status = response.status
    if expected.status:
        return "" if status in expected.status else None
    if 200 <= status < 300:
        return ""
    return None if authenticated else _wants_sign_in(response, expected, url) or None


def _wants_sign_in(response: Response, expected: StatusExpectation, url: str) -> str:
    if response.status == 401:
        return "up; it wants authentication (401)"
    if response.status == 403 and expected.forbidden_is_up:
        return "up; it forbids access without authentication (403)"
    location = sign_in_location(response, expected.login_paths, url)
    return f"up; it asks to sign in ({response.status} to {quote(location)})" if location else ""


def sign_in_location(response: Response, login_paths: tuple[str, ...], url: str) -> str:
    """Where a redirect asks the caller of `url` to sign in; empty when the answer is no such redirect."""
    if response.status in _SIGN_IN_REDIRECTS:
        location = redirect_url(response, url)
        path = urlsplit(location).path
        if any(path.startswith(login) or location.startswith(login) for login in login_paths):
            return location
    return ""


def _reason(response: Response, authenticated: bool) -> Reason:
    status = response.status
    if 500 <= status < 600:
        return Reason.SERVER_ERROR
    if status == 429:
        return Reason.RATE_LIMITED
    if status in (401, 403) and authenticated:
        return Reason.AUTH_REJECTED
    if status == 407:
        return Reason.PROXY_REFUSED
    return Reason.REDIRECT_UNEXPECTED if is_redirect(response) else Reason.STATUS_UNEXPECTED


def _describe(response: Response) -> str:
    if is_redirect(response):
        return f"the answer is {response.status} to {quote(location_of(response))}"
    body = response.body.strip()
    return f"the answer is {response.status}: {quote(body)}" if body else f"the answer is {response.status}"
