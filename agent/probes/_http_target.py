"""Where HTTP requests go, and what they say: connection, proxy, TLS and credentials, prepared for many runs."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import SplitResult, urlsplit
from urllib.parse import quote as percent_encode

from agent.core.reasons import Blame, Reason
from agent.core.run import ProbeFailure, Run
from agent.core.secret_names import is_secret_name
from agent.core.version import VERSION
from agent.probes._address import address_in_name, ascii_authority, host_and_port
from agent.probes._connection import Connection, connect, connect_tls
from agent.probes._credentials import authorization, basic_authorization, cookie_value
from agent.probes._door import reason_of
from agent.probes._endpoint import url_endpoint
from agent.probes._network import Network
from agent.probes._proxy import Proxy
from agent.probes._settings import AuthSettings, CookieSettings, EnvironmentText, TlsSettings
from agent.probes._text import quote
from agent.probes._tls import TlsIdentity, tls_identity

CLOSE = (("Connection", "close"),)
"""The header of a request that is the only one over its connection."""
_WRITTEN = {
    name.lower(): name
    for name in (
        *("Host", "User-Agent", "Accept", "Accept-Encoding", "Cache-Control", "Authorization", "Cookie"),
        *("Upgrade", "Sec-WebSocket-Version", "Sec-WebSocket-Key", "Sec-WebSocket-Protocol"),
        *("Proxy-Authorization", "traceparent"),
    )
}
"""How the agent writes its own headers, so that one of the configuration, however it is written, stands beside none."""
_ZONE = re.compile(r"%[^\]]*(?=\])")
"""The zone of an IPv6 address, which means nothing to others (RFC 6874, section 4)."""
_MAX_PROXY_HEAD = 64 * 1024


class HttpTarget:
    """A URL prepared for many runs: where to connect, how, and the head of the request."""

    def __init__(
        self,
        network: Network,
        url: str,
        *,
        tls: TlsSettings | None = None,
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, CookieSettings] | None = None,
        auth: AuthSettings | None = None,
        identity: TlsIdentity | None = None,
    ) -> None:
        """`identity` replaces the TLS context that `tls` asks for."""
        parts = urlsplit(url)
        self.network = network
        self.url = url
        self.scheme = parts.scheme
        self.host, self.port = url_endpoint(url)
        self.path = request_path(parts)
        self._identity: TlsIdentity | None = None
        if parts.scheme in ("https", "wss"):
            self._identity = identity or tls_identity(tls, ("http/1.1",))
        self._server_name = (tls and tls.server_name) or self.host
        self._authority = ascii_authority(_ZONE.sub("", parts.netloc.rpartition("@")[2]))
        self._headers = {
            "Host": self._authority,
            "User-Agent": f"reachd/{VERSION}",
            "Accept": "*/*",
            **{_WRITTEN.get(name.lower(), name): value for name, value in (headers or {}).items()},
        }
        self._cookies = cookies or {}
        self._auth = auth
        self._changing = auth is not None or bool(self._cookies)
        self.authenticated = auth is not None or _prove_who_asks(headers or {}, self._cookies)
        """Whether requests carry credentials."""
        self._proxy = network.proxies.choose(parts.scheme, self.host, self.port)
        self._address = address_in_name(self.host) if self._proxy is not None else None
        self._prepared: dict[tuple[str, bytes, tuple[tuple[str, str], ...]], bytes] = {}

    async def open(self, run: Run) -> Connection:
        """Connects, through the proxy where one leads there. Raises ProbeFailure and OSError."""
        if self._proxy is not None:
            return await self._open_through(run, self._proxy)
        if self._identity is None:
            return await connect(run, self.network, self.host, self.port)
        return await connect_tls(run, self.network, self.host, self.port, self._identity, self._server_name)

    def request(
        self,
        run: Run,
        method: str = "GET",
        *,
        path: str = "",
        body: bytes = b"",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> bytes:
        """The bytes of a request. `path` replaces that of the URL; `headers` are added, such as `CLOSE`.

        Raises ProbeFailure when a file with credentials cannot be read.
        """
        if run.traceparent:
            headers = (*headers, ("traceparent", run.traceparent))
        elif not (path or self._changing):
            key = (method, body, headers)
            prepared = self._prepared.get(key)
            if prepared is None:
                prepared = self._prepared[key] = self._compose(method, self.path, body, headers)
            return prepared
        return self._compose(method, path or self.path, body, headers)

    def _compose(self, method: str, path: str, body: bytes, headers: tuple[tuple[str, str], ...]) -> bytes:
        fields = {**self._headers, **dict(headers)}
        if self._auth is not None:
            fields["Authorization"] = authorization(self._auth, self.network.files)
        if self._cookies:
            fields["Cookie"] = "; ".join(
                f"{name}={cookie_value(cookie, self.network.files)}" for name, cookie in self._cookies.items()
            )
        if body:
            fields["Content-Length"] = str(len(body))
        if self._proxy is not None and self.scheme == "http":
            path = f"http://{self._authority}{path}"
            if self._proxy.credentials:
                fields["Proxy-Authorization"] = basic_authorization(self._proxy.credentials)
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return head.encode("utf-8") + b"\r\n" + body

    async def _open_through(self, run: Run, proxy: Proxy) -> Connection:
        if self._address is not None:  # only the proxy itself sees what a name stands for
            self.network.admit(self._address)
        run.timeout_reason = Reason.PROXY_REFUSED
        with _blaming(proxy, run):
            connection = await connect(run, self.network, proxy.host, proxy.port, proxy=str(proxy))
        run.timeout_reason = None
        if self.scheme == "http":  # all others want a tunnel, ws too (RFC 6455, section 4.1)
            connection.forwarded = True
            return connection
        try:
            with _blaming(proxy, run):
                await _connect_through(connection, proxy, ascii_authority(host_and_port(self.host, self.port)))
            if self._identity is not None:
                await connection.start_tls(self.network, self._identity, self._server_name)
        except BaseException:
            connection.close()
            raise
        return connection


def _prove_who_asks(headers: Mapping[str, str], cookies: Mapping[str, CookieSettings]) -> bool:
    """Whether some of them are credentials: by their names, or because they come from a file or the environment."""
    return any(is_secret_name(name) or isinstance(value, EnvironmentText) for name, value in headers.items()) or any(
        cookie.value_file or isinstance(cookie.value, EnvironmentText) for cookie in cookies.values()
    )


@contextmanager
def _blaming(proxy: Proxy, run: Run) -> Iterator[None]:
    """Makes what keeps the agent from a proxy, or the proxy from answering, its failure; the agent's own stay so."""
    try:
        yield
    except ProbeFailure as failure:
        if failure.reason.blame is Blame.AGENT or failure.reason is Reason.PROXY_REFUSED:
            raise
        raise ProbeFailure(Reason.PROXY_REFUSED, f"the proxy {proxy} cannot be found: {failure.detail}") from failure
    except OSError as error:
        if reason_of(error, run.phase).blame is Blame.AGENT:
            raise
        words = f"the proxy {proxy} takes no connections: {error.strerror}"
        raise ProbeFailure(Reason.PROXY_REFUSED, words) from error


async def _connect_through(connection: Connection, proxy: Proxy, authority: str) -> None:
    """Asks a proxy for a tunnel; its time counts as connecting. Nothing follows a good answer until we speak."""
    credentials = f"Proxy-Authorization: {basic_authorization(proxy.credentials)}\r\n" if proxy.credentials else ""
    await connection.send(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{credentials}\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        data = await connection.receive(_MAX_PROXY_HEAD)
        head += data
        if not head.startswith(b"HTTP/1."[: len(head)]) or not data or len(head) > _MAX_PROXY_HEAD:
            raise ProbeFailure(Reason.PROXY_REFUSED, f"the proxy {proxy} did not answer CONNECT with HTTP")
    status = head.split(b"\r\n", 1)[0]
    if status[8:10] != b" 2":
        raise ProbeFailure(Reason.PROXY_REFUSED, f"the proxy {proxy} answered {quote(status, 80)} to CONNECT")


def request_path(parts: SplitResult) -> str:
    """Path and query as they go into the request line, with everything encoded that may not stand there."""
    path = percent_encode(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    return f"{path}?{percent_encode(parts.query, safe='/%:@!$&()*+,;=~-._?')}" if parts.query else path
