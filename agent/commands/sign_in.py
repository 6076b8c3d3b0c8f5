"""Signs in to a cluster by the program that a kubeconfig names, as kubectl does (client-go credential plugins).

Only for a command that a person starts at a terminal: the agent itself runs no programs. kubernetes-asyncio knows how,
and costs 69 MB, so nothing imports this module but for such a kubeconfig.
"""

import logging
from pathlib import Path

from kubernetes_asyncio.client import Configuration
from kubernetes_asyncio.config import ConfigException
from kubernetes_asyncio.config.kube_config import load_kube_config
from pydantic import SecretStr

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure
from agent.probes._settings import AuthorizationSettings, AuthSettings, TlsSettings
from agent.probes._text import has_control_characters, printable
from agent.probes.kube_api import KubeApiSettings

_MOST_WORDS = 400


async def sign_in(kubeconfig: Path, context: str | None) -> KubeApiSettings:
    """How to reach the API server as the one whom the program vouches for. Raises ProbeFailure.

    Takes as long as the program does, which may wait for the person.
    """
    logging.getLogger("kubernetes_asyncio").setLevel(logging.CRITICAL)  # it logs what it raises
    found = Configuration()
    try:
        await load_kube_config(str(kubeconfig), context, found, persist_config=False)
    except (ConfigException, OSError, ValueError, KeyError) as error:
        raise _unusable(kubeconfig, printable(str(error), _MOST_WORDS)) from error
    token = str(found.api_key.get("BearerToken", "")).removeprefix("Bearer ")
    if not (token or found.cert_file):
        raise _unusable(kubeconfig, "the program that it names gave neither a token nor a certificate")
    if has_control_characters(token.strip()):
        raise _unusable(kubeconfig, "the token of the program holds a line break or another control character")
    return KubeApiSettings(
        url=found.host,
        tls=TlsSettings(
            ca_file=found.ssl_ca_cert and Path(found.ssl_ca_cert),
            cert_file=found.cert_file and Path(found.cert_file),
            key_file=found.key_file and Path(found.key_file),
            server_name=found.tls_server_name or None,
            insecure_skip_verify=not found.verify_ssl,
        ),
        auth=AuthSettings(authorization=AuthorizationSettings(credentials=SecretStr(token))) if token else None,
    )


def _unusable(kubeconfig: Path, why: str) -> ProbeFailure:
    return ProbeFailure(Reason.PERMISSION_DENIED, f"cannot sign in as the kubeconfig {kubeconfig} says: {why}")
