"""What to try first when a check is not up: the steps of its reason, made to fit the check."""

import re
from dataclasses import replace
from ipaddress import ip_address
from shlex import quote

from agent.core.check import Check
from agent.core.explanations import explain
from agent.core.ports import AskedByHand
from agent.core.reasons import Blame, Reason

_SERVICE_NAME = re.compile(r"(?P<service>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)\.svc(?:\..*)?")
"""The name of a Kubernetes Service, as other namespaces use it."""
_HEALTH_PATH = re.compile(r"/(?:livez|readyz)\b")
_TLS_WANTED = re.compile(r"\bHTTPS\b|\\x15\\x03")
"""How servers say that plain text came where TLS is spoken: in words (Go, nginx), or with a TLS alert."""
SIGNS_IN_BY = " signs in by "
"""Stands in the detail where the user of a kubeconfig needs more than what stands in files."""
_PLACE = re.compile(
    r"(?P<origin>(?P<scheme>https?)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\]):(?P<port>\d+))(?P<path>/.*)"
)
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9._~%/?=&+,:@-]*")
"""A place and a path that may stand in a command: a target chose them, so a shell must find nothing in them."""
_GIVE_A_TOKEN = (
    "kubectl create serviceaccount reachd, on that cluster, and kubectl create token reachd --duration=8760h",
    "Put this token in place of the plugin into a kubeconfig of reachd's own; docs/operating.md shows how.",
)
_BY_HEADER = '-H "Authorization: Bearer $(cat TOKEN_FILE)"'
_KEYS_OF_A_DEPLOYMENT = {
    "put it into the check, or set follow_redirects: true": "put it into the deployment",
    "name its path in expect: {login_paths: [...]}, or give the check credentials": "add it to login_paths of the "
    "deployment",
    "list it in expect: {status: [...]}": "switch the row off in rows of the deployment",
    "set tls: {ca_file: ...} to its certificate": "set ca_file, of the deployment or cluster, to its certificate",
}
"""What takes the place of the keys of a check, where a profile has made it."""
_RENEW = "If it is a sign-in page, the credentials that the check sends have expired or were never good: renew them."
STOOD_STILL = "the agent stood still for "
"""How the detail begins where the agent got no CPU, and lacked nothing else."""
_GIVE_IT_CPU = (
    "reachd_event_loop_delay_seconds of this agent: how often, and for how long, does it stand still?",
    "kubectl -n NAMESPACE top pod POD --containers, of the agent: does it use all of its CPU limit? Then raise that.",
    "cat /sys/fs/cgroup/cpu.stat in the agent's container: while nr_throttled grows, the limit holds it back.",
    "vmstat 1 on the agent's node: no id left means that the node is full, and st that its hypervisor is.",
    "Spread the checks over more time or more agents.",
)
_ENDED = (Reason.CONNECTION_CLOSED, Reason.CONNECTION_RESET)
_BY_HAND = {
    "nats": (
        "nc -w 5 HOST PORT: a NATS server sends a line that begins with INFO at once.",
        "nats --server nats://HOST:PORT rtt, with the same credentials.",
    ),
    "tls": ("openssl s_client -connect HOST:PORT -servername HOST </dev/null shows what speaks there.",),
    "tcp": ("nc -v -w 5 HOST PORT shows what speaks there.",),
}
"""What takes the place of curl where the check speaks another protocol."""
_ASKS_FOR_HEALTH = "grpcurl -plaintext HOST:PORT grpc.health.v1.Health/Check"
_FOR_A_RULE = (
    "kubectl -n NAMESPACE get deployments,statefulsets,services,ingresses -o yaml, and look for what the detail names.",
    "docs/checklist.md says why this is a rule, and what to do.",
)
"""For a check that finds fault with no program, but with objects in an API server."""
_OF_A_KUBERNETES_API = ("kube_api", "broker_endpoint", "checklist")
_ON_THE_HOST = {
    Reason.CONNECT_REFUSED: "ss -ltnp 'sport = :PORT' on HOST: does a program listen there, and on which address?",
    **dict.fromkeys(
        (*_ENDED, Reason.RESPONSE_TIMEOUT, Reason.SERVER_ERROR, Reason.HEALTH_CHECK_FAILED, Reason.TLS_TIMEOUT),
        "journalctl --since=-10min on HOST: what does the program behind PORT log?",
    ),
}
"""What to look at where no Kubernetes need be."""


def steps_for(reason: Reason, check: Check, detail: str = "", redirected: str = "") -> list[str]:
    """What to try first, with the check's own values where they are known.

    detail: what the run found. redirected: where a redirect led it, as in its outcome. A host that is the name of a
    Service tells SERVICE and NAMESPACE too.
    """
    if reason is Reason.PERMISSION_DENIED and SIGNS_IN_BY in detail:
        return list(_GIVE_A_TOKEN)
    if reason is Reason.OVERLOADED and detail.startswith(STOOD_STILL):
        return list(_GIVE_IT_CPU)
    check = _at_the_place_that_failed(check, redirected)
    service = _SERVICE_NAME.fullmatch(check.host)
    is_rule = reason is Reason.DEGRADED and check.kind == "checklist"
    told = _for_a_rule(check) if is_rule else explain(reason).try_first
    steps = [fitting for step in told for fitting in _fitting(step, reason, check)]
    if check.system == "custom" and service is None:
        steps = _kubernetes_last(steps, reason)
    if _meets_tls(reason, check, detail):
        steps.insert(0, "This is plain http: does the port want TLS? curl -vk https://HOST:PORT/")
    values = {"HOST": check.host, "PORT": _port(check)}
    if service is not None and reason.blame is not Blame.AGENT:  # whose steps are about the agent's own pod
        values |= {"SERVICE": service["service"], "NAMESPACE": service["namespace"]}
    if is_rule:
        values["NAMESPACE"] = getattr(check.settings, "namespace", "NAMESPACE")
    return list(dict.fromkeys(_with_values(step, values, check, detail) for step in steps))


def _at_the_place_that_failed(check: Check, redirected: str) -> Check:
    """The check as if it had asked the place to which a redirect led it, in placeholders where that is not to be had.

    It is the check itself where nothing redirected the run, or to another path of the same host.
    """
    if not redirected:
        return check
    place = _PLACE.fullmatch(redirected)
    if place is None:
        return _asking(check, "http://HOST:PORT/", "HOST", "PORT")
    host, port = place["host"].strip("[]"), place["port"]
    if (host, port) == (check.host, _port(check)) and check.target.startswith(f"{place['scheme']}:"):
        return check
    path = place["path"] if _PLAIN_PATH.fullmatch(place["path"]) else "/"
    return _asking(check, f"{place['origin']}{path}", host, port)


def _asking(check: Check, url: str, host: str, port: str) -> Check:
    """The check with another target, for which its own settings are not made."""
    return replace(check, host=host, target=url, path=replace(check.path, port=f"{port}/tcp"), settings=None)


def _port(check: Check) -> str:
    return check.path.port.partition("/")[0]


def _for_a_rule(check: Check) -> tuple[str, ...]:
    return _FOR_A_RULE if _http_url(check) is not None else _FOR_A_RULE[-1:]  # else no object is at fault


def _fitting(step: str, reason: Reason, check: Check) -> tuple[str, ...]:
    """The step, or what takes its place for a check of this kind."""
    if "for a Kubernetes API" in step and check.kind not in _OF_A_KUBERNETES_API:
        return ()
    if "where the agent stood still" in step:  # which has steps of its own
        return ()
    step = _with_keys_of(check, step)
    command = check.settings.by_hand() if isinstance(check.settings, AskedByHand) else ""
    if step.startswith("curl ") and "BROKER" not in step and _http_url(check) is None:
        by_hand = (command,) if command else _BY_HAND.get(check.kind, (step,))
        return by_hand[-1:] if reason is Reason.AUTH_REJECTED else by_hand[:1]
    if command.startswith("dig "):
        return _asking_for_a_name(command, step)
    return (command,) if command and step == _ASKS_FOR_HEALTH else (step,)


def _with_keys_of(check: Check, step: str) -> str:
    """The step with keys that the configuration of this check has."""
    if "login_paths" in step and _who_asks(check):
        return _RENEW
    if check.system != "custom":
        for of_a_check, of_a_deployment in _KEYS_OF_A_DEPLOYMENT.items():
            step = step.replace(of_a_check, of_a_deployment)
    if not hasattr(check.settings, "follow_redirects"):
        step = step.replace(", or set follow_redirects: true", "")
    return step


def _who_asks(check: Check) -> str:
    """What makes curl send the credentials that the check sends; empty where it sends none."""
    auth, cookies = getattr(check.settings, "auth", None), getattr(check.settings, "cookies", None) or {}
    if auth is not None:
        return "-u USER" if auth.basic_auth else _BY_HEADER
    if any(cookie.value_file for cookie in cookies.values()):
        sent = (f"{name}={'$(cat TOKEN_FILE)' if it.value_file else 'VALUE'}" for name, it in cookies.items())
        return f'-b "{"; ".join(sent)}"'
    return ""


def _asking_for_a_name(command: str, step: str) -> tuple[str, ...]:
    """The step for a check that itself asks for a name, and perhaps a name server of its own choice."""
    if " @" in command:
        if step.startswith("cat /etc/resolv.conf"):
            return ()
        step = step.replace(" @SERVER", "").partition(" against each server of /etc/resolv.conf")[0]
    return (command,) if step.startswith("dig NAME A;") else (step.replace("dig NAME", command),)


def _kubernetes_last(steps: list[str], reason: Reason) -> list[str]:
    here = [_ON_THE_HOST[reason]] if reason in _ON_THE_HOST else []
    elsewhere = [step for step in steps if "kubectl" in step]
    return [step for step in steps if step not in elsewhere] + here + elsewhere


def _meets_tls(reason: Reason, check: Check, detail: str) -> bool:
    """Whether it looks as if plain HTTP had come to a port that wants TLS."""
    if not check.target.startswith(("http://", "ws://")):
        return False
    return (reason in _ENDED and _port(check).endswith("443")) or _TLS_WANTED.search(detail) is not None


def _with_values(step: str, values: dict[str, str], check: Check, detail: str) -> str:
    known = dict(values)
    if (url := _http_url(check)) is not None:
        known["HEALTH_URL"] = quote(_health_url(url, check.kind, detail))
        step = step.replace("http://BROKER:8222", quote(url.rstrip("/")))
        if "curl " in step:
            known["URL"] = quote(url)
    if step.startswith("dig "):  # elsewhere NAME is that of something else than the host
        known["NAME"] = check.host
    if (name := _server_name(check)) is not None:
        step = step.replace("-servername HOST", f"-servername {quote(name)}").replace(
            "grep HOST", f"grep {quote(name)}"
        )
    elif _is_address(check.host):  # which is not sent as a name
        step = step.replace(" -servername HOST", "")
    if check.path.port.endswith("/udp"):
        step = step.replace("ss -ltnp", "ss -lunp")
    if getattr(check.settings, "follow_redirects", False):
        step = re.sub(r"\bcurl -(s?)(v?) ", r"curl -\1L\2 ", step)
    if who := _who_asks(check):
        step = step.replace(_BY_HEADER, who)
        if who not in step:
            step = re.sub(r"\bcurl -\w+(?= .*URL)", lambda found: f"{found[0]} {who}", step)
    if getattr(check.settings, "tls", None):
        step = step.replace("grpcurl -plaintext", "grpcurl")
    return re.sub(rf"\b(?:{'|'.join(known)})\b", lambda found: known[found[0]], step)


def _http_url(check: Check) -> str | None:
    """The target as curl takes it, where it is a URL."""
    if check.target.startswith(("http://", "https://")):
        return check.target
    return f"http{check.target[2:]}" if check.target.startswith(("ws://", "wss://")) else None


def _health_url(url: str, kind: str, detail: str) -> str:
    """The URL of the health answer that failed, as long as it gets."""
    if kind == "nats_monitor":
        return f"{url.rstrip('/')}/healthz"
    if kind == "kube_api":
        failed = _HEALTH_PATH.match(detail)
        return f"{url.rstrip('/')}{failed[0] if failed else '/readyz'}?verbose=1"
    if re.search(r"[?&]verbose\b", url):
        return url
    return f"{url}{'&' if '?' in url else '?'}verbose=1"


def _server_name(check: Check) -> str | None:
    """The name that is asked for in TLS where it is not the host's, in the settings of every probe that has any."""
    name = getattr(getattr(check.settings, "tls", None), "server_name", None)
    return name if isinstance(name, str) else None


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
