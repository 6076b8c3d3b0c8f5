"""Targets that answer, but slowly, with errors, or with a certificate that is about to end."""

from collections.abc import Iterator

from alerts.down import of_severity, untold
from alerts.identity import CHECK, CHECK_DASHBOARD, GAP, ID, SUBJECT, TARGET, each, increase
from alerts.rule import Alert, Dashboard, Group, Recording, Severity
from alerts.thresholds import CERTIFICATE_DAYS, FAILURES_AT_LEAST, SERVER_ERROR_SHARE, SLOW_SHARE
from alerts.timing import Timing

_OBJECTIVE = each("max(probe_latency_objective_seconds{CHECK})", " The objective is {{ .Value | humanizeDuration }}.")

_EXPIRY = "check:certificate_expiry_timestamp_seconds:min"


def groups(timing: Timing) -> Iterator[Group]:
    """The rules."""
    rules = (_slow(timing), _http_errors(timing), _expiry(timing), _certificate(timing))
    yield Group("reachd-quality", "30s", rules)


def _slow(timing: Timing) -> Alert:
    def mostly_slow(window: str) -> str:
        slow, runs, failed, silent = (
            increase(f"probe_{what}_total", window) for what in ("slow", "runs", "failures", "inconclusive")
        )
        return f"{slow} >= {FAILURES_AT_LEAST}\n    and {slow}\n    / ({runs} - {failed} - {silent}) > {SLOW_SHARE}"

    interval = f'last_over_time(probe_interval_seconds{{check!=""}}[{timing(GAP)}])'
    seldom = f"on ({ID}) max by ({ID}) ({interval}) > {timing.seconds('2m')}"
    return Alert(
        "ReachdSlow",
        Severity.WARNING,
        f"""\
(
  (
    {mostly_slow(timing("10m"))}
  )
  or (
    {mostly_slow(timing("2h"))}
    and {seldom}
  )
)
{of_severity("page|ticket")}""",
        hold="10m",
        summary="Most successful runs of a check take longer than its latency objective.",
        description=f"{SUBJECT}, is slow.{_OBJECTIVE}{TARGET}",
        dashboard=CHECK_DASHBOARD,
    )


def _http_errors(timing: Timing) -> Alert:
    window = timing("10m")
    errors, of_late = (
        f'sum by ({ID}, code) (increase(probe_http_responses_total{{check!="",code=~"5.."}}[{duration}]))'
        # A page about the budget ends five minutes after the last error, and must not leave this ticket behind.
        for duration in (window, timing("3m"))
    )
    answers = increase("probe_http_responses_total", window)
    return Alert(
        "ReachdHttpErrors",
        Severity.WARNING,
        f"""\
{errors} / on ({ID}) group_left () {answers} > {SERVER_ERROR_SHARE}
and {errors} >= {FAILURES_AT_LEAST}
and {of_late} > 0
{of_severity("page|ticket")}
{untold(timing, "10m")}""",
        hold="5m",
        summary="Some of the answers to a check are server errors.",
        description=(
            f"{SUBJECT}, was answered {{{{ $labels.code }}}} in {{{{ $value | humanizePercentage }}}} of its runs "
            f"of the last ten minutes.{TARGET}"
        ),
        dashboard=CHECK_DASHBOARD,
    )


def _expiry(timing: Timing) -> Recording:
    def latest(metric: str) -> str:
        # `or` knows no names of metrics: without a label of its own, one of the two would hide the other.
        return f'label_replace(last_over_time({metric}{{check!=""}}[{timing("1h")}]), "of", "{metric}", "", "")'

    shown, announced = (
        latest("probe_ssl_earliest_cert_expiry"),
        latest("nats_server_certificate_expiry_timestamp_seconds"),
    )
    return Recording(_EXPIRY, f"min by ({ID}) (\n  {shown}\n  or {announced}\n)")


def _certificate(timing: Timing) -> Alert:
    # Of one that has expired already, the check that is down because of it tells. Others may see the same one, and what
    # tells certificates apart is when they end.
    refused = f'on ({CHECK}) last_over_time(probe_failing{{reason="tls_expired"}}[{timing(GAP)}])'
    ends = f'count_values by ({ID}) ("ends", {_EXPIRY})'
    refused_ends = f'count_values by (cluster, deployment) ("ends", {_EXPIRY} and {refused})'
    return Alert(
        "ReachdCertificateExpiry",
        Severity.WARNING,
        f"""\
{_EXPIRY} - time() < {timing.seconds(f"{CERTIFICATE_DAYS}d")}
unless on ({ID}) (
  {ends}
  and on (cluster, deployment, ends) {refused_ends}
)""",
        hold="1h",
        summary="A certificate is about to expire, or has expired.",
        description=(
            f"{SUBJECT}: the first certificate of the chain to expire {{{{ if gt $value 0.0 }}}}does so in "
            f"{{{{ $value | humanizeDuration }}}}{{{{ else }}}}has expired{{{{ end }}}}.{TARGET}"
        ),
        dashboard=Dashboard("reachd-certificates", ("cluster", "deployment")),
    )
