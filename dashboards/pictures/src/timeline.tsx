/** States over time, and the history of a status. Grafana's components for them are not in its library. */

import { type DataFrame, type DisplayValue, type Field, formattedValueToString, FieldType, getFieldDisplayName } from '@grafana/data';
import { LegendDisplayMode } from '@grafana/schema';
import { useTheme2, VizLegend, type VizLegendItem } from '@grafana/ui';
import type { Panel } from './dashboard';
import type { Drawing } from './panel';
import { stepOf, ticks } from './ticks';

const NAMES = 0.22;
const AXIS = 24;
const LEGEND = 28;
const BETWEEN_TICKS = 70;
const ROW_HEIGHT = 0.85;
const LETTER = 7;

/** As many lines as Grafana shows at once; the reader turns the pages. */
const PER_PAGE = 20;

/** A span of one value. from, to: Unix time in milliseconds. */
interface Span {
  from: number;
  to: number;
  shown: DisplayValue;
}

export function Timeline({ panel, frames, range, width, height }: Drawing) {
  const theme = useTheme2();
  const { perPage = PER_PAGE, colWidth = 1, showLegend = true } = options(panel);
  const all = frames.flatMap((frame) => lineOf(frame, frames, panel.type === 'state-timeline'));
  const lines = all.slice(0, perPage);
  const left = Math.min(320, Math.max(80, width * NAMES));
  const [from, to] = [range.from.valueOf(), range.to.valueOf()];
  const x = (at: number) => left + ((Math.max(from, Math.min(to, at)) - from) / (to - from)) * (width - left);
  const row = (height - AXIS - LEGEND) / Math.max(1, lines.length);
  const bar = row * ROW_HEIGHT;
  const size = Math.min(12, Math.max(7, row * 0.8));
  return (
    <>
      <svg width={width} height={height - LEGEND} fontFamily={theme.typography.fontFamily} fontSize={size}>
        {lines.map(({ name, spans }, number) => (
          <g key={name} transform={`translate(0 ${number * row + (row - bar) / 2})`}>
            <text x={left - 8} y={bar / 2} textAnchor="end" dominantBaseline="central" fill={theme.colors.text.primary}>
              {cut(name, (left - 8) / (size * 0.55))}
            </text>
            {spans.map(({ from: start, to: end, shown }) => {
              const wide = x(end) - x(start);
              const text = formattedValueToString(shown);
              return (
                <g key={start}>
                  <rect x={x(start)} width={Math.max(1, wide * colWidth)} height={bar} fill={shown.color} fillOpacity={0.7} />
                  {wide > text.length * LETTER + 8 && bar > 8 && (
                    <text x={x(start) + 6} y={bar / 2} dominantBaseline="central" fill={theme.colors.getContrastText(shown.color ?? '#000')}>
                      {text}
                    </text>
                  )}
                </g>
              );
            })}
          </g>
        ))}
        {ticks(from, to, (width - left) / BETWEEN_TICKS).map(({ at, text }) => (
          <text key={at} x={x(at)} y={height - LEGEND - 8} fontSize={12} textAnchor="middle" fill={theme.colors.text.primary}>
            {text}
          </text>
        ))}
      </svg>
      <div style={{ display: 'flex', justifyContent: 'space-between', height: LEGEND }}>
        {showLegend ? (
          <VizLegend placement="bottom" displayMode={LegendDisplayMode.List} items={legendOf(lines.flatMap(({ spans }) => spans))} />
        ) : (
          <span />
        )}
        {lines.length < all.length && (
          <span style={{ whiteSpace: 'nowrap', color: theme.colors.text.secondary }}>
            1 to {lines.length} of {all.length}
          </span>
        )}
      </div>
    </>
  );
}

function options(panel: Panel): { perPage?: number; colWidth?: number; showLegend?: boolean } {
  return { ...panel.options, ...(panel.options.legend as { showLegend?: boolean }) };
}

function lineOf(frame: DataFrame, frames: DataFrame[], merge: boolean): Array<{ name: string; spans: Span[] }> {
  const time = frame.fields.find((field) => field.type === FieldType.time);
  return frame.fields
    .filter((field) => field.type === FieldType.number && time)
    .map((field) => ({ name: getFieldDisplayName(field, frame, frames), spans: spansOf(time as Field, field, merge) }));
}

/** With `merge`, equal neighbours as one; where there is no value there is a gap. */
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
      spans.push({ value, from: at, to: at + step, shown: field.display?.(value) ?? { numeric: value, text: String(value) } });
    }
  });
  return spans;
}

function legendOf(spans: Span[]): VizLegendItem[] {
  const colors = new Map(spans.map(({ shown }) => [formattedValueToString(shown), shown.color]));
  return [...colors].map(([label, color]) => ({ label, color, yAxis: 1 }));
}

function cut(text: string, letters: number): string {
  return text.length > letters ? `${text.slice(0, letters - 1)}…` : text;
}
