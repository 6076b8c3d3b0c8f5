/** Stat and bar gauge: one number for each series. */

import {
  type DisplayValue,
  type DisplayValueAlignmentFactors,
  type FieldDisplay,
  getDisplayValueAlignmentFactors,
  getFieldDisplayValues,
  type ReduceDataOptions,
  VizOrientation,
} from '@grafana/data';
import { BarGaugeDisplayMode, BarGaugeNamePlacement, BarGaugeValueMode, BigValueTextMode } from '@grafana/schema';
import {
  BarGauge,
  BigValue,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueJustifyMode,
  useTheme2,
  VizRepeater,
  type VizRepeaterRenderValueProps,
} from '@grafana/ui';
import { fieldConfig } from './fields';
import type { Drawing } from './panel';

interface Options {
  colorMode?: BigValueColorMode;
  reduceOptions?: ReduceDataOptions;
  minVizHeight?: number;
  maxVizHeight?: number;
}

/** The numbers of a panel. */
function useValues({ panel, frames, replace }: Drawing): FieldDisplay[] {
  const { reduceOptions } = panel.options as Options;
  return getFieldDisplayValues({
    fieldConfig: fieldConfig(panel),
    reduceOptions: reduceOptions ?? { calcs: ['lastNotNull'] },
    replaceVariables: replace,
    theme: useTheme2(),
    data: frames,
    timeZone: 'utc',
  });
}

/** A word or number in large letters; its name beside it where there are several. */
export function Stat(drawing: Drawing) {
  const theme = useTheme2();
  const values = useValues(drawing);
  const { colorMode } = drawing.panel.options as Options;
  const render = ({ value, width, height }: VizRepeaterRenderValueProps<FieldDisplay>) => (
    <BigValue
      value={named(value.display, values.length > 1)}
      count={values.length}
      colorMode={colorMode ?? BigValueColorMode.Value}
      graphMode={BigValueGraphMode.None}
      justifyMode={BigValueJustifyMode.Auto}
      textMode={BigValueTextMode.Auto}
      width={width}
      height={height}
      theme={theme}
    />
  );
  return (
    <VizRepeater
      getValues={() => values}
      renderValue={render}
      width={drawing.width}
      height={drawing.height}
      source={drawing.frames}
      renderCounter={0}
      orientation={VizOrientation.Auto}
      autoGrid
    />
  );
}

/** A horizontal bar for each number. */
export function Bars(drawing: Drawing) {
  const theme = useTheme2();
  const { minVizHeight = 16, maxVizHeight = 300 } = drawing.panel.options as Options;
  const values = useValues(drawing);
  const render = (each: VizRepeaterRenderValueProps<FieldDisplay, DisplayValueAlignmentFactors>) => {
    const { value, width, height, orientation, alignmentFactors } = each;
    return (
      <BarGauge
        alignmentFactors={alignmentFactors}
        value={value.display}
        field={value.field}
        display={value.view?.getFieldDisplayProcessor(value.colIndex ?? 0)}
        width={width}
        height={height}
        orientation={orientation}
        displayMode={BarGaugeDisplayMode.Basic}
        valueDisplayMode={BarGaugeValueMode.Color}
        namePlacement={BarGaugeNamePlacement.Auto}
        showUnfilled
        theme={theme}
      />
    );
  };
  return (
    <VizRepeater
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      getValues={() => values}
      renderValue={render}
      width={drawing.width}
      height={drawing.height}
      source={drawing.frames}
      renderCounter={0}
      orientation={VizOrientation.Horizontal}
      minVizHeight={minVizHeight}
      maxVizHeight={maxVizHeight}
      itemSpacing={8}
    />
  );
}

function named(value: DisplayValue, several: boolean): DisplayValue {
  return several ? value : { ...value, title: undefined };
}
