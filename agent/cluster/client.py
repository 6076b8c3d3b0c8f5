"""The API of one cluster, in JSON as it comes: model classes cost too much where there are 20,000 pods.

kubernetes-asyncio, which only `reachd init` uses, reads the token file of a kubeconfig once, a pod's once a minute, and
certificates never again; it writes keys into temporary files, runs the programs that a kubeconfig names, and bounds
neither the time of a call nor the size of an answer. To import it costs 69 MB.
"""

from asyncio import get_running_loop, sleep, timeout, timeout_at
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from functools import partial
from json import dumps
from math import ceil
from ssl import SSLContext
from typing import NamedTuple
from urllib.parse import urlsplit

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)

from agent.cluster.entries import EntryReader
from agent.cluster.service_account import service_account_access
from agent.core.run import ProbeFailure
from agent.core.secrets import conceal
from agent.core.version import VERSION
from agent.probes._address import host_and_port
from agent.probes._credentials import authorization, basic_authorization
from agent.probes._endpoint import url_endpoint
from agent.probes._json import JsonObject, child, json_object, number_of, text_of
from agent.probes._kubeconfig import ClusterAccess, cluster_access
from agent.probes._network import Network
from agent.probes._proxy import Proxy
from agent.probes._text import printable, quote
from agent.probes._tls import TlsIdentity
from agent.settings.kubernetes import KubernetesSettings

Parameters = Mapping[str, str]

_CALL_SECONDS = 30.0
_GRACE_SECONDS = 5.0
"""Time, after that at which the server should have ended a watch, until it is given up for dead."""
_MOST_BYTES = 32 * 1024 * 1024
_PART = 32 * 1024
"""Bytes that are decoded at once, which takes a millisecond."""
_MOST_LINE_BYTES = 16 * 1024 * 1024
"""An object has 1.5 MiB in etcd; each of its bytes may take six in JSON."""
_MOST_REFUSAL_BYTES = 64 * 1024
_LONGEST_MESSAGE = 400
"""Characters: who asks takes more than a hundred in a refusal, and the namespace is its end."""
_LONGEST_RETRY_AFTER = 300.0

_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # a small answer must not become a large one
    "User-Agent": f"reachd/{VERSION}",
}


class ApiError(Exception):
    """The API server refused. `reason` is one word of Kubernetes' own, such as `Conflict`, or empty.

    retry_after: seconds after which it wants to be asked again, where it says so.
    """

    def __init__(self, status: int, reason: str, message: str, retry_after: float | None) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


class AnswerTooLargeError(OSError):
    """An answer, or one object of a watch, is larger than the agent is willing to keep."""


class WatchEvent(NamedTuple):
    """What happened to an object. `kind` is ADDED, MODIFIED, DELETED or BOOKMARK."""

    kind: str
    object: JsonObject


def connect(settings: KubernetesSettings, network: Network) -> "Cluster":
    """The cluster that the settings name, for the running event loop. Nothing is asked yet, so nothing can fail."""
    if settings.kubeconfig is None:
        return Cluster(service_account_access, network)
    return Cluster(partial(cluster_access, settings.kubeconfig, settings.context), network)


class Cluster:
    """The API of one cluster.

    Paths begin with a slash. Every call raises ApiError when the server refuses, and OSError, of which TimeoutError is
    one, when it could not be asked or its answer makes no sense; also when a token or a kubeconfig cannot be read.
    """

    def __init__(self, access: Callable[[], ClusterAccess], network: Network) -> None:
        """Needs a running event loop. `access`: asked for each request, so that what it reads may change."""
        self._access = access
        self._network = network
        self._identity: TlsIdentity | None = None
        self._session = ClientSession(
            connector=TCPConnector(limit=0),  # a watch keeps its connection, and a renewal must not wait for one
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(),  # the calls have theirs
            headers=_HEADERS,
            auto_decompress=False,
        )

    async def get(self, path: str, parameters: Parameters | None = None) -> JsonObject:
        """An object, or one page of a list."""
        return await self._call("GET", path, parameters)

    async def read_list(self, path: str, take: Callable[[JsonObject], None]) -> None:
        """Hands to `take` each entry of a list that has no pages; other tasks get their turn in between."""
        reader = EntryReader()
        with _failures_as_os_errors():
            async with timeout(_CALL_SECONDS), self._answer("GET", path, None) as response:
                while part := await response.content.read(_PART):
                    for entry in reader.feed(part):
                        take(entry)
                    await sleep(0)
        reader.end()

    async def write(self, method: str, path: str, body: JsonObject) -> JsonObject:
        """Creates by POST to a collection, replaces by PUT to an object; gives what came of it."""
        return await self._call(method, path, None, body)

    @asynccontextmanager
    async def watch(
        self, path: str, parameters: Parameters, *, seconds: float
    ) -> AsyncIterator[AsyncIterator[WatchEvent]]:
        """The events of a collection, bookmarks among them, until the server ends the watch after `seconds`.

        A watch that is cut, in the middle of an object or elsewhere, raises OSError; one that is still there 5 s after
        its time is dead and raises TimeoutError. What the server reports as an event of type ERROR raises ApiError.
        """
        now = get_running_loop().time()
        until = now + seconds + _GRACE_SECONDS
        asked = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(ceil(seconds))}
        async with AsyncExitStack() as stack:
            with _failures_as_os_errors():
                async with timeout_at(min(until, now + _CALL_SECONDS)):
                    response = await stack.enter_async_context(self._answer("GET", path, {**parameters, **asked}))
            yield await stack.enter_async_context(aclosing(_events(response, until)))

    async def close(self) -> None:
        """Closes all connections."""
        await self._session.close()

    async def _call(
        self, method: str, path: str, parameters: Parameters | None, body: JsonObject | None = None
    ) -> JsonObject:
        with _failures_as_os_errors():
            async with timeout(_CALL_SECONDS), self._answer(method, path, parameters, body) as response:
                answer = await _read(response, _MOST_BYTES)
        document = json_object(answer)
        if document is None:
            raise OSError(f"the answer to {path} is no JSON object: {quote(answer)}")
        return document

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, parameters: Parameters | None, body: JsonObject | None = None
    ) -> AsyncIterator[ClientResponse]:
        """An answer whose body is still to be read. Raises ApiError for a refusal."""
        access = self._access()
        endpoint = url_endpoint(access.server)
        scheme = urlsplit(access.server).scheme
        proxy = self._network.proxies.choose(scheme, *endpoint)
        headers = {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if access.auth is not None:
            headers["Authorization"] = authorization(access.auth, self._network.files)
        async with self._session.request(
            method,
            access.server.rstrip("/") + path,
            params=parameters,
            data=None if body is None else dumps(body).encode(),
            headers=headers,
            allow_redirects=False,  # nobody else may get the token
            ssl=self._context(access.identity) if scheme == "https" else True,
            server_hostname=access.tls.server_name,
            proxy=f"http://{host_and_port(proxy.host, proxy.port)}" if proxy else None,
            proxy_headers=_proxy_headers(proxy),
        ) as response:
            if response.status >= 300:
                raise await _refusal(response)
            yield response

    def _context(self, identity: TlsIdentity) -> SSLContext:
        if self._identity is not None and self._identity != identity:
            self._network.tls.forget(self._identity)
        self._identity = identity
        return self._network.tls.context(identity)


def _proxy_headers(proxy: Proxy | None) -> dict[str, str] | None:
    return {"Proxy-Authorization": basic_authorization(proxy.credentials)} if proxy and proxy.credentials else None


@contextmanager
def _failures_as_os_errors() -> Iterator[None]:
    try:
        yield
    except ProbeFailure as failure:
        raise OSError(failure.detail) from failure
    except ClientConnectorError as error:
        why = error.certificate_error if isinstance(error, ClientConnectorCertificateError) else error.os_error
        words = getattr(why, "strerror", None) or str(why) or type(why).__name__
        raise ConnectionError(f"cannot connect to {host_and_port(error.host, error.port or 0)}: {words}") from error
    except OSError:  # as others of aiohttp's own are
        raise
    except (ClientError, ValueError) as error:  # a token that is no header is a ValueError
        raise ConnectionError(printable(conceal(str(error) or type(error).__name__, cut=True))) from error


async def _read(response: ClientResponse, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := await response.content.readany():
        parts.append(part)
        size += len(part)
        if size > limit:
            raise AnswerTooLargeError(f"the answer of {response.url.path} is longer than {limit} bytes")
    return b"".join(parts)


async def _events(response: ClientResponse, until: float) -> AsyncGenerator[WatchEvent]:
    """One event a line. `until`: time of the event loop at which the watch is dead."""
    path = response.url.path
    line = bytearray()
    with _failures_as_os_errors():
        while True:
            async with timeout_at(until):
                received = await response.content.readany()
            if not received:
                break
            first, *others = received.split(b"\n")
            line += first
            for following in others:
                yield _event(bytes(line))
                line = bytearray(following)
            if len(line) > _MOST_LINE_BYTES:
                raise AnswerTooLargeError(f"an object in {path} is larger than {_MOST_LINE_BYTES} bytes")
    if line:
        raise ConnectionError(f"the watch of {path} was cut in the middle of an object")


def _event(line: bytes) -> WatchEvent:
    document = json_object(line)
    if document is None:
        raise OSError(f"a watch brought a line that is no JSON object: {quote(line)}")
    event = WatchEvent(text_of(document, "type"), child(document, "object"))
    if event.kind == "ERROR":
        raise _error(number_of(event.object, "code") or 0, event.object, None)
    return event


async def _refusal(response: ClientResponse) -> ApiError:
    """What a status from 300 on says: Kubernetes sends a Status object, a proxy before it whatever it likes."""
    try:
        body = await _read(response, _MOST_REFUSAL_BYTES)
    except AnswerTooLargeError:
        body = b""
    status = json_object(body) or {"message": body.decode(errors="replace")}
    return _error(response.status, status, _seconds(response.headers.get("Retry-After", "")))


def _error(code: float, status: JsonObject, retry_after: float | None) -> ApiError:
    if retry_after is None:
        retry_after = number_of(child(status, "details"), "retryAfterSeconds")
    if retry_after is not None:
        retry_after = min(max(retry_after, 0.0), _LONGEST_RETRY_AFTER)
    reason, message = text_of(status, "reason"), text_of(status, "message")
    return ApiError(int(code), printable(reason, 40), quote(message, _LONGEST_MESSAGE), retry_after)


def _seconds(header: str) -> float | None:
    """Kubernetes writes Retry-After in seconds. A date would be by the other's clock, so it counts for nothing."""
    return float(header) if header.isascii() and header.isdigit() and len(header) < 10 else None
