"""The steps that people are told to try fit the check at hand."""

from collections.abc import Hashable
from dataclasses import dataclass, replace

import pytest

from agent.core.check import Check, Path, Severity
from agent.core.reasons import Blame, Reason
from agent.core.steps import steps_for
from agent.probes._settings import AuthSettings
from agent.probes.dns import DnsSettings
from agent.probes.grpc import GrpcSettings
from agent.probes.http import HttpSettings
from agent.probes.sse import SseSettings


@dataclass(frozen=True)
class Tls:
    server_name: str | None = None


@dataclass(frozen=True)
class Settings:
    tls: Tls | None = None


@dataclass(frozen=True)
class Rule:
    namespace: str


def check(
    kind: str, target: str, host: str, port: int, system: str = "meshery", settings: Hashable | None = None
) -> Check:
    return Check(
        deployment="prod",
        system=system,
        component="any",
        name="any",
        kind=kind,
        vantage="server",
        settings=settings or Settings(),
        every=15.0,
        timeout=5.0,
        slo=0.999,
        latency_objective=0.5,
        severity=Severity.PAGE,
        target=target,
        host=host,
        path=Path("here", "there", f"{port}/tcp", "to test"),
    )


SERVICE = "broker.meshery.svc"
PAGE_URL = "http://web.example:8443/page?a=1&b=2"
PAGE = check("http", PAGE_URL, "web.example", 8443, settings=HttpSettings(url=PAGE_URL))
NATS = check("nats", f"{SERVICE}:4222", SERVICE, 4222)
ADAPTER = "adapter.example:10000"
GRPC = check("grpc", ADAPTER, "adapter.example", 10000, settings=GrpcSettings(address=ADAPTER))
QUOTED = f"'{PAGE.target}'"
SESSION = replace(
    PAGE,
    settings=HttpSettings.model_validate(
        {"url": PAGE.target, "cookies": {"provider": {"value": "Meshery"}, "token": {"value_file": "/run/token"}}}
    ),
)
MONITOR = check("nats_monitor", f"http://{SERVICE}:8222", SERVICE, 8222)
CLUSTER = check("kube_api", "https://api.example:6443/", "api.example", 6443)
SOCKET = check("websocket", "wss://web.example/socket", "web.example", 443)
OWN = check("tcp", "192.0.2.7:5432", "192.0.2.7", 5432, "custom")
NAMED = check("tls", "192.0.2.7:443", "192.0.2.7", 443, settings=Settings(Tls("web.example")))


@pytest.mark.parametrize(
    ("reason", "subject", "detail", "step"),
    [
        (Reason.CONNECT_TIMEOUT, NATS, "", "reachd targets --config FILE --output networkpolicy"),
        (Reason.CONNECT_TIMEOUT, NATS, "", "kubectl -n meshery get networkpolicies"),
        (Reason.HEALTH_CHECK_FAILED, CLUSTER, "/livez answers 500: etcd", "'https://api.example:6443/livez?verbose=1'"),
        (Reason.HEALTH_CHECK_FAILED, CLUSTER, "", "'https://api.example:6443/readyz?verbose=1'"),
        (Reason.HEALTH_CHECK_FAILED, PAGE, "", "'http://web.example:8443/page?a=1&b=2&verbose=1'"),
        (Reason.HEALTH_CHECK_FAILED, MONITOR, "", f"http://{SERVICE}:8222/healthz lists"),
        (Reason.UPGRADE_STRIPPED, SOCKET, "", "8080:SERVICE_PORT"),
        (Reason.UPGRADE_REFUSED, SOCKET, "", "--http1.1 https://web.example/socket"),
        (Reason.RESPONSE_TIMEOUT, GRPC, "", "grpcurl -plaintext adapter.example:10000"),
        (
            Reason.RESPONSE_TIMEOUT,
            replace(GRPC, settings=GrpcSettings(address=ADAPTER, tls=True)),
            "",
            "grpcurl adapter.example:10000",
        ),
        (Reason.RESPONSE_TIMEOUT, NATS, "", f"nc -w 5 {SERVICE} 4222"),
        (Reason.AUTH_REJECTED, NATS, "", f"nats --server nats://{SERVICE}:4222 rtt"),
        (Reason.AUTH_REJECTED, CLUSTER, "", "kubectl auth can-i"),
        (Reason.CLIENT_MISSING, MONITOR, "", f"curl -s http://{SERVICE}:8222/connz"),
        (Reason.TLS_HOSTNAME_MISMATCH, NAMED, "", "-connect 192.0.2.7:443 -servername web.example"),
        (Reason.TLS_HOSTNAME_MISMATCH, NAMED, "", "grep web.example:"),
        (Reason.TLS_HOSTNAME_MISMATCH, replace(NAMED, settings=Settings()), "", "-connect 192.0.2.7:443 </dev/null"),
    ],
)
def test_a_step_names_what_is_known(reason: Reason, subject: Check, detail: str, step: str) -> None:
    assert any(step in given for given in steps_for(reason, subject, detail)), steps_for(reason, subject, detail)


def name_check(name: str, server: str | None, record: str = "A") -> Check:
    settings = DnsSettings.model_validate({"name": name, "type": record, "server": server})
    endpoint = settings.endpoint()
    subject = check("dns", settings.target(), endpoint.host, endpoint.port, "custom", settings)
    return replace(subject, path=replace(subject.path, port=f"{endpoint.port}/udp"))


@pytest.mark.parametrize(
    ("reason", "server", "step"),
    [
        (Reason.DNS_NXDOMAIN, "127.0.0.1:15353", "dig -p 15353 web.lab.test A @127.0.0.1, from the agent's network"),
        (Reason.DNS_NO_ADDRESS, "127.0.0.1:15353", "dig -p 15353 web.lab.test A @127.0.0.1"),
        (Reason.DNS_SERVER_FAILURE, "192.0.2.53", "dig web.lab.test A @192.0.2.53"),
        (Reason.DNS_SERVER_FAILURE, None, "dig web.lab.test A @SERVER against each server of /etc/resolv.conf"),
        (Reason.DNS_REFUSED, "[::1]:15353", "dig -p 15353 web.lab.test A @::1, from the agent and from another"),
        (Reason.DNS_REFUSED, None, "cat /etc/resolv.conf in the agent's container"),
        (Reason.DNS_TIMEOUT, "127.0.0.1:15353", "dig -p 15353 web.lab.test A @127.0.0.1 +tries=1 +time=2"),
        (Reason.DNS_TIMEOUT, None, "dig web.lab.test A @SERVER +tries=1 +time=2"),
        (Reason.BODY_MISMATCH, "127.0.0.1:15353", "dig -p 15353 web.lab.test A @127.0.0.1"),
        (Reason.CONNECT_REFUSED, "127.0.0.1:15353", "ss -lunp 'sport = :15353' on 127.0.0.1"),
    ],
)
def test_a_check_of_a_name_server_asks_it_for_the_name(reason: Reason, server: str | None, step: str) -> None:
    steps = steps_for(reason, name_check("web.lab.test", server))
    assert any(given.startswith(step) for given in steps), steps
    assert not any("ss -lt" in given for given in steps)
    assert server is None or not any("/etc/resolv.conf" in given for given in steps), steps


def test_an_address_is_looked_up_backwards() -> None:
    steps = steps_for(Reason.DNS_NXDOMAIN, name_check("192.0.2.7", "192.0.2.53", "PTR"))
    assert any(step.startswith("dig -x 192.0.2.7 @192.0.2.53") for step in steps), steps


@pytest.mark.parametrize("reason", [Reason.RESPONSE_TIMEOUT, Reason.GRPC_ERROR])
def test_a_server_without_a_health_service_is_asked_by_a_method_that_it_has(reason: Reason) -> None:
    methods = ("/meshes.MeshService/ComponentInfo", "/meshes.MeshService/MeshName")
    steps = steps_for(reason, replace(GRPC, settings=GrpcSettings(address=ADAPTER, methods=methods)))
    assert f"grpcurl -plaintext {ADAPTER} meshes.MeshService/ComponentInfo" in steps
    assert not any("grpc.health" in step for step in steps), steps
    named = steps_for(reason, replace(GRPC, settings=GrpcSettings(address=ADAPTER, service="it's")))
    assert any("""'{"service": "it'"'"'s"}' adapter.example:10000 grpc.health.v1.Health/Check""" in it for it in named)


def test_a_rule_of_the_checklist_sends_people_to_the_objects_it_is_about() -> None:
    rule = check("checklist", "https://kubernetes.default.svc", "kubernetes.default.svc", 443, settings=Rule("mesh"))
    steps = steps_for(Reason.DEGRADED, rule)
    assert steps[0].startswith("kubectl -n mesh get deployments,")
    assert "docs/checklist.md" in steps[-1]
    assert "kubectl -n default" in steps_for(Reason.CONNECT_REFUSED, rule)[0]
    assert "kubectl auth can-i" in steps_for(Reason.AUTH_REJECTED, rule)[-1]
    attested = replace(rule, target="the configuration")
    assert steps_for(Reason.DEGRADED, attested) == steps[-1:]


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("subject", [NATS, GRPC, OWN], ids=lambda subject: subject.kind)
def test_nobody_is_told_to_curl_what_is_no_url(reason: Reason, subject: Check) -> None:
    steps = steps_for(reason, subject)
    assert steps
    assert not any(step.startswith("curl ") and "URL" in step for step in steps), steps


@pytest.mark.parametrize(
    ("reason", "subject", "detail", "told"),
    [
        (Reason.CONNECTION_CLOSED, PAGE, "", True),
        (Reason.CONNECTION_RESET, PAGE, "", True),
        (Reason.CONNECT_REFUSED, PAGE, "", False),
        (Reason.STATUS_UNEXPECTED, PAGE, "the answer is 400: Client sent an HTTP request to an HTTPS server.", True),
        (Reason.PROTOCOL_ERROR, PAGE, r"it begins '\x15\x03\x01'", True),
        (Reason.CONNECTION_CLOSED, replace(PAGE, path=Path("", "", "8080/tcp", "")), "", False),
        (Reason.CONNECTION_CLOSED, SOCKET, "", False),
    ],
)
def test_plain_http_to_a_port_that_wants_tls(reason: Reason, subject: Check, detail: str, told: bool) -> None:
    assert steps_for(reason, subject, detail)[0].endswith("curl -vk https://web.example:8443/") is told


def test_a_plugin_of_a_kubeconfig_is_no_matter_of_files() -> None:
    detail = "cannot use the kubeconfig /k: the user of context 'east' signs in by an exec plugin, which is a program"
    assert "create serviceaccount" in steps_for(Reason.PERMISSION_DENIED, CLUSTER, detail)[0]
    assert not any("exist" in step for step in steps_for(Reason.PERMISSION_DENIED, CLUSTER, detail))
    missing = "cannot use the kubeconfig /k: No such file or directory"
    assert "Does the file exist" in steps_for(Reason.PERMISSION_DENIED, CLUSTER, missing)[0]


def test_an_agent_that_stood_still_gets_cpu_and_not_descriptors() -> None:
    stalled = steps_for(Reason.OVERLOADED, PAGE, "the agent stood still for 0.52 s of the run: no answer came")
    assert any("reachd_event_loop_delay_seconds" in step for step in stalled)
    assert any("top pod" in step for step in stalled)
    assert not any("limits in" in step or "ss -s" in step for step in stalled), stalled
    lacking = steps_for(Reason.OVERLOADED, PAGE, "Too many open files")
    assert "/proc/1/limits" in lacking[0]
    assert not any("top pod" in step for step in lacking), lacking


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.blame is Blame.AGENT])
def test_the_namespace_of_the_target_is_not_the_agents(reason: Reason) -> None:
    assert not any(" -n meshery" in step for step in steps_for(reason, replace(OWN, host=SERVICE)))


def test_on_a_host_of_its_own_kubernetes_comes_last() -> None:
    steps = steps_for(Reason.CONNECT_REFUSED, OWN)
    assert steps[0].startswith("ss -ltnp 'sport = :5432' on 192.0.2.7")
    assert "kubectl" in steps[-1]
    assert "kubectl" in steps_for(Reason.CONNECT_REFUSED, replace(OWN, host=SERVICE))[0]
    assert not any("kubectl" in step for step in steps_for(Reason.CONNECTION_CLOSED, OWN)[:2])


def test_after_a_redirect_the_steps_are_for_the_place_that_failed() -> None:
    named = replace(PAGE, settings=Settings(Tls("front.example")))
    steps = steps_for(Reason.CONNECT_REFUSED, named, redirected="https://sign-in.auth.svc:8443/")
    assert any("kubectl -n auth get endpoints sign-in" in step for step in steps)
    assert not any("web.example" in step for step in steps)
    steps = steps_for(Reason.TLS_HOSTNAME_MISMATCH, named, redirected="https://[2001:db8::1]:443/")
    assert not any("example" in step for step in steps)
    steps = steps_for(Reason.SERVER_ERROR, OWN, redirected="http://other.example:81/")
    assert not any("192.0.2.7" in step for step in steps)
    steps = steps_for(Reason.STATUS_UNEXPECTED, named, redirected="http://other.example:81/login?x=1&y")
    assert "curl -sv -o /dev/null 'http://other.example:81/login?x=1&y'" in steps


def test_a_redirect_to_the_same_host_is_followed() -> None:
    following = HttpSettings(url=PAGE.target, follow_redirects=True)
    steps = steps_for(
        Reason.STATUS_UNEXPECTED, replace(PAGE, settings=following), redirected="http://web.example:8443/login"
    )
    assert steps[0] == f"curl -sLv -o /dev/null '{PAGE.target}'"
    assert steps_for(Reason.STATUS_UNEXPECTED, PAGE)[0] == f"curl -sv -o /dev/null '{PAGE.target}'"


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize(
    "place",
    [
        *("http://a$(reboot):80/", "http://`x`:80/", "http://a;reboot:80/", "http://…", "http://a:80"),
        *(
            "http://a:80/$(reboot)",
            "http://a:80/`x`",
            "http://a:80/;reboot",
            "http://a:80/'reboot",
            "http://a:80/\\x0areboot",
        ),
    ],
)
def test_a_target_puts_no_command_into_a_step(reason: Reason, place: str) -> None:
    steps = steps_for(reason, PAGE, redirected=place)
    assert not any("web.example" in step or "reboot" in step or "`x`" in step for step in steps)


def test_who_signs_in_with_a_password_is_not_told_of_a_token() -> None:
    auth = AuthSettings.model_validate({"basic_auth": {"username": "oncall", "password_file": "/run/secret"}})
    steps = steps_for(Reason.AUTH_REJECTED, replace(PAGE, settings=HttpSettings(url=PAGE.target, auth=auth)))
    assert f"curl -sv -u USER '{PAGE.target}'" in steps
    assert not any("TOKEN_FILE" in step for step in steps), steps


@pytest.mark.parametrize(
    ("reason", "options", "rest"),
    [
        (Reason.AUTH_REJECTED, "-sv", ""),
        (Reason.BODY_MISMATCH, "-s", " | head -c 500, and compare it with expect."),
        (Reason.STATUS_UNEXPECTED, "-sv", ""),
    ],
)
def test_who_signs_in_with_a_cookie_shows_it_by_hand_too(reason: Reason, options: str, rest: str) -> None:
    place = f"-o /dev/null {QUOTED}" if reason is Reason.STATUS_UNEXPECTED else QUOTED
    assert f'curl {options} -b "provider=VALUE; token=$(cat TOKEN_FILE)" {place}{rest}' in steps_for(reason, SESSION)


@pytest.mark.parametrize(
    ("reason", "of_a_check", "of_a_deployment"),
    [
        (Reason.STATUS_UNEXPECTED, "expect: {status", "switch the row off in rows of the deployment"),
        (Reason.TLS_UNTRUSTED, "tls: {ca_file", "set ca_file, of the deployment or cluster"),
    ],
)
def test_a_row_is_told_of_keys_that_it_has(reason: Reason, of_a_check: str, of_a_deployment: str) -> None:
    own, row = (" ".join(steps_for(reason, replace(PAGE, system=system))) for system in ("custom", "meshery"))
    assert (of_a_check in own, of_a_deployment in own) == (True, False)
    assert (of_a_check in row, of_a_deployment in row) == (False, True)


_SIGN_IN = "If it is a sign-in page, name its path in expect: {login_paths: [...]}, or give the check credentials."
_TO_THE_DEPLOYMENT = "If the new address is right, put it into the deployment."


@pytest.mark.parametrize(
    ("asked", "curl", "remedies"),
    [
        (
            replace(PAGE, system="custom"),
            "curl -sv -o",
            [
                "If the new address is right, put it into the check, or set follow_redirects: true.",
                _SIGN_IN,
            ],
        ),
        (
            replace(PAGE, system="custom", kind="sse", settings=SseSettings(url=PAGE.target)),
            "curl -sv -o",
            [
                "If the new address is right, put it into the check.",
                _SIGN_IN,
            ],
        ),
        (
            PAGE,
            "curl -sv -o",
            [_TO_THE_DEPLOYMENT, "If it is a sign-in page, add it to login_paths of the deployment."],
        ),
        (
            SESSION,
            'curl -sv -b "provider=VALUE; token=$(cat TOKEN_FILE)" -o',
            [
                _TO_THE_DEPLOYMENT,
                "If it is a sign-in page, the credentials that the check sends have expired or were never good: "
                "renew them.",
            ],
        ),
    ],
    ids=["own check", "own check that cannot follow", "row", "row with a session"],
)
def test_a_redirect_is_answered_by_keys_that_there_are(asked: Check, curl: str, remedies: list[str]) -> None:
    steps = steps_for(Reason.REDIRECT_UNEXPECTED, asked)
    assert steps == [f"{curl} /dev/null {QUOTED} 2>&1 | grep -i location", *remedies]
