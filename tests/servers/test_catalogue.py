"""Where a program is looked for: what was brought in comes first, and Kubernetes' programs are not taken from PATH."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers import catalogue


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """The three places, each of them with every program that these tests name."""
    folders = {name: tmp_path / name for name in ("fetched", "assets", "path")}
    for folder in folders.values():
        folder.mkdir()
        for program in ("nginx", "kubectl"):
            (folder / program).touch(mode=0o755)
    monkeypatch.setattr(catalogue, "BIN", folders["fetched"])
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(folders["assets"]))
    monkeypatch.setenv("PATH", str(folders["path"]))
    return folders


@pytest.mark.parametrize(("program", "elsewhere"), [("nginx", "path"), ("kubectl", "assets")])
def test_what_was_brought_in_comes_first(places: dict[str, Path], program: str, elsewhere: str) -> None:
    assert catalogue.find(program) == places["fetched"] / program
    (places["fetched"] / program).unlink()
    assert catalogue.find(program) == places[elsewhere] / program
    (places[elsewhere] / program).unlink()
    assert catalogue.find(program) is None


def test_no_kubectl_of_another_release(places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    (places["fetched"] / "kubectl").unlink()
    monkeypatch.delenv("KUBEBUILDER_ASSETS")
    assert catalogue.missing(["kubectl", "nginx"]) == ["kubectl"]
