"""How a pod reaches the API server of its own cluster (kubernetes.io: Accessing the Kubernetes API from a Pod)."""

import os
from collections.abc import Mapping
from pathlib import Path

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure
from agent.probes._address import host_and_port
from agent.probes._kubeconfig import ClusterAccess
from agent.probes._settings import AuthorizationSettings, AuthSettings, TlsSettings
from agent.probes._tls import tls_identity

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where the kubelet puts `ca.crt` and `token`, and renews them."""


def service_account_access(
    environment: Mapping[str, str] = os.environ, folder: Path = SERVICE_ACCOUNT
) -> ClusterAccess:
    """What the kubelet tells each pod. Raises ProbeFailure, blaming the agent, outside of a pod."""
    host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT", "")
    if not host or not port.isdigit():
        raise ProbeFailure(
            Reason.PERMISSION_DENIED,
            "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is no pod; name a kubeconfig",
        )
    tls = TlsSettings(ca_file=folder / "ca.crt")
    token = AuthSettings(authorization=AuthorizationSettings(credentials_file=folder / "token"))
    return ClusterAccess(f"https://{host_and_port(host, int(port))}", tls, tls_identity(tls, ("http/1.1",)), token)
