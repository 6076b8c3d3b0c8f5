/** Asks what the panels of a dashboard need. */

import { type DataFrame, dateTime, type GrafanaTheme2, type TimeRange } from '@grafana/data';
import type { Annotation, Order, Panel, Target } from './dashboard';
import { prepared } from './fields';
import { seriesFrames, tableFrame } from './frames';
import type { Content, Mark } from './panel';
import { Prometheus } from './prometheus';
import { Variables } from './variables';

const MARK_STEP = 60;
const EXEMPLAR_EVERY = 20_000;

/** Most values over time for a panel of this width in columns of 24; Grafana asks for one for each pixel. */
const pointsFor = (columns: number) => 66 * columns;

/** Steps that Grafana takes, in seconds. */
const STEPS = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600];

export class Answers {
  private constructor(
    private readonly order: Order,
    private readonly prometheus: Prometheus,
    readonly variables: Variables,
    readonly range: TimeRange,
    private readonly marks: Mark[]
  ) {}

  static async of(order: Order): Promise<Answers> {
    const prometheus = new Prometheus(order.prometheus);
    const variables = await Variables.of(order, prometheus);
    const [from, to] = [dateTime(order.since * 1000), dateTime(order.until * 1000)];
    const range = { from, to, raw: { from, to } };
    const marks = await Promise.all(
      order.dashboard.annotations.list.map((each) => marksOf(each, order, prometheus, variables))
    );
    return new Answers(order, prometheus, variables, range, marks.flat());
  }

  async content(panel: Panel, theme: GrafanaTheme2): Promise<Content> {
    const step = this.step(panel);
    const frames = await Promise.all(panel.targets.map((target) => this.frames(panel, target, step)));
    const { replace } = this.variables.forStep(step, this.order);
    return {
      panel,
      frames: await prepared(panel, frames.flat(), theme, replace),
      range: this.range,
      marks: this.marks,
      exemplars: await this.exemplars(panel, step),
      replace,
    };
  }

  private step(panel: Panel): number {
    const fine = (this.order.until - this.order.since) / (panel.maxDataPoints ?? pointsFor(panel.gridPos.w));
    const wanted = Math.max(fine, this.order.scrapeSeconds);
    return STEPS.find((step) => step >= wanted) ?? wanted;
  }

  private async frames(panel: Panel, target: Target, step: number): Promise<DataFrame[]> {
    const { since, until } = this.order;
    const expr = this.variables.forStep(step, this.order).replace(target.expr);
    if (target.instant) {
      const series = await this.prometheus.at(expr, until);
      return target.format === 'table'
        ? [tableFrame(series, target, panel.targets.length)]
        : seriesFrames(series, target);
    }
    const start = Math.floor(since / step) * step;
    const times = Array.from({ length: Math.floor((until - start) / step) + 1 }, (_, number) => start + number * step);
    return seriesFrames(await this.prometheus.over(expr, start, until, step), target, times);
  }

  private async exemplars(panel: Panel, step: number): Promise<Array<[number, number]>> {
    const { since, until } = this.order;
    const target = panel.targets.find(({ exemplar }) => exemplar);
    if (!target) {
      return [];
    }
    const found = await this.prometheus.exemplars(
      this.variables.forStep(step, this.order).replace(target.expr),
      since,
      until
    );
    return largest(found.map(([at, value]) => [at * 1000, value]));
  }
}

/** The largest exemplar of every few seconds, since there is no room for all; Grafana thins them out, too. */
function largest(exemplars: Array<[number, number]>): Array<[number, number]> {
  const kept = new Map<number, [number, number]>();
  for (const exemplar of exemplars) {
    const slot = Math.floor(exemplar[0] / EXEMPLAR_EVERY);
    if (exemplar[1] > (kept.get(slot)?.[1] ?? -1)) {
      kept.set(slot, exemplar);
    }
  }
  return [...kept.values()];
}

async function marksOf(
  annotation: Annotation,
  order: Order,
  prometheus: Prometheus,
  variables: Variables
): Promise<Mark[]> {
  const { since, until } = order;
  const series = await prometheus.over(variables.replace(annotation.expr), since, until, MARK_STEP);
  const color = annotation.iconColor;
  const starts = series.flatMap(({ values }) =>
    annotation.useValueForTime
      ? values.map(([, value]) => value)
      : values.filter(([at], index) => at - (values[index - 1]?.[0] ?? 0) > MARK_STEP).map(([at]) => at * 1000)
  );
  const inside = starts.filter((at) => at > since * 1000 && at < until * 1000);
  return [...new Set(inside)].map((at) => ({ at, color }));
}
