/** A table, by the component that Grafana's own panel uses. */

import { TableCellHeight, type TableSortByFieldState } from '@grafana/schema';
import { TableNG } from '@grafana/ui/unstable';
import type { Drawing } from './panel';

interface Options {
  cellHeight?: TableCellHeight;
  sortBy?: TableSortByFieldState[];
}

export function Rows({ panel, frames, width, height }: Drawing) {
  const { cellHeight, sortBy } = panel.options as Options;
  const [frame] = frames;
  return frame ? (
    <TableNG
      data={frame}
      width={width}
      height={height}
      cellHeight={cellHeight ?? TableCellHeight.Sm}
      sortBy={sortBy}
      noValue={panel.fieldConfig.defaults.noValue}
      structureRev={1}
      enableVirtualization={false}
    />
  ) : null;
}
