"""Reads the configuration from files and says all that is wrong with it at once. Touches no network."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath

from pydantic import ValidationError

from agent.settings.document import MAX_BYTES, Place, YamlList, YamlMapping, place_of, read_document
from agent.settings.environment import expand
from agent.settings.findings import Findings
from agent.settings.model import Configuration
from agent.settings.plan import timeout_problems
from agent.settings.problems import ConfigurationError, Path, Problem, render_path
from agent.settings.references import report_references
from agent.settings.secrets import remember_from_environment, report_literal_secrets
from agent.settings.warnings import warned_paths
from agent.settings.wording import explain
from agent.settings.written import entries

_SUFFIXES = (".yaml", ".yml")
_OF_ALL = ("defaults", "vantage")
"""Keys that decide about the times of all checks, and which checks there are."""


def load(paths: Sequence[FilePath], environment: Mapping[str, str] = os.environ) -> Configuration:
    """The configuration that the files, and the YAML files in the directories, make together.

    Raises ConfigurationError with every problem found.
    """
    documents: list[YamlMapping] = []
    problems: list[Problem] = []
    readable = True
    for path in paths:
        try:
            for file in files_of(path):
                document, found = read_document(_content(file), str(file))
                documents.append(document)
                problems += found
        except ConfigurationError as error:
            problems += error.problems
            readable = False
    if not readable:
        raise ConfigurationError(problems)
    return _validate(documents, problems, environment)


def files_of(path: FilePath) -> list[FilePath]:
    """The file itself, or the YAML files of a directory by name, as a mounted ConfigMap has them behind symlinks."""
    try:
        if not path.is_dir():
            return [path]
        entries = sorted(path.iterdir())
        files = [entry for entry in entries if entry.suffix in _SUFFIXES and entry.name[0] != "." and entry.is_file()]
    except OSError as error:
        raise _unreadable(path, error) from None
    if not files:
        raise ConfigurationError([Problem(str(path), 0, "", "the directory holds no *.yaml or *.yml file; add one")])
    return files


def _content(file: FilePath) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(file, error) from None


def _unreadable(path: FilePath, error: OSError) -> ConfigurationError:
    return ConfigurationError([Problem(str(path), 0, "", f"cannot be read: {error.strerror}; check name and rights")])


def _validate(
    documents: Sequence[YamlMapping], problems: list[Problem], environment: Mapping[str, str]
) -> Configuration:
    top = YamlMapping()
    for document in documents:
        _merge(top, document, (), problems)
    first = next((place.file for place in top.places.values()), "")
    findings = Findings(top, problems, Place(first, 1))
    written = expand(top, environment, findings.report)
    remember_from_environment(written, environment)
    report_literal_secrets(top, findings.report_unless_known)
    report_references(top, findings.report)
    configuration = None
    invalid: list[Path] = []
    try:
        configuration = Configuration.model_validate(top)
        configuration.proxies(environment)
    except ValidationError as error:
        for path, message in explain(error, top):
            invalid.append(path)
            findings.report_unless_known(path, message)
    except ValueError as error:
        message = f"HTTP_PROXY or HTTPS_PROXY in the environment: {error}; correct it, or write proxy: none"
        findings.report(("proxy",), message)
    if not findings.are_about(_OF_ALL):
        found = timeout_problems(configuration) if configuration is not None else _timeout_problems(top, invalid)
        for path, message in found:
            findings.report_unless_known(path, message)
    if configuration is None or problems:
        raise ConfigurationError(problems)
    places = {shown: place_of(path, top) for path, shown in warned_paths(configuration).items()}
    known = {shown: (place.file, place.line) for shown, place in places.items() if place is not None}
    return configuration.with_references(written).with_places(known)


def _timeout_problems(top: YamlMapping, invalid: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """The timeouts in which no run can end, of the entries that are valid by themselves. invalid: what is not."""
    broken = {path[:2] for path in invalid}
    sound = {
        section: [(path, entry) for path, entry in entries(top, section) if path not in broken]
        for section in ("deployments", "checks")
    }
    rest = {section: [entry for _, entry in found] for section, found in sound.items()}
    configuration = Configuration.model_validate({key: top[key] for key in _OF_ALL if key in top} | rest)
    for (section, position, *steps), message in timeout_problems(configuration):
        path, _ = sound[str(section)][int(position)]
        yield (*path, *steps), message


def _merge(top: YamlMapping, other: YamlMapping, path: Path, problems: list[Problem]) -> None:
    """Adds what `other` holds: lists concatenate, mappings merge, and what is there already is a problem."""
    for key, value in other.items():
        place = other.places[key]
        known = top.get(key)
        if key not in top:
            top[key] = value
            top.places[key] = place
        elif isinstance(known, YamlMapping) and isinstance(value, YamlMapping):
            _merge(known, value, (*path, key), problems)
        elif isinstance(known, YamlList) and isinstance(value, YamlList):
            known.extend(value)
            known.places.extend(value.places)
        else:
            before = top.places[key]
            message = f"set already at {before.file}:{before.line}; set it in one place only"
            problems.append(Problem(place.file, place.line, render_path((*path, key), top), message))
