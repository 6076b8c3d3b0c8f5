"""What a validation error means, in words for people who write configuration."""

import re
from collections.abc import Iterator
from itertools import groupby

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from agent.core.durations import duration
from agent.probes._settings import EnvironmentText
from agent.settings.problems import Path, nearest, step_into, unknown
from agent.settings.secrets import SECRET, is_secret_at, is_shown, show
from agent.settings.shape import fields_at

_NOUNS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "none_required": "nothing",
    "tuple_type": "a list",
    "list_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "path_type": "the path of a file",
    "date_type": "a date",
    "date_parsing": "a date",
    "date_from_datetime_parsing": "a date",
    "date_from_datetime_inexact": "a date",
    "url_parsing": "a URL",
    "is_instance_of": "a mapping",
}
_REMEDIES = {
    "text": "put it in quotes",
    "a whole number": "write one such as 20",
    "a number": "write one such as 0.999",
    "true or false": "write true or false",
    "a list": "write it in brackets, or as lines that begin with '-'",
    "a mapping": "write keys with values, as in {key: value}",
    "the path of a file": "write one such as /run/secrets/token",
    "a date": "write one such as 2026-09-01",
}
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def explain(error: ValidationError, top: object) -> Iterator[tuple[Path, str]]:
    """Path and message of everything that `error` holds. `top`: what was validated."""
    located = [(_path_of(details, top), details) for details in error.errors(include_url=False)]
    located.sort(key=lambda item: [str(step) for step in item[0]])
    for path, group in groupby(located, key=lambda item: item[0]):
        yield from ((path, message) for message in _messages(path, [details for _, details in group], top))


def _path_of(details: ErrorDetails, top: object) -> Path:
    """The location without what the validator adds to it, such as the alternatives of a union."""
    path: list[str | int] = []
    value = top
    for step in details["loc"]:
        if (isinstance(value, dict) and step in value) or (
            isinstance(value, list) and isinstance(step, int) and step < len(value)
        ):
            value = step_into(value, step)
            path.append(step)
    if details["type"] in ("missing", "said") and (not path or path[-1] != details["loc"][-1]):
        path.append(details["loc"][-1])
    return tuple(path)


def _messages(path: Path, errors: list[ErrorDetails], top: object) -> list[str]:
    value: object = top
    for step in path:
        value = step_into(value, step)
    if errors[0]["loc"][-1:] == ("[key]",):
        return [_message((), error, path[-1], top) for error in errors]
    nouns = list(dict.fromkeys(_NOUNS[error["type"]] for error in errors if error["type"] in _NOUNS))
    messages = [_message(path, error, value, top) for error in errors if error["type"] not in _NOUNS]
    if nouns and not messages:
        messages.append(_not_a(nouns, value, path))
    return list(dict.fromkeys(messages))


def _not_a(nouns: list[str], value: object, path: Path) -> str:
    shown = show(value, path)
    if value is None:
        return f"nothing is written here, but {_either(nouns)} is expected; write it or remove the key"
    if is_secret_at(path) and not isinstance(value, EnvironmentText | dict | list):
        remedy = "use auth or a key with _file, or ${NAME}"
        return f"{shown} is not {_either(nouns)}, and a secret must not be written in the configuration; {remedy}"
    if nouns == ["text"] and isinstance(value, bool | int | float) and is_shown(value, path):
        return f'{shown} is not text; put it in quotes: "{shown}"'
    if nouns == ["a list"] and not isinstance(value, dict | list) and is_shown(value, path):
        return f"{shown} is not a list; write it in brackets: [{shown}]"
    remedy = "write it on one line" if nouns == ["text"] else _REMEDIES[nouns[0]]
    return f"{shown} is not {_either(nouns)}; {remedy}"


def _either(nouns: list[str]) -> str:
    return " or ".join([", ".join(nouns[:-1]), nouns[-1]] if len(nouns) > 1 else nouns)


def _message(path: Path, error: ErrorDetails, value: object, top: object) -> str:
    kind, shown = error["type"], show(value, path)
    match kind:
        case "said":
            message = error["msg"]
        case "extra_forbidden":
            message = unknown("key", str(path[-1]), tuple(fields_at(path[:-1], top)))
        case "missing":
            message = _missing(path, top)
        case "value_error":
            message = _refused(error, value, path)
        case "literal_error" | "enum":
            message = _not_one_of(error, value, path)
        case _ if kind in _BOUNDS:
            name, words = _BOUNDS[kind]
            message = f"{shown} is out of range; write {words} {_amount(error['ctx'][name], value)}"
        case "too_short" | "too_long":
            few_or_many = "few" if kind == "too_short" else "many"
            least = error["ctx"].get("min_length")
            limit = f"at least {least}" if least is not None else f"at most {error['ctx']['max_length']}"
            message = f"the list has too {few_or_many} entries; write {limit}"
        case _:
            message = f"{shown} cannot be used here; see docs/configuration.md for what is expected"
    return message


def _missing(path: Path, top: object) -> str:
    field = fields_at(path[:-1], top).get(str(path[-1]))
    meaning = f": {_first_sentence(field.description)}" if field is not None and field.description else ""
    return f"the key '{path[-1]}' is missing; add it{meaning}"


def _refused(error: ErrorDetails, value: object, path: Path) -> str:
    said = str(error["ctx"]["error"])
    if isinstance(value, dict | list):
        return said
    return f"{show(value, path)}: {said if is_shown(value, path) else _without(str(value), said)}"


def _not_one_of(error: ErrorDetails, value: object, path: Path) -> str:
    allowed = re.findall(r"'([^']*)'", str(error["ctx"]["expected"]))
    shown = show(value, path)
    near = nearest(value, allowed) if isinstance(value, str) and is_shown(value, path) else None
    choice = f"{', '.join(allowed[:-1])} or {allowed[-1]}" if len(allowed) > 1 else "".join(allowed)
    return f"{shown} is not {choice}; did you mean '{near}'?" if near else f"{shown} is not known; write {choice}"


def _amount(bound: object, value: object) -> str:
    """A bound in the unit in which the value is written: a duration if the value is text."""
    if isinstance(value, str) and isinstance(bound, float | int) and not re.fullmatch(r"[-+.\de]+", value):
        return duration(float(bound))
    return f"{bound:g}" if isinstance(bound, float) else str(bound)


def _without(value: str, message: str) -> str:
    """The message without the pieces of a masked value that it quotes."""
    return re.sub(r"'[^']*'|\"[^\"]*\"", lambda quoted: SECRET if quoted[0][1:-1] in value else quoted[0], message)


def _first_sentence(text: str) -> str:
    sentence = " ".join(text.split()).split(". ")[0].split("; ")[0].rstrip(".")
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]
