/** How many observations fell into which bucket over time. Grafana's component for it is not in its library. */

import { type DataFrame, formattedValueToString, FieldType, getValueFormat } from '@grafana/data';
import { useTheme2 } from '@grafana/ui';
import { interpolateOranges } from 'd3-scale-chromatic';
import { placeOn, TimeAxis } from './axis';
import type { Drawing } from './panel';
import { stepOf } from './spans';

const LEFT = 60;
const AXIS = 24;

/** A bucket: the end of its range, and how much fell into it alone at each time. */
interface Bucket {
  until: number;
  counts: Map<number, number>;
}

export function Heatmap({ panel, frames, range, exemplars, width, height }: Drawing) {
  const theme = useTheme2();
  const buckets = bucketsOf(frames);
  const step = stepOf(frames[0]?.fields[0]?.values ?? []);
  const most = Math.max(...buckets.flatMap(({ counts }) => [...counts.values()]));
  const axis = { from: range.from.valueOf(), to: range.to.valueOf(), left: LEFT, right: width };
  const x = placeOn(axis);
  const row = (height - AXIS) / Math.max(1, buckets.length);
  const top = (number: number) => height - AXIS - (number + 1) * row;
  const format = getValueFormat((panel.options.yAxis as { unit?: string }).unit);
  return (
    <svg
      width={width}
      height={height}
      fontFamily={theme.typography.fontFamily}
      fontSize={12}
      fill={theme.colors.text.primary}
    >
      {buckets.map(({ until, counts }, number) => (
        <g key={until}>
          <text x={LEFT - 8} y={top(number) + row / 2} textAnchor="end" dominantBaseline="central">
            {until === Infinity ? '+Inf' : formattedValueToString(format(until))}
          </text>
          {[...counts]
            .filter(([, count]) => count > 0)
            .map(([at, count]) => (
              <rect
                key={at}
                x={x(at)}
                y={top(number)}
                width={Math.max(1, x(at + step) - x(at) - 0.5)}
                height={row - 0.5}
                fill={interpolateOranges(1 - 0.85 * (count / most))}
              />
            ))}
        </g>
      ))}
      {exemplars.map(([at, value]) => {
        const number = buckets.findIndex(({ until }) => value <= until);
        return number < 0 ? null : (
          <rect
            key={`${at} ${value}`}
            x={x(at) - 2.5}
            y={top(number) + row / 2 - 2.5}
            width={5}
            height={5}
            fill="rgb(50,115,250)"
          />
        );
      })}
      <TimeAxis {...axis} y={height - 8} />
    </svg>
  );
}

/** Prometheus counts what is below the end of a bucket; here each has what is below no smaller one. */
function bucketsOf(frames: DataFrame[]): Bucket[] {
  const below = frames
    .map((frame) => {
      const time = frame.fields.find((field) => field.type === FieldType.time);
      const value = frame.fields.find((field) => field.type === FieldType.number);
      const counts = new Map(
        (time?.values ?? []).map((at, index): [number, number] => [at, value?.values[index] ?? 0])
      );
      return { until: Number((value?.labels?.le ?? '').replace('+Inf', 'Infinity')), counts };
    })
    .sort((one, other) => one.until - other.until);
  return below
    .map(({ until, counts }, number) => {
      const smaller = below[number - 1]?.counts;
      return { until, counts: new Map([...counts].map(([at, count]) => [at, count - (smaller?.get(at) ?? 0)])) };
    })
    .filter(({ counts }) => [...counts.values()].some((count) => count > 0));
}
