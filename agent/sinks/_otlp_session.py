"""Requests to the collector: the headers of a file in each, and why the last one failed in words that may be shown."""

from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

from requests import PreparedRequest, Request, Response, Session
from requests.auth import AuthBase
from requests.exceptions import ProxyError, RequestException, Timeout

from agent.core.run import ProbeFailure
from agent.probes._address import host_and_port
from agent.probes._endpoint import url_endpoint
from agent.probes._files import Files
from agent.probes._proxy import Proxies, Proxy
from agent.probes._text import printable


class _HeadersFileError(RequestException):
    """What is wrong with the file, without its contents."""


class _HeadersFile(AuthBase):
    """Adds the headers of a file to each request, as the file is at that moment.

    A line is `name: value`; empty lines and those that begin with `#` do not count.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = Files()

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        try:
            text = self._files.text(self._path)
        except ProbeFailure as failure:
            raise _HeadersFileError(f"headers_file: {failure.detail}") from failure
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            name, colon, value = line.partition(":")
            if not colon or not name.strip():
                raise _HeadersFileError(f"line {number} of the headers_file {self._path} is not `name: value`")
            request.headers[name.strip()] = value.strip()
        return request


class CollectorSession(Session):
    """Notes in `failure` why the last request did not succeed; empty where it did."""

    def __init__(self, headers_file: Path | None, proxies: Callable[[], Proxies]) -> None:
        """`proxies`: the rules that choose a proxy, as they are at that moment."""
        super().__init__()
        self.failure = ""
        self.trust_env = False  # the configuration says which proxy leads there, and a file which credentials are sent
        self._proxies = proxies
        self._headers_file = headers_file
        self.stream = True  # the body of an answer is not wanted, however long it is
        self.hooks["response"].append(_close)
        if headers_file is not None:
            self.auth = _HeadersFile(headers_file)

    def prepare_request(self, request: Request) -> PreparedRequest:
        try:
            return super().prepare_request(request)
        except Exception as error:
            self.failure = self._words(error)
            raise

    def send(self, request: PreparedRequest, **options: object) -> Response:
        proxy = self._proxy_to(request.url or "")
        through = f"; through the proxy {proxy}" if proxy else ""
        options["proxies"] = {"all": _url_of(proxy)} if proxy else {}
        try:
            response = super().send(request, **options)
        except Exception as error:
            self.failure = self._words(error) + through
            raise
        self.failure = "" if 200 <= response.status_code < 300 else self._answer(response) + through
        return response

    def get_redirect_target(self, resp: Response) -> None:
        """Redirects are not followed, so nobody has to make sense of where they lead to."""

    def _proxy_to(self, url: str) -> Proxy | None:
        return self._proxies().choose(urlsplit(url).scheme, *url_endpoint(url))

    def _answer(self, response: Response) -> str:
        status = response.status_code
        if response.headers.get("Location") and 300 <= status < 400:
            return f"it answers {status}, a redirect{_to(response)}; otlp.endpoint has to be the collector itself"
        if status not in (401, 403):
            return f"it answers {status}"
        remedy = f"look at the headers_file {self._headers_file}" if self._headers_file else "set otlp.headers_file"
        return f"it answers {status}, so it wants other credentials; {remedy}"

    def _words(self, error: Exception) -> str:
        if isinstance(error, _HeadersFileError):
            return str(error)
        if isinstance(error, Timeout):
            return "no answer in time"
        if isinstance(error, ValueError) and self._headers_file and not isinstance(error, RequestException):
            return f"the headers_file {self._headers_file} has a header that cannot be sent"  # the error quotes it
        if _is_no_http(error):
            return "it closes the connection or does not speak HTTP; 4317 is mostly for gRPC, 4318 for OTLP over HTTP"
        return _of_system(error) or type(error).__name__


def _is_no_http(error: BaseException) -> bool:
    return any(isinstance(cause, (HTTPException, ConnectionResetError, BrokenPipeError)) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what the libraries have wrapped into it."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _of_system(error: BaseException) -> str:
    """What the operating system said, below all that the libraries have wrapped it into, or the proxy."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and isinstance(cause.strerror, str):
            return printable(cause.strerror)
        if type(cause) is OSError and isinstance(error, ProxyError):
            return printable(str(cause))  # what it answered to CONNECT
    return ""


def _url_of(proxy: Proxy) -> str:
    as_latin_1 = proxy.credentials.encode().decode("latin-1")  # so that requests sends UTF-8, as probes do
    user, _, password = as_latin_1.partition(":")
    credentials = f"{quote(user, safe='')}:{quote(password, safe='')}@" if proxy.credentials else ""
    return f"http://{credentials}{host_and_port(proxy.host, proxy.port)}"


def _to(response: Response) -> str:
    """The origin that a redirect leads to; empty where it cannot be read."""
    try:
        target = urlsplit(urljoin(response.url, response.headers["Location"]))
    except ValueError:
        return ""
    return printable(f" to {target.scheme}://{target.netloc.rpartition('@')[2]}")


def _close(response: Response, **_: object) -> None:
    response.close()
