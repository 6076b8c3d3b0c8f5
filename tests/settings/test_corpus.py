"""The corpus: every wrong configuration in `invalid/` with the exact words of its problems, and right ones."""

from pathlib import Path

import pytest

from agent.settings.load import load
from agent.settings.problems import ConfigurationError

HERE = Path(__file__).parent
SECRET = "hunter2"
ENVIRONMENT = {
    "SECRET": SECRET,
    "SEVERAL_LINES": f"{SECRET}\n{SECRET}\n",
    "HTTPS_PROXY": f"http://user:{SECRET}@proxy.example.com:3128",
}
ENVIRONMENT_OF = {"proxy-in-environment": {"HTTPS_PROXY": f"socks5://user:{SECRET}@proxy.example.com"}}


def names(folder: str) -> list[str]:
    return sorted(file.stem for file in (HERE / folder).glob("*.yaml"))


@pytest.mark.parametrize("name", names("invalid"))
def test_every_problem_is_told_word_for_word(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE / "invalid")
    with pytest.raises(ConfigurationError) as raised:
        load([Path(f"{name}.yaml")], ENVIRONMENT_OF.get(name, ENVIRONMENT))
    said = str(raised.value)
    assert said + "\n" == Path(f"{name}.expected").read_text(encoding="utf-8")
    assert SECRET not in said + repr(raised.value)


def test_the_corpus_is_large_and_tries_to_leak() -> None:
    files = [file.read_bytes() for file in (HERE / "invalid").glob("*.yaml")]
    assert len(files) >= 45
    assert sum(SECRET.encode() in content for content in files) >= 8


@pytest.mark.parametrize("name", names("valid"))
def test_a_right_configuration_loads(name: str) -> None:
    load([HERE / "valid" / f"{name}.yaml"], ENVIRONMENT)
