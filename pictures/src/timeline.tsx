/** States over time, and the history of a status. Grafana's components for them are not in its library. */

import { formattedValueToString } from '@grafana/data';
import { LegendDisplayMode } from '@grafana/schema';
import { useTheme2, VizLegend } from '@grafana/ui';
import { placeOn, TimeAxis } from './axis';
import type { Panel } from './dashboard';
import type { Drawing } from './panel';
import { legendOf, type Line, linesOf, type Span } from './spans';

const NAMES = 0.22;
const AXIS = 24;
const LEGEND = 28;
const ROW_HEIGHT = 0.85;
const LETTER = 7;

/** As many lines as Grafana shows at once; the reader turns the pages. */
const PER_PAGE = 20;

interface Options {
  perPage?: number;
  colWidth?: number;
  showLegend?: boolean;
}

export function Timeline({ panel, frames, range, width, height }: Drawing) {
  const theme = useTheme2();
  const { perPage = PER_PAGE, colWidth = 1, showLegend = true } = options(panel);
  const all = frames.flatMap((frame) => linesOf(frame, frames, panel.type === 'state-timeline'));
  const lines = all.slice(0, perPage);
  const left = Math.min(320, Math.max(80, width * NAMES));
  const axis = { from: range.from.valueOf(), to: range.to.valueOf(), left, right: width };
  const row = (height - AXIS - LEGEND) / Math.max(1, lines.length);
  const size = Math.min(12, Math.max(7, row * 0.8));
  return (
    <>
      <svg width={width} height={height - LEGEND} fontFamily={theme.typography.fontFamily} fontSize={size}>
        {lines.map((line, number) => (
          <g key={line.name} transform={`translate(0 ${(number + (1 - ROW_HEIGHT) / 2) * row})`}>
            <Name line={line} left={left} height={row * ROW_HEIGHT} size={size} />
            {line.spans.map((span) => (
              <Bar key={span.from} span={span} place={placeOn(axis)} height={row * ROW_HEIGHT} share={colWidth} />
            ))}
          </g>
        ))}
        <TimeAxis {...axis} y={height - LEGEND - 8} />
      </svg>
      <div style={{ display: 'flex', justifyContent: 'space-between', height: LEGEND }}>
        <div>
          {showLegend && <VizLegend placement="bottom" displayMode={LegendDisplayMode.List} items={legendOf(lines)} />}
        </div>
        {lines.length < all.length && (
          <span style={{ whiteSpace: 'nowrap', color: theme.colors.text.secondary }}>
            1 to {lines.length} of {all.length}
          </span>
        )}
      </div>
    </>
  );
}

function options(panel: Panel): Options {
  return { ...panel.options, ...(panel.options.legend as { showLegend?: boolean }) };
}

function Name({ line, left, height, size }: { line: Line; left: number; height: number; size: number }) {
  const theme = useTheme2();
  const letters = (left - 8) / (size * 0.55);
  const text = line.name.length > letters ? `${line.name.slice(0, letters - 1)}…` : line.name;
  return (
    <text x={left - 8} y={height / 2} textAnchor="end" dominantBaseline="central" fill={theme.colors.text.primary}>
      {text}
    </text>
  );
}

interface BarProps {
  span: Span;
  place: (at: number) => number;
  height: number;
  /** Of the width of the span, which is left free otherwise. */
  share: number;
}

function Bar({ span: { from, to, shown }, place, height, share }: BarProps) {
  const theme = useTheme2();
  const width = place(to) - place(from);
  const text = formattedValueToString(shown);
  return (
    <>
      <rect x={place(from)} width={Math.max(1, width * share)} height={height} fill={shown.color} fillOpacity={0.7} />
      {width > text.length * LETTER + 8 && height > 8 && (
        <text
          x={place(from) + 6}
          y={height / 2}
          dominantBaseline="central"
          fill={theme.colors.getContrastText(shown.color ?? '#000')}
        >
          {text}
        </text>
      )}
    </>
  );
}
