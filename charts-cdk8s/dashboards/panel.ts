/** Grafana's dashboards as far as we use them: rows of time series over one Prometheus. */

export type Unit = "reqps" | "s" | "percentunit" | "short" | "bytes" | "none";

export interface Query {
  readonly expr: string;
  /** Name of a line, `{{label}}` in it; "" where there is one line. */
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  /** What to look for, for people. */
  readonly description: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** One upon the other: for shares of a whole. */
  readonly stacked?: boolean;
  readonly kind?: "timeseries" | "table";
}

export interface Section {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly sections: readonly Section[];
}

/** Grafana's grid is 24 wide. */
const width = 8;
const height = 8;
const perLine = 24 / width;

/** uid of the data source that is provisioned. */
export const sourceUid = "prometheus";

/** Quantiles of a histogram, as lines. */
export function quantiles(histogram: string, matchers: string, by: string): readonly Query[] {
  const lines = by === "" ? "le" : `le, ${by}`;
  const label = by === "" ? "" : `{{${by}}} `;
  return [0.5, 0.99].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, sum by (${lines}) (rate(${histogram}_bucket{${matchers}}[$__rate_interval])))`,
    legend: `${label}p${quantile * 100}`,
  }));
}

function panelJson({ title, description, unit, queries, stacked = false, kind = "timeseries" }: Panel, x: number, y: number): object {
  const isTable = kind === "table";
  return {
    type: kind,
    title,
    description,
    datasource: { type: "prometheus", uid: sourceUid },
    gridPos: { x, y, w: width, h: height },
    fieldConfig: {
      defaults: { unit, min: 0, custom: isTable ? {} : { stacking: { mode: stacked ? "normal" : "none" }, fillOpacity: stacked ? 40 : 0 } },
      overrides: [],
    },
    targets: queries.map(({ expr, legend }, i) => ({
      refId: String.fromCharCode(65 + i),
      expr,
      legendFormat: legend,
      ...(isTable ? { format: "table", instant: true } : {}),
    })),
  };
}

/** What Grafana reads. */
export function dashboardJson({ uid, title, sections }: Dashboard): string {
  const panels: object[] = [];
  let y = 0;
  for (const section of sections) {
    panels.push({ type: "row", title: section.title, collapsed: false, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [] });
    const top = y + 1;
    section.panels.forEach((panel, i) => {
      panels.push(panelJson(panel, (i % perLine) * width, top + Math.floor(i / perLine) * height));
    });
    y = top + Math.ceil(section.panels.length / perLine) * height;
  }
  const numbered = panels.map((panel, i) => ({ id: i + 1, ...panel }));
  const dashboard = {
    uid,
    title,
    tags: ["modiste"],
    schemaVersion: 39,
    editable: false,
    refresh: "10s",
    time: { from: "now-30m", to: "now" },
    panels: numbered,
  };
  return `${JSON.stringify(dashboard, null, 1)}\n`;
}
