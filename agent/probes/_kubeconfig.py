"""The part of a kubeconfig that says how to reach one cluster (kubernetes.io: Organizing Cluster Access).

Read by ourselves: the Kubernetes client costs 69 MB, and would run the programs that a kubeconfig names.
"""

import binascii
from base64 import b64decode
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import yaml
from pydantic import SecretStr

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure
from agent.core.steps import SIGNS_IN_BY
from agent.probes._endpoint import parse_url
from agent.probes._files import Version, version_of
from agent.probes._json import JsonObject, child, children, text_of
from agent.probes._settings import AuthorizationSettings, AuthSettings, TlsSettings
from agent.probes._text import has_control_characters
from agent.probes._tls import TlsIdentity, tls_identity

_MAX_BYTES = 1024 * 1024
_MAX_DEPTH = 40
_UNSUPPORTED = {
    "exec": "an exec plugin, which is a program that reachd does not run",
    "auth-provider": "an auth-provider plugin, which Kubernetes has given up",
    "username": "a password, which Kubernetes has given up",
}


class ClusterAccess(NamedTuple):
    """How to reach the API server of one context."""

    server: str
    tls: TlsSettings
    identity: TlsIdentity
    auth: AuthSettings | None

    @property
    def authenticated(self) -> bool:
        """Whether the agent shows who it is."""
        return self.auth is not None or self.identity.cert_file is not None or self.identity.client_data is not None


class _Context(NamedTuple):
    """A context with the cluster and the user that it names."""

    name: str
    cluster: JsonObject
    user: JsonObject


def refuse_context_alone(kubeconfig: Path | None, context: str | None) -> None:
    """Raises ValueError for a context without the kubeconfig that has it."""
    if context is not None and kubeconfig is None:
        raise ValueError("context goes with kubeconfig; remove it, or name the kubeconfig")


def signs_in_by_program(path: Path, context: str | None) -> bool:
    """Whether the user of a context signs in by an exec plugin; False where the kubeconfig cannot be used at all."""
    try:
        return "exec" in _context(path, context).user
    except (ProbeFailure, OSError):
        return False


def cluster_access(path: Path, context: str | None) -> ClusterAccess:
    """Reads a kubeconfig; the same object as long as the file has not changed.

    context: its name, or None for the current one. Raises ProbeFailure, blaming the agent, when it cannot be used.
    """
    try:
        return _read(path, context, version_of(path.stat()))
    except OSError as error:
        raise _unusable(path, error.strerror or type(error).__name__) from error


@lru_cache(maxsize=1024)
def _read(path: Path, context: str | None, _version: Version) -> ClusterAccess:
    chosen = _context(path, context)
    for key, what in _UNSUPPORTED.items():
        if key in chosen.user:
            user = f"the user of context {chosen.name!r}"
            raise _unusable(path, f"{user}{SIGNS_IN_BY}{what}; give it a ServiceAccount's token")
    cluster = chosen.cluster
    if cluster.get("proxy-url"):
        raise _unusable(path, "its cluster has a proxy-url; set the agent's own proxy")
    return _access(path, cluster, chosen.user)


def _context(path: Path, context: str | None) -> "_Context":
    config = _document(path)
    name = context or text_of(config, "current-context")
    if not name:
        raise _unusable(path, "it has no current-context; name one with context")
    chosen = child(_named(path, config, "contexts", name), "context")
    cluster = child(_named(path, config, "clusters", text_of(chosen, "cluster")), "cluster")
    user = child(_named(path, config, "users", text_of(chosen, "user")), "user") if "user" in chosen else {}
    return _Context(name, cluster, user)


def _document(path: Path) -> JsonObject:
    with path.open("rb") as file:
        text = file.read(_MAX_BYTES + 1)
    if len(text) > _MAX_BYTES:
        raise _unusable(path, f"it is longer than {_MAX_BYTES} bytes")
    try:
        if _is_too_deep(text):  # which the loader would follow until the process crashes
            raise _unusable(path, f"it is nested more than {_MAX_DEPTH} levels deep")
        document: object = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        # The parser's own message quotes the line, which may hold a secret.
        raise _unusable(path, f"line {mark.line + 1} is not YAML" if mark else "it is not YAML") from None
    except (ValueError, KeyError, AttributeError):  # by which PyYAML says so of a date, a truth value and a timestamp
        raise _unusable(path, "a value in it cannot be what it looks like, such as a date; put it in quotes") from None
    if not isinstance(document, dict):
        raise _unusable(path, "it is not a mapping of clusters, contexts and users")
    return document


def _is_too_deep(text: bytes) -> bool:
    steps = (
        isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        for event in yaml.parse(text, Loader=yaml.CSafeLoader)
    )
    return any(depth > _MAX_DEPTH for depth in accumulate(steps))


def _named(path: Path, config: JsonObject, kind: str, name: str) -> JsonObject:
    listed = children(config, kind)
    for entry in listed:
        if entry.get("name") == name:
            return entry
    names = ", ".join(text_of(entry, "name") for entry in listed) or "none"
    raise _unusable(path, f"it has no {name!r} among its {kind}; there are: {names}")


def _access(path: Path, cluster: JsonObject, user: JsonObject) -> ClusterAccess:
    def file_of(section: JsonObject, key: str) -> Path | None:
        name = text_of(section, key)
        return path.parent / name if name and not section.get(f"{key}-data") else None

    def data_of(section: JsonObject, key: str) -> str:
        try:
            return b64decode(text_of(section, f"{key}-data"), validate=True).decode("ascii")
        except (binascii.Error, ValueError):
            raise _unusable(path, f"{key}-data is not PEM in base64") from None

    server = text_of(cluster, "server")
    try:
        if parse_url(server).scheme not in ("http", "https"):
            raise ValueError("expected a URL that starts with http:// or https://")
        certificate, key = data_of(user, "client-certificate"), data_of(user, "client-key")
        if bool(certificate) != bool(key):
            raise ValueError("client-certificate-data and client-key-data go together; both or neither")
        tls = TlsSettings(
            ca_file=file_of(cluster, "certificate-authority"),
            cert_file=file_of(user, "client-certificate"),
            key_file=file_of(user, "client-key"),
            server_name=text_of(cluster, "tls-server-name") or None,
            insecure_skip_verify=cluster.get("insecure-skip-tls-verify") is True,
        )
    except ValueError as error:
        raise _unusable(path, str(error)) from None
    identity = tls_identity(tls, ("http/1.1",))._replace(
        ca_data=data_of(cluster, "certificate-authority"),
        client_data=SecretStr(f"{certificate}\n{key}") if certificate else None,
    )
    return ClusterAccess(server, tls, identity, _auth(path, user))


def _auth(path: Path, user: JsonObject) -> AuthSettings | None:
    token_file, token = text_of(user, "tokenFile"), text_of(user, "token")
    if token_file:
        return AuthSettings(authorization=AuthorizationSettings(credentials_file=path.parent / token_file))
    if has_control_characters(token.strip()):
        raise _unusable(path, "the token holds a line break or another control character")
    if token:
        return AuthSettings(authorization=AuthorizationSettings(credentials=SecretStr(token)))
    return None


def _unusable(path: Path, why: str) -> ProbeFailure:
    return ProbeFailure(Reason.PERMISSION_DENIED, f"cannot use the kubeconfig {path}: {why}")
