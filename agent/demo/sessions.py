"""Who may call what: sessions as Meshery Server has them (server/handlers/middlewares.go)."""

from base64 import urlsafe_b64encode
from hmac import compare_digest
from urllib.parse import urlencode

from aiohttp import web

REMOTE_PROVIDER = "Meshery"
"""Key of the Remote Provider."""
_LOCAL_PROVIDERS = ("Local", "None")
_CALLBACK_PATH = "/api/user/token"


class Sessions:
    """The Local Provider gives everybody a session; the Remote Provider only those with its token."""

    def __init__(self, provider_url: str, external_url: str, token: str) -> None:
        self._callback = ""
        self.send_back_to(external_url)
        self._provider_url = provider_url
        self._token = token

    def send_back_to(self, external_url: str) -> None:
        """Sets where the Remote Provider sends people back to after they have signed in."""
        self._callback = external_url + _CALLBACK_PATH

    def refusal(self, request: web.BaseRequest) -> web.Response | None:
        """Where a request without a session is sent to; None for one that has a session."""
        provider = _provider_of(request)
        if provider in _LOCAL_PROVIDERS:
            return None
        if provider != REMOTE_PROVIDER:
            return _redirect(f"/provider?{urlencode({'ref': request.path})}")
        token = request.cookies.get("token", "")
        if compare_digest(token.encode(), self._token.encode()):
            return None
        return _redirect(f"/auth/login?{urlencode({'provider': provider})}")

    def login(self, request: web.BaseRequest) -> web.Response:
        """Sends people to the Remote Provider, with the way back."""
        provider = _provider_of(request)
        if provider in _LOCAL_PROVIDERS:
            return _redirect("/")
        if provider != REMOTE_PROVIDER:
            return _redirect("/provider")
        source = urlsafe_b64encode(self._callback.encode()).decode().rstrip("=")
        query = urlencode({"source": source, "provider_version": "v0.8.100", "meshery_version": "v0.8.100", "ref": ""})
        return _redirect(f"{self._provider_url}/login?{query}")


def _provider_of(request: web.BaseRequest) -> str:
    return (
        request.cookies.get("meshery-provider")
        or request.headers.get("meshery-provider")
        or request.query.get("provider", "")
    )


def _redirect(location: str) -> web.Response:
    return web.Response(status=302, headers={"Location": location})
