"""Who may ask for what: authentication, foreign origins, and the headers that keep browsers safe."""

import hmac
from base64 import b64decode
from binascii import Error as Base64Error
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from agent.core.run import ProbeFailure
from agent.probes._files import Files
from agent.probes._settings import BasicAuthSettings

_SAFE_METHODS = ("GET", "HEAD")
_OPEN = ("/healthz/live", "/healthz/ready", "/-/healthy", "/-/ready")
"""The kubelet cannot authenticate, and what these say is no secret."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Access:
    """The rules for one listener."""

    def __init__(self, basic_auth: BasicAuthSettings | None) -> None:
        self._basic_auth = basic_auth
        self._files = Files()

    def refusal(self, request: web.Request) -> web.Response | None:
        """The answer to a request that may not pass, or None.

        Where the listener wants authentication, all but the health endpoints do. What changes something needs
        authentication or a caller on loopback; a request that a foreign page made a browser send is refused.
        """
        authenticated = self._basic_auth is not None and self._is_authenticated(request)
        if self._basic_auth is not None and not authenticated and request.path not in _OPEN:
            return web.Response(
                status=401, text="authentication needed\n", headers={"WWW-Authenticate": 'Basic realm="reachd"'}
            )
        if request.method in _SAFE_METHODS:
            return None
        if is_foreign(request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site"), request.host):
            return web.Response(status=403, text="refused: the request comes from another site\n")
        if not authenticated and not (_is_loopback(request.remote) and _names_loopback(request.host)):
            return web.Response(
                status=403, text="refused: what changes something needs web.basic_auth, or a caller on loopback\n"
            )
        return None

    def _is_authenticated(self, request: web.Request) -> bool:
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic" or self._basic_auth is None:
            return False
        try:
            given = b64decode(encoded, validate=True)
        except (Base64Error, ValueError):
            return False
        settings = self._basic_auth
        try:
            password = (
                settings.password.get_secret_value()
                if settings.password is not None
                else self._files.secret(settings.password_file)  # type: ignore[arg-type]  # one of the two is set
            )
        except ProbeFailure:  # the file is gone: nobody can prove who they are
            return False
        return hmac.compare_digest(given, f"{settings.username}:{password}".encode())


def is_foreign(origin: str | None, fetch_site: str | None, host: str) -> bool:
    """Whether a browser sent the request for a page of another site, as the browser's own headers say."""
    if fetch_site is not None and fetch_site not in ("same-origin", "none"):
        return True
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc.lower() != host.lower()
    except ValueError:
        return True


def _is_loopback(remote: str | None) -> bool:
    try:
        return remote is not None and ip_address(remote).is_loopback
    except ValueError:
        return False


def _names_loopback(host: str) -> bool:
    """Whether the Host header means this machine: a foreign name that resolves to loopback is DNS rebinding."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def guarded(access: Access) -> Middleware:
    """The middleware that applies the rules and adds the headers."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        return access.refusal(request) or await handler(request)

    return guard


async def add_security_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Signal handler for every answer, streams included."""
    response.headers.update(_HEADERS)
