/** One panel: its title, its description and what it draws. */

import type { DataFrame, TimeRange } from '@grafana/data';
import { PanelChrome, useTheme2 } from '@grafana/ui';
import type { FC } from 'react';
import type { Panel } from './dashboard';
import { Graph } from './graph';
import { Heatmap } from './heatmap';
import { Bars, Stat } from './numbers';
import { Rows } from './table';
import { Timeline } from './timeline';

/** Something that happened. at: Unix time in milliseconds. */
export interface Mark {
  at: number;
  color: string;
}

/** What panels draw from. exemplars: pairs of Unix time in milliseconds and value. */
export interface Content {
  panel: Panel;
  frames: DataFrame[];
  range: TimeRange;
  marks: Mark[];
  exemplars: Array<[number, number]>;
  replace: (text: string) => string;
}

export interface Drawing extends Content {
  width: number;
  height: number;
}

const DRAWN: Record<string, FC<Drawing>> = {
  stat: Stat,
  bargauge: Bars,
  timeseries: Graph,
  table: Rows,
  'state-timeline': Timeline,
  'status-history': Timeline,
  heatmap: Heatmap,
};

export function DrawnPanel({ content, width, height }: { content: Content; width: number; height: number }) {
  const { panel, frames } = content;
  const Drawn = DRAWN[panel.type];
  if (!Drawn) {
    throw new Error(`no panel of type ${panel.type} can be drawn`);
  }
  const empty = panel.type !== 'stat' && !frames.some((frame) => frame.length > 0);
  return (
    <PanelChrome
      title={panel.title}
      description={panel.description}
      width={width}
      height={height}
      padding={panel.type === 'table' ? 'none' : 'md'}
    >
      {(inside, high) =>
        empty ? (
          <Nothing text={panel.fieldConfig.defaults.noValue ?? 'No data'} height={high} />
        ) : (
          <Drawn {...content} width={inside} height={high} />
        )
      }
    </PanelChrome>
  );
}

function Nothing({ text, height }: { text: string; height: number }) {
  const theme = useTheme2();
  return (
    <div
      style={{ height, display: 'grid', placeItems: 'center', textAlign: 'center', color: theme.colors.text.secondary }}
    >
      {text}
    </div>
  );
}
