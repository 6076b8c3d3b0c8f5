"""`reachd check`: what it runs, what it says, and with which status it ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from agent.commands.adhoc import adhoc_checks
from agent.commands.check_formats import as_json, as_junit
from agent.commands.check_table import CheckTable
from agent.commands.terminal import Terminal
from agent.core.check import Severity, Vantage
from agent.core.reasons import Reason
from agent.core.run import Run
from agent.core.transitions import State
from agent.engine.once import Result as Once
from agent.settings.checks import CheckSettings
from agent.settings.model import Configuration
from agent.settings.plan import plan
from tests.agent.support import check, write
from tests.commands.support import call
from tests.engine.support import check as engine_check
from tests.engine.test_supervisor import WebServer, web_server
from tests.probes.dns_server import name_server, records
from tests.probes.support import answering, ca_file, refusing, saying, server_context, serving
from tests.probes.test_websocket import WebSocketServer
from tests.servers.run import nats_server

INFO = b'INFO {"server_id":"A","version":"2.10.0","max_payload":1048576,"auth_required":true}\r\n'
HTTP_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[tuple[Path, WebServer]]:
    """A configuration: `web`, `deep` and `patient` are up, `gone` is down, `behind` depends on it, `held` holds."""
    async with (
        web_server() as server,
        serving(saying(b"220 hello\r\n")) as mail,
        WebSocketServer().running() as live,
    ):
        with refusing() as nothing:
            checks = [
                check("web", "http", url=f"http://127.0.0.1:{server.port}/"),
                check("deep", "tcp", address=mail.address, dialogue=[{"expect": "^220"}], depends_on=["web"]),
                check("gone", "tcp", address=nothing),
                check("behind", "tcp", address=nothing, depends_on=["gone"]),
                check("vague", "tcp", address=mail.address, dialogue=[{"expect": "^220"}], labels={"owner": "me"}),
                check("patient", "tcp", address=mail.address, every="2m", timeout="1m"),
                check("held", "websocket", url=live.url, hold="50ms", every="20s", timeout="10s"),
            ]
            yield write(folder / "reachd.yaml", {"checks": checks}), server


async def test_everything(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with scene(tmp_path) as (file, _):
        status, out, err = await call(capfd, "check", "--config", file)
    lines = [line.strip() for line in out.splitlines()]
    assert status == 1
    assert err == ""
    assert [line.split()[:2] for line in lines if line[:1] in "✓✗-?" and line[1:2] == " "] == [
        ["✓", "web"],
        ["✓", "deep"],
        ["✗", "gone"],
        ["-", "behind"],
        ["✓", "vague"],
        ["✓", "patient"],
    ]
    assert "connect_refused (blame: target, in phase connect): Connection refused" in out
    assert "not run: gone is down" in out
    assert any(line.startswith("try: ") for line in lines)
    assert "6 checks: 4 up, 1 down, 1 blocked" in lines
    assert "Left out because they hold a connection on purpose; name them to run them: held" in lines
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("names", "status", "marks"),
    [
        (["web"], 0, {"web": "✓"}),
        (["default/web", "deep"], 0, {"web": "✓", "deep": "✓"}),
        (["web", "gone"], 1, {"web": "✓", "gone": "✗"}),
        (["held"], 0, {"held": "✓"}),
    ],
)
@pytest.mark.parametrize("config_first", [False, True])
async def test_by_name(
    names: list[str],
    status: int,
    marks: dict[str, str],
    config_first: bool,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with scene(tmp_path) as (file, _):
        config = ["--config", str(file)]
        result = await call(capfd, "check", *(config + names if config_first else names + config))
    shown = [line.split() for line in result.out.splitlines()]
    assert result.status == status
    assert {words[1]: words[0] for words in shown if words and words[0] in "✓✗-?"} == marks


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "nothing to check; name a URL, or a configuration with --config"),
        (["wbe"], "no check is named wbe; `reachd targets --config FILE` lists them"),
        (["127.0.0.1:4222"], "no check is named 127.0.0.1:4222; did you mean tcp://127.0.0.1:4222?"),
        (["[::1]:4222"], "did you mean tcp://[::1]:4222?"),
        (["wbe", "--ca-file", "ca.pem"], "--ca-file is for URLs"),
        (["gopher://example.com/"], "cannot probe a URL that starts with gopher://; expected one of http://, https://"),
        (["http://user:pass@example.com/"], "credentials do not belong in a URL"),
        (["nats://example.com"], "expected host:port with a port from 1 to 65535"),
        (["http://[::1/"], "http://[::1/: not a valid URL; a port is a number up to 65535, an IPv6 address stands in"),
        (
            ["nats://user:pass@127.0.0.1:4222"],
            "nats://<secret>@127.0.0.1:4222: credentials do not belong in an address",
        ),
        (["dns://web.example.com:53"], "dns://web.example.com:53: a name has no colon and no white space; write the"),
        (["dns://a.example:b/web.example.com"], "expected host:port with a port from 1 to 65535"),
        (["dns://a.example/web.example.com?type=ANY"], "Input should be 'A', 'AAAA', "),
        (["dns://user:pass@example.com"], "dns://<secret>@example.com: credentials do not belong in an address"),
        (["nats://user:x/pass@127.0.0.1:4222"], "nats://<secret>@127.0.0.1:4222: credentials do not belong"),
        (["http://[user:pass@example.com/"], "http://<secret>@example.com/: not a valid URL"),
    ],
)
async def test_what_makes_no_sense(arguments: list[str], problem: str, capfd: pytest.CaptureFixture[str]) -> None:
    status, out, err = await call(capfd, "check", *arguments)
    assert status == 2
    assert out == ""
    assert err.startswith("reachd check: ")
    assert problem in err
    assert "pass@" not in err


def test_a_url_is_a_check_like_one_of_a_configuration() -> None:
    name, site = adhoc_checks(["dns://docs.example.com", "https://docs.example.com/"])
    configured = CheckSettings(name="url-1", probe=name.settings, severity=Severity.INFO)
    (like,) = plan(Configuration(vantage=(Vantage.CLIENT,), checks=(configured,))).checks
    assert replace(name, path=like.path, origin=like.origin) == like
    assert (name.path.port, site.path.port) == (like.path.port, "443/tcp") == ("53/udp", "443/tcp")


async def test_a_deployment_without_a_row_for_the_vantage(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "reachd.yaml", {"vantage": "node", "deployments": [{"name": "prod", "profile": "meshery"}]})
    status, out, err = await call(capfd, "check", "--config", file)
    assert (status, out) == (2, "")
    assert err == (
        "reachd check: nothing to check; no row of deployment prod can be tested from vantage node; "
        "there are rows for meshsync, operator\n"
    )


@pytest.mark.parametrize("option", ["--colour", "--output=yaml", "--wait=soon"])
def test_unknown_options(option: str, capfd: pytest.CaptureFixture[str]) -> None:
    from agent.__main__ import main  # noqa: PLC0415 - argparse ends the program, which `call` does not expect

    with pytest.raises(SystemExit) as ended:
        main(["check", "http://127.0.0.1/", option])
    assert ended.value.code == 2
    assert option.partition("=")[0] in capfd.readouterr().err


async def test_bare_urls(capfd: pytest.CaptureFixture[str]) -> None:
    async with web_server() as server, serving(saying(INFO, stay=True)) as broker, serving(answering(b"hello")) as tcp:
        urls = [f"http://127.0.0.1:{server.port}/a?b=c", f"nats://{broker.address}", f"tcp://{tcp.address}/"]
        status, out, _ = await call(capfd, "check", *urls, "--output", "json")
    assert status == 0
    found = json.loads(out)["checks"]
    assert [(entry["kind"], entry["target"], entry["state"]) for entry in found] == [
        ("http", urls[0], "up"),
        ("nats", broker.address, "up"),
        ("tcp", tcp.address, "up"),
    ]


async def test_urls_of_the_dns(capfd: pytest.CaptureFixture[str]) -> None:
    web = records("@ A 127.0.0.1", "@ MX 10 mail.test.")
    async with name_server({"web.test": web, "0/25.in-addr.arpa": records("@ PTR web.test.")}) as server:
        forms = ("web.test", "web.test/", "web.test?tYpE=mx;clAsS=IN", "0%2F25.in-addr.arpa?type=PTR")
        urls = [f"dns://{server.server}/{form}" for form in forms]
        status, out, _ = await call(capfd, "check", *urls, "--output", "json")
    found = json.loads(out)["checks"]
    assert [(entry["target"], entry["state"]) for entry in found] == [
        (f"web.test A at {server.server}", "up"),
        (f"web.test A at {server.server}", "up"),
        (f"web.test MX at {server.server}", "up"),
        (f"0/25.in-addr.arpa PTR at {server.server}", "up"),
    ]
    assert status == 0


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("dns://web.test", "web.test A"),
        ("dns://web.test/", "web.test A"),
        ("dns:///web.test", "web.test A"),
        ("dns://web.test?type=TXT", "web.test TXT"),
        ("dns://ns.test/web.test", "web.test A at ns.test:53"),
        ("dns://[::1]/web.test", "web.test A at [::1]:53"),
        ("dns://[::1]:5353/web.test", "web.test A at [::1]:5353"),
        ("DNS://192.0.2.53/0/25.2.0.192.in-addr.arpa?type=ptr", "0/25.2.0.192.in-addr.arpa PTR at 192.0.2.53:53"),
    ],
)
def test_what_a_url_of_the_dns_asks_for(url: str, target: str) -> None:
    (check,) = adhoc_checks([url])
    assert check.target == target


@pytest.mark.servers("nats-server")
async def test_a_real_broker_by_url(capfd: pytest.CaptureFixture[str]) -> None:
    with nats_server(token="s3cret") as broker:
        status, out, _ = await call(capfd, "check", f"nats://{broker.address}")
    assert status == 0
    assert "it wants authentication" in out


async def test_unknown_is_a_failure_only_where_that_is_asked_for(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    checks = [check("inside", "tcp", address="127.0.0.1:1")]
    file = write(tmp_path / "reachd.yaml", {"checks": checks, "forbidden_addresses": ["127.0.0.0/8"]})
    relaxed = await call(capfd, "check", "--config", file)
    strict = await call(capfd, "check", "--config", file, "--strict")
    junit = await call(capfd, "check", "--config", file, "--output", "junit")
    strict_junit = await call(capfd, "check", "--config", file, "--output", "junit", "--strict")
    assert (relaxed.status, strict.status, junit.status, strict_junit.status) == (0, 1, 0, 1)
    assert "? inside" in relaxed.out
    assert "address_forbidden (blame: agent" in relaxed.out
    assert "0 up, 1 unknown" in relaxed.out
    suite, strict_suite = fromstring(junit.out).find("testsuite"), fromstring(strict_junit.out).find("testsuite")
    assert suite is not None
    assert strict_suite is not None
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "1")
    assert suite.find("testcase/skipped") is not None
    assert (strict_suite.get("failures"), strict_suite.get("skipped")) == ("1", "0")
    failure = strict_suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("type") == "address_forbidden"


async def test_what_is_left_out_is_listed_as_skipped(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with scene(tmp_path) as (file, _):
        junit = await call(capfd, "check", "--config", file, "--output", "junit")
        document = await call(capfd, "check", "--config", file, "--output", "json")
    suite = fromstring(junit.out).find("testsuite")
    assert suite is not None
    assert {key: suite.get(key) for key in ("tests", "failures", "skipped")} == {
        "tests": "7",
        "failures": "2",
        "skipped": "1",
    }
    skipped = suite.find("testcase[@name='held']/skipped")
    assert skipped is not None
    assert skipped.get("message") == "it holds a connection on purpose; name it to run it"
    (entry,) = json.loads(document.out)["skipped"]
    assert (entry["check"], entry["kind"]) == ("held", "websocket")
    assert entry["why"] == skipped.get("message")


@pytest.mark.parametrize("output", ["table", "json", "junit"])
async def test_when_all_is_left_out_nothing_passes(
    output: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    checks = [check("held", "websocket", url="ws://127.0.0.1:1/", hold="50ms")]
    file = write(tmp_path / "reachd.yaml", {"checks": checks})
    status, out, err = await call(capfd, "check", "--config", file, "--output", output)
    assert (status, out) == (2, "")
    assert err == (
        "reachd check: nothing to check: what holds a connection on purpose runs only when it is named: default/held\n"
    )


async def test_wait_goes_on_until_all_are_up(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with web_server() as server:
        await server.stop()

        async def come_up() -> None:
            await asyncio.sleep(0.5)  # the command has seen it down several times by then
            await server.start()

        rising = asyncio.create_task(come_up())
        status, out, _ = await call(capfd, "check", f"http://127.0.0.1:{server.port}/", "--wait", "20s")
        await rising
    assert status == 0
    assert "1 check: 1 up" in out


async def test_wait_has_an_end(capfd: pytest.CaptureFixture[str]) -> None:
    with refusing() as nothing:
        began = asyncio.get_running_loop().time()
        status, out, _ = await call(capfd, "check", f"tcp://{nothing}", "--wait", "300ms")
        assert asyncio.get_running_loop().time() - began < 5
    assert status == 1
    assert "connect_refused" in out


async def test_a_name_that_is_almost_right(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with scene(tmp_path) as (file, _):
        status, out, err = await call(capfd, "check", "--config", file, "Vage")
    assert (status, out) == (2, "")
    assert err == "reachd check: no check is named Vage; did you mean vague?\n"


async def test_a_private_authority(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with serving(answering(HTTP_ANSWER), tls=server_context()) as server:
        url = f"https://{server.address}/"
        untrusted = await call(capfd, "check", url)
        trusted = await call(capfd, "check", url, "--ca-file", ca_file(tmp_path))
    assert untrusted.status == 1
    assert "tls_untrusted" in untrusted.out
    assert "--ca-file FILE" in untrusted.out
    assert trusted.status == 0, trusted.out


async def test_several_configurations(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with refusing() as nothing:
        files = [write(tmp_path / "a.yaml", {"checks": [check("a", "tcp", address=nothing)]}), tmp_path / "b.yaml"]
        files[1].write_text(json.dumps({"checks": [check("b", "tcp", address=nothing)]}))
        _, out, _ = await call(capfd, "check", "--config", files[0], "--config", files[1], "a", "b")
    assert "2 checks: 0 up, 2 down" in out


async def test_wait_lasts_until_its_end(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("agent.commands.check._WAIT_BETWEEN", 60.0)  # longer than what is left after the first round
    with refusing() as nothing:
        began = asyncio.get_running_loop().time()
        status, _, _ = await call(capfd, "check", f"tcp://{nothing}", "--wait", "600ms")
        assert 0.5 < asyncio.get_running_loop().time() - began < 5
    assert status == 1


async def test_json(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with scene(tmp_path) as (file, _):
        status, out, err = await call(capfd, "check", "--config", file, "--output", "json")
    found = {entry["check"]: entry for entry in json.loads(out)["checks"]}
    assert status == 1
    assert err == ""
    assert {name: entry["state"] for name, entry in found.items()} == {
        "web": "up",
        "deep": "up",
        "gone": "down",
        "behind": "blocked",
        "vague": "up",
        "patient": "up",
    }
    gone = found["gone"]
    assert (gone["reason"], gone["blame"], gone["phase"]) == ("connect_refused", "target", "connect")
    assert gone["detail"] == "Connection refused"
    assert gone["meaning"]
    assert gone["try_first"]
    assert sum(gone["phases_seconds"].values()) == pytest.approx(gone["duration_seconds"])
    assert found["behind"]["blocked_by"] == ["gone"]


def test_no_detail_breaks_a_format(capfd: pytest.CaptureFixture[str]) -> None:
    watched = engine_check("here", {"kind": "tcp", "address": "127.0.0.1:1"})
    for text in ("\x00\x0b\x1b[31m", "]]>", "\ufffe\udc80", "a\n::error::b"):
        outcome = Run(1.0).failed(Reason.PROTOCOL_ERROR, text)
        outcome.advice = text
        result = Once(watched, State.DOWN, outcome)
        failure = fromstring(as_junit([result], (), {State.DOWN})).find("testsuite/testcase/failure")
        assert failure is not None
        assert "protocol_error" in str(failure.get("message"))
        assert json.loads(as_json([result], ()))["checks"][0]["detail"] == text
        CheckTable([watched], Terminal()).write([result], (), ())
        out = capfd.readouterr().out
        assert all(character.isprintable() or character == "\n" for character in out)
        assert "\n::error::" not in out


HOSTILE = [
    b"\x00\x01\x0b\x1b[31mred\x1b[0m\x7f\x85",
    b"]]></failure><testcase name='forged'/>",
    "&lt;\"'<>& \ufffe\uffff\ud7ff\u202e\u2028\U0001f980".encode(),
    b"\xff\xfe\xc3\x28\xed\xa0\x80",
    b"\r\n\r\n::error::forged\r\n",
]


async def test_hostile_answers_make_no_invalid_output(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    checks = []
    async with AsyncExitStack() as stack:
        for number, text in enumerate(HOSTILE):
            body = b"HTTP/1.1 500 No\r\nConnection: close\r\n\r\n" + text
            location = text.replace(b"\r\n", b" ")
            redirect = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /" + location + b"\r\n\r\n"
            failing = (await stack.enter_async_context(serving(answering(body)))).address
            redirecting = (await stack.enter_async_context(serving(answering(redirect)))).address
            checks += [
                check(f"body-{number}", "http", url=f"http://{failing}/?a=1&b=%3C"),
                check(f"loop-{number}", "http", url=f"http://{redirecting}/", follow_redirects=True),
                check(f"line-{number}", "nats", address=failing),
            ]
        file = write(tmp_path / "reachd.yaml", {"checks": checks})
        junit = await call(capfd, "check", "--config", file, "--output", "junit")
        table = await call(capfd, "check", "--config", file)
        document = await call(capfd, "check", "--config", file, "--output", "json")
    assert junit.status == table.status == document.status == 1
    suite = fromstring(junit.out).find("testsuite")
    assert suite is not None
    assert suite.get("tests") == suite.get("failures") == str(len(checks))
    assert [case.get("name") for case in suite.findall("testcase")] == [entry["name"] for entry in checks]
    assert junit.out.isascii()
    assert len(json.loads(document.out)["checks"]) == len(checks)
    assert all(character.isprintable() or character == "\n" for character in table.out)
    assert not [line for line in table.out.splitlines() if line.lstrip().startswith("::error::")]
