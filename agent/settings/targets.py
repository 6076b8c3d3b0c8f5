"""Checks and deployments that something else than the configuration names: held to the very same rules."""

from math import inf
from typing import NamedTuple

from pydantic import ValidationError

from agent.probes._settings import Model
from agent.settings.checks import CheckSettings
from agent.settings.document import Place, read_document
from agent.settings.environment import expand
from agent.settings.findings import Findings
from agent.settings.model import Configuration
from agent.settings.problems import ConfigurationError
from agent.settings.references import report_references
from agent.settings.secrets import report_literal_secrets
from agent.settings.wording import explain

_SECTIONS = ("checks", "deployments")


class Targets(NamedTuple):
    """What to watch."""

    checks: tuple[CheckSettings, ...] = ()
    deployments: tuple[Model, ...] = ()


def read_targets(content: bytes, file: str) -> Targets:
    """The targets that a file holds. Environment variables are not for it: whoever writes it may not read them.

    Raises ConfigurationError with every problem found.
    """
    top, problems = read_document(content, file)
    findings = Findings(top, problems, Place(file, 1))
    expand(top, None, findings.report)
    return _validated(top, findings)


def targets_of(top: dict[str, object], found_in: str) -> Targets:
    """The targets in a mapping of `checks` and `deployments`. Raises ConfigurationError, which names `found_in`."""
    return _validated(top, Findings(top, [], Place(found_in, 0)))


def _validated(top: dict[str, object], findings: Findings) -> Targets:
    for key in top:
        if key in Configuration.model_fields and key not in _SECTIONS:
            findings.report((key,), f"only {' and '.join(_SECTIONS)} can be discovered; write it in the configuration")
    report_literal_secrets(top, findings.report_unless_known)
    # What a check does not say is said by the defaults of the configuration, which are not known here.
    report_references(top, findings.report, every=inf, timeout=0.0)
    try:
        found = Configuration.model_validate(top)
    except ValidationError as error:
        for path, message in explain(error, top):
            findings.report_unless_known(path, message)
        raise ConfigurationError(findings.problems) from None
    if findings.problems:
        raise ConfigurationError(findings.problems)
    return Targets(found.checks, found.deployments)
