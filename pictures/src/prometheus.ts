/** Questions to Prometheus' HTTP API. */

export type Labels = Record<string, string>;

/** A series; values are pairs of Unix time in seconds and number. */
export interface Series {
  metric: Labels;
  values: Array<[number, number]>;
}

export class Prometheus {
  constructor(private readonly url: string) {}

  /** What holds at a time. */
  async at(expr: string, time: number): Promise<Series[]> {
    const found = await this.ask<{ result: Array<{ metric: Labels; value: [number, string] }> }>('query', {
      query: expr,
      time,
    });
    return found.result.map(({ metric, value }) => ({ metric, values: [[value[0], Number(value[1])]] }));
  }

  /** What held from start to end, every so many seconds. */
  async over(expr: string, start: number, end: number, step: number): Promise<Series[]> {
    const found = await this.ask<{ result: Array<{ metric: Labels; values: Array<[number, string]> }> }>(
      'query_range',
      {
        query: expr,
        start,
        end,
        step,
      }
    );
    return found.result.map(({ metric, values }) => ({
      metric,
      values: values.map(([at, text]) => [at, Number(text)]),
    }));
  }

  /** Exemplars of the series in an expression: pairs of Unix time in seconds and number. */
  async exemplars(expr: string, start: number, end: number): Promise<Array<[number, number]>> {
    const found = await this.ask<Array<{ exemplars: Array<{ timestamp: number; value: string }> }>>('query_exemplars', {
      query: expr,
      start,
      end,
    });
    return found.flatMap((series) =>
      series.exemplars.map(({ timestamp, value }): [number, number] => [timestamp, Number(value)])
    );
  }

  /** The values of a label in the series of a selector, in order. */
  labelValues(label: string, selector: string, start: number, end: number): Promise<string[]> {
    return this.ask<string[]>(`label/${label}/values`, { 'match[]': selector, start, end });
  }

  private async ask<Data>(what: string, parameters: Record<string, string | number>): Promise<Data> {
    const query = new URLSearchParams(Object.entries(parameters).map(([key, value]) => [key, String(value)]));
    const answer = await fetch(`${this.url}/api/v1/${what}?${query}`);
    const document = (await answer.json()) as { status: string; error?: string; data: Data };
    if (document.status !== 'success') {
      throw new Error(`${document.error} in ${parameters['query'] ?? parameters['match[]']}`);
    }
    return document.data;
  }
}
