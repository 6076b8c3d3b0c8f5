"""The closed list of failure reasons: what can be wrong, and who is to blame for it."""

from enum import StrEnum


class Phase(StrEnum):
    """The part of a run in which time is spent. The phases of a run add up to its duration."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    REQUEST = "request"
    RESPONSE = "response"
    TRANSFER = "transfer"


PHASES = tuple(Phase)
"""In order. Where every run passes, members of enumerations are kept in constants: through the class, Python 3.11 takes
ten times as long to find them."""


class Blame(StrEnum):
    """Who has to act on a failure."""

    TARGET = "target"
    PATH = "path"
    AGENT = "agent"


class Reason(StrEnum):
    """Why a run did not succeed. Nothing outside this list is ever exported as a reason."""

    DNS_NXDOMAIN = "dns_nxdomain"
    DNS_NO_ADDRESS = "dns_no_address"
    DNS_SERVER_FAILURE = "dns_server_failure"
    DNS_REFUSED = "dns_refused"
    DNS_TIMEOUT = "dns_timeout"
    CONNECT_REFUSED = "connect_refused"
    CONNECT_RESET = "connect_reset"
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECT_UNREACHABLE = "connect_unreachable"
    TLS_EXPIRED = "tls_expired"
    TLS_NOT_YET_VALID = "tls_not_yet_valid"
    TLS_UNTRUSTED = "tls_untrusted"
    TLS_HOSTNAME_MISMATCH = "tls_hostname_mismatch"
    TLS_NOT_TLS = "tls_not_tls"
    TLS_CLIENT_CERTIFICATE_REQUIRED = "tls_client_certificate_required"
    TLS_PROTOCOL_ERROR = "tls_protocol_error"
    TLS_TIMEOUT = "tls_timeout"
    RESPONSE_TIMEOUT = "response_timeout"
    CONNECTION_CLOSED = "connection_closed"
    CONNECTION_RESET = "connection_reset"
    PROTOCOL_ERROR = "protocol_error"
    RESPONSE_TOO_LARGE = "response_too_large"
    STATUS_UNEXPECTED = "status_unexpected"
    SERVER_ERROR = "server_error"
    REDIRECT_UNEXPECTED = "redirect_unexpected"
    REDIRECT_LOOP = "redirect_loop"
    AUTH_REJECTED = "auth_rejected"
    RATE_LIMITED = "rate_limited"
    BODY_MISMATCH = "body_mismatch"
    HEADER_MISMATCH = "header_mismatch"
    HEALTH_CHECK_FAILED = "health_check_failed"
    PROXY_REFUSED = "proxy_refused"
    UPGRADE_STRIPPED = "upgrade_stripped"
    STREAM_BUFFERED = "stream_buffered"
    IDLE_CUT = "idle_cut"
    UPGRADE_REFUSED = "upgrade_refused"
    SUBPROTOCOL_REFUSED = "subprotocol_refused"
    PONG_TIMEOUT = "pong_timeout"
    NOT_SERVING = "not_serving"
    SERVICE_UNKNOWN = "service_unknown"
    GRPC_ERROR = "grpc_error"
    SHUTTING_DOWN = "shutting_down"
    DEGRADED = "degraded"
    CLIENT_MISSING = "client_missing"
    ENDPOINT_UNREACHABLE = "endpoint_unreachable"
    CALLBACK_DRIFT = "callback_drift"
    UNEXPECTEDLY_OPEN = "unexpectedly_open"
    ADDRESS_FORBIDDEN = "address_forbidden"
    OVERLOADED = "overloaded"
    PERMISSION_DENIED = "permission_denied"
    INTERNAL_ERROR = "internal_error"

    @property
    def blame(self) -> Blame:
        if self in _AGENT:
            return Blame.AGENT
        return Blame.PATH if self in _PATH else Blame.TARGET


_PATH = frozenset(
    {
        Reason.DNS_SERVER_FAILURE,
        Reason.DNS_REFUSED,
        Reason.DNS_TIMEOUT,
        Reason.CONNECT_TIMEOUT,
        Reason.CONNECT_UNREACHABLE,
        Reason.PROXY_REFUSED,
        Reason.UPGRADE_STRIPPED,
        Reason.STREAM_BUFFERED,
        Reason.IDLE_CUT,
    }
)
_AGENT = frozenset({Reason.ADDRESS_FORBIDDEN, Reason.OVERLOADED, Reason.PERMISSION_DENIED, Reason.INTERNAL_ERROR})
