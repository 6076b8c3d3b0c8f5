"""`reachd explain`: reasons from the catalogue, checks from a running agent."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from agent.commands.check_report import write_report
from agent.commands.terminal import Terminal
from agent.core.explanations import explain
from agent.core.reasons import Reason
from agent.probes._settings import BasicAuthSettings
from agent.settings.model import ListenerTls, Web
from tests.agent.support import check, local_agent
from tests.commands.support import Result, call
from tests.engine.test_supervisor import web_server
from tests.probes.support import answering, authority, ca_file, serving
from tests.web.support import Agent, Board, listening
from tests.web.support import check as web_check


@pytest.mark.parametrize("reason", Reason)
async def test_every_reason(reason: Reason, capfd: pytest.CaptureFixture[str]) -> None:
    status, out, err = await call(capfd, "explain", reason.value)
    assert (status, err) == (0, "")
    assert out.startswith(f"{reason.value}: {explain(reason).phrase}\n")
    assert {"target": "the target", "path": "the path", "agent": "the agent"}[reason.blame] in out.splitlines()[1]
    assert out.count("\n  - ") == len(explain(reason).try_first)
    assert max(map(len, out.splitlines())) <= 140


@pytest.mark.parametrize(
    ("typo", "hint"),
    [("connect_refusd", "did you mean connect_refused?"), ("no_such_thing_at_all", "`reachd reasons` lists them")],
)
async def test_a_typo(typo: str, hint: str, capfd: pytest.CaptureFixture[str]) -> None:
    status, out, err = await call(capfd, "explain", typo)
    assert (status, out) == (2, "")
    assert err == f"reachd explain: {typo}: no such reason; {hint}\n"


@pytest.mark.parametrize("spelling", ["upgrade-stripped", "UPGRADE_STRIPPED", "Upgrade-Stripped"])
async def test_other_spellings(spelling: str, capfd: pytest.CaptureFixture[str]) -> None:
    status, out, _ = await call(capfd, "explain", spelling)
    assert status == 0
    assert out.startswith("upgrade_stripped: ")


async def test_what_may_be_a_check_or_a_reason(capfd: pytest.CaptureFixture[str]) -> None:
    status, out, err = await call(capfd, "explain", "upgrade-striped", "--agent", "http://127.0.0.1:1")
    assert (status, out) == (2, "")
    assert err == (
        "reachd explain: no agent answers at http://127.0.0.1:1 (Connection refused); start it, or name it with "
        "--agent; did you mean upgrade_stripped?\n"
    )


async def test_checks_of_a_running_agent(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # must not lead to the agent
    async with web_server() as server:
        checks = [
            check("web-page", "http", url=f"http://127.0.0.1:{server.port}/"),
            check("web-behind", "http", url=f"http://127.0.0.1:{server.port}/", depends_on=["web-page"]),
            check("never-run", "tcp", address="127.0.0.1:1", every="1h"),
        ]
        async with local_agent(tmp_path, {"checks": checks, "log": {"level": "error"}}) as agent:

            async def explained(name: str) -> str:
                status, out, err = await call(capfd, "explain", name, "--agent", f"{agent.agent.address}/")
                assert (status, err) == (0, ""), name
                return out

            await agent.until_states(web_page="up", web_behind="up")
            up = await explained("web-page")
            assert up.startswith("✓ default/web-page is up at least since ")
            assert f"  http://127.0.0.1:{server.port}/\n" in up
            assert " every 200ms, timeout 200ms; " in up
            assert "Last run, " in up
            assert all(f"\n  {phase}" in up for phase in ("resolve", "connect", "request", "response"))
            assert "Try first" not in up
            assert up == up.replace("\x1b", "")
            server.status = 503
            await agent.until_states(web_page="down", web_behind="blocked")
            down = await explained("default/web-page")
            assert down.startswith("✗ default/web-page is down since ")
            assert "\nserver_error in the phase transfer; to blame: the target\n  the answer is 503\n" in down
            assert "\nTry first:\n  - curl " in down
            assert "✓✗✗" in down
            assert "{" not in down.replace("${", "")
            behind = await explained("web-behind")
            assert behind.startswith("- default/web-behind is blocked since ")
            assert "Not run: it depends on web-page, which is down" in behind
            server.status = 200
            await agent.until_states(web_page="up")
            again = await explained("web-page")
            assert again.startswith("✓ default/web-page is up since ")
            assert "Last failure, " in again
            assert (await explained("never-run")).startswith("? default/never-run is unknown\n")
            for name, problem in {
                "web-pag": "did you mean default/web-page?",
                "nothing": "/api/v1/checks lists them",
                "default/nothing": "has no check default/nothing",
            }.items():
                status, out, err = await call(capfd, "explain", name, "--agent", agent.agent.address)
                assert (status, out) == (2, "")
                assert problem in err


async def test_the_runs_of_a_blocked_check_are_history(capfd: pytest.CaptureFixture[str]) -> None:
    board = Board(*(web_check(name) for name in ("up", "refused", "cause")))
    board.up("up")
    board.down("refused", Reason.AUTH_REJECTED, "the token is old")
    board.down("cause", Reason.CONNECT_REFUSED)
    for name in ("up", "refused"):
        board.blocked(name, "cause")
    agent = Agent(board)
    async with listening(agent):
        up, refused = [(await call(capfd, "explain", name, "--agent", agent.url)).out for name in ("up", "refused")]
    for out in (up, refused):
        assert "Not run: it depends on cause, which is down\n\nLast run, " in out
    assert "auth_rejected" not in up
    failed = r"\nLast failure, [0-9:]+ UTC: auth_rejected in the phase response; .*\n  the token is old\n"
    assert re.search(failed, refused)


async def test_an_agent_that_wants_to_know_who_asks(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    right, wrong, both = tmp_path / "right", tmp_path / "wrong", tmp_path / "both.pem"
    right.write_text("s3cret\n")
    wrong.write_text("gu3ssed\n")
    authority().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(both)
    settings = Web(
        tls=ListenerTls(cert_file=both, key_file=both),
        basic_auth=BasicAuthSettings(username="oncall", password_file=right),
    )
    agent = Agent(Board(web_check("server-live")), settings=settings)
    trust = ("--ca-file", ca_file(tmp_path))
    async with listening(agent):

        async def explained(*options: object) -> Result:
            result = await call(capfd, "explain", "server-live", "--agent", agent.url, *options)
            assert "s3cret" not in result.out + result.err
            assert "gu3ssed" not in result.out + result.err
            return result

        for options, problem in {
            (): f"{agent.url} is not trusted (",
            trust: f"{agent.url} answered 401; give --user and --password-file\n",
            (*trust, "--user", "oncall", "--password-file", wrong): "answered 401; it knows no such user or password\n",
            (*trust, "--user", "oncall", "--password-file", tmp_path / "none"): "cannot read the file",
            (*trust, "--user", "oncall"): "--user and --password-file belong together\n",
            ("--ca-file", tmp_path / "none"): "cannot use the certificates in",
            ("--ca-file", right): "cannot use the certificates in",
        }.items():
            refused = await explained(*options)
            assert (refused.status, refused.out) == (2, "")
            assert problem in refused.err
        allowed = await explained(*trust, "--user", "oncall", "--password-file", right)
    assert (allowed.status, allowed.err) == (0, "")
    assert allowed.out.startswith("? prod/server-live is unknown")


@pytest.mark.parametrize("address", ["http://a:s3cret@127.0.0.1:1", "a:s3cret@127.0.0.1:1", "http://a:s3/cret@[::1]:1"])
async def test_credentials_in_the_address_are_refused_and_not_shown(
    address: str, capfd: pytest.CaptureFixture[str]
) -> None:
    status, out, err = await call(capfd, "explain", "web", "--agent", address)
    assert (status, out) == (2, "")
    assert err == (
        "reachd explain: credentials do not belong in the agent's address; give them with --user and --password-file\n"
    )


async def test_a_redirect_does_not_carry_the_password_away(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    password = tmp_path / "password"
    password.write_text("s3cret")
    heard = b""

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with serving(elsewhere) as other:
        head = f"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://{other.address}/\r\n\r\n"
        async with serving(answering(head.encode())) as first:
            address = f"http://{first.address}"
            await call(capfd, "explain", "a/b", "--agent", address, "--user", "a", "--password-file", password)
    assert heard.startswith(b"GET / ")
    assert b"authorization" not in heard.lower()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnope", "what answers there is no agent"),
        (b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", "answered 401"),
        (b"SSH-2.0-OpenSSH\r\n", "no agent answers at"),
    ],
)
async def test_what_is_no_agent(answer: bytes, problem: str, capfd: pytest.CaptureFixture[str]) -> None:
    async with serving(answering(answer)) as server:
        status, out, err = await call(capfd, "explain", "web", "--agent", f"http://{server.address}")
    assert (status, out) == (2, "")
    assert problem in err
    assert "Traceback" not in err


async def test_an_agent_without_tls_is_not_asked_with_it(capfd: pytest.CaptureFixture[str]) -> None:
    async with serving(answering(b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n")) as server:
        status, out, err = await call(capfd, "explain", "web", "--agent", f"https://{server.address}")
    assert (status, out) == (2, "")
    assert f"no agent answers at https://{server.address} (wrong version number); start it" in err


async def test_an_odd_document_is_no_crash(capfd: pytest.CaptureFixture[str]) -> None:
    body = (
        b'{"state": 7, "check": "\\u001b[31m", "history": [1, {"verdict": []}], "last": {"phases_seconds": {"x": "y"}}}'
    )
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    async with serving(answering(head + body)) as server:
        status, out, _ = await call(capfd, "explain", "a/b", "--agent", f"http://{server.address}")
    assert status == 0
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("document", "wrong"),
    [
        ({"state": "up", "last": {"verdict": "up", "started": 1e30}}, "started is 1e+30"),
        ({"last_failure": {"started": -1e12}}, "started is -1e+12"),
        ({"since": 1e300, "since_exact": True}, "since is 1e+300"),
        ({"every_seconds": 1.7e308}, "every_seconds is 1.7e+308"),
        ({"runs": 10**200}, "runs is 1e+200"),
        ({"history": [{"started": 1e30}]}, "started is 1e+30"),
        ({"last": {"duration_seconds": 1e-300, "phases_seconds": {"\x1b[31m": 1e12}}}, r"\x1b[31m is 1e+12"),
    ],
)
async def test_numbers_out_of_this_world_are_a_wrong_answer(
    document: dict[str, object], wrong: str, capfd: pytest.CaptureFixture[str]
) -> None:
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    async with serving(answering(head + body)) as server:
        status, out, err = await call(capfd, "explain", "a/b", "--agent", f"http://{server.address}")
    assert (status, out) == (2, "")
    assert err == f"reachd explain: http://{server.address} gives a wrong answer: {wrong}; is it an agent?\n"


def test_a_phase_longer_than_its_run_has_no_endless_bar(capsys: pytest.CaptureFixture[str]) -> None:
    last = {"verdict": "up", "duration_seconds": 1e-300, "phases_seconds": {"connect": 1e9}}
    write_report({"state": "up", "last": last}, Terminal(), 0.0)
    assert max(map(len, capsys.readouterr().out.splitlines())) < 120


async def test_no_agent_at_all(capfd: pytest.CaptureFixture[str]) -> None:
    for address, problem in {"http://127.0.0.1:1": "no agent answers", "127.0.0.1:1": "expected the agent's"}.items():
        status, out, err = await call(capfd, "explain", "web", "--agent", address)
        assert (status, out) == (2, "")
        assert problem in err


def test_why_it_is_down_comes_before_a_run_without_a_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    last = {"verdict": "unknown", "reason": "overloaded", "explanation": {"blame": "agent"}}
    failure = {"verdict": "down", "reason": "connect_timeout", "explanation": {"blame": "path"}}
    write_report({"state": "down", "last": last, "last_failure": failure}, Terminal(), 0.0)
    out = capsys.readouterr().out
    first, _, rest = out.partition("\nLast run, ")
    assert "\nconnect_timeout; to blame: the path" in first
    assert "overloaded; to blame: the agent" in rest
    assert "Last failure" not in out
    write_report({"state": "unknown", "last": last, "last_failure": failure}, Terminal(), 0.0)
    assert "\noverloaded; to blame: the agent" in capsys.readouterr().out.partition("Last failure, ")[0]


def test_what_an_answer_means_here_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    run = {
        "verdict": "down",
        "reason": "connect_refused",
        "meaning_here": "here",
        "explanation": {"meaning": "anywhere"},
    }
    write_report({"state": "down", "last": run, "last_failure": run}, Terminal(), 0.0)
    out = capsys.readouterr().out
    assert out.count("  here\n") == 1
    assert out.index("  here\n") < out.index("  anywhere\n")
    write_report({"state": "up", "last": {"verdict": "up", "meaning_here": "well"}}, Terminal(), 0.0)
    assert "  well\n" in capsys.readouterr().out
