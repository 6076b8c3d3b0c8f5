"""One YAML file, read strictly: what YAML allows and nobody means is an error, and every key remembers its line."""

import re
from math import isfinite
from typing import NamedTuple, NoReturn, cast

import yaml

from agent.settings.problems import ConfigurationError, Path, Problem, render_path, step_into

MAX_BYTES = 16 * 1024 * 1024
_MAX_NODES = 1_000_000
_MAX_DEPTH = 40

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]{1,3})?|[eE][-+]?[0-9]{1,3})")
_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_SYNTAX = {
    "mapping values are not allowed in this context": (
        "a colon is not expected here; check the indentation, and put text that contains ': ' in quotes"
    ),
    "block sequence entries are not allowed in this context": "a '-' is not expected here; begin a list on a new line",
    "could not find expected ':'": "the line before is neither a key with a colon nor in a list; write key: value",
    "did not find expected key": "the indentation does not fit the lines before; align the keys of one mapping",
    "did not find expected '-' indicator": "the indentation does not fit the list before; align the items of one list",
    "did not find expected ',' or ']'": "a list in brackets is not closed; add the missing ',' or ']'",
    "did not find expected ',' or '}'": "a mapping in braces is not closed; add the missing ',' or '}'",
    "did not find expected node content": "a value is missing or a bracket is too many here; check the punctuation",
    "found unexpected end of stream": "a quoted text is not closed; add the closing quote",
    "found unknown escape character": "an unknown escape in double quotes; use single quotes, or double the backslash",
    "found a tab character that violates indentation": "a tab is used to indent; use spaces",
    "found a tab character where an indentation space is expected": "a tab is used to indent; use spaces",
    "found undefined tag handle": "tags are not supported; remove the '!'",
}


class Place(NamedTuple):
    """Where something is written. Lines begin at 1."""

    file: str
    line: int


class YamlMapping(dict[str, object]):
    """A mapping and the place of each of its keys."""

    __slots__ = ("places",)

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, Place] = {}


class YamlList(list[object]):
    """A list and the place of each of its items."""

    __slots__ = ("places",)

    def __init__(self) -> None:
        super().__init__()
        self.places: list[Place] = []


def place_of(path: Path, top: object) -> Place | None:
    """The place of the value at `path`, or of the nearest thing around it that is written."""
    place = None
    value = top
    for step in path:
        found = step_into(value, step)
        if isinstance(value, YamlMapping) and isinstance(step, str):
            here = value.places.get(step)
        elif isinstance(value, YamlList) and isinstance(step, int) and step < len(value):
            here = value.places[step]
        else:
            here = None
        if here is None:
            break
        place, value = here, found
    return place


def read_document(content: bytes, file: str) -> tuple[YamlMapping, list[Problem]]:
    """The mapping that a file holds, and its duplicate keys. Raises ConfigurationError when it cannot be read."""
    if len(content) > MAX_BYTES:
        raise ConfigurationError([Problem(file, 0, "", f"larger than {MAX_BYTES // 2**20} MiB; split the file")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError([Problem(file, line, "", "not UTF-8 text; save the file as UTF-8")]) from None
    reader = _Reader(text, file)
    try:
        return reader.read()
    except yaml.reader.ReaderError as error:
        # The parser counts its position in bytes, so the character is looked for.
        line = text.count("\n", 0, text.find(chr(error.character))) + 1
        message = f"the control character U+{error.character:04X} is not allowed; remove it"
        raise ConfigurationError([Problem(file, line, "", message)]) from None
    except yaml.MarkedYAMLError as error:
        raise ConfigurationError([_syntax_problem(error, file, text)]) from None


def _syntax_problem(error: yaml.MarkedYAMLError, file: str, text: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    lines = text.splitlines()
    if line > len(lines):
        context = error.context_mark
        if context and context.line < len(lines):
            line, column = context.line + 1, context.column + 1
        else:
            line, column = len(lines), len(lines[-1]) + 1 if lines else 1
    problem = error.problem or "it is not YAML"
    if problem == "found character that cannot start any token":
        character = lines[line - 1][column - 1 : column] if line <= len(lines) else ""
        message = (
            "a tab is used to indent; use spaces"
            if character == "\t"
            else f"a value must not begin with {character}; put it in quotes"
        )
    else:
        message = _SYNTAX.get(problem, f"not valid YAML, {problem}; check the punctuation")
    return Problem(file, line, "", f"column {column}: {message}")


class _Reader:
    """Builds the values of one document from the parser's events."""

    def __init__(self, text: str, file: str) -> None:
        self._parser = yaml.CSafeLoader(text)
        self._file = file
        self._path: list[str | int] = []
        self._nodes = 0
        self._anchors: dict[str, tuple[object, int]] = {}
        self._duplicates: list[tuple[Path, Place, Place]] = []

    def read(self) -> tuple[YamlMapping, list[Problem]]:
        self._parser.get_event()
        if self._parser.check_event(yaml.StreamEndEvent):
            return YamlMapping(), []
        self._parser.get_event()
        event = self._next()
        top = self._value(event)
        self._parser.get_event()
        if not self._parser.check_event(yaml.StreamEndEvent):
            self._stop(self._next(), "a second document begins here; use one file for each")
        if top is None:
            top = YamlMapping()
        if not isinstance(top, YamlMapping):
            self._stop(event, "the file holds no keys; write key: value, as in listen: 0.0.0.0:9886")
        return top, [
            Problem(
                again.file,
                again.line,
                render_path(path, top),
                f"the key '{path[-1]}' is set already in line {first.line}; remove one of the two",
            )
            for path, first, again in self._duplicates
        ]

    def _next(self) -> yaml.ScalarEvent | yaml.CollectionStartEvent | yaml.AliasEvent:
        # Where this is called the grammar of events has nothing but the start of a value, or of a second document.
        return cast("yaml.ScalarEvent | yaml.CollectionStartEvent | yaml.AliasEvent", self._parser.get_event())

    def _value(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent | yaml.AliasEvent) -> object:
        self._count(event, 1)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self._nodes
        if event.tag is not None and event.tag != "!":
            self._stop(event, "tags such as !!str are not supported; remove the tag, and put text in quotes")
        value: object
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event.value) if event.implicit[0] and event.tag is None else event.value
        elif len(self._path) >= _MAX_DEPTH:
            self._stop(event, f"nested more than {_MAX_DEPTH} levels deep; check the brackets and the indentation")
        elif isinstance(event, yaml.MappingStartEvent):
            value = self._mapping()
        else:
            value = self._list()
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._nodes - before)
        return value

    def _mapping(self) -> YamlMapping:
        mapping = YamlMapping()
        while not self._parser.check_event(yaml.MappingEndEvent):
            event = self._next()
            key = self._key(event)
            place = self._place(event)
            self._path.append(key)
            value = self._value(self._next())
            if key in mapping:
                self._duplicates.append((tuple(self._path), mapping.places[key], place))
            else:
                mapping[key] = value
                mapping.places[key] = place
            self._path.pop()
        self._parser.get_event()
        return mapping

    def _list(self) -> YamlList:
        items = YamlList()
        while not self._parser.check_event(yaml.SequenceEndEvent):
            event = self._next()
            self._path.append(len(items))
            items.append(self._value(event))
            items.places.append(self._place(event))
            self._path.pop()
        self._parser.get_event()
        return items

    def _key(self, event: yaml.Event) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            self._stop(event, "a key must be text; is a value in braces or brackets missing its quotes?")
        if event.implicit[0] and not isinstance(_scalar(event.value), str):
            self._stop(event, f"the key {event.value or 'is empty and'} is not text; put it in quotes")
        if event.value == "<<" and event.implicit[0]:
            self._stop(event, "merge keys (<<) are not supported; write the keys out, or use defaults")
        self._count(event, 1)
        return str(event.value)

    def _alias(self, event: yaml.AliasEvent) -> object:
        known = self._anchors.get(event.anchor or "")
        if known is None:
            self._stop(event, f"no complete value is named &{event.anchor} before this *{event.anchor}; write it out")
        value, nodes = known
        self._count(event, nodes)
        return _copy(value)

    def _count(self, event: yaml.Event, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > _MAX_NODES:
            self._stop(event, f"more than {_MAX_NODES:,} values, aliases counted in full; split the file")

    def _place(self, event: yaml.Event) -> Place:
        return Place(self._file, event.start_mark.line + 1 if event.start_mark else 0)

    def _stop(self, event: yaml.Event, message: str) -> NoReturn:
        place = self._place(event)
        raise ConfigurationError([Problem(place.file, place.line, render_path(tuple(self._path), None), message)])


def _scalar(text: str) -> object:
    """A plain scalar by the core rules of YAML 1.2, less its octal, hexadecimal, infinite and undefined numbers.

    So `yes`, `on`, `12:30` and `0777` are text.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] in "-+0123456789":
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text) and isfinite(number := float(text)):
            return number
    return text


def _copy(value: object) -> object:
    """An independent copy, so that what is done to an alias is not done to its anchor."""
    if isinstance(value, YamlMapping):
        mapping = YamlMapping()
        mapping.update({key: _copy(item) for key, item in value.items()})
        mapping.places = dict(value.places)
        return mapping
    if isinstance(value, YamlList):
        items = YamlList()
        items.extend(_copy(item) for item in value)
        items.places = list(value.places)
        return items
    return value
