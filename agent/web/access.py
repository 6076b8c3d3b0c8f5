"""Who may ask for what: authentication, foreign origins, and the headers that keep browsers safe."""

import hmac
from base64 import b64decode
from binascii import Error as Base64Error
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from aiohttp import HttpVersion11, web
from aiohttp.typedefs import Handler, Middleware

from agent.core.run import ProbeFailure
from agent.probes._files import Files
from agent.probes._settings import BasicAuthSettings

_SAFE_METHODS = ("GET", "HEAD")
_OPEN = ("/healthz/live", "/healthz/ready", "/-/healthy", "/-/ready")
"""The kubelet cannot authenticate, and what these say is no secret."""
_FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
"""What proxies add. A proxy beside the agent connects from loopback for callers who are not there."""
_LOOPBACK = (IPv4Address("127.0.0.1"), IPv6Address("::1"))
HEADERS = {
    "Server": "reachd",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # With no-referrer, browsers would send `Origin: null` with the page's own forms.
    "Referrer-Policy": "same-origin",
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
        settings = self._basic_auth
        authenticated = settings is not None and self._is_authenticated(request, settings)
        if settings is not None and not authenticated and request.path not in _OPEN:
            return web.Response(
                status=401, text="authentication needed\n", headers={"WWW-Authenticate": 'Basic realm="reachd"'}
            )
        if request.method in _SAFE_METHODS:
            return None
        if is_foreign(request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site"), request.host):
            return web.Response(status=403, text="refused: the request comes from another site\n")
        if not authenticated and (why := _why_not_local(request)):
            return web.Response(
                status=403,
                text=f"refused: what changes something needs web.basic_auth, or a caller on loopback; {why}\n",
            )
        return None

    def _is_authenticated(self, request: web.Request, settings: BasicAuthSettings) -> bool:
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            given = b64decode(encoded, validate=True)
            password = self._password(settings)
        except (Base64Error, ValueError, ProbeFailure):  # when the file is gone, nobody can prove who they are
            return False
        wanted = f"{settings.username}:{password}".encode()
        return hmac.compare_digest(given, wanted) and password != ""

    def _password(self, settings: BasicAuthSettings) -> str:
        if settings.password is not None:
            return settings.password.get_secret_value()
        return self._files.secret(settings.password_file) if settings.password_file is not None else ""


def is_foreign(origin: str | None, fetch_site: str | None, host: str) -> bool:
    """Whether a browser sent the request for a page of another site, as the browser's own headers say."""
    if fetch_site not in (None, "same-origin", "none"):
        return True
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc.lower() != host.lower()
    except ValueError:
        return True


def _why_not_local(request: web.Request) -> str:
    """Why the caller does not count as one on this machine; empty when it does.

    It must mean this machine by the Host header, too, which DNS rebinding cannot forge.
    """
    if not is_loopback(request.remote or ""):
        return "this caller is elsewhere"
    if request.version < HttpVersion11:
        return "this caller speaks HTTP/1.0, as a proxy may do for callers who are elsewhere"
    if forwarded := [name for name in _FORWARDED if name in request.headers]:
        return f"this caller came through a proxy, as the header {forwarded[0]} shows"
    if not names_loopback(request.host):
        return "the Host header of this caller names another machine: use localhost, 127.0.0.1 or [::1]"
    return ""


def is_loopback(address: str) -> bool:
    """Whether an IP address is that of a caller on this machine, as a mapped IPv6 address too.

    Of 127.0.0.0/8 only the first address: the sidecar of a mesh connects from another one (Istio: 127.0.0.6) for
    callers who are elsewhere.
    """
    return _unmapped(address) in _LOOPBACK


def _unmapped(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return (parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None) or parsed


def names_loopback(host: str) -> bool:
    """Whether a Host header means this machine: a foreign name that resolves to loopback is DNS rebinding."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    address = _unmapped(name)
    return name == "localhost" or (address is not None and address.is_loopback)


def guarded(access: Access) -> Middleware:
    """The middleware that applies the rules."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        return access.refusal(request) or await handler(request)

    return guard


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Signal handler for every answer, streams included."""
    response.headers.update(HEADERS)
