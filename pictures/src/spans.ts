/** Values over time as spans of the same value. */

import {
  type DataFrame,
  type DisplayValue,
  type Field,
  FieldType,
  formattedValueToString,
  getFieldDisplayName,
} from '@grafana/data';
import type { VizLegendItem } from '@grafana/ui';

/** A span of one value. from, to: Unix time in milliseconds. */
export interface Span {
  from: number;
  to: number;
  shown: DisplayValue;
}

/** The spans of one series. */
export interface Line {
  name: string;
  spans: Span[];
}

/** The lines of a frame. With `merge`, equal neighbours are one span. */
export function linesOf(frame: DataFrame, frames: DataFrame[], merge: boolean): Line[] {
  const time = frame.fields.find((field) => field.type === FieldType.time);
  return frame.fields
    .filter((field) => field.type === FieldType.number && time)
    .map((field) => ({ name: getFieldDisplayName(field, frame, frames), spans: spansOf(time as Field, field, merge) }));
}

/** Where there is no value there is a gap. */
function spansOf(time: Field<number>, field: Field<number | null>, merge: boolean): Span[] {
  const step = stepOf(time.values);
  const spans: Array<Span & { value: number }> = [];
  time.values.forEach((at, index) => {
    const value = field.values[index];
    const last = spans.at(-1);
    if (value === null || value === undefined) {
      return;
    }
    if (merge && last?.value === value && last.to === at) {
      last.to = at + step;
    } else {
      spans.push({
        value,
        from: at,
        to: at + step,
        shown: field.display?.(value) ?? { numeric: value, text: String(value) },
      });
    }
  });
  return spans;
}

/** The words of all spans, with their colours. */
export function legendOf(lines: Line[]): VizLegendItem[] {
  const colors = new Map(
    lines.flatMap(({ spans }) => spans).map(({ shown }) => [formattedValueToString(shown), shown.color])
  );
  return [...colors].map(([label, color]) => ({ label, color, yAxis: 1 }));
}

/** The time between two values. */
export function stepOf(times: number[]): number {
  return (times[1] ?? 0) - (times[0] ?? 0);
}
