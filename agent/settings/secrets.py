"""What must never be shown, nor be written into a configuration."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from agent.core.secret_names import is_secret_name
from agent.core.secrets import CONCEALED, remember, remember_in_urls
from agent.probes._endpoint import end_of_authority
from agent.probes._settings import EnvironmentText
from agent.probes._text import quote
from agent.settings.environment import Report, expand_text, values_in
from agent.settings.problems import Path
from agent.settings.written import check_templates, entries

SECRET = CONCEALED
FROM_ENVIRONMENT = "<from the environment>"

_ORDINARY_NAME = re.compile(r"key|code", re.IGNORECASE)
"""Query parameters that some services take a secret in, and most others something that may be seen."""
_MADE_UP = re.compile(r"(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[\w.~+/=%-]{20,}|[\da-fA-F]{32,}")
"""A value as only machines make them up."""
_SENT = {"headers", "cookies", "body", "send"}
_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")
_QUERY_VALUE = re.compile(r"(?<=[?&])([^=&#\s]+)=([^&#\s]*)")


def _is_secret_parameter(name: str, value: str) -> bool:
    """Whether a query parameter is a secret: by its name, or by its value where the name may mean anything."""
    return is_secret_name(name) or bool(_ORDINARY_NAME.fullmatch(name) and _MADE_UP.fullmatch(value))


def is_secret_at(path: Path) -> bool:
    """Whether the value at `path` may be a secret: by its own key, or because it is the value of a header or cookie."""
    names = [step for step in path if isinstance(step, str)]
    if not names or names[-1].endswith("_file"):
        return False
    return is_secret_name(names[-1]) or "cookies" in names


def remember_from_environment(written: Mapping[Path, str], environment: Mapping[str, str]) -> None:
    """Remembers, as secrets, what of the environment is sent to a target: all but the part of a URL that ends with the
    port."""
    for path, text in written.items():
        sent = is_secret_at(path) or not _SENT.isdisjoint(path)
        end = end_of_authority(expand_text(text, environment))
        for start, value in values_in(text, environment):
            if sent:
                remember(value.strip())  # which finds it with white space at its ends, too
            elif end is not None:
                remember_in_urls(value[max(0, end - start) :])


def mask_url(text: str) -> str:
    """The text with what is secret in a URL replaced."""
    if "://" not in text:
        return text
    masked = _USERINFO.sub(f"{SECRET}@", text)
    return _QUERY_VALUE.sub(
        lambda query: f"{query[1]}={SECRET if _is_secret_parameter(query[1], query[2]) else query[2]}", masked
    )


def show(value: object, path: Path) -> str:
    """A value as a problem may name it: shortened, and masked where it is or may be a secret."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if is_secret_at(path):
        return SECRET
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, EnvironmentText):
        return FROM_ENVIRONMENT
    return quote(mask_text(value), 80) if isinstance(value, str) else str(value)


def is_shown(value: object, path: Path) -> bool:
    """Whether `show` shows the value as it is written."""
    masked = isinstance(value, str) and (isinstance(value, EnvironmentText) or mask_text(value) != value)
    return not (masked or is_secret_at(path))


def mask_text(text: str) -> str:
    """A text that may be no valid URL, with all that could be user and password in one replaced."""
    scheme, slashes, rest = text.partition("://") if "://" in text else ("", "", text)
    before, at, host = rest.rpartition("@")
    return mask_url(f"{scheme}{slashes}{SECRET}@{host}" if at and (slashes or ":" in before) else text)


def report_literal_secrets(top: Mapping[str, object], report: Report) -> None:
    """Reports credentials that are written into a URL, or into the headers of the probe of a check."""
    _report_in_urls(top, (), report)
    for path, check in (*entries(top, "checks"), *check_templates(top)):
        if isinstance(probe := check.get("probe"), dict):
            _report_in_headers(probe, (*path, "probe"), report)


def _report_in_headers(probe: dict[str, object], path: Path, report: Report) -> None:
    headers = probe.get("headers")
    for name, value in headers.items() if isinstance(headers, dict) else ():
        if is_secret_name(name) and isinstance(value, str) and not isinstance(value, EnvironmentText):
            message = f"{SECRET}: a secret must not be written in the configuration; use auth, cookies or ${{NAME}}"
            report((*path, "headers", name), message)


def _report_in_urls(value: object, path: Path, report: Report) -> None:
    """What a target must say may look like a URL, but is none that is shown."""
    if isinstance(value, dict | list):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in entries:
            if key not in _SENT and key != "expect":
                _report_in_urls(item, (*path, key), report)
    elif isinstance(value, str) and end_of_authority(value) is not None:
        remedy = "use auth or headers" if "probe" in path else "leave it out"
        # What the loader puts in from the environment is taken out again wherever the URL is shown.
        written_here = not isinstance(value, EnvironmentText)
        for name, parameter in _query(value):
            if is_secret_name(name) or (written_here and _is_secret_parameter(name, parameter)):
                message = f"the query parameter {name!r} looks like a secret, and a URL is shown in metrics; {remedy}"
                report(path, message)


def _query(url: str) -> list[tuple[str, str]]:
    try:
        return [(name[:80], value) for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True)]
    except ValueError:
        return []
