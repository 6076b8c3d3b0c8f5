/** Prometheus' answers as Grafana's data frames, in the shapes that its own datasource makes of them. */

import { type DataFrame, type Field, FieldType, toDataFrame } from '@grafana/data';
import type { Target } from './dashboard';
import type { Labels, Series } from './prometheus';

/**
 * A frame for each series, with a time and a number; null where there is none, be it at a gap or a quantile of nothing.
 * slots: the times, if they are not the series' own.
 */
export function seriesFrames(series: Series[], target: Target, slots?: number[]): DataFrame[] {
  return series.map(({ metric, values }) => {
    const known = new Map(values);
    const times = slots ?? [...known.keys()];
    return frame(target.refId, [
      { name: 'Time', type: FieldType.time, config: {}, values: times.map((at) => at * 1000) },
      {
        name: 'Value',
        type: FieldType.number,
        config: { displayNameFromDS: legend(target.legendFormat, metric) },
        labels: metric,
        values: times.map((at) => finite(known.get(at))),
      },
    ]);
  });
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

/** One frame with a row for each series: time, labels, number. */
export function tableFrame(series: Series[], target: Target, queries: number): DataFrame {
  const names = [...new Set(series.flatMap(({ metric }) => Object.keys(metric)))].sort();
  const last = series.map(({ values }): [number, number] => values.at(-1) ?? [0, NaN]);
  return frame(target.refId, [
    { name: 'Time', type: FieldType.time, config: {}, values: last.map(([at]) => at * 1000) },
    ...names.map((name) => ({
      name,
      type: FieldType.string,
      config: {},
      values: series.map(({ metric }) => metric[name] ?? ''),
    })),
    {
      name: queries > 1 ? `Value #${target.refId}` : 'Value',
      type: FieldType.number,
      config: {},
      values: last.map(([, value]) => value),
    },
  ]);
}

function frame(refId: string, fields: Array<Omit<Field, 'state'>>): DataFrame {
  return toDataFrame({ refId, fields });
}

/** The name of a series by a template such as `{{check}} from {{vantage}}`. */
export function legend(format: string | undefined, labels: Labels): string {
  if (format) {
    return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => labels[name] ?? '').trim();
  }
  const { __name__: name, ...rest } = labels;
  const pairs = Object.entries(rest).map(([key, value]) => `${key}="${value}"`);
  return `${name ?? ''}{${pairs.join(', ')}}`;
}
