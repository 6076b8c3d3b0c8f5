"""The effective configuration as text that may be shown: every default filled in, every secret masked."""

from enum import Enum

from pydantic import SecretStr

from agent.core.durations import duration
from agent.probes._proxy import Proxy
from agent.probes._settings import Model
from agent.settings.model import Configuration
from agent.settings.problems import Path
from agent.settings.secrets import SECRET, is_secret_at, mask_url
from agent.settings.shape import is_duration, key_of
from agent.settings.yaml_text import yaml_lines


def masked_yaml(configuration: Configuration) -> str:
    """The configuration as YAML, without secrets. Seconds of work for ten thousand checks: not for the event loop."""
    return "\n".join(yaml_lines(_Masked(configuration).shown(configuration, ()))) + "\n"


class _Masked:
    """The plain values of a configuration that may be shown."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def shown(self, value: object, path: Path) -> object:
        written = self._configuration.reference(path)
        if written is not None:
            return SECRET if is_secret_at(path) else mask_url(written)
        if isinstance(value, Model):
            return self._model(value, path)
        if isinstance(value, dict):
            return {str(key): self.shown(item, (*path, str(key))) for key, item in value.items()}
        if isinstance(value, Proxy):
            return f"http://{f'{SECRET}@' if value.credentials else ''}{value}"
        if isinstance(value, tuple | list | frozenset):
            return [self.shown(item, (*path, position)) for position, item in enumerate(value)]
        return _plain(value, path)

    def _model(self, model: Model, path: Path) -> dict[str, object]:
        values: dict[str, object] = {}
        for name, field in type(model).model_fields.items():
            value, key = getattr(model, name), key_of(name, field)
            if value is not None:
                shown = self.shown(value, (*path, key))
                values[key] = duration(shown) if isinstance(shown, float) and is_duration(field) else shown
        return values


def _plain(value: object, path: Path) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, SecretStr) or (isinstance(value, str) and is_secret_at(path)):
        return SECRET
    return mask_url(str(value)) if value is not None else None
