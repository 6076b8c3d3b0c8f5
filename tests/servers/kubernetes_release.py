"""Builds programs with the modules of one release of Kubernetes.

`go install k8s.io/kubernetes/...@version` refuses: that module takes its staging modules (k8s.io/api and others) from
folders of its repository, by `replace` lines that hold for a main module only. So a module of our own is the main one,
and replaces each by what was published of it with the same release: v0.37.2 belongs to v1.37.2.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.servers.commands import run

MODULE = "k8s.io/kubernetes"
GO = {"CGO_ENABLED": "0", "GOWORK": "off"}
VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
"""Where Kubernetes' own build stamps the release: the programs tell it at /version and in their User-Agent."""


class KubernetesRelease:
    """One release, such as v1.37.2, with its module file in `folder`."""

    def __init__(self, version: str, folder: Path) -> None:
        self._version = version
        self._folder = folder

    def build(self, package: str, binary: Path, seconds: float) -> None:
        """Builds the main package `package`, Kubernetes' own or one that it depends on, within `seconds`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "go.mod").write_text(self._module_file(seconds))
        flags = ["-mod=mod", "-trimpath", "-ldflags", f"-s -w {self._stamps()}"]
        run(["go", "build", *flags, "-o", binary, package], seconds, cwd=self._folder, environment=GO)

    def _module_file(self, seconds: float) -> str:
        published = self._version.replace("v1.", "v0.", 1)
        release = self._module(seconds)
        staging = [line["Old"]["Path"] for line in release["Replace"] if line["New"]["Path"].startswith("./staging/")]
        lines = [
            "module servers",
            f"go {release['Go']}",
            f"require {MODULE} {self._version}",
            *(f"replace {path} => {path} {published}" for path in staging),
        ]
        return "\n".join(lines) + "\n"

    def _module(self, seconds: float) -> dict[str, Any]:
        """The release's own module file, as `go mod edit -json` tells it."""
        file = run(["go", "list", "-m", "-f={{.GoMod}}", f"{MODULE}@{self._version}"], seconds, environment=GO).strip()
        module: dict[str, Any] = json.loads(run(["go", "mod", "edit", "-json", file], seconds))
        return module

    def _stamps(self) -> str:
        major, minor = self._version.removeprefix("v").split(".")[:2]
        facts = {"gitVersion": self._version, "gitMajor": major, "gitMinor": minor, "gitCommit": ""}
        return " ".join(f"-X {package}.{fact}={value}" for package in VERSION_PACKAGES for fact, value in facts.items())
