"""What each failure reason means, and what to try first: the words for the page, the commands and the runbooks.

Words in capitals stand for the values of the check at hand: HOST, PORT, NAME, URL, HEALTH_URL, NAMESPACE, SERVICE,
SERVICE_PORT, POD. `agent.core.steps` puts in those that are known.
"""

from dataclasses import dataclass

from agent.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class Explanation:
    """A reason in words.

    phrase: a few words that complete "it is down:". meaning: a paragraph. try_first: steps in the order in which to
    take them, each a command, a sentence, or a command and what its output means.
    """

    phrase: str
    meaning: str
    try_first: tuple[str, ...]


def explain(reason: Reason) -> Explanation:
    """The explanation of a reason; every reason has one."""
    return _EXPLANATIONS[reason]


_EXPLANATIONS = {
    Reason.DNS_NXDOMAIN: Explanation(
        "the name does not exist",
        "The name servers answered, and said that there is no such name, with none of the search domains either. "
        "Most often the name is misspelt, the Service was never created or has been deleted, or the namespace is "
        "missing from a name that is used from another namespace.",
        (
            "kubectl get services --all-namespaces | grep SERVICE",
            "Compare the name with SERVICE.NAMESPACE.svc: from another namespace the short name does not exist.",
            "dig NAME, from the agent's network namespace, shows what the name server says.",
        ),
    ),
    Reason.DNS_NO_ADDRESS: Explanation(
        "the name has no address",
        "The name exists, but has none of the records that were asked for. For a headless Service that means no "
        "ready Pod stands behind it; for other names the record has been removed, or only one of another type is "
        "left.",
        (
            "kubectl -n NAMESPACE get endpointslices -l kubernetes.io/service-name=SERVICE",
            "kubectl -n NAMESPACE get pods, and see why none of them is ready.",
            "dig NAME A; dig NAME AAAA; dig NAME CNAME",
        ),
    ),
    Reason.DNS_SERVER_FAILURE: Explanation(
        "the name server fails",
        "A name server answered that it could not find out (SERVFAIL), or its answer was malformed. The target may "
        "be well. In a cluster this usually is CoreDNS that cannot reach its upstream servers; outside, a zone whose "
        "own servers are down or whose DNSSEC signatures have expired.",
        (
            "kubectl -n kube-system logs -l k8s-app=kube-dns --tail=50",
            "dig NAME @SERVER against each server of /etc/resolv.conf: do all of them fail, or one?",
            "dig NAME +cd: if that works, it is the DNSSEC signature.",
        ),
    ),
    Reason.DNS_REFUSED: Explanation(
        "the name server refuses to answer",
        "A name server said REFUSED, or no name server runs at the configured address. It is not meant to answer for "
        "this name or for this client: a wrong address in /etc/resolv.conf, an access list, or a DNS Pod that has "
        "just gone.",
        (
            "cat /etc/resolv.conf in the agent's container, and compare it with the address of the kube-dns Service.",
            "kubectl -n kube-system get pods -l k8s-app=kube-dns -o wide",
            "dig NAME @SERVER, from the agent and from another machine.",
        ),
    ),
    Reason.DNS_TIMEOUT: Explanation(
        "no name server answers",
        "The question for the name was sent and repeated, and no answer came in time. The target may be well: what "
        "fails is the way to the name servers, or they are overloaded. A NetworkPolicy without an egress rule for "
        "port 53, both UDP and TCP, looks exactly like this.",
        (
            "kubectl -n kube-system get pods -l k8s-app=kube-dns",
            "kubectl -n NAMESPACE get networkpolicies, and look for egress to port 53.",
            "dig NAME @SERVER +tries=1 +time=2, then again with +tcp.",
        ),
    ),
    Reason.CONNECT_REFUSED: Explanation(
        "nothing listens on the port",
        "The machine was reached and said no: no program listens at this address and port. The Pod is starting, has "
        "crashed or listens elsewhere, or the Service points to a wrong port. A firewall that rejects instead of "
        "dropping looks the same.",
        (
            "kubectl -n NAMESPACE get endpoints SERVICE: an empty list means that no Pod is ready.",
            "kubectl -n NAMESPACE get pods -o wide; kubectl -n NAMESPACE describe pod POD",
            "kubectl -n NAMESPACE get service SERVICE -o yaml: does targetPort name the port on which the program "
            "listens?",
        ),
    ),
    Reason.CONNECT_RESET: Explanation(
        "the connection is reset while it is made",
        "Something took the connection and threw it away at once. A load balancer or proxy without a healthy backend "
        "does so, and a server whose queue of new connections is full.",
        (
            "kubectl -n NAMESPACE get endpoints SERVICE",
            "Look at the load balancer's or proxy's own view of its backends.",
            "ss -ltn 'sport = :PORT' on the target: Recv-Q at its limit means that the server does not accept.",
        ),
    ),
    Reason.CONNECT_TIMEOUT: Explanation(
        "nothing answers at the address",
        "The packets that open a connection got no reply at all. Between here and the target something drops them: a "
        "firewall, a security group, a NetworkPolicy or a route, or the machine is off. A server that is only slow "
        "does not look like this, since the kernel answers for it.",
        (
            "kubectl -n NAMESPACE get networkpolicies: is there an ingress rule for the target, and an egress rule "
            "for here?",
            "reachd targets --config FILE --output networkpolicy prints the rules that are needed.",
            "nc -vz HOST PORT from another Pod and from the node: where it begins to work shows who drops.",
        ),
    ),
    Reason.CONNECT_UNREACHABLE: Explanation(
        "there is no route to the address",
        "The network itself said that the address cannot be reached: no route leads there, the last router finds no "
        "such machine, or a firewall turns down what is sent. For a Service it can be a node's packet rules that have "
        "no Pod to lead to.",
        (
            "ip route get ADDRESS, in the agent's network namespace; Invalid argument is a black hole, as Calico makes "
            "them on a node for addresses that no Pod has.",
            "kubectl -n NAMESPACE get endpoints SERVICE",
            "For an IPv6 address: does this network carry IPv6 at all?",
        ),
    ),
    Reason.TLS_EXPIRED: Explanation(
        "the certificate has expired",
        "The target, or an authority that it sends along, uses a certificate whose time is over, so every client "
        "that verifies refuses it. The detail shows its dates. If it has been renewed, the server may not have "
        "loaded it yet.",
        (
            "openssl s_client -connect HOST:PORT -servername HOST </dev/null | openssl x509 -noout -dates -subject",
            "kubectl -n NAMESPACE get certificates; kubectl -n NAMESPACE describe certificate NAME (cert-manager)",
            "If the Secret holds a newer certificate, restart or reload what serves it.",
        ),
    ),
    Reason.TLS_NOT_YET_VALID: Explanation(
        "the certificate is not valid yet",
        "The certificate begins to be valid in the future. Most often a clock is wrong: that of the machine that "
        "issued it, or that of the machine on which the agent runs.",
        (
            "date -u on the agent's node and on the target: do they agree?",
            "openssl s_client -connect HOST:PORT -servername HOST </dev/null | openssl x509 -noout -dates",
        ),
    ),
    Reason.TLS_UNTRUSTED: Explanation(
        "the certificate is not trusted",
        "The certificate does not lead to an authority that is trusted here: it is self-signed, comes from a private "
        "authority, or the server leaves out an intermediate certificate. Something that opens TLS on the way, such "
        "as an inspecting proxy, looks the same.",
        (
            "openssl s_client -connect HOST:PORT -servername HOST -showcerts </dev/null: who issued it?",
            "For a private authority set tls: {ca_file: ...} to its certificate.",
            "Compare the issuer with what another network sees: a difference is an inspecting proxy.",
        ),
    ),
    Reason.TLS_HOSTNAME_MISMATCH: Explanation(
        "the certificate is for another name",
        "The certificate is genuine, but not for the name that was asked for. The request may have reached another "
        "server, such as an ingress's default backend, or the name was not included when the certificate was made. A "
        "name that stands in the subject (CN) alone counts for nothing, as in Go and in browsers.",
        (
            "openssl s_client -connect HOST:PORT -servername HOST </dev/null | openssl x509 -noout -ext subjectAltName",
            "kubectl get ingress --all-namespaces | grep HOST: is there a tls section for this host?",
            "If the address differs from the name on purpose, set tls: {server_name: ...}.",
        ),
    ),
    Reason.TLS_NOT_TLS: Explanation(
        "the port does not speak TLS",
        "What answered is not TLS but plain text. The address has the wrong port, or https where http is meant, or a "
        "proxy on the way answers for itself.",
        (
            "curl -v http://HOST:PORT/ shows what speaks there.",
            "kubectl -n NAMESPACE get service SERVICE -o yaml: which port is the one with TLS?",
        ),
    ),
    Reason.TLS_CLIENT_CERTIFICATE_REQUIRED: Explanation(
        "the target wants another client certificate",
        "The target asks clients to identify themselves with a certificate, and did not accept what it got: none, "
        "one from an authority that it does not know, one that has expired, or one that is not meant for clients.",
        (
            "Set tls: {cert_file: ..., key_file: ...} to a certificate that the target accepts.",
            "openssl x509 -in CERT_FILE -noout -issuer -dates -purpose: current, of the right authority, for clients?",
            "openssl s_client -connect HOST:PORT </dev/null | grep -A5 'client certificate CA names'",
        ),
    ),
    Reason.TLS_PROTOCOL_ERROR: Explanation(
        "the TLS handshake fails",
        "Both sides speak TLS, but could not agree, or the target ended the handshake. No TLS version or cipher in "
        "common, a target that knows no such server name, and a proxy that cuts connections are the usual causes.",
        (
            "openssl s_client -connect HOST:PORT -servername HOST -tls1_2 </dev/null, then again with -tls1_3.",
            "Look into the target's own log at this second: it knows why it refused.",
            "Versions before TLS 1.2 are not spoken; a target that has nothing newer must be upgraded.",
        ),
    ),
    Reason.TLS_TIMEOUT: Explanation(
        "the TLS handshake hangs",
        "The connection was made, and then the handshake did not end in time. The server is overloaded or hung, it "
        "does not speak TLS and waits for plain text, or large packets are lost on the way (a wrong MTU in a "
        "tunnel).",
        (
            "openssl s_client -connect HOST:PORT -servername HOST </dev/null: where does it stop?",
            "kubectl -n NAMESPACE top pod: is the server starved of CPU?",
            "ping -M do -s 1400 HOST: if only small packets pass, it is the MTU.",
        ),
    ),
    Reason.RESPONSE_TIMEOUT: Explanation(
        "it takes the request and does not answer in time",
        "The connection stands and the request was sent, but the answer did not come, or did not end, within the "
        "timeout. The program is hung or overloaded, or waits for something behind it: a database, or egress to a "
        "provider.",
        (
            "kubectl -n NAMESPACE logs POD --since=10m",
            "kubectl -n NAMESPACE top pod",
            "curl -sv -m 30 URL: does it answer late, or never? Late: see what it depends on, then the timeout.",
        ),
    ),
    Reason.CONNECTION_CLOSED: Explanation(
        "it closes the connection instead of answering",
        "The target took the connection and closed it before its answer was complete. It crashed or shut down in the "
        "middle, does not speak this protocol on this port, or a proxy has lost its backend.",
        (
            "kubectl -n NAMESPACE get pods: have the restarts gone up?",
            "kubectl -n NAMESPACE logs POD --previous",
            "Is it the right port for this protocol?",
        ),
    ),
    Reason.CONNECTION_RESET: Explanation(
        "it resets the connection instead of answering",
        "The connection stood, and was then thrown away. The program has crashed, or a firewall or load balancer "
        "between here and there has forgotten or forbidden the connection.",
        (
            "kubectl -n NAMESPACE get pods: have the restarts gone up?",
            "kubectl -n NAMESPACE logs POD --previous",
            "Try from the target's own node: if it works there, something on the way resets.",
        ),
    ),
    Reason.PROTOCOL_ERROR: Explanation(
        "it does not speak the protocol",
        "What came back cannot be read as the protocol that the check speaks; the detail shows how it begins. "
        "Another program listens on this port, TLS is needed there, or a proxy in front changes what passes.",
        (
            "curl -v URL, or nc HOST PORT, shows what speaks there.",
            "kubectl -n NAMESPACE get service SERVICE -o yaml: do port and targetPort lead to the right container?",
            "If the detail begins with \\x15\\x03, the port speaks TLS.",
        ),
    ),
    Reason.RESPONSE_TOO_LARGE: Explanation(
        "the answer is too large",
        "The answer is longer than what the check reads, and what it must contain was not in that part. Either it is "
        "not the answer of the right program, or the limit is too low for it.",
        (
            "curl -s URL | wc -c",
            "If the size is right, raise max_body of the check.",
        ),
    ),
    Reason.STATUS_UNEXPECTED: Explanation(
        "it answers with an unexpected status",
        "The server works, but its status is none of those that count as up. 404 most often is a wrong path, a "
        "missing ingress rule or another version of the program; 403 a policy that keeps this client out.",
        (
            "curl -sv -o /dev/null URL",
            "kubectl describe ingress --all-namespaces: is there a rule for this host and path?",
            "If this status is right here, list it in expect: {status: [...]}.",
        ),
    ),
    Reason.SERVER_ERROR: Explanation(
        "it answers with a server error (5xx)",
        "The target, or a proxy in front of it, says that it failed. 502, 503 and 504 mostly come from an ingress or "
        "load balancer that has no healthy backend; 500 is the program itself; a health endpoint says 503 on "
        "purpose.",
        (
            "curl -sv URL: the Server header and the body tell who answers.",
            "kubectl -n NAMESPACE get endpoints SERVICE",
            "kubectl -n NAMESPACE logs POD --since=10m",
        ),
    ),
    Reason.REDIRECT_UNEXPECTED: Explanation(
        "it redirects elsewhere",
        "The answer sends the caller to another address, which the check neither expects nor follows. Often it is "
        "http to https, a path that has moved, or a sign-in page.",
        (
            "curl -sv -o /dev/null URL 2>&1 | grep -i location",
            "If the new address is right, put it into the check, or set follow_redirects: true.",
            "If it is a sign-in page, name its path in expect: {login_paths: [...]}, or give the check credentials.",
        ),
    ),
    Reason.REDIRECT_LOOP: Explanation(
        "its redirects have no end",
        "Redirects were followed, and after ten of them there still was no answer. Usually an ingress redirects to "
        "https although TLS ended before it, or two components each send the caller to the other.",
        (
            "curl -sLv --max-redirs 5 -o /dev/null URL 2>&1 | grep -i '^< location'",
            "See whether the ingress trusts X-Forwarded-Proto of what stands before it.",
        ),
    ),
    Reason.AUTH_REJECTED: Explanation(
        "it rejects the credentials",
        "The check sent credentials, and the target does not accept them: the token or password is wrong, has "
        "expired or been revoked, or lacks the rights for this request. The network is fine.",
        (
            "Is the file that the check names the current one? It is read again when it changes.",
            'curl -sv -H "Authorization: Bearer $(cat TOKEN_FILE)" URL',
            'kubectl auth can-i --list --token="$(cat TOKEN_FILE)", for a Kubernetes API',
        ),
    ),
    Reason.RATE_LIMITED: Explanation(
        "it limits the rate of requests (429)",
        "The target works, and says that it is asked too often, by this agent or by others that share its address.",
        (
            "curl -sv -o /dev/null URL 2>&1 | grep -i -e retry-after -e ratelimit",
            "Set a longer interval (every) for the check, and run it from one agent only.",
        ),
    ),
    Reason.BODY_MISMATCH: Explanation(
        "the answer does not contain what it must",
        "There was an answer, but not the expected one: a pattern is not found, or a forbidden one is, a value "
        "differs, or a DNS record is missing. A default page of a proxy in place of the program is a common cause.",
        (
            "curl -s URL | head -c 500, and compare it with expect.",
            "Has the program been upgraded, so that the expectation is out of date?",
        ),
    ),
    Reason.HEADER_MISMATCH: Explanation(
        "a header of the answer is not what it must be",
        "The answer lacks a header that is expected, or its value differs. Proxies add, change and drop headers, so "
        "see first who it is that answers.",
        (
            "curl -sv -o /dev/null URL",
            "The same against the Service, past the ingress: kubectl -n NAMESPACE port-forward service/SERVICE "
            "8080:SERVICE_PORT",
        ),
    ),
    Reason.HEALTH_CHECK_FAILED: Explanation(
        "one of its own health checks fails",
        "The target answers, and itself says that something is wrong with it. The detail names the check that failed.",
        (
            "curl -sk HEALTH_URL lists all of its checks.",
            "kubectl -n NAMESPACE logs POD --since=10m",
            "See whether the check of what it depends on is down as well: that one comes first.",
        ),
    ),
    Reason.PROXY_REFUSED: Explanation(
        "the proxy refuses the connection",
        "The way leads through a proxy, and the proxy did not open it: 403 is its policy, 407 wants credentials, 5xx "
        "means that the proxy itself does not reach the target, and no connection at all that it does not run or that "
        "its name is wrong.",
        (
            "curl -sv -x PROXY URL",
            "Does the proxy's list of permitted destinations have this host and port?",
            "If the target should be reached directly, add it to NO_PROXY.",
        ),
    ),
    Reason.UPGRADE_STRIPPED: Explanation(
        "something on the way removes the WebSocket upgrade",
        "The request for a WebSocket was answered as if it were an ordinary one. A proxy or ingress on the way drops "
        "the headers Upgrade and Connection, so that pages load and nothing in them updates.",
        (
            "nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "
            '"upgrade"',
            "Try it past the ingress: kubectl -n NAMESPACE port-forward service/SERVICE 8080:SERVICE_PORT",
            "Other load balancers have a switch for WebSockets: see that it is on for this route.",
        ),
    ),
    Reason.STREAM_BUFFERED: Explanation(
        "something on the way holds the stream back",
        "The stream began, but its first event did not come in time. A proxy collects the answer instead of passing "
        "it on piece by piece, so that live updates come late or in bursts.",
        (
            "nginx: proxy_buffering off for this path, or have the server send X-Accel-Buffering: no",
            "Switch compression off for text/event-stream.",
            "Try it past the ingress with curl -N: kubectl -n NAMESPACE port-forward service/SERVICE 8080:SERVICE_PORT",
        ),
    ),
    Reason.IDLE_CUT: Explanation(
        "something on the way cuts idle connections",
        "The connection was held open in silence and ended before its time, without a good-bye of the protocol. A "
        "proxy or load balancer on the way has an idle timeout that is too short for it.",
        (
            "nginx: proxy_read_timeout 3600s and proxy_send_timeout 3600s for this path",
            "Look up the idle timeout of the load balancer; 60 s is a usual default.",
            "Compare the time after which it ended with those limits: it names the culprit.",
        ),
    ),
    Reason.UPGRADE_REFUSED: Explanation(
        "it refuses the WebSocket upgrade",
        "The server understood that a WebSocket is wanted, and declined, or accepted it in a way that the protocol "
        "forbids. A wrong path, an origin that is not allowed, and a missing session are the usual causes.",
        (
            "curl -sv -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H "
            "'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' --http1.1 URL",
            "Compare the path with the one that the browser uses (developer tools, network, WS).",
            "Does the server allow this Origin?",
        ),
    ),
    Reason.SUBPROTOCOL_REFUSED: Explanation(
        "it does not speak the WebSocket subprotocol",
        "The WebSocket opened, but not with a subprotocol that was offered, or its first messages were not taken. "
        "Client and server are of different versions.",
        (
            "Compare Sec-WebSocket-Protocol of request and answer in the browser's developer tools.",
            "GraphQL servers speak graphql-ws or graphql-transport-ws: set subprotocol to the one of this server.",
        ),
    ),
    Reason.PONG_TIMEOUT: Explanation(
        "the open WebSocket does not answer",
        "The WebSocket opened, and then a ping got no pong. The program behind it is hung, or a proxy keeps the "
        "client's half of the connection although it has lost the server's.",
        (
            "kubectl -n NAMESPACE logs POD --since=10m",
            "Try it past the ingress: if pongs come there, the proxy swallows them.",
        ),
    ),
    Reason.NOT_SERVING: Explanation(
        "it says that it is not serving",
        "The gRPC health service answered NOT_SERVING: the process runs, and considers itself unable to work. It is "
        "starting or stopping, or misses something that it depends on.",
        (
            "grpc_health_probe -addr HOST:PORT",
            "kubectl -n NAMESPACE logs POD --since=10m",
        ),
    ),
    Reason.SERVICE_UNKNOWN: Explanation(
        "it does not know the service that was asked for",
        "The gRPC health service answers, but has no entry for this service name. The name in the check is wrong, or "
        "another version of the program listens here.",
        (
            "grpcurl -plaintext HOST:PORT list",
            "Leave service out of the check to ask for the server as a whole.",
        ),
    ),
    Reason.GRPC_ERROR: Explanation(
        "the gRPC call fails",
        "The call got an answer, and it was an error; the detail shows its status and message. UNAVAILABLE (14) from "
        "a proxy means that the proxy does not reach the program.",
        (
            "grpcurl -plaintext HOST:PORT grpc.health.v1.Health/Check",
            "kubectl -n NAMESPACE logs POD --since=10m",
            "kubectl -n NAMESPACE get endpoints SERVICE",
        ),
    ),
    Reason.SHUTTING_DOWN: Explanation(
        "it is shutting down",
        "The target itself announced that it is about to stop (lame duck mode, GOAWAY). During a rollout this passes "
        "by itself. If it lasts, something keeps the old process from ending or the new one from starting.",
        (
            "kubectl -n NAMESPACE rollout status deployment/NAME, or statefulset/NAME",
            "kubectl -n NAMESPACE get pods: does one stay in Terminating?",
        ),
    ),
    Reason.DEGRADED: Explanation(
        "it works, but not as it should",
        "The target can be used, and shows signs of trouble: slow consumers, lost messages, a limit that is reached, a "
        "setting that the platform's documents advise against. The detail says which. Nothing may be broken for users "
        "yet.",
        (
            "Read the detail; for the Broker, curl -s http://BROKER:8222/varz and /connz have the figures.",
            "kubectl -n NAMESPACE top pod; kubectl -n NAMESPACE logs POD --since=30m",
        ),
    ),
    Reason.CLIENT_MISSING: Explanation(
        "an expected client is not connected to the Broker",
        "The Broker works, but a client that must be connected to it is not, so that the data it should send stays "
        "away. Look at that client, not at the Broker.",
        (
            "curl -s http://BROKER:8222/connz | grep '\"name\"'",
            "kubectl -n meshery get pods: do Meshery Server and MeshSync run?",
            "kubectl -n meshery logs deployment/meshery-meshsync --since=30m, and look for errors about NATS",
        ),
    ),
    Reason.ENDPOINT_UNREACHABLE: Explanation(
        "the published endpoint cannot be reached from here",
        "The Operator has published an address for the Broker in the Broker resource, and from here no connection to "
        "it can be made. Who relies on the published address cannot connect either.",
        (
            "kubectl -n meshery get brokers -o yaml, and see status.endpoint",
            "kubectl -n meshery get service meshery-nats (before Operator 1.0: meshery-broker): has it an external "
            "address?",
            "nc -vz to the published host and port, from here and from inside the cluster.",
        ),
    ),
    Reason.CALLBACK_DRIFT: Explanation(
        "the sign-in returns to another address",
        "The Server tells the provider to send users back, after they have signed in, to an address that is not the "
        "external one. Signing in then fails, or ends on a host that users cannot reach.",
        (
            "kubectl -n meshery get deployment meshery -o yaml | grep -A1 MESHERY_SERVER_CALLBACK_URL",
            "Set MESHERY_SERVER_CALLBACK_URL to the external URL with its path /api/user/token: it is used as it "
            "stands.",
        ),
    ),
    Reason.UNEXPECTEDLY_OPEN: Explanation(
        "a port is open that must be closed",
        "A connection to a port succeeded that nobody should be able to reach from here. A firewall rule or "
        "NetworkPolicy has been lost or never took effect, or a Service was given a wider type.",
        (
            "kubectl get services --all-namespaces -o wide | grep -e LoadBalancer -e NodePort",
            "kubectl -n NAMESPACE get networkpolicies, and see that the network plug-in enforces them at all.",
            "In a service mesh the sidecar takes every connection: then the port only seems open.",
        ),
    ),
    Reason.ADDRESS_FORBIDDEN: Explanation(
        "the agent's policy forbids this address",
        "The name leads to an address that the agent must not connect to, such as a metadata service or a link-local "
        "address, so it was not tried. This says nothing about the target.",
        (
            "dig NAME: should the name have this address?",
            "If it should be probed, change the agent's address policy.",
        ),
    ),
    Reason.OVERLOADED: Explanation(
        "the agent has run out of resources",
        "The agent could not make the connection for want of file descriptors, local ports or memory, or stood still "
        "because it got no CPU; the detail says which. This says nothing about the target.",
        (
            "cat /proc/1/limits in the agent's container: is the limit of open files large enough? ss -s on its node: "
            "are there very many connections in TIME-WAIT?",
            "kubectl -n NAMESPACE top pod POD, where the agent stood still: does it use all of its CPU limit?",
            "Lower limits.in_flight, or spread the checks over more time or more agents.",
        ),
    ),
    Reason.PERMISSION_DENIED: Explanation(
        "the agent may not do this",
        "The agent was not permitted to open the connection, or could not read a file that the check needs. The "
        "detail names it. This says nothing about the target.",
        (
            "Does the file exist in the agent's container, readable for its user (65532)?",
            "kubectl -n NAMESPACE describe pod POD: is the Secret mounted?",
            "A local firewall on the agent's own node can forbid connections too.",
        ),
    ),
    Reason.INTERNAL_ERROR: Explanation(
        "the agent itself failed",
        "The agent met with something that it was not made for. This says nothing about the target; it is a fault of "
        "reachd. The log has the traceback.",
        (
            "kubectl -n NAMESPACE logs POD | grep -A30 'probe crashed'",
            "Report it with the traceback, the version (reachd_build_info) and the check's configuration without "
            "secrets.",
        ),
    ),
}
