"""The keys that probes of web servers have in common."""

from typing import ClassVar

from pydantic import Field

from agent.core.measures import Metric
from agent.probes._connection import TCP_METRICS
from agent.probes._endpoint import Endpoint, shown_url, url_endpoint
from agent.probes._http import HTTP_METRICS
from agent.probes._http_target import HttpTarget
from agent.probes._network import Network
from agent.probes._settings import (
    AuthSettings,
    CookieName,
    CookieSettings,
    Headers,
    HttpUrl,
    ProbeSettings,
    TlsSettings,
)
from agent.probes._tls import TLS_METRICS


class WebServerSettings(ProbeSettings):
    """Which web server a probe asks."""

    metrics: ClassVar[tuple[Metric, ...]] = (*HTTP_METRICS, *TCP_METRICS, *TLS_METRICS)

    url: HttpUrl
    """What to ask for."""
    tls: TlsSettings | None = None
    """How to verify the target and to identify the agent."""

    def endpoint(self) -> Endpoint:
        return url_endpoint(self.url)

    def target(self) -> str:
        return shown_url(self.url)


class HttpRequestSettings(WebServerSettings):
    """Which web server a probe asks, and what each of its requests carries."""

    headers: Headers = Field(default_factory=dict)
    """Request headers to add."""
    cookies: dict[CookieName, CookieSettings] = Field(default_factory=dict)
    """Cookies to send."""
    auth: AuthSettings | None = None
    """How to authenticate."""

    def request_target(self, network: Network, url: str = "") -> HttpTarget:
        """The target that these settings describe; `url` replaces theirs."""
        return HttpTarget(
            network,
            url or self.url,
            tls=self.tls,
            headers=self.headers,
            cookies=self.cookies,
            auth=self.auth,
        )
