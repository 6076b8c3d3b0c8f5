"""`reachd init`: a first configuration, from what is found in a cluster."""

import asyncio
import os
import sys
from argparse import Namespace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import uvloop

from agent.cluster.service_account import SERVICE_ACCOUNT, service_account_access
from agent.commands.status import ExitStatus, complain
from agent.core.explanations import explain
from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import Blame
from agent.core.run import ProbeFailure
from agent.core.words import counted
from agent.discovery.meshery import installations
from agent.discovery.names import name_of
from agent.discovery.sketch import sketch
from agent.discovery.survey import Survey
from agent.probes._door import run_probe
from agent.probes._kubeconfig import signs_in_by_program
from agent.probes._text import printable
from agent.probes.kube_api import KubeApiSettings
from agent.settings.model import Configuration

_complain = partial(complain, "init")
_TIMEOUT = 60.0
_OWN_FILES = Path("/run/secrets/reachd")


class _Cluster(NamedTuple):
    """A cluster that can be asked. entry: how a configuration says it under `clusters`. remark: what to do for that."""

    access: KubeApiSettings
    entry: dict[str, str]
    remark: str = ""


def execute(options: Namespace) -> ExitStatus:
    """Writes a configuration to standard output, or to a file that does not exist yet."""
    try:
        cluster = _cluster(options.kubeconfig or _usual_kubeconfig(), options.context)
    except ProbeFailure as failure:
        return _complain(failure.detail)
    if cluster is None:
        if options.context:
            return _complain("there is no kubeconfig whose context this could be; name one with --kubeconfig")
        return _write(sketch((), None, ["No cluster was found: name one with --kubeconfig."]), options.output)
    survey = Survey(cluster.access, Configuration().network(), options.namespace)
    outcome = uvloop.run(run_probe(survey, _TIMEOUT))
    if outcome.verdict is not Verdict.UP:
        problem = f"cannot look into the cluster {cluster.access.target()}: {_words(outcome)}"
        if options.kubeconfig is not None:
            _complain(problem)
            return ExitStatus.USAGE if _is_own_fault(outcome) else ExitStatus.DOWN
        _complain(f"{problem}; this is a configuration without it")
        return _write(sketch((), None, [printable(f"No cluster: {problem}", 400)]), options.output)
    found = installations(survey.objects)
    where = f"the namespace {options.namespace}" if options.namespace else "any namespace"
    remarks = [f"{counted(len(found), 'installation')} of Meshery in the cluster {cluster.access.target()}."]
    remarks += [] if found else [f"No Service in {where} has the labels and names that Meshery's charts give."]
    remarks += [cluster.remark] if cluster.remark else []
    remarks += [f"Not everything was looked at: {remark}." for remark in survey.remarks]
    return _write(sketch(found, cluster.entry, [printable(remark, 400) for remark in remarks]), options.output)


def _cluster(kubeconfig: Path | None, context: str | None) -> _Cluster | None:
    """The cluster of a kubeconfig, else the one that this process runs in; None where it runs in none."""
    if kubeconfig is not None:
        file = {"kubeconfig": str(kubeconfig.absolute()), **({"context": context} if context else {})}
        name = name_of(context) if context else "current"
        if signs_in_by_program(kubeconfig, context):
            return _signed_in(kubeconfig, context, name)
        return _Cluster(KubeApiSettings.model_validate({"kind": "kube_api", **file}), {"name": name, **file})
    try:
        own = service_account_access(folder=SERVICE_ACCOUNT)
    except ProbeFailure:
        return None
    files = {"ca_file": str(SERVICE_ACCOUNT / "ca.crt"), "token_file": str(SERVICE_ACCOUNT / "token")}
    access = KubeApiSettings(url=own.server, tls=own.tls, auth=own.auth)
    return _Cluster(access, {"name": "own", "api": "https://kubernetes.default.svc", **files})


def _signed_in(kubeconfig: Path, context: str | None, name: str) -> _Cluster:
    """The cluster of a kubeconfig with an exec plugin; the agent needs other credentials. Raises ProbeFailure."""
    sign_in = import_module("agent.commands.sign_in").sign_in  # 69 MB that no other kubeconfig need pay
    access: KubeApiSettings = asyncio.run(
        sign_in(kubeconfig, context)
    )  # uvloop does not name a program that is missing
    files = {"ca_file": f"{_OWN_FILES}/{name}/ca.crt", "token_file": f"{_OWN_FILES}/{name}/token"}
    remark = (
        "The agent runs no programs, so it cannot sign in as this kubeconfig does: put the cluster's certificate "
        f"authority and a ServiceAccount's token into {_OWN_FILES}/{name} (docs/operating.md says how)."
    )
    return _Cluster(access, {"name": name, "api": access.url or "", **files}, remark)


def _usual_kubeconfig() -> Path | None:
    """Where kubectl looks: the first file of KUBECONFIG, or the one in the home directory."""
    named = os.environ.get("KUBECONFIG", "").split(os.pathsep)
    candidates = [Path(name) for name in named if name] or [Path.home() / ".kube" / "config"]
    return next((file for file in candidates if _may_be_a_file(file)), None)


def _may_be_a_file(path: Path) -> bool:
    """Also where it cannot be looked at: whoever reads it says why."""
    try:
        return path.is_file()
    except OSError:
        return True


def _words(outcome: Outcome) -> str:
    return outcome.detail or (explain(outcome.reason).phrase if outcome.reason else "it gives no answer")


def _is_own_fault(outcome: Outcome) -> bool:
    return outcome.reason is not None and outcome.reason.blame is Blame.AGENT


def _write(text: str, output: Path | None) -> ExitStatus:
    if output is None:
        sys.stdout.write(text)
        return ExitStatus.FINE
    try:
        with output.open("x", encoding="utf-8") as file:  # never over a file that is there
            file.write(text)
    except OSError as error:
        return _complain(f"cannot write {output}: {error.strerror}")
    sys.stdout.write(f"written: {output}; `reachd validate {output}` says whether all its files are there\n")
    return ExitStatus.FINE
