"""What a PromQL expression reads, and which labels its result has."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import promql_parser as promql
import yaml

from agent.metrics.catalogue import catalogue
from agent.metrics.text import SeriesType

RULES = Path(__file__).resolve().parents[2] / "alerts" / "rules"
TARGET = frozenset({"cluster", "job", "instance", "node"})
"""Labels that Prometheus adds to every series that it scrapes; `cluster` and `node` where it is told to."""

_INGRESS = frozenset({"status", "namespace", "service", "exported_namespace", "exported_service", "le"})
_MESH = frozenset({"reporter", "response_code", "destination_service_namespace", "destination_service_name", "le"})
_ANY_ALERT = frozenset({"alertname", "alertstate", "severity", "deployment", "check"})
_FOREIGN = {
    "up": (frozenset[str](), False),
    "ALERTS": (_ANY_ALERT, False),
    "ALERTS_FOR_STATE": (_ANY_ALERT, False),
    "nginx_ingress_controller_requests": (_INGRESS, True),
    "nginx_ingress_controller_request_duration_seconds_bucket": (_INGRESS, True),
    "istio_requests_total": (_MESH, True),
    "istio_request_duration_milliseconds_bucket": (_MESH, True),
}
_SETS = {"and", "unless", "or"}


class Rule(NamedTuple):
    """A rule as it is shipped. `name`: of the alert, or of what is recorded."""

    name: str
    expr: str
    document: Mapping[str, object]

    @property
    def alerts(self) -> bool:
        """Whether it is an alert."""
        return "alert" in self.document


class Known(NamedTuple):
    """A metric that rules may read: its labels, and whether it only grows."""

    labels: frozenset[str]
    counter: bool


@cache
def rules() -> tuple[Rule, ...]:
    """All rules of all files."""
    groups = chain.from_iterable(yaml.safe_load(file.read_text())["groups"] for file in sorted(RULES.glob("*.yaml")))
    return tuple(
        [
            Rule(str(rule.get("alert") or rule.get("record")), str(rule["expr"]), rule)
            for group in groups
            for rule in group["rules"]
        ]
    )


@cache
def metrics() -> Mapping[str, Known]:
    """All metrics that there are: the agent's, those that others are known to export, and the recorded ones."""
    known = {name: Known(labels | TARGET, counter) for name, (labels, counter) in _FOREIGN.items()}
    for entry in catalogue().entries():
        labels, name = frozenset(entry.labels) | TARGET, entry.family.name
        known[name] = Known(labels, entry.family.type is SeriesType.COUNTER)
        if entry.family.type is SeriesType.HISTOGRAM:
            known[f"{name}_bucket"] = Known(labels | {"le"}, True)
    for rule in rules():
        if not rule.alerts:
            known[rule.name] = Known(labels_of(promql.parse(rule.expr), known), False)
    return known


def parts(expr: promql.Expr) -> Iterator[promql.Expr]:
    """The expression and all that it is made of."""
    yield expr
    for child in _children(expr):
        yield from parts(child)


def _children(expr: promql.Expr) -> list[promql.Expr]:
    match expr:
        case promql.AggregateExpr() | promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            return [expr.expr]
        case promql.BinaryExpr():
            return [expr.lhs, expr.rhs]
        case promql.Call():
            return list(expr.args)
        case promql.MatrixSelector():
            return [expr.vector_selector]
        case _:
            return []


def labels_of(expr: promql.Expr, known: Mapping[str, Known]) -> frozenset[str]:
    """The labels that every series of the result can have. Those that `absent` makes up do not count."""
    match expr:
        case promql.VectorSelector():
            return known[str(expr.name)].labels
        case promql.AggregateExpr():
            inner = labels_of(expr.expr, known)
            added = {_text(expr.param)} if str(expr.op) == "count_values" else set[str]()
            kept = frozenset(expr.modifier.labels) if expr.modifier else frozenset[str]()
            return inner if str(expr.op) in {"topk", "bottomk"} else (inner & kept) | added
        case promql.BinaryExpr():
            return _labels_of_two(expr, known)
        case promql.Call():
            if expr.func.name == "label_replace":
                return labels_of(expr.args[0], known) | {_text(expr.args[1])}
            inners = [labels_of(it, known) for it in expr.args if not isinstance(it, promql.StringLiteral)]
            return frozenset().union(*inners) - ({"le"} if expr.func.name == "histogram_quantile" else set())
        case _:
            return frozenset().union(*[labels_of(child, known) for child in _children(expr)])


def _labels_of_two(expr: promql.BinaryExpr, known: Mapping[str, Known]) -> frozenset[str]:
    left, right = labels_of(expr.lhs, known), labels_of(expr.rhs, known)
    operator, modifier = str(expr.op), expr.modifier
    if operator == "or":
        arms = [labels for labels, arm in ((left, expr.lhs), (right, expr.rhs)) if not _is_absent(arm)]
        return frozenset.intersection(*arms)
    if operator in _SETS or isinstance(expr.rhs, promql.NumberLiteral):
        return left
    if isinstance(expr.lhs, promql.NumberLiteral) or not left:
        return right
    if modifier is None or modifier.matching is None or not right:
        return left
    if modifier.card == promql.VectorMatchCardinality.OneToOne:
        return left & frozenset(modifier.matching.labels)
    return left | frozenset(modifier.group_labels or ())


def _is_absent(expr: promql.Expr) -> bool:
    return isinstance(expr, promql.Call) and expr.func.name == "absent"


def _text(literal: object) -> str:
    assert isinstance(literal, promql.StringLiteral)
    return literal.val


def ranges(expr: promql.Expr) -> Iterator[tuple[str, str, timedelta]]:
    """Of each function over a range: its name, the metric, and the range."""
    for part in parts(expr):
        if isinstance(part, promql.Call):
            for argument in part.args:
                if isinstance(argument, promql.MatrixSelector):
                    yield part.func.name, str(argument.vector_selector.name), argument.range
