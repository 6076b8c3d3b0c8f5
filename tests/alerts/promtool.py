"""Runs promtool on cases, and says in words which of them it finds wrong."""

import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from alerts import pack
from alerts.timing import Timing
from tests.alerts.case import Batch, Case, Firing
from tests.alerts.series import OFFSET, labelled, values
from tests.alerts.timeline import seconds
from tests.servers.catalogue import find

RULES = Path(__file__).resolve().parents[2] / "alerts" / "rules"
Test = Mapping[str, object]
_FAILED = re.compile(r"expr: \"(.*?)\", time: (\S+),\s*\n\s*exp:(.*)\n\s*got:(.*)")
_CLUSTER = re.compile(r'cluster=\\?"(.*?)\\?"')


def promtool(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs the promtool that the catalogue of servers calls `program`."""
    binary = find(program)
    assert binary is not None
    return subprocess.run([binary, *arguments], capture_output=True, text=True, check=False)


def failures(program: str, batch: Batch, folder: Path) -> list[str]:
    """What promtool finds wrong, a line each. `folder`: for the file that it reads."""
    questions = [question for case in batch.cases for question in _questions(case, batch)]
    output = unit_tests(program, batch, folder, [{**scene(batch, batch.cases), "promql_expr_test": questions}])
    return list(_readable(output)) if output else []


def scene(batch: Batch, cases: Sequence[Case]) -> Test:
    """A test without questions: what is scraped in these cases of the batch."""
    until = seconds(batch.until)
    series = [
        {"series": name, "values": values(samples, batch.step)}
        for case in cases
        for name, samples in case.samples(batch.step, until, batch.metrics).items()
    ]
    return {"name": batch.name, "interval": f"{OFFSET}s", "input_series": series}


def unit_tests(program: str, batch: Batch, folder: Path, tests: Sequence[Test]) -> str:
    """What promtool says of these tests; empty where all is as expected."""
    rules = [str(RULES / f"{name}.yaml") for name in batch.files]
    file = folder / f"{batch.name}.json"
    document = {
        "rule_files": rules,
        "evaluation_interval": f"{batch.step}s",
        # Else promtool shuffles them, and a step may be so long that what another group recorded before is too old.
        "group_eval_order": [group.name for name in batch.files for group in pack.files(Timing())[name]],
        "tests": tests,
    }
    file.write_text(json.dumps(document))
    result = promtool(program, "test", "rules", file)
    return "" if result.returncode == 0 else result.stdout + result.stderr


def _readable(output: str) -> Iterator[str]:
    found = list(_FAILED.finditer(output))
    for expr, time, expected, got in (match.groups() for match in found):
        cluster = _CLUSTER.search(expr)
        yield f"{cluster[1] if cluster else expr}, at {time}:\n  expected {_short(expected)}\n  got      {_short(got)}"
    if not found:
        yield output


def _short(samples: str) -> str:
    """Without what is the same in all of a case."""
    return re.sub(r'(__name__|alertstate|cluster|deployment|system)="[^"]*",? ?', "", samples).strip()


def _questions(case: Case, batch: Batch) -> Iterator[Test]:
    """Which alerts fire at each moment at which that changes, and a step before; and which have fired at all."""
    selector = f'ALERTS{{cluster="{case.cluster or ""}",alertstate="firing",alertname!="ReachdWatchdog"}}'
    until = seconds(batch.until)
    changes = {seconds(moment) for firing in case.firing for moment in (firing.since, firing.until) if moment}
    before = {moment - batch.step for moment in changes if moment}
    for moment in sorted(changes | before | {until}):
        yield _question(selector, moment, [it for it in case.firing if _fires(it, moment)], case)
    yield _question(f"last_over_time({selector}[{until + 1}s])", until, case.firing, case)


def _fires(firing: Firing, moment: int) -> bool:
    return seconds(firing.since) <= moment and (not firing.until or moment < seconds(firing.until))


def _question(expr: str, moment: int, firing: Iterable[Firing], case: Case) -> Test:
    expected = {labelled("ALERTS", alertstate="firing", cluster=case.cluster, **it.labels) for it in firing}
    return {
        "expr": expr,
        "eval_time": f"{moment}s",
        "exp_samples": [{"labels": labels, "value": 1} for labels in sorted(expected)],
    }
