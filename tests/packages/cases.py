"""The ways to install, by kustomize, and by the chart where it offers the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.packages.manifests import KUSTOMIZATIONS, MESHERY, Json, helm, kustomized, objects, overlay, rendered


@dataclass(frozen=True, slots=True)
class Case:
    """Kustomizations and components of ours, and the flags of the chart that ask for the same."""

    name: str
    resources: tuple[str, ...]
    components: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    def overlay(self, folder: Path) -> Path:
        """A kustomization as a user would write it."""
        return overlay(folder, [KUSTOMIZATIONS / name for name in self.resources], self.components)

    def __str__(self) -> str:
        return self.name


_NO_OBSERVER = "--set=observer.enabled=false"
_DEPLOYMENT = (_NO_OBSERVER, "--set=deployment.enabled=true")
_SHARING = "--set=deployment.enabled=true,deployment.replicas=3"

_CHECKLIST = {"name": "meshery", "profile": "meshery", "checklist": True}

_WHOLE_CHART = (
    "--set=observer.nodes=true,observer.checklist=true",
    f"--set-json=observer.config.deployments={json.dumps([_CHECKLIST])}",
)
WHOLE = Case("whole", (".",), flags=_WHOLE_CHART)
IN_PIECES = Case("in-pieces", ("observer",), ("components/nodes", "components/checklist"), _WHOLE_CHART)
EVERYTHING = Case(
    "everything",
    ("observer", "daemonset", "deployment"),
    tuple(
        f"components/{name}" for name in ("network-policy", "pod-monitor", "service-monitor", "alerts", "dashboards")
    ),
    (
        "--set=daemonset.enabled=true,deployment.enabled=true",
        "--set=networkPolicy.enabled=true,podMonitor.enabled=true,serviceMonitor.enabled=true",
        "--set=prometheusRule.enabled=true,dashboards.enabled=true",
    ),
)
CASES = (
    WHOLE,
    IN_PIECES,
    Case("observer", ("observer",)),
    Case("daemonset", ("daemonset",), flags=(_NO_OBSERVER, "--set=daemonset.enabled=true")),
    Case("deployment", ("deployment",), flags=_DEPLOYMENT),
    Case("sharing", ("deployment",), ("components/sharing",), (_NO_OBSERVER, _SHARING)),
    Case("sharing-beside-observer", ("observer", "deployment"), ("components/sharing",), (_SHARING,)),
    Case(
        "sharing-beside-daemonset",
        ("deployment", "daemonset"),
        ("components/sharing",),
        (_NO_OBSERVER, _SHARING, "--set=daemonset.enabled=true"),
    ),
    EVERYTHING,
)


@cache
def by_kustomize(case: Case) -> list[Json]:
    """The objects that kustomize makes; not to be changed."""
    with TemporaryDirectory() as folder:
        return kustomized(case.overlay(Path(folder)))


@cache
def by_helm(case: Case) -> list[Json]:
    """The objects that the chart makes; not to be changed."""
    return rendered(*case.flags)


def by_both(case: Case) -> tuple[list[Json], list[Json]]:
    """The objects of kustomize, and those of the chart."""
    return by_kustomize(case), by_helm(case)


def meshery(*flags: str) -> list[Json]:
    """Meshery as its own chart renders it."""
    return objects(helm("template", "meshery", MESHERY, "--namespace=meshery", *flags))


def with_sidecar() -> list[Json]:
    """Meshery with the sidecar, put there by Helm's post-renderer."""
    return meshery("--post-renderer=reachd-sidecar")
