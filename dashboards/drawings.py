"""The ways to draw: numbers, lines, areas, timelines, histograms and bars. Tables have a module of their own."""

from collections.abc import Mapping

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    heatmap,
    stat,
    statetimeline,
    statushistory,
    timeseries,
)
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BarGaugeSizing,
    BigValueColorMode,
    BigValueGraphMode,
    GraphDrawStyle,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue, FieldColor, FieldColorModeId
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode

from dashboards.colours import NEUTRAL, PLAIN, absent
from dashboards.panel import Facts, Panel
from dashboards.query import Shape

LATEST = ["lastNotNull"]
_CELLS = 48


_TOPS = {"percentunit": 0.01, "cps": 1.0, "short": 1.0}
"""How far the axis goes at least, by unit: where all is zero Grafana goes to 100, or to 10,000 %."""


def number(facts: Facts, *, decimals: int | None = None) -> Panel:
    """One large number or word for each series. decimals: as many as the number needs where None."""
    panel = facts.on(stat.Panel(), Shape.LATEST)
    if decimals is not None:
        panel.decimals(decimals)
    return (
        panel.mappings([*facts.mappings, absent(facts.empty, NEUTRAL)])
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(LATEST))
    )


def lines(facts: Facts) -> Panel:
    """Lines over time from zero on, and the thresholds, where there are any."""
    return _over_time(facts, limit_line=True)


def stack(facts: Facts, colours: Mapping[str, str] | None = None) -> Panel:
    """Bars on top of each other: parts of a whole. colours: of series, by name; the others have some colour."""
    stacking = common.StackingConfig().mode(StackingMode.NORMAL).group("A")
    panel = _over_time(facts, limit_line=False)
    for name, colour in (colours or {}).items():
        fixed = FieldColor(mode=FieldColorModeId.FIXED, fixed_color=colour)
        panel.override_by_name(name, [DynamicConfigValue("color", fixed)])
    return panel.draw_style(GraphDrawStyle.BARS).fill_opacity(70).line_width(0).stacking(stacking)


def _over_time(facts: Facts, *, limit_line: bool) -> timeseries.Panel:
    legend = (
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.TABLE)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull", "max"])
    )
    drawn = limit_line and facts.steps != PLAIN
    highest = max((limit for limit in facts.steps if limit is not None), default=None) if drawn else None
    style = GraphThresholdsStyleMode.DASHED if drawn else GraphThresholdsStyleMode.OFF
    panel = facts.on(timeseries.Panel(), Shape.RANGE)
    if (top := highest or _TOPS.get(facts.unit)) is not None:
        panel.axis_soft_max(top)
    return (
        panel.legend(legend)
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
        .thresholds_style(common.GraphThresholdsStyleConfig().mode(style))
        .min(0)
    )


def timeline(facts: Facts) -> Panel:
    """States over time, a line for each series, with the word for each state."""
    return (
        facts.on(statetimeline.Panel(), Shape.RANGE)
        .merge_values(True)
        .show_value(VisibilityMode.AUTO)
        .row_height(0.85)
        .per_page(25)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.SINGLE))
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .placement(LegendPlacement.BOTTOM)
            .display_mode(LegendDisplayMode.LIST)
            .calcs([])
        )
    )


def history(facts: Facts) -> Panel:
    """A line of cells for each series, each as long as the time it is about; for days and weeks."""
    return (
        facts.on(statushistory.Panel(), Shape.RANGE)
        .show_value(VisibilityMode.AUTO)
        .max_data_points(_CELLS)
        .per_page(25)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .legend(common.VizLegendOptions().show_legend(False).placement(LegendPlacement.BOTTOM).calcs([]))
    )


def histogram(facts: Facts) -> Panel:
    """How many runs took how long, over time; `unit` is that of the durations."""
    return (
        facts.on(heatmap.Panel(), Shape.BUCKETS)
        .calculate(False)
        .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64))
        .y_axis(heatmap.YAxisConfig().unit(facts.unit))
        .cell_values(heatmap.CellValues().unit("cps"))
        .exemplars_color("rgba(50,115,250,0.9)")
        .tooltip(heatmap.HeatmapTooltip().mode(TooltipDisplayMode.SINGLE).y_histogram(True))
    )


def bars(facts: Facts, *, least: float | None = None, most: float | None = None) -> Panel:
    """A bar with its number for each series, now."""
    panel = (
        facts.on(bargauge.Panel(), Shape.LATEST)
        .display_mode(BarGaugeDisplayMode.BASIC)
        .sizing(BarGaugeSizing.MANUAL)
        .min_viz_height(16)
        .max_viz_height(40)
        .orientation(VizOrientation.HORIZONTAL)
        .reduce_options(common.ReduceDataOptions().calcs(LATEST))
    )
    if least is not None:
        panel.min(least)
    if most is not None:
        panel.max(most)
    return panel
