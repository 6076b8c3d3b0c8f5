/** The time axis of what is drawn here itself. */

import { dateTimeFormat } from '@grafana/data';
import { useTheme2 } from '@grafana/ui';

const STEPS = [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200].map((seconds) => seconds * 1000);
const BETWEEN = 70;

interface Axis {
  /** From the time on the left to that on the right, in milliseconds. */
  from: number;
  to: number;
  left: number;
  right: number;
  y: number;
}

/** The place of a time on an axis; what is outside of it is at its end. */
export function placeOn({ from, to, left, right }: Omit<Axis, 'y'>): (at: number) => number {
  return (at) => left + ((Math.max(from, Math.min(to, at)) - from) / (to - from)) * (right - left);
}

/** Round times below a drawing. */
export function TimeAxis({ y, ...axis }: Axis) {
  const theme = useTheme2();
  const { from, to, left, right } = axis;
  const most = (right - left) / BETWEEN;
  const step = STEPS.find((each) => (to - from) / each <= most) ?? to - from;
  const first = Math.ceil(from / step) * step;
  const ticks = Array.from({ length: Math.floor((to - first) / step) + 1 }, (_, number) => first + number * step);
  const format = step < 60_000 ? 'HH:mm:ss' : 'HH:mm';
  return ticks.map((at) => (
    <text key={at} x={placeOn(axis)(at)} y={y} fontSize={12} textAnchor="middle" fill={theme.colors.text.primary}>
      {dateTimeFormat(at, { format, timeZone: 'utc' })}
    </text>
  ));
}
