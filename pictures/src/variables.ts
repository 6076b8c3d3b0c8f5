/** The variables on top of a dashboard: which values they have, and their places in texts. */

import type { Order, Variable } from './dashboard';
import { Prometheus } from './prometheus';

/** A variable as it is shown (`text`) and as queries have it (`pattern`, a regular expression). */
interface Value {
  text: string;
  pattern: string;
}

export class Variables {
  private readonly values = new Map<string, Value>();

  constructor(private readonly builtIn: Record<string, string>) {}

  /** All variables of a dashboard: those that are ordered, else "All", else the first value that there is. */
  static async of(order: Order, prometheus: Prometheus): Promise<Variables> {
    const found = new Variables({});
    for (const variable of order.dashboard.templating.list) {
      found.values.set(variable.name, await found.choose(variable, order, prometheus));
    }
    return found;
  }

  /** The same variables, and Grafana's own for a query with this step. */
  forStep(step: number, order: Order): Variables {
    const interval = Math.max(step + order.scrapeSeconds, 4 * order.scrapeSeconds);
    const both = new Variables({
      __interval: `${step}s`,
      __rate_interval: `${interval}s`,
      __range: `${Math.round(order.until - order.since)}s`,
    });
    this.values.forEach((value, name) => both.values.set(name, value));
    return both;
  }

  /** The text with values in place of `$name`, `${name}` and `${name:format}`. */
  replace = (text: string): string =>
    text.replace(/\$(?:(\w+)|\{(\w+)(?::\w+)?\})/g, (whole, bare?: string, braced?: string) => {
      const name = bare ?? braced ?? '';
      return this.builtIn[name] ?? this.values.get(name)?.pattern ?? whole;
    });

  shown(variable: Variable): string {
    return this.values.get(variable.name)?.text ?? '';
  }

  private async choose(variable: Variable, order: Order, prometheus: Prometheus): Promise<Value> {
    const ordered = order.variables[variable.name];
    if (ordered !== undefined) {
      return { text: ordered, pattern: ordered };
    }
    if (variable.type === 'datasource') {
      const text = typeof variable.query === 'string' ? variable.query : '';
      return { text, pattern: text };
    }
    const query = this.replace(typeof variable.query === 'string' ? variable.query : variable.query.query);
    const parts = /^label_values\((.*), (\w+)\)$/s.exec(query);
    if (!parts?.[1] || !parts[2]) {
      throw new Error(`${query} is no query for the values of a label`);
    }
    const options = await prometheus.labelValues(parts[2], parts[1], order.since, order.until);
    if (variable.includeAll) {
      return { text: 'All', pattern: variable.allValue ?? `(${options.join('|')})` };
    }
    const first = options[0] ?? '';
    return { text: first, pattern: first };
  }
}
