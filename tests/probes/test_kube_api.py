"""The kube_api probe against an API server played over real TLS, reached by URL and by kubeconfig."""

import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from aiohttp import web
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import ValidationError

from agent.core.measures import OTHER
from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import Phase, Reason
from agent.probes._door import run_probe
from agent.probes._endpoint import Endpoint
from agent.probes._healthz_format import HEALTHZ_CHECK
from agent.probes._network import Network
from agent.probes._tls import CERTIFICATE_EXPIRY
from agent.probes.kube_api import KubeApiSettings
from tests.probes.bounds import little_memory, probe_in_time
from tests.probes.pages import Page, page, serving_pages
from tests.probes.support import (
    Script,
    assert_failed,
    assert_up,
    authority,
    ca_file,
    dripping,
    endless,
    measured,
    probe,
    server_context,
    serving,
    silent,
)

TOKEN = "a-token-of-the-tests"
PASSED = ("ping", "log", "etcd", "etcd-readiness", "informer-sync", "shutdown")
READYZ = "".join(f"[+]{name} ok\n" for name in PASSED) + "readyz check passed\n"
ENDING = READYZ.replace("[+]shutdown ok", "[-]shutdown failed: reason withheld").replace("passed", "failed")
WITHOUT_ETCD = READYZ.replace("[+]etcd ok", "[-]etcd failed: reason withheld").replace("passed", "failed")
VERSION = {"major": "1", "minor": "34", "gitVersion": "v1.34.1"}


@dataclass
class ApiServer:
    """An API server: which answers it gives, and what it has been asked."""

    url: str = ""
    token: str = TOKEN
    anonymous: int = 200
    """Status for callers without a token or a certificate."""
    ready: tuple[int, str] = (200, READYZ)
    asked: list[str] = field(default_factory=list)
    connections: set[object] = field(default_factory=set)

    async def answer(self, request: web.Request) -> web.Response:
        """Signs the caller in as Kubernetes does, and answers."""
        self.asked.append(request.path_qs)
        self.connections.add(request.transport)
        certificate = request.transport.get_extra_info("peercert") if request.transport else None
        authorization = request.headers.get("Authorization", "")
        if authorization and authorization != f"Bearer {self.token}":
            return web.json_response({"kind": "Status", "message": "Unauthorized", "code": 401}, status=401)
        if not (authorization or certificate) and self.anonymous != 200:
            return web.json_response({"kind": "Status", "code": self.anonymous}, status=self.anonymous)
        match request.path:
            case "/livez":
                return web.Response(text="ok")
            case "/readyz":
                return web.Response(status=self.ready[0], text=self.ready[1])
            case "/version":
                return web.json_response(VERSION)
        return web.json_response({"kind": "Status", "code": 404}, status=404)


@asynccontextmanager
async def api_server(**behaviour: object) -> AsyncIterator[ApiServer]:
    """A server that behaves as the fields of `ApiServer` say; it asks for a client certificate and takes none, too."""
    api = ApiServer(**behaviour)  # type: ignore[arg-type]
    context = server_context()
    context.verify_mode = ssl.CERT_OPTIONAL
    authority().configure_trust(context)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", api.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        api.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
        yield api
    finally:
        await runner.cleanup()


def checks(outcome: Outcome) -> dict[str, float]:
    """The measured checks by name."""
    return {measure.labels[0]: measure.value for measure in outcome.measures if measure.metric is HEALTHZ_CHECK}


def encoded(data: bytes) -> str:
    return b64encode(data).decode()


def kubeconfig(
    folder: Path, server: str, user: Mapping[str, object] | None = None, cluster: Mapping[str, object] | None = None
) -> Path:
    """Writes a kubeconfig with two contexts, of which the current one leads nowhere."""
    trusted = {"certificate-authority-data": encoded(authority().cert_pem.bytes())}
    file = folder / "config"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "west",
        "clusters": [
            {"name": "west", "cluster": {"server": "https://127.0.0.1:1"}},
            {"name": "east", "cluster": {"server": server, **(trusted if cluster is None else cluster)}},
        ],
        "contexts": [
            {"name": "west", "context": {"cluster": "west"}},
            {"name": "east", "context": {"cluster": "east", "user": "me"}},
        ],
        "users": [{"name": "me", "user": dict(user or {})}],
    }
    file.write_text(yaml.safe_dump(document))
    return file


# --- by URL


async def test_a_healthy_server(tmp_path: Path) -> None:
    async with api_server() as api:
        outcome = await probe({"kind": "kube_api", "url": api.url, "tls": {"ca_file": ca_file(tmp_path)}})
    assert_up(outcome)
    assert outcome.detail == 'Kubernetes "v1.34.1"'
    assert api.asked == ["/livez", "/readyz?verbose=1", "/version"]
    assert len(api.connections) == 1
    assert {Phase.TLS, Phase.REQUEST, Phase.RESPONSE, Phase.TRANSFER} <= outcome.phase_seconds().keys()
    assert measured(outcome, CERTIFICATE_EXPIRY) > 0
    assert checks(outcome) == {"etcd": 1.0, "etcd-readiness": 1.0, "informer-sync": 1.0, "shutdown": 1.0, OTHER: 1.0}


@pytest.mark.parametrize("status", [401, 403])
async def test_an_anonymous_caller_may_be_asked_to_authenticate(status: int, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    settings = {"kind": "kube_api", "tls": {"ca_file": ca_file(tmp_path)}}
    authorized = {"auth": {"authorization": {"credentials_file": str(token)}}}
    async with api_server(anonymous=status) as api:
        outcome = await probe({**settings, "url": api.url})
        assert_up(outcome)
        assert str(status) in outcome.detail
        assert_up(await probe({**settings, **authorized, "url": api.url}))
        api.token = "another"
        outcome = await probe({**settings, **authorized, "url": api.url})
    assert_failed(outcome, Reason.AUTH_REJECTED)
    assert TOKEN not in repr(outcome)


@pytest.mark.parametrize(
    ("ready", "reason", "words"),
    [
        ((500, WITHOUT_ETCD), Reason.HEALTH_CHECK_FAILED, '/readyz answers 500: "etcd: reason withheld"'),
        ((500, ENDING), Reason.SHUTTING_DOWN, "shutdown"),
        ((429, "too many requests"), Reason.RATE_LIMITED, "429"),
        ((502, "bad gateway"), Reason.SERVER_ERROR, "502"),
        ((404, "404 page not found"), Reason.STATUS_UNEXPECTED, "404"),
        ((200, "<html>Sign in</html>"), Reason.BODY_MISMATCH, "not answered by a Kubernetes API server"),
    ],
)
async def test_a_server_that_is_not_ready(ready: tuple[int, str], reason: Reason, words: str, tmp_path: Path) -> None:
    async with api_server(ready=ready) as api:
        outcome = await probe({"kind": "kube_api", "url": api.url, "tls": {"ca_file": ca_file(tmp_path)}})
    assert_failed(outcome, reason)
    assert words in outcome.detail


@pytest.mark.parametrize(
    ("pages", "reason", "words"),
    [
        ({"/version": (403, b"")}, None, "version could not be read"),
        ({"/version": (200, b"<html>")}, None, "version could not be read"),
        ({"/version": page({"gitVersion": "\x1b[31m" + "9" * 500})}, None, "\\x1b"),
        ({"/livez": (500, b"[+]ping ok\n[-]etcd failed: x\nlivez check failed")}, Reason.HEALTH_CHECK_FAILED, "/livez"),
        ({"/livez": (503, b"<html>no server")}, Reason.SERVER_ERROR, "503"),
        ({"/livez": (301, b"")}, Reason.STATUS_UNEXPECTED, "301"),
    ],
)
async def test_odd_answers(pages: dict[str, Page], reason: Reason | None, words: str) -> None:
    good = {"/livez": (200, b"ok"), "/readyz": (200, READYZ.encode()), "/version": page(VERSION)}
    prefixed = {f"/k8s/clusters/c-1{path}": answer for path, answer in {**good, **pages}.items()}
    async with serving(serving_pages(prefixed)) as server:
        outcome = await probe({"kind": "kube_api", "url": f"http://{server.address}/k8s/clusters/c-1"})
    if reason is None:
        assert_up(outcome)
    else:
        assert_failed(outcome, reason)
    assert words in outcome.detail
    assert len(outcome.detail) < 400


# --- by kubeconfig


def _client(folder: Path) -> dict[str, dict[str, object]]:
    """Ways to show a client certificate, by name."""
    certificate = authority().issue_cert("reachd.example.com")
    chain, key = certificate.cert_chain_pems[0].bytes(), certificate.private_key_pem.bytes()
    (folder / "client.crt").write_bytes(chain)
    (folder / "client.key").write_bytes(key)
    return {
        "embedded": {"client-certificate-data": encoded(chain), "client-key-data": encoded(key)},
        "files": {"client-certificate": "client.crt", "client-key": "client.key"},
    }


@pytest.mark.parametrize("way", ["embedded", "files", "token", "tokenFile"])
async def test_ways_to_sign_in_by_kubeconfig(way: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    users: dict[str, dict[str, object]] = {
        **_client(tmp_path),
        "token": {"token": TOKEN},
        "tokenFile": {"tokenFile": "token"},
    }
    async with api_server(anonymous=401) as api:
        file = kubeconfig(tmp_path, api.url, users[way])
        settings = {"kind": "kube_api", "kubeconfig": str(file), "context": "east"}
        outcome = await probe(settings)
        assert_up(outcome)
        assert outcome.detail == 'Kubernetes "v1.34.1"'
        file = kubeconfig(tmp_path, api.url, {})
        outcome = await probe(settings)
        assert "wants authentication" in outcome.detail
    assert TOKEN not in repr(KubeApiSettings.model_validate(settings).access())


async def test_a_token_of_several_lines_in_a_kubeconfig(tmp_path: Path) -> None:
    async with api_server(anonymous=401) as api:
        file = kubeconfig(tmp_path, api.url, {"token": f"{TOKEN}\n"})
        settings = {"kind": "kube_api", "kubeconfig": str(file), "context": "east"}
        assert_up(await probe(settings))
        kubeconfig(tmp_path, api.url, {"token": f"{TOKEN}\r\nX-Other: {TOKEN}"})
        outcome = await probe(settings)
    assert_failed(outcome, Reason.PERMISSION_DENIED)
    assert (
        outcome.detail == f"cannot use the kubeconfig {file}: the token holds a line break or another control character"
    )


@pytest.mark.parametrize(
    ("cluster", "reason"),
    [
        (None, None),
        ({"certificate-authority": "ca.pem"}, None),
        ({"insecure-skip-tls-verify": True}, None),
        ({}, Reason.TLS_UNTRUSTED),
        ({"certificate-authority": "ca.pem", "tls-server-name": "localhost"}, None),
        ({"certificate-authority": "ca.pem", "tls-server-name": "other.example.com"}, Reason.TLS_HOSTNAME_MISMATCH),
    ],
)
async def test_trust_by_kubeconfig(cluster: dict[str, object] | None, reason: Reason | None, tmp_path: Path) -> None:
    ca_file(tmp_path)
    async with api_server() as api:
        file = kubeconfig(tmp_path, api.url, cluster=cluster)
        outcome = await probe({"kind": "kube_api", "kubeconfig": str(file), "context": "east"})
    if reason is None:
        assert_up(outcome)
    else:
        assert_failed(outcome, reason)


async def test_an_encrypted_key_is_an_error_and_no_question_at_the_terminal(tmp_path: Path) -> None:
    certificate = authority().issue_cert("reachd.example.com")
    key = load_pem_private_key(certificate.private_key_pem.bytes(), None).private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"s3cret")
    )
    user = {"client-certificate-data": encoded(certificate.cert_chain_pems[0].bytes()), "client-key-data": encoded(key)}
    async with api_server() as api:
        file = kubeconfig(tmp_path, api.url, user)
        outcome = await probe_in_time({"kind": "kube_api", "kubeconfig": str(file), "context": "east"})
    assert_failed(outcome, Reason.PERMISSION_DENIED)


async def test_a_changed_kubeconfig_is_read_again(tmp_path: Path) -> None:
    async with api_server(anonymous=401) as api:
        file = kubeconfig(tmp_path, api.url, {"token": "old"})
        settings = KubeApiSettings.model_validate({"kubeconfig": str(file), "context": "east"})
        network = Network()
        bound = settings.probe(network)
        assert_failed(await run_probe(bound, 5.0), Reason.AUTH_REJECTED)
        kubeconfig(tmp_path, api.url, _client(tmp_path)["embedded"])
        assert_up(await run_probe(bound, 5.0))
        identity = settings.access().identity
        context = network.tls.context(identity)
        kubeconfig(tmp_path, api.url, {"token": TOKEN})
        assert_up(await run_probe(bound, 5.0))
        assert network.tls.context(identity) is not context, "the old certificate stays in memory"
        file.unlink()
        outcome = await run_probe(bound, 5.0)
    assert_failed(outcome, Reason.PERMISSION_DENIED)
    assert "No such file" in outcome.detail


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: b: c", "line 1 is not YAML"),
        ("users:\n  - token: s3cret\n    x: [", "is not YAML"),
        ("\x00", "it is not YAML"),
        ("last-update: 2026-02-30", "a value in it cannot be what it looks like"),
        ("last-update: !!timestamp s3cret", "a value in it cannot be what it looks like"),
        ("last-update: !!bool s3cret", "a value in it cannot be what it looks like"),
        ("a: " + 100_000 * "[", "nested more than"),
        ("- a", "not a mapping"),
        ("{}", "no current-context"),
        ("current-context: a", "no 'a' among its contexts; there are: none"),
        ("{current-context: a, contexts: [{name: b}, {name: c}, 7]}", "no 'a' among its contexts; there are: b, c"),
        ("{current-context: a, contexts: [{name: a, context: {cluster: x}}], clusters: null}", "among its clusters"),
        ("#" * (1024 * 1024 + 1), "longer than"),
    ],
)
async def test_a_kubeconfig_that_cannot_be_used(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    outcome = await probe({"kind": "kube_api", "kubeconfig": str(file)})
    assert_failed(outcome, Reason.PERMISSION_DENIED)
    assert outcome.verdict is Verdict.UNKNOWN
    assert words in outcome.detail
    assert str(file) in outcome.detail
    assert "s3cret" not in outcome.detail


@pytest.mark.parametrize(
    ("user", "cluster", "words"),
    [
        ({"exec": {"command": "aws"}}, None, "an exec plugin"),
        ({"auth-provider": {"name": "gcp"}}, None, "an auth-provider plugin"),
        ({"username": "u", "password": "s3cret"}, None, "a password"),
        ({"client-certificate-data": "?s3cret?"}, None, "client-certificate-data is not PEM in base64"),
        ({"client-certificate-data": encoded(b"x")}, None, "go together"),
        ({"client-key": "s3cret"}, None, "key_file needs cert_file"),
        (
            {"client-certificate-data": encoded(b"s3cret"), "client-key-data": encoded(b"s3cret")},
            None,
            "embedded in the kubeconfig",
        ),
        ({}, {"certificate-authority-data": encoded(b"nonsense")}, "embedded in the kubeconfig"),
        ({}, {"certificate-authority": "missing.pem"}, "missing.pem"),
        ({}, {"proxy-url": "http://proxy.example.com"}, "proxy-url"),
        ({}, {"server": "ftp://example.com"}, "starts with http:// or https://"),
        ({}, {"server": ""}, "absolute URL"),
        ({"tokenFile": "missing"}, None, "cannot read the file"),
    ],
)
async def test_what_a_kubeconfig_may_not_ask_for(
    user: dict[str, object], cluster: dict[str, object] | None, words: str, tmp_path: Path
) -> None:
    async with api_server() as api:
        file = kubeconfig(tmp_path, api.url, user, cluster)
        outcome = await probe({"kind": "kube_api", "kubeconfig": str(file), "context": "east"})
    assert_failed(outcome, Reason.PERMISSION_DENIED)
    assert words in outcome.detail
    assert "s3cret" not in outcome.detail


def test_where_it_leads_is_told_without_secrets(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path, "https://east.example.com:6443", {"token": TOKEN})
    settings = KubeApiSettings.model_validate({"kubeconfig": str(file), "context": "east"})
    assert settings.endpoint() == Endpoint("east.example.com", 6443)
    assert settings.target() == "https://east.example.com:6443"
    file.unlink()
    assert settings.endpoint() == Endpoint("config", 443)
    assert settings.target() == f"context east of {file}"


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, "exactly one of url and kubeconfig"),
        ({"url": "https://a.example.com", "kubeconfig": "k"}, "exactly one of url and kubeconfig"),
        ({"url": "https://a.example.com", "context": "c"}, "context goes with kubeconfig"),
        ({"kubeconfig": "k", "tls": {}}, "leave out tls and auth"),
    ],
)
def test_wrong_settings_are_told(keys: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        KubeApiSettings.model_validate(keys)


# --- bounds


@pytest.mark.parametrize("script", [silent, dripping(b"x", first=b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")])
async def test_a_slow_server_meets_the_deadline(script: Script) -> None:
    async with serving(script) as server:
        outcome = await probe_in_time({"kind": "kube_api", "url": f"http://{server.address}"})
    assert_failed(outcome, Reason.RESPONSE_TIMEOUT)


async def test_an_endless_answer_is_cut_off() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 209715200\r\n\r\n"
    async with serving(endless(b"[+]a ok\n", first=head)) as server:
        with little_memory():
            outcome = await probe({"kind": "kube_api", "url": f"http://{server.address}"})
    assert_failed(outcome, Reason.RESPONSE_TOO_LARGE)
