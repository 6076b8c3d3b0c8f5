/** The parts of a dashboard's JSON that are drawn. */

import type { DataTransformerConfig, FieldConfigSource } from '@grafana/data';

export interface Target {
  refId: string;
  expr: string;
  legendFormat?: string;
  format?: 'table' | 'heatmap';
  instant?: boolean;
  exemplar?: boolean;
}

export interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  collapsed?: boolean;
  maxDataPoints?: number;
  targets: Target[];
  options: Record<string, unknown>;
  fieldConfig: FieldConfigSource;
  transformations?: DataTransformerConfig[];
}

export interface Variable {
  name: string;
  type: string;
  label?: string;
  hide?: number;
  multi?: boolean;
  includeAll?: boolean;
  allValue?: string;
  query: string | { query: string };
}

export interface Annotation {
  name: string;
  expr: string;
  iconColor: string;
  useValueForTime?: boolean;
}

export interface Dashboard {
  title: string;
  description: string;
  panels: Panel[];
  templating: { list: Variable[] };
  annotations: { list: Annotation[] };
}

/** What is to be drawn, and from where. since, until: Unix time in seconds. scrapeSeconds: as the datasource is told. */
export interface Order {
  dashboard: Dashboard;
  prometheus: string;
  since: number;
  until: number;
  scrapeSeconds: number;
  variables: Record<string, string>;
}
