"""The commands that only tell: probes, reasons, metrics, validate, targets."""

import json
import re
from pathlib import Path

import pytest
import yaml

from agent.core.reasons import Reason
from agent.metrics.catalogue import catalogue
from agent.probes import probe_kinds
from tests.agent.support import check, write
from tests.commands.support import call, reachd

DEPLOYMENT = {
    "name": "prod",
    "profile": "meshery",
    "server": "http://meshery.meshery.svc:9081",
    "broker": {"address": "meshery-nats.meshery.svc:4222", "monitor": "http://meshery-nats.meshery.svc:8222"},
}


async def test_probes(capfd: pytest.CaptureFixture[str]) -> None:
    status, out, _ = await call(capfd, "probes")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["KIND", *probe_kinds()]
    assert "follow_redirects" in out


async def test_reasons(capfd: pytest.CaptureFixture[str]) -> None:
    status, out, _ = await call(capfd, "reasons")
    lines = [line.split() for line in out.splitlines()]
    assert status == 0
    assert [words[:2] for words in lines[1:]] == [[reason.value, reason.blame.value] for reason in Reason]


async def test_metrics(capfd: pytest.CaptureFixture[str]) -> None:
    status, out, _ = await call(capfd, "metrics")
    assert status == 0
    assert {line.split()[0] for line in out.splitlines()[1:]} == {entry.family.name for entry in catalogue().entries()}


async def test_a_valid_configuration(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "reachd.yaml", {"checks": [check("web", "http", url="http://localhost/")]})
    assert await call(capfd, "validate", file) == (0, "valid: 1 check, 0 rows not testable from here\n", "")


async def test_warnings_are_no_problems(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    missing = check("web", "http", url="http://localhost/", tls={"ca_file": str(tmp_path / "missing")})
    file = write(tmp_path / "reachd.yaml", {"checks": [missing], "deployments": [DEPLOYMENT]})
    status, out, err = await call(capfd, "validate", file)
    assert status == 0
    assert out.startswith("valid: ")
    assert re.match(rf"warning: {file}:\d+: checks\[web\]\.probe\.tls\.ca_file: the file ", err)


async def test_all_problems_at_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "reachd.yaml"
    file.write_text("listn: x\nchecks:\n  - name: A\n    probe: {kind: htp}\n")
    status, out, err = await call(capfd, "validate", file, tmp_path / "nowhere.yaml")
    assert (status, out) == (2, "")
    assert f"{tmp_path}/nowhere.yaml" in err
    status, out, err = await call(capfd, "validate", file)
    assert (status, out) == (2, "")
    assert [line.rpartition(file.name)[2].split(": ")[0] for line in err.splitlines()] == [":1", ":3", ":4"]
    assert "listen" in err
    assert "http" in err


@pytest.mark.parametrize("output", ["table", "json", "networkpolicy"])
async def test_targets(output: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "reachd.yaml", {"vantage": ["server"], "deployments": [DEPLOYMENT]})
    status, out, err = await call(capfd, "targets", "--config", file, "--output", output)
    assert (status, err) == (0, "")
    assert "4222" in out
    if output == "json":
        assert json.loads(out)
        assert [line for line in json.loads(out) if not line["here"] and not line["remark"]] == []
        assert "needs vantage adapter" in {line["remark"] for line in json.loads(out)}
    elif output == "networkpolicy":
        assert {document["kind"] for document in yaml.safe_load_all(out) if document} == {"NetworkPolicy"}


@pytest.mark.parametrize("command", ["run", "check", "targets"])
def test_a_bad_configuration_is_status_2_for_every_command(command: str, tmp_path: Path) -> None:
    file = tmp_path / "reachd.yaml"
    file.write_text("listen: [\n")
    with reachd(command, "--config", file) as process:
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, b"")
    assert err.startswith(f"{file}:".encode())
