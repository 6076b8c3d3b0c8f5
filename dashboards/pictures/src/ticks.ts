/** The time axis of what is drawn here itself. */

import { dateTimeFormat } from '@grafana/data';

const STEPS = [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200].map((seconds) => seconds * 1000);

/** Round times between two, in milliseconds, at most so many. */
export function ticks(from: number, to: number, most: number): Array<{ at: number; text: string }> {
  const step = STEPS.find((each) => (to - from) / each <= most) ?? to - from;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.floor((to - first) / step) + 1 }, (_, number) => first + number * step).map((at) => ({
    at,
    text: dateTimeFormat(at, { format: step < 60_000 ? 'HH:mm:ss' : 'HH:mm', timeZone: 'utc' }),
  }));
}

/** The time between two values. */
export function stepOf(times: number[]): number {
  return (times[1] ?? 0) - (times[0] ?? 0);
}
