"""TLS and certificates: what ends next, what is negotiated, and why handshakes fail."""

from alerts.thresholds import CERTIFICATE_DAYS
from dashboards import drawings, links, marks, queries, tables, variables
from dashboards.colours import BAD, GOOD, NONE_IS_BEST, WARN, Steps
from dashboards.description import About
from dashboards.document import Document, Line, Section
from dashboards.panel import Facts, Panel
from dashboards.queries import CHECK, OF_DEPLOYMENT
from dashboards.query import Query
from dashboards.tables import Column

_DAYS: Steps = {None: BAD, 0: WARN, CERTIFICATE_DAYS: GOOD}
_ALERT = ("ReachdCertificateExpiry",)
_RENEW = "renew it, or find out why what renews it does not; then reload what shows it"
_CHECK = links.from_row("This check", "Deployment", "Check")


def _days(metric: str, by: str) -> str:
    return f"min by ({by}) ({metric}{{{OF_DEPLOYMENT}}} - time()) / 86400"


def _soonest() -> Panel:
    return drawings.number(
        Facts(
            "Days until the first ends",
            About(
                "The first certificate to end of all that the checks have seen; negative where one has ended.",
                f"above {CERTIFICATE_DAYS} days",
                _RENEW,
                _ALERT,
            ),
            [Query(f"min({_days('probe_ssl_earliest_cert_expiry', 'check')})")],
            "no TLS seen",
            unit="none",
            steps=_DAYS,
        ),
        decimals=1,
    )


def _ending() -> Panel:
    seen = f"min by ({CHECK}) (probe_ssl_earliest_cert_expiry{{{OF_DEPLOYMENT}}})"
    expr = f"count({seen} - time() < {CERTIFICATE_DAYS} * 86400) or vector(0)"
    return drawings.number(
        Facts(
            f"End within {CERTIFICATE_DAYS} days",
            About(
                "Checks that saw a certificate which ends soon, or has ended.",
                "0",
                _RENEW,
                _ALERT,
            ),
            [Query(expr)],
            "no TLS seen",
            steps=NONE_IS_BEST,
        )
    )


def _failing() -> Panel:
    failing = f'group by ({CHECK}) (probe_failing{{{OF_DEPLOYMENT},reason=~"tls_.+"}})'
    expr = f"count({failing}) or vector(0)"
    return drawings.number(
        Facts(
            "Handshakes that fail",
            About(
                "Checks that are down for a reason of TLS.",
                "0",
                "read the reason below, and run `reachd explain` with it",
                ("ReachdCheckDown", "ReachdCertificateExpiry"),
            ),
            [Query(expr)],
            "no checks seen",
            steps={None: GOOD, 1: BAD},
        )
    )


def _table() -> Panel:
    by = "cluster, deployment, component, check, vantage"
    expiry = f"probe_ssl_earliest_cert_expiry{{{OF_DEPLOYMENT}}}"
    shown = queries.with_target(f"(1000 * {expiry})", OF_DEPLOYMENT)
    return tables.rows(
        Facts(
            "Certificates",
            About(
                "For each check with TLS: when the first certificate of the chain ends, and what was negotiated.",
                f"more than {CERTIFICATE_DAYS} days; TLS 1.2 or 1.3",
                _RENEW,
                _ALERT,
            ),
            [
                Query(f"min by ({by}, target, purpose) ({shown})"),
                Query(f"round(min by ({by}) ({expiry} - time()) / 86400, 0.1)"),
                Query(f"count by ({by}, version, cipher) (probe_tls_info{{{OF_DEPLOYMENT}}})"),
            ],
            "no TLS seen",
        ),
        [
            Column("cluster", "Cluster"),
            Column("deployment", "Deployment"),
            Column("component", "Component"),
            Column("check", "Check", links=_CHECK),
            Column("vantage", "From"),
            Column("target", "Target"),
            Column("Value #B", "Days left", unit="none", steps=_DAYS),
            Column("Value #A", "Ends", unit="dateTimeAsIso"),
            Column("version", "TLS"),
            Column("cipher", "Cipher suite"),
            Column("purpose", "Purpose"),
        ],
        "Days left",
    )


def _left() -> Panel:
    return drawings.lines(
        Facts(
            "Days left over time",
            About(
                "The days until each certificate ends. A renewal is a step up, once its program has read it.",
                f"steps up long before {CERTIFICATE_DAYS} days",
                "no step where one was due: the renewal failed, or nothing reloaded it",
                _ALERT,
            ),
            [Query(_days("probe_ssl_earliest_cert_expiry", "cluster, deployment, check"), "{{deployment}} {{check}}")],
            "no TLS seen",
            unit="none",
            steps=_DAYS,
        )
    )


def _broker() -> Panel:
    metric = "nats_server_certificate_expiry_timestamp_seconds"
    return drawings.lines(
        Facts(
            "Days left of the Broker's own certificate",
            About(
                "What the Broker says of its certificate for clients.",
                f"above {CERTIFICATE_DAYS} days",
                "renew it, and let the Broker read its configuration again",
                _ALERT,
            ),
            [Query(_days(metric, "cluster, deployment, check"), "{{deployment}} {{check}}")],
            "the Broker has no TLS, or does not tell",
            unit="none",
            steps=_DAYS,
        )
    )


def _reasons() -> Panel:
    scope = f'{OF_DEPLOYMENT},reason=~"tls_.+"'
    expr = f"sum by (deployment, check, reason) ({queries.rate('probe_failure_reasons_total', scope)}) > 0"
    return drawings.stack(
        Facts(
            "Why handshakes fail",
            About(
                "Runs that failed for a reason of TLS.",
                "nothing",
                "untrusted: the authority; hostname: the name; not TLS: the port; expired: renew",
                ("ReachdCheckDown", "ReachdCertificateExpiry"),
            ),
            [Query(expr, "{{deployment}} {{check}} {{reason}}")],
            "no handshake failed",
            unit="cps",
        )
    )


def _handshakes() -> Panel:
    scope = f'{OF_DEPLOYMENT},phase="tls"'
    return drawings.lines(
        Facts(
            "Duration of handshakes",
            About(
                "The phase of TLS in the last run; the longest of several places.",
                "as it was last week",
                "risen: the target is busy, or checks revocation somewhere that is slow",
                ("ReachdSlow",),
            ),
            [
                Query(
                    f"max by (cluster, deployment, check) (probe_phase_duration_seconds{{{scope}}})",
                    "{{deployment}} {{check}}",
                )
            ],
            "no TLS seen",
            unit="s",
        )
    )


def _versions() -> Panel:
    negotiated = f"group by ({CHECK}, version, cipher) (probe_tls_info{{{OF_DEPLOYMENT}}})"
    return drawings.bars(
        Facts(
            "Negotiated",
            About(
                "Checks by TLS version and cipher suite.",
                "TLS 1.3, or 1.2 with a suite that has forward secrecy",
                "raise the lowest version of the target",
            ),
            [Query(f"count by (version, cipher) ({negotiated})", "{{version}} {{cipher}}")],
            "no TLS seen",
        ),
        least=0,
    )


DASHBOARD = Document(
    "reachd-certificates",
    "reachd / TLS and certificates",
    "TLS and certificates: what ends next, what is negotiated, and why handshakes fail.",
    [
        *variables.datasources(),
        variables.cluster("probe_state"),
        variables.several("deployment", "Deployment", 'probe_state{check!="",cluster=~"$cluster"}'),
    ],
    [marks.alerts('cluster=~"$cluster",deployment=~"$deployment"')],
    [
        Section("Now", [Line(5, [_soonest(), _ending(), _failing()]), Line(11, [_table()])]),
        Section("Expiry", [Line(9, [_left(), _broker()])]),
        Section("Handshakes", [Line(8, [_reasons(), _handshakes(), _versions()])]),
    ],
    since="now-6h",
)
