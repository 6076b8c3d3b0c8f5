"""Writes docs/configuration.md from the models: `python -m agent.settings.reference > docs/configuration.md`."""

import sys
from collections.abc import Sequence
from datetime import date
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path as FilePath
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from agent.core.durations import duration
from agent.probes import probe_kinds, settings_of
from agent.probes._proxy import Proxy
from agent.probes._settings import Model, ProbeSettings, TlsSettings
from agent.profiles import deployment_model, profile_names
from agent.settings.discovery import CheckTemplate
from agent.settings.model import Configuration
from agent.settings.shape import annotated_metadata, is_duration, item_of, key_of, leaves, metadata_of, models_in

_HEAD = """\
# Configuration reference

<!-- Written by `make docs` from the code. Do not edit. -->

`reachd run --config FILE...` reads one or several YAML files; a directory stands for its `*.yaml` and `*.yml` files in
the order of their names. `reachd validate FILE...` says all that is wrong with them at once and touches no network.
Examples are in [`config/`](../config).

- **Several files** make one configuration: lists are joined, mappings are merged, and a value set twice is an error.
- **Durations** are written as `15s`, `500ms` or `1h30m`.
- **YAML** is read by the rules of YAML 1.2: only `true` and `false` are booleans, and `on`, `12:30` and `0777` are
  text. A key written twice, a tag, a merge key or a second document is an error. Where a truth value is expected,
  the texts `yes`, `no`, `on` and `off` are understood too.
- **`${NAME}`** in a value stands for the environment variable of that name, which must be set; `$$` stands for `$`.
  Keys are not expanded. What it adds to the path or query of a URL is shown as `<secret>`; host and port are shown.
- **Secrets** are never written into a configuration. They come from a file (a key that ends in `_file`; the file is
  read again when it changes) or from the environment through `${NAME}`, and they are shown nowhere.
- **Unknown keys** are errors.
"""
SHARED_MODULE = TlsSettings.__module__
_TEXTS = {"_address": "host:port", "check": "URL", "_pattern": "regular expression (RE2)", "parse_duration": "duration"}
_NAMES = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`true` or `false`",
    FilePath: "path",
    SecretStr: "secret",
    date: "date",
    IPv4Network: "network",
    IPv6Network: "network",
    Proxy: "URL",
    Model: "deployment",
    ProbeSettings: "probe",
    CheckTemplate: "keys of one of `checks`",
}


def reference() -> str:
    """The page."""
    page = _Page()
    page.write("## The agent", "The keys of the whole file; all of them are optional.")
    page.section("Top level", Configuration)
    page.write("## Deployments", "The keys of an entry of `deployments` follow from its `profile`.")
    for profile in profile_names():
        page.section(f"Profile `{profile}`", deployment_model(profile), owner=f" of profile `{profile}`")
    page.write("## Probes", "The keys below `probe` follow from its `kind`. `reachd probes` lists the kinds too.")
    for kind in probe_kinds():
        page.section(f"Kind `{kind}`", settings_of(kind), owner=f" of kind `{kind}`")
    page.write("## Shared keys", "What several probes and parts of the configuration have in common.")
    page.shared_sections()
    return page.text()


class _Page:
    """Sections in the order in which they are asked for. What parts have in common is described once, at the end."""

    def __init__(self) -> None:
        self._parts = [_HEAD]
        self._shared: dict[type[Model], str] = {}

    def text(self) -> str:
        return "\n".join(self._parts)

    def write(self, *paragraphs: str) -> None:
        self._parts += [f"{paragraph}\n" for paragraph in paragraphs]

    def shared_sections(self) -> None:
        described: set[type[Model]] = set()
        while waiting := [model for model in self._shared if model not in described]:
            for model in waiting:
                described.add(model)
                self.section(f"Shared `{self._shared[model]}`", model)

    def section(self, title: str, model: type[Model], path: str = "", owner: str = "") -> None:
        summary = model.summary if issubclass(model, ProbeSettings) else " ".join((model.__doc__ or "").split())
        fields = {key_of(name, field): field for name, field in model.model_fields.items() if name != "kind"}
        rows = [_row(key, field) for key, field in fields.items()]
        self.write(
            f"{'#' * (3 + path.count('.') + bool(path))} {title}",
            summary,
            "\n".join(["| key | type | default | meaning |", "|---|---|---|---|", *rows]),
        )
        for key, field in fields.items():
            below = f"{path}.{key}".removeprefix(".")
            for inner in models_in(field.annotation):
                if inner.__module__ == SHARED_MODULE:
                    self._shared.setdefault(inner, key)
                else:
                    self.section(f"`{below}`{owner}", inner, below, owner)


def _row(key: str, field: FieldInfo) -> str:
    meaning = " ".join((field.description or "").split())
    cells = (f"`{key}`", _type_of(field), _default_of(field), meaning)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _type_of(field: FieldInfo) -> str:
    metadata = tuple(metadata_of(field))
    name = "duration" if is_duration(field) else _name_of(field.annotation, metadata)
    bounds = [_bound(item, is_duration(field)) for item in metadata if isinstance(item, Ge | Gt | Le | Lt)]
    return f"{name}, {' and '.join(bounds)}" if bounds else name


def _bound(item: Ge | Gt | Le | Lt, in_time: bool) -> str:
    words, limit = next(
        (words, getattr(item, key))
        for key, words in (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than"))
        if hasattr(item, key)
    )
    return f"{words} {duration(limit) if in_time else limit}"


def _name_of(annotation: object, metadata: Sequence[object] = ()) -> str:
    kinds = [
        _TEXTS[name] for item in metadata if (name := getattr(getattr(item, "func", None), "__name__", "")) in _TEXTS
    ]
    names = dict.fromkeys(_leaf_name(leaf, kinds) for leaf in leaves(annotation))
    return " or ".join(names)


def _leaf_name(leaf: object, kinds: Sequence[str]) -> str:
    origin = get_origin(leaf)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in get_args(leaf))
    item = item_of(leaf)
    if item is not None:
        return f"{'mapping' if origin is dict else 'list'} of {_name_of(item, tuple(annotated_metadata(item)))}"
    if leaf is str and kinds:
        return kinds[0]
    if not isinstance(leaf, type):
        return str(leaf)
    if issubclass(leaf, Enum):
        return " or ".join(f"`{member.value}`" for member in leaf)
    if leaf.__module__ == SHARED_MODULE and leaf not in _NAMES:
        return "[shared keys](#shared-keys)"
    return _NAMES.get(leaf, "keys below")


def _default_of(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is None or default in ((), {}, "") or isinstance(default, Model):
        return ""
    if isinstance(default, tuple):
        return f"`[{', '.join(str(item) for item in default)}]`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, float) and is_duration(field):
        return f"`{duration(default)}`"
    return f"`{default}`"


if __name__ == "__main__":
    sys.stdout.write(reference())
