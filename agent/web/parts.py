"""What the endpoints are made of."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from agent.core.ports import DemoControls, Health, StatusBoard

Renderer = Callable[[str, str], tuple[dict[str, str], AsyncGenerator[bytes, None]]]


@dataclass(frozen=True, slots=True)
class Parts:
    """What the endpoints show and do.

    render_metrics: headers and body for the request headers Accept and Accept-Encoding.
    reload: puts the configuration on disk to use; the keys that wait for a restart; raises ConfigurationError.
    config_text: the effective configuration, secrets masked.
    """

    board: StatusBoard
    health: Health
    render_metrics: Renderer
    reload: Callable[[], Awaitable[Sequence[str]]]
    config_text: Callable[[], str]
    demo_controls: DemoControls | None = None
