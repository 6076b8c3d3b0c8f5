"""PromQL as a tree: which series an expression asks for, and which labels its result can have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    LabelModifierType,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorMatchCardinality,
    VectorSelector,
    walk,
)

Labels = frozenset[str]


class UnknownLabelError(Exception):
    """An expression uses a label that nothing in it can have."""


def selectors(expr: Expr) -> list[VectorSelector]:
    """All selectors in an expression, those of ranges included."""
    found: list[VectorSelector] = []

    def visit(node: Expr) -> None:
        if isinstance(node, MatrixSelector):
            found.append(node.vector_selector)
        elif isinstance(node, VectorSelector):
            found.append(node)

    for node in _nodes(expr):
        visit(node)
    return found


def matchers(selector: VectorSelector) -> dict[str, str]:
    """The labels that a selector compares, with what they are compared with."""
    return {matcher.name: matcher.value for matcher in selector.matchers.matchers}


def calls(expr: Expr) -> Iterator[Call]:
    """All calls of functions in an expression."""
    return (node for node in _nodes(expr) if isinstance(node, Call))


def _nodes(expr: Expr) -> list[Expr]:
    found: list[Expr] = []

    def visit(node: Expr) -> bool:
        found.append(node)
        return True

    walk(expr, visit)
    return found


@dataclass(frozen=True, slots=True)
class LabelsOf:
    """Works out which labels the result of an expression can have. `known`: those of each metric."""

    known: Callable[[str], Labels]

    def __call__(self, expr: Expr) -> Labels:
        """The labels. Raises UnknownLabelError where the expression names one that cannot be there."""
        match expr:
            case VectorSelector(name=name):
                assert name is not None
                labels = self.known(name)
                _demand(matchers(expr).keys(), labels, expr)
                return labels
            case MatrixSelector(vector_selector=selector):
                return self(selector)
            case ParenExpr(expr=inner) | UnaryExpr(expr=inner) | SubqueryExpr(expr=inner):
                return self(inner)
            case NumberLiteral() | StringLiteral():
                return frozenset()
            case AggregateExpr():
                return self._aggregated(expr)
            case BinaryExpr():
                return self._joined(expr)
            case Call():
                return self._called(expr)
        raise AssertionError(f"no rule for {type(expr).__name__}")

    def _aggregated(self, expr: AggregateExpr) -> Labels:
        inner = self(expr.expr)
        if str(expr.op) in ("topk", "bottomk"):
            return inner
        added = frozenset([expr.param.val] if isinstance(expr.param, StringLiteral) else [])
        if expr.modifier is None:
            return added
        assert expr.modifier.type == AggModifierType.By
        _demand(expr.modifier.labels, inner, expr)
        return frozenset(expr.modifier.labels) | added

    def _joined(self, expr: BinaryExpr) -> Labels:
        left, right = self(expr.lhs), self(expr.rhs)
        if str(expr.op) == "or":
            return left | right
        modifier = expr.modifier
        if modifier is None or isinstance(expr.rhs, NumberLiteral):
            return left or right
        if modifier.matching is not None:
            _demand(modifier.matching.labels, left | right, expr)
        added = frozenset(modifier.group_labels or ())
        match modifier.card:
            case VectorMatchCardinality.ManyToOne:
                _demand(added, right, expr)
                return left | added
            case VectorMatchCardinality.OneToMany:
                _demand(added, left, expr)
                return right | added
            case VectorMatchCardinality.OneToOne if (
                modifier.matching is not None and modifier.matching.type == LabelModifierType.Include
            ):
                return frozenset(modifier.matching.labels)
        return left or right

    def _called(self, expr: Call) -> Labels:
        arguments: list[Expr] = list(expr.args)
        labels = frozenset[str]().union(*(self(argument) for argument in arguments))
        match expr.func.name, arguments:
            case "label_replace", [_, StringLiteral(val=target), _, StringLiteral(val=source), _]:
                _demand([source] if source else [], labels, expr)
                return labels | {target}
            case "label_join", [_, StringLiteral(val=target), _, *sources]:
                _demand([each.val for each in sources if isinstance(each, StringLiteral)], labels, expr)
                return labels | {target}
            case "histogram_quantile", _:
                return labels - {"le"}
        return labels


def _demand(names: Iterable[str], labels: Labels, expr: Expr) -> None:
    missing = sorted(set(names) - labels)
    if missing:
        raise UnknownLabelError(f"{', '.join(missing)} in {expr.prettify()}")
