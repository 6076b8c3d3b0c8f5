"""The numbers that decide, for rules and for the panels that show the same. Those of a check are in its metrics."""

SLOW_SHARE = 0.5
"""Share of successful runs over the latency objective."""

INTERMITTENT_SHARE = 0.1
"""Share of failed runs of a check that is never down for long enough to say so."""

CHANGES_OF_STATE = 4
"""Within a quarter of an hour."""

MISSED_INTERVALS = 3
"""Intervals without a run, after which a check is stale."""

SERVER_ERROR_SHARE = 0.05
"""Share of answers with one code of 500 to 599."""

BLIND_SHARE = 0.9
"""Share of a deployment's checks without a verdict, from which on it is not watched."""

CERTIFICATE_DAYS = 14
"""Before the end of a certificate: ACME clients renew at 30 days, so by then two weeks of renewals have failed."""

NEAR_LIMIT = 0.9
"""Share of a limit in use."""

BROKER_GROWTH = 2.0
"""Memory of the Broker against its average of the day before."""

BROKER_GROWTH_BYTES = 64 * 2**20
"""And by at least so much: a Broker that has just started grows from almost nothing."""

ABNORMAL_DEVIATIONS = 3
"""Standard deviations of the day before, above its average."""

ABNORMAL_GROWTH = 1.5
"""And against that average, since what never varies deviates at once."""

ABNORMAL_LEAST = {"memory": 64 * 2**20, "cpu": 0.1}
"""And by at least so much, in bytes and cores."""

RESTARTS = 2
"""Restarts of one container within a quarter of an hour."""

BROKER_RESTARTS = 2
"""Restarts of the Broker within an hour."""

ANSWERED_SHARE = 0.5
"""Share of scrapes that an agent answers, which has not ended but answers now and then."""

SCHEDULE_DELAY_SECONDS = 1.0
"""99 of 100 runs start within."""

MISSED_SHARE = 0.01
"""Slots missed, against runs."""

FAILURES_AT_LEAST = 3
"""Fewer failures than this in a window are chance, whatever their share."""
