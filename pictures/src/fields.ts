/** A panel's field configuration and transformations, applied by Grafana's own code. */

import {
  applyFieldOverrides,
  cacheFieldDisplayNames,
  type DataFrame,
  type FieldConfigPropertyItem,
  type FieldConfigSource,
  FieldColorModeId,
  FieldConfigOptionsRegistry,
  type GrafanaTheme2,
  identityOverrideProcessor,
  standardTransformers,
  standardTransformersRegistry,
  transformDataFrame,
} from '@grafana/data';
import { lastValueFrom } from 'rxjs';
import type { Panel } from './dashboard';

const TRANSFORMERS = [
  standardTransformers.mergeTransformer,
  standardTransformers.filterFieldsByNameTransformer,
  standardTransformers.filterFieldsTransformer,
  standardTransformers.organizeFieldsTransformer,
  standardTransformers.orderFieldsTransformer,
  standardTransformers.renameFieldsTransformer,
  standardTransformers.groupingToMatrixTransformer,
];

standardTransformersRegistry.setInit(() =>
  TRANSFORMERS.map((info) => ({
    id: info.id,
    name: info.name,
    transformation: () => Promise.resolve(info),
    editor: () => null,
    imageDark: '',
    imageLight: '',
  }))
);

const PROPERTIES = [
  'unit',
  'decimals',
  'min',
  'max',
  'thresholds',
  'mappings',
  'links',
  'color',
  'noValue',
  'displayName',
];
const CUSTOM_PROPERTIES = [
  ...['cellOptions', 'width', 'align', 'drawStyle', 'lineWidth', 'fillOpacity', 'gradientMode', 'lineInterpolation'],
  ...[
    'pointSize',
    'showPoints',
    'spanNulls',
    'stacking',
    'thresholdsStyle',
    'axisPlacement',
    'axisSoftMax',
    'hideFrom',
  ],
];

const registry = new FieldConfigOptionsRegistry(() => [
  ...PROPERTIES.map((id) => property(id, id, false)),
  ...CUSTOM_PROPERTIES.map((id) => property(`custom.${id}`, id, true)),
]);

function property(id: string, path: string, isCustom: boolean): FieldConfigPropertyItem {
  return {
    id,
    path,
    isCustom,
    name: id,
    editor: () => null,
    override: () => null,
    process: identityOverrideProcessor,
    shouldApply: () => true,
  };
}

/** What Grafana's panels of these types have where a dashboard does not say. */
const DEFAULTS: Record<string, FieldConfigSource['defaults']> = {
  timeseries: {
    color: { mode: FieldColorModeId.PaletteClassic },
    custom: { drawStyle: 'line', lineWidth: 1, fillOpacity: 0, pointSize: 5, showPoints: 'auto', spanNulls: false },
  },
};

/** The panel's configuration with the defaults of its type. */
export function fieldConfig(panel: Panel): FieldConfigSource {
  const { color, custom } = DEFAULTS[panel.type] ?? { color: { mode: FieldColorModeId.Thresholds } };
  const { defaults, overrides } = panel.fieldConfig;
  return { defaults: { color, ...defaults, custom: { ...custom, ...defaults.custom } }, overrides: overrides ?? [] };
}

/** Frames as the panel shows them. */
export async function prepared(
  panel: Panel,
  frames: DataFrame[],
  theme: GrafanaTheme2,
  replace: (text: string) => string
): Promise<DataFrame[]> {
  const changed = await lastValueFrom(transformDataFrame(panel.transformations ?? [], frames));
  const shown = applyFieldOverrides({
    data: changed,
    fieldConfig: fieldConfig(panel),
    fieldConfigRegistry: registry,
    replaceVariables: replace,
    theme,
    timeZone: 'utc',
  });
  cacheFieldDisplayNames(shown);
  return shown;
}
