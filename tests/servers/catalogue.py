"""The real programs that the tests run, where each comes from, and where it is found.

This is the one place that pins versions. Debian's packages have no pin: a mirror keeps one version of each, so the
version that the machine's own sources offer is the one that is used.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SERVERS = Path(__file__).resolve().parents[2] / ".servers"
"""Ignored folder that everything is brought into; nothing is installed on the machine."""

BIN = SERVERS / "bin"
NPM = SERVERS / "npm"

KUBERNETES = "v1.37.2"
"""A release that is supported until October 2027, and the etcd it was made with."""


@dataclass(frozen=True, slots=True)
class Debian:
    """A program in one of Debian's packages; `path` is where the package has it."""

    package: str
    path: str


@dataclass(frozen=True, slots=True)
class Go:
    """A program that a Go toolchain builds; `package` is the import path of its main package."""

    package: str
    version: str

    @property
    def binary(self) -> str:
        """What Go names the program: the last part of the path that is no major version."""
        return next(part for part in reversed(self.package.split("/")) if not re.fullmatch(r"v\d+", part))


@dataclass(frozen=True, slots=True)
class Kubernetes:
    """A program that Go builds with all modules at the versions that one release of Kubernetes was made with.

    `package` is the import path of its main package, be it Kubernetes' own or one that Kubernetes depends on.
    """

    package: str
    release: str


@dataclass(frozen=True, slots=True)
class PyPI:
    """A program that a Python package ships at `path`; kept apart from every environment."""

    package: str
    version: str
    path: str


@dataclass(frozen=True, slots=True)
class Npm:
    """A program that one of some npm packages ships; `packages` are as npm takes them, `path` is below node_modules."""

    packages: tuple[str, ...]
    path: str


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python program that needs other packages: in an environment of its own, and run as `python -m module`."""

    package: str
    version: str
    module: str


@dataclass(frozen=True, slots=True)
class Program:
    """One executable. `quick` ones come in by themselves with `make test`; `seconds` bounds the bringing in."""

    name: str
    origin: Debian | Environment | Go | Kubernetes | Npm | PyPI
    quick: bool = False
    seconds: int = 300


PROGRAMS = (
    Program("nats-server", Debian("nats-server", "usr/sbin/nats-server"), quick=True),
    Program("nginx", Debian("nginx-light", "usr/sbin/nginx"), quick=True),
    Program("wrk", Debian("wrk", "usr/bin/wrk"), quick=True),
    Program("dnsmasq", Debian("dnsmasq-base", "usr/sbin/dnsmasq"), quick=True),
    Program("tinyproxy", Debian("tinyproxy-bin", "usr/bin/tinyproxy"), quick=True),
    Program("xtables-nft-multi", Debian("iptables", "usr/sbin/xtables-nft-multi"), quick=True),
    Program("redis-server", Debian("redis-server", "usr/bin/redis-server"), quick=True),
    Program(
        "prometheus-blackbox-exporter",
        Debian("prometheus-blackbox-exporter", "usr/bin/prometheus-blackbox-exporter"),
        quick=True,
    ),
    Program("prometheus", Debian("prometheus", "usr/bin/prometheus"), quick=True),
    Program("promtool", Debian("prometheus", "usr/bin/promtool"), quick=True),
    Program("promtool-3", Go("github.com/prometheus/prometheus/cmd/promtool", "v0.316.0"), seconds=1800),
    Program("chromium", Debian("chromium", "usr/lib/chromium/chromium")),
    Program("rotel", PyPI("rotel", "0.0.1a15", "rotel/rotel-agent"), quick=True),
    Program("nats-server-2.14", Go("github.com/nats-io/nats-server/v2", "v2.14.9"), seconds=900),
    # The last release whose module carries its web pages; Debian's package would read its templates from /usr/share.
    Program("alertmanager", Go("github.com/prometheus/alertmanager/cmd/alertmanager", "v0.28.1"), seconds=900),
    Program("amtool", Go("github.com/prometheus/alertmanager/cmd/amtool", "v0.28.1"), seconds=900),
    # Debian's etcd is too old: without its progress notifications, the API server refuses a watch from version 0.
    Program("etcd", Kubernetes("go.etcd.io/etcd/server/v3", KUBERNETES), seconds=900),
    Program("kube-apiserver", Kubernetes("k8s.io/kubernetes/cmd/kube-apiserver", KUBERNETES), seconds=1800),
    Program(
        "kube-controller-manager",
        Kubernetes("k8s.io/kubernetes/cmd/kube-controller-manager", KUBERNETES),
        seconds=1800,
    ),
    Program("kubectl", Kubernetes("k8s.io/kubernetes/cmd/kubectl", KUBERNETES), seconds=1800),
    # Makes a JSON schema of types; beside it are the types of Grafana's own dashboards.
    Program(
        "ts-json-schema-generator",
        Npm(
            ("ts-json-schema-generator@2.4.0", "typescript@5.9.3", "@grafana/schema@13.2.3"),
            "ts-json-schema-generator/bin/ts-json-schema-generator.js",
        ),
        quick=True,
    ),
    Program("checkov", Environment("checkov", "3.3.30", "checkov.main"), seconds=1800),
    Program("helm", Go("helm.sh/helm/v4/cmd/helm", "v4.3.1"), seconds=1800),
)

BY_NAME = {program.name: program for program in PROGRAMS}


def find(name: str) -> Path | None:
    """Where the program `name` is, or None: the ignored folder comes first, then PATH.

    Instead of PATH, KUBEBUILDER_ASSETS names the folder of Kubernetes' programs, as other tests of controllers have it:
    they must belong together, and a kubectl of any age may be on PATH. Unknown names are a KeyError.
    """
    program = BY_NAME[name]
    fetched = BIN / program.name
    if fetched.exists():
        return fetched
    elsewhere = os.environ.get("KUBEBUILDER_ASSETS", "") if isinstance(program.origin, Kubernetes) else None
    installed = shutil.which(program.name, path=elsewhere)
    return Path(installed) if installed else None


def missing(names: Iterable[str]) -> list[str]:
    """Those of `names` that are nowhere on this machine."""
    return [name for name in names if find(name) is None]
