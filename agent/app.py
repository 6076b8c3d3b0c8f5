"""The composition root: builds the agent from its parts, and starts and stops them in order."""

import asyncio
import resource
import signal
from collections.abc import Callable, Coroutine, Sequence
from importlib import import_module
from pathlib import Path
from time import time
from typing import Protocol

import structlog

from agent.core.ports import DemoControls, Sink, Tracing
from agent.core.version import VERSION
from agent.core.words import counted
from agent.discovery.files import FileSource
from agent.engine.check_loop import Services
from agent.engine.clock import Clock
from agent.engine.fan_out import FanOut
from agent.engine.garbage import collect_by_the_clock
from agent.engine.health import AgentHealth
from agent.engine.limits import Limits
from agent.engine.stalls import Stalls
from agent.engine.supervisor import Supervisor
from agent.engine.watch import changes, signature
from agent.metrics.agent_metrics import AgentMetrics
from agent.metrics.exposition import Exposition
from agent.metrics.store import Store
from agent.observation import Observation
from agent.planning import Planning
from agent.probes._network import Network
from agent.probes._proxy import Proxies
from agent.settings.load import load
from agent.settings.mask import masked_yaml
from agent.settings.model import Configuration
from agent.settings.problems import ConfigurationError, Problem
from agent.settings.restart import in_force, waiting
from agent.settings.snapshot import STATIC, Source
from agent.settings.warnings import names_nothing_to_check, warnings
from agent.sinks.log import LogSink, configure_logging
from agent.sinks.prometheus import PrometheusSink
from agent.sinks.status import StatusSink
from agent.web.parts import Parts
from agent.web.server import WebServer

_log = structlog.get_logger("agent")

_CLOSE_SINKS = 1.0
"""Seconds that sinks get to send what waits in their queues."""


async def serve(
    paths: Sequence[Path], controls: DemoControls | None = None, started: Callable[[str], None] | None = None
) -> None:
    """Runs an agent until SIGTERM or SIGINT, and reloads it on SIGHUP.

    Raises ConfigurationError when its configuration is bad, and ListenError when its port is taken.
    started: called with the agent's URL as soon as it listens.
    """
    agent = Agent(paths, controls)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, agent.reload_soon)
    await agent.start()
    if started is not None:
        started(agent.address)
    try:
        await stop.wait()
    finally:
        await agent.close()


class Agent:
    """The agent, from its start to its end."""

    def __init__(self, paths: Sequence[Path], controls: DemoControls | None = None) -> None:
        """`paths`: where the configuration is read, now and on reload. `controls`: switches for the page of the demo.

        Raises ConfigurationError when it is bad.
        """
        self._paths = paths
        self._signature = signature(paths)  # before the files are read, so that no change of theirs goes unnoticed
        self._configuration = configuration = load(paths)
        self._shown: tuple[Configuration | None, str] = (None, "")
        self._tasks: set[asyncio.Task[None]] = set()
        self._hung_up = asyncio.Event()
        self._metrics = AgentMetrics()
        configure_logging(
            configuration.log.format,
            configuration.log.level,
            environment=configuration.environment,
            dropped=lambda lines: self._metrics.sink_dropped("log", lines),
        )
        self._metrics.sink_dropped("log", 0)
        self._health = AgentHealth()
        self._stalls = Stalls(self._metrics.event_loop_delay)
        self._status = StatusSink(configuration.state_file)
        self._traces = _trace_sink(configuration, self._metrics, lambda: self._network.proxies)
        store = Store()
        sinks: list[Sink] = [PrometheusSink(store), self._status]
        if self._traces is not None:
            sinks.append(self._traces)
        sinks.append(LogSink(traced=self._traces is not None))
        fan_out = FanOut(sinks, self._metrics.sink_dropped)
        limits = configuration.limits
        self._limits = Limits(limits.in_flight, limits.per_host)
        self._supervisor = Supervisor(
            Services(Clock(), self._limits, self._stalls, fan_out, self._metrics, self._traces),
            self._status.first_standing,
        )
        self._network = _network(configuration)
        self._observation = Observation(
            configuration.kubernetes, self._network, self._health, self._metrics, changed=self._replan_soon
        )
        self._planning = Planning(
            self._supervisor, self._status.plan_changed, self._health, self._metrics, self._observation.cares_for
        )
        parts = Parts(
            board=self._status,
            health=self._health,
            render_metrics=Exposition(store, self._metrics, self._observation.texts).render,
            reload=self.reload,
            config_text=self._config_text,
            demo_controls=controls,
        )
        self._web = WebServer(parts, configuration.web)

    @property
    def address(self) -> str:
        """The URL at which the agent listens, once it has started."""
        return self._web.address

    async def start(self) -> None:
        """Starts everything. Raises ListenError when the port is taken."""
        _raise_descriptor_limit()
        async with self._planning.changing:  # which may be asked for as soon as the agent listens
            await self._web.start(*self._configuration.listen_endpoint())
            self._health.fulfil("listener")
            self._stalls.start()
            if self._traces is not None:
                self._spawn(self._traces.run(), "traces")
            await self._observation.start()
            await self._apply(self._configuration, self._network, warnings(self._configuration))
        self._health.fulfil("configuration")
        self._spawn(self._reload_when_told(), "reload")
        self._spawn(self._watch_files(), "configuration watch")
        self._spawn(collect_by_the_clock(), "garbage collection")
        _log.info("started", version=VERSION, address=self.address)

    async def close(self) -> None:
        """Drains: unready first, then no more runs, then the queues, then the listener."""
        self._health.drain()
        _log.info("stopping")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._planning.stop()
        await self._supervisor.stop()
        await self._observation.close()  # once nothing runs here any more, so that no check runs twice
        self._stalls.stop()
        if self._traces is not None:
            await self._traces.close(_CLOSE_SINKS)
        await self._status.close()
        await self._web.close()

    def reload_soon(self) -> None:
        """Reloads in the background, once however often it is called before that has begun."""
        self._hung_up.set()

    async def reload(self) -> Sequence[str]:
        """Puts the configuration on disk to use. Returns the keys that wait for a restart.

        Raises ConfigurationError and changes nothing when it is bad.
        """
        async with self._planning.changing:
            self._signature = await asyncio.to_thread(signature, self._paths)
            before, network = self._configuration, self._network
            try:
                loaded = await asyncio.to_thread(load, self._paths)
                self._refuse_to_watch_nothing(loaded)
                configuration = in_force(loaded, before)
                new_network = await asyncio.to_thread(_network, configuration)
                remarks = await asyncio.to_thread(warnings, loaded)
                if _network_keys(before) != _network_keys(configuration):
                    network = new_network
                await self._apply(configuration, network, remarks)
            except ConfigurationError as error:
                self._rejected(counted(len(error.problems), "problem"), str(error.problems[0]))
                _log.error("configuration rejected; the old one goes on", problems=[str(it) for it in error.problems])
                raise
            except Exception:
                self._rejected("the agent itself failed", "its log says how")
                raise
            _log.info("configuration reloaded")
            return self._wait_for_restart(waiting(loaded, before))

    def _refuse_to_watch_nothing(self, loaded: Configuration) -> None:
        """Raises ConfigurationError where all that is watched would be dropped: most likely, nobody wants that."""
        if names_nothing_to_check(loaded) and not names_nothing_to_check(self._configuration):
            message = (
                "there is nothing to check any more, as in a file that is cut off or not written yet; to stop watching "
                "everything on purpose, restart the agent with it, or stop the agent"
            )
            raise ConfigurationError([Problem(", ".join(map(str, self._paths)), 0, "", message)])

    def _wait_for_restart(self, keys: Sequence[str]) -> Sequence[str]:
        """Says so of keys whose new values are not in force."""
        for key in keys:
            _log.warning("this change takes effect after a restart", key=key)
        if keys:
            self._health.note("restart", f"a change on disk takes effect after a restart: {', '.join(keys)}", time())
        else:
            self._health.settle("restart")
        return keys

    def _replan_soon(self) -> None:
        self._spawn(self._planning.replan(), "plan")

    def _rejected(self, what: str, first: str) -> None:
        now = time()
        self._metrics.reloaded(ok=False, at=now)
        words = f"the configuration on disk is rejected ({what}) and the old one goes on: {first}"
        self._health.note("configuration", words, now)

    def _config_text(self) -> str:
        """The effective configuration for people, made once; in a thread, and by one caller at a time."""
        configuration, (shown, text) = self._configuration, self._shown
        if shown is not configuration:
            text = masked_yaml(configuration)
            self._shown = configuration, text
        return text

    async def _apply(self, configuration: Configuration, network: Network, remarks: Sequence[Problem]) -> None:
        for remark in remarks:
            _log.warning("configuration", problem=str(remark))
        # First, because where a probe cannot be built all stays as it was.
        sources = [*_sources(configuration, self._planning.network), *self._observation.sources()]
        await self._planning.adopt(configuration, network, sources)
        self._configuration, self._network = configuration, network
        self._shown = (None, "")
        self._limits.in_flight = configuration.limits.in_flight
        self._limits.per_host = configuration.limits.per_host
        self._metrics.reloaded(ok=True, at=time())
        self._health.settle("configuration")
        self._metrics.source_succeeded(STATIC, time())

    async def _reload_and_log(self) -> None:
        try:
            await self.reload()
        except ConfigurationError:
            return  # said where it was found
        except Exception:  # the watch has to live on: the next change may be the mending one
            _log.exception("the reload failed")

    async def _reload_when_told(self) -> None:
        while True:
            await self._hung_up.wait()
            self._hung_up.clear()
            await self._reload_and_log()

    async def _watch_files(self) -> None:
        async for _ in changes(self._paths, lambda: self._signature):
            await self._reload_and_log()

    def _spawn(self, work: Coroutine[object, object, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.critical("a background task has ended", task=task.get_name(), exc_info=error)


class _TraceSink(Sink, Tracing, Protocol):
    async def run(self) -> None: ...

    async def close(self, seconds: float) -> None: ...


def _trace_sink(
    configuration: Configuration, metrics: AgentMetrics, proxies: Callable[[], Proxies]
) -> _TraceSink | None:
    if configuration.otlp is None:
        return None
    metrics.sink_dropped("traces", 0)
    # Loaded only here: the SDK costs memory and start-up time that an agent without a collector need not pay.
    sink: _TraceSink = import_module("agent.sinks.traces").TraceSink(
        configuration.otlp.endpoint,
        headers_file=configuration.otlp.headers_file,
        proxies=proxies,
        success_ratio=configuration.otlp.success_ratio,
        environment=configuration.environment,
        dropped=lambda count: metrics.sink_dropped("traces", count),
    )
    return sink


def _sources(configuration: Configuration, network: Callable[[], Network]) -> list[Source]:
    """Whatever finds checks, over the network that is in force when it asks.

    Of two that find the same name, the one that comes first here keeps it.
    """
    discovery = configuration.discovery
    sources: list[Source] = [FileSource(settings) for settings in discovery.files]
    if discovery.dns:
        # Loaded only here: an agent that asks for nothing but addresses needs no dnspython.
        dns_source: Callable[..., Source] = import_module("agent.discovery.dns").DnsSource
        sources += [dns_source(settings, network) for settings in discovery.dns]
    return sources


def _network(configuration: Configuration) -> Network:
    try:
        return configuration.network()
    except ValueError as error:
        raise ConfigurationError([Problem("environment", 0, "HTTP_PROXY, HTTPS_PROXY", str(error))]) from error


def _network_keys(configuration: Configuration) -> tuple[object, ...]:
    return configuration.proxy, configuration.forbidden_addresses, configuration.unmask_interception


def _raise_descriptor_limit() -> None:
    """Every probe in flight needs a descriptor; the soft limit is often 1024 where the hard one is much higher."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as error:
        _log.warning("the limit of open files cannot be raised", limit=soft, problem=str(error))
