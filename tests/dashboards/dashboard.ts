// The type that our dashboards have to be of: Grafana's own, each panel with the options of its kind.
// Grafana leaves open what a datasource adds to a query, so that of Prometheus is spelt out here.
import type {
  AnnotationQuery,
  Dashboard as Plain,
  DataQuery,
  FieldConfig,
  FieldConfigSource,
  Panel,
  RowPanel,
} from "@grafana/schema";
import type { Options as Bars } from "@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen";
import type {
  FieldConfig as HistogramField,
  Options as Histogram,
} from "@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen";
import type { Options as Numbers } from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type {
  FieldConfig as TimelineField,
  Options as Timeline,
} from "@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen";
import type {
  FieldConfig as HistoryField,
  Options as History,
} from "@grafana/schema/dist/esm/raw/composable/statushistory/panelcfg/x/StatusHistoryPanelCfg_types.gen";
import type {
  FieldConfig as TableField,
  Options as Table,
} from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type {
  FieldConfig as LinesField,
  Options as Lines,
} from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

interface Query extends DataQuery {
  expr: string;
  range?: boolean;
  instant?: boolean;
  format?: "table" | "heatmap";
  legendFormat?: string;
  exemplar?: boolean;
  interval?: string;
}

interface Annotation extends AnnotationQuery<Query> {
  expr: string;
  step: string;
  titleFormat: string;
  textFormat: string;
  useValueForTime?: boolean;
}

type Drawing<Kind extends string, Options, Field> = Omit<Panel, "type" | "options" | "fieldConfig" | "targets"> & {
  type: Kind;
  options: Partial<Options>;
  fieldConfig: Omit<FieldConfigSource, "defaults"> & {
    defaults: Omit<FieldConfig, "custom"> & { custom?: Partial<Field> };
  };
  targets: Query[];
};

type Drawn =
  | Drawing<"bargauge", Bars, {}>
  | Drawing<"heatmap", Histogram, HistogramField>
  | Drawing<"stat", Numbers, {}>
  | Drawing<"state-timeline", Timeline, TimelineField>
  | Drawing<"status-history", History, HistoryField>
  | Drawing<"table", Table, TableField>
  | Drawing<"timeseries", Lines, LinesField>;

type Row = Omit<RowPanel, "panels"> & { panels: Drawn[] };

export type Dashboard = Omit<Plain, "annotations" | "panels"> & {
  annotations: { list: Annotation[] };
  panels: (Drawn | Row)[];
};
