"""What an object of the API may say, checked: names that Kubernetes allows, times, counts, and texts that are bounded.

Objects come from an API server, but what is in them was written by nodes and users. Whatever a name becomes part of
stays out where the name is none that an API server would take (k8s.io/apimachinery, pkg/api/validate/content).
"""

import re
from collections.abc import Container, Iterator
from datetime import datetime
from ipaddress import ip_address

from agent.core.measures import OTHER
from agent.metrics.kubernetes import CONDITION_STATUSES
from agent.probes._json import JsonObject, child, text_of
from agent.probes._text import printable

_LABEL = r"[a-z0-9]+(?:-+[a-z0-9]+)*"
_DNS_LABEL = re.compile(_LABEL)
_DNS_SUBDOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_UID = re.compile(r"[A-Za-z0-9-]+")
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_QUALIFIED = re.compile(r"[A-Za-z0-9]+(?:[-_.]+[A-Za-z0-9]+)*")

_LONGEST_LABEL = 63
_LONGEST_SUBDOMAIN = 253
_LONGEST_TEXT = 128
_LONGEST_ADDRESS = 45
_MOST_ITEMS = 64
"""Entries of one list in an object that are looked at: containers, taints, owners."""
_LARGEST_COUNT = 2**63


def name_of(thing: JsonObject) -> str:
    """The object's name; empty when it is none for an object."""
    return subdomain(text_of(child(thing, "metadata"), "name"))


def namespace_of(thing: JsonObject) -> str:
    """The object's namespace; empty when it is none."""
    return dns_label(text_of(child(thing, "metadata"), "namespace"))


def uid_of(thing: JsonObject) -> str:
    """The object's uid; empty when it is none."""
    return _matching(_UID, text_of(child(thing, "metadata"), "uid"), _LONGEST_LABEL)


def subdomain(text: str) -> str:
    """`text` where it is a DNS subdomain (RFC 1123), as most objects are named, else empty."""
    return _matching(_DNS_SUBDOMAIN, text, _LONGEST_SUBDOMAIN)


def dns_label(text: str) -> str:
    """`text` where it is a DNS label (RFC 1123), as namespaces and containers are named, else empty."""
    return _matching(_DNS_LABEL, text, _LONGEST_LABEL)


def kind(text: str) -> str:
    """`text` where it is the name of a kind, else empty."""
    return _matching(_KIND, text, _LONGEST_LABEL)


def qualified_name(text: str) -> str:
    """`text` where it is a key of a label or taint, with or without a prefix, else empty."""
    prefix, slash, name = text.rpartition("/")
    well_formed = _matching(_QUALIFIED, name, _LONGEST_LABEL) and (not slash or subdomain(prefix))
    return text if well_formed else ""


def label_value(text: str) -> str | None:
    """`text` where it is a value of a label or taint, which may be empty, else None."""
    return text if not text or _matching(_QUALIFIED, text, _LONGEST_LABEL) else None


def address(text: str) -> str:
    """`text` where it is an IP address, else empty."""
    if not text or len(text) > _LONGEST_ADDRESS or "%" in text:
        return ""
    try:
        ip_address(text)
    except ValueError:
        return ""
    return text


def shown(parent: JsonObject, name: str) -> str:
    """The text under `name`, bounded and printable."""
    text = text_of(parent, name)
    return text if len(text) <= _LONGEST_TEXT and text.isprintable() else printable(text, _LONGEST_TEXT)


def one_of(text: str, known: Container[str]) -> str:
    """`text` where it is known, else `other`."""
    return text if text in known else OTHER


def items(parent: JsonObject, name: str) -> Iterator[JsonObject]:
    """The objects in the list under `name`, up to a bound."""
    entries = parent.get(name)
    return (
        (entry for entry in entries[:_MOST_ITEMS] if isinstance(entry, dict)) if isinstance(entries, list) else iter(())
    )


def statuses(condition: JsonObject) -> Iterator[tuple[str, bool]]:
    """The statuses that a condition may have, and whether it has them."""
    status = text_of(condition, "status")
    return ((possible, status == possible.capitalize()) for possible in CONDITION_STATUSES)


def count(parent: JsonObject, name: str, absent: int | None = None) -> int | None:
    """The whole number under `name`; `absent` when there is none, None when it is something else."""
    value = parent.get(name)
    if value is None:
        return absent
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if abs(value) < _LARGEST_COUNT else None


def unix_time(parent: JsonObject, name: str) -> float | None:
    """The time under `name` in seconds; None where there is none, as for Go's zero time."""
    try:
        moment = datetime.fromisoformat(text_of(parent, name))
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo is not None and moment.year > 1 else None


def _matching(form: re.Pattern[str], text: str, longest: int) -> str:
    return text if len(text) <= longest and form.fullmatch(text) else ""
