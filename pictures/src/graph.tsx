/** Lines and bars over time, with marks for what happened meanwhile. */

import type { VizLegendOptions } from '@grafana/schema';
import { TimeSeries, type UPlotConfigBuilder, useTheme2 } from '@grafana/ui';
import { useLayoutEffect } from 'react';
import type { Drawing, Mark } from './panel';

export function Graph({ panel, frames, range, marks, exemplars, width, height }: Drawing) {
  return (
    <TimeSeries
      frames={frames}
      timeRange={range}
      timeZone="utc"
      width={width}
      height={height}
      legend={panel.options.legend as VizLegendOptions}
      options={panel.options}
    >
      {(builder) => <Marks builder={builder} marks={marks} exemplars={exemplars} />}
    </TimeSeries>
  );
}

/** Vertical lines for marks, and diamonds for exemplars: in Grafana both are parts of the panel, not of its library. */
function Marks({
  builder,
  marks,
  exemplars,
}: {
  builder: UPlotConfigBuilder;
  marks: Mark[];
  exemplars: Array<[number, number]>;
}) {
  const theme = useTheme2();
  useLayoutEffect(() => {
    builder.addHook('draw', (plot) => {
      const { ctx, bbox } = plot;
      ctx.save();
      for (const mark of marks) {
        const x = Math.round(plot.valToPos(mark.at, 'x', true));
        ctx.strokeStyle = ctx.fillStyle = theme.visualization.getColorByName(mark.color);
        ctx.setLineDash([4, 4]);
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
        ctx.beginPath();
        ctx.moveTo(x - 4, bbox.top + bbox.height + 5);
        ctx.lineTo(x + 4, bbox.top + bbox.height + 5);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.fill();
      }
      const scale = plot.series[1]?.scale ?? 'y';
      ctx.fillStyle = theme.visualization.getColorByName('blue');
      for (const [at, value] of exemplars) {
        const [x, y] = [plot.valToPos(at, 'x', true), plot.valToPos(value, scale, true)];
        if (y >= bbox.top && y <= bbox.top + bbox.height) {
          ctx.fillRect(x - 2, y - 2, 4, 4);
        }
      }
      ctx.restore();
    });
  }, [builder, marks, exemplars, theme]);
  return null;
}
