"""What the models say of a place in the configuration: which keys are known there and what they mean."""

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

from pydantic import BeforeValidator, ValidationError
from pydantic.fields import FieldInfo

from agent.core.durations import parse_duration
from agent.probes._settings import Model, ProbeSettings
from agent.settings.checks import CheckSettings, probe_model
from agent.settings.discovery import CheckTemplate
from agent.settings.model import Configuration, deployment_class
from agent.settings.problems import Path, step_into

_Annotation: TypeAlias = Any  # what may be written as an annotation has no type of its own


def leaves(annotation: _Annotation) -> Iterator[_Annotation]:
    """The alternatives of an annotation, without `Annotated` and `| None`."""
    origin: object = get_origin(annotation)
    if origin is Annotated:
        yield from leaves(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for alternative in get_args(annotation):
            yield from leaves(alternative)
    elif annotation is not type(None):
        yield annotation


def item_of(annotation: _Annotation) -> _Annotation:
    """The type of the items of a list or of the values of a mapping; None for anything else."""
    origin: object = get_origin(annotation)
    arguments = get_args(annotation)
    if origin in (tuple, list, frozenset, set):
        return arguments[0]
    return arguments[1] if origin in (dict, Mapping) else None


def metadata_of(field: FieldInfo) -> Iterator[object]:
    """Validators and bounds of a field, those of its alternatives too."""
    yield from field.metadata
    yield from annotated_metadata(field.annotation)


def annotated_metadata(annotation: _Annotation) -> Iterator[object]:
    """Validators and bounds in an annotation."""
    origin: object = get_origin(annotation)
    if origin is Annotated:
        for item in get_args(annotation)[1:]:
            yield from item.metadata if isinstance(item, FieldInfo) else (item,)
        yield from annotated_metadata(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for alternative in get_args(annotation):
            yield from annotated_metadata(alternative)


def is_duration(field: FieldInfo) -> bool:
    """Whether a field is written as a duration."""
    return any(isinstance(item, BeforeValidator) and item.func is parse_duration for item in metadata_of(field))


def models_in(annotation: _Annotation) -> Iterator[type[Model]]:
    """The models whose keys are written at a field, or in its items. Not those that depend on what is written."""
    for leaf in leaves(annotation):
        item = item_of(leaf)
        if item is not None:
            yield from models_in(item)
        elif _is_model(leaf) and leaf not in (Model, ProbeSettings):
            yield leaf


def key_of(name: str, field: FieldInfo) -> str:
    """The key under which a field is written."""
    return field.alias or name


def models_at(path: Path, top: object) -> list[type[Model]]:
    """The models that describe the mapping at `path` of the configuration `top` as it was read."""
    annotations: list[_Annotation] = [Configuration]
    value = top
    for step in path:
        value = step_into(value, step)
        below = [inner for annotation in annotations for inner in _below(annotation, step)]
        annotations = [_dispatched(leaf, value) for annotation in below for leaf in leaves(annotation)]
    return [annotation for annotation in annotations if _is_model(annotation)]


def fields_at(path: Path, top: object) -> dict[str, FieldInfo]:
    """The known keys at `path`, in the order in which people should read them."""
    return {key_of(name, field): field for model in models_at(path, top) for name, field in model.model_fields.items()}


def _below(annotation: _Annotation, step: str | int) -> Iterator[_Annotation]:
    if _is_model(annotation):
        for name, field in annotation.model_fields.items():
            if key_of(name, field) == step:
                yield field.annotation
    elif (item := item_of(annotation)) is not None:
        yield item


def _dispatched(annotation: _Annotation, value: object) -> _Annotation:
    if annotation is CheckTemplate:
        return CheckSettings
    try:
        if annotation is ProbeSettings:
            return probe_model(value)
        if annotation is Model:
            return deployment_class(value)
    except (ValueError, ValidationError):
        pass
    return annotation


def _is_model(annotation: _Annotation) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Model)
