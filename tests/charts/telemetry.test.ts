/** Dashboards, alerts and Prometheus of dev: what they ask for is exported, and Prometheus can read it. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { adminPortOf } from "#libs/serve/fleet-row.ts";
import { alertRules } from "../../charts-cdk8s/alerts.ts";
import { fleet } from "../../services/fleet.ts";
import { manifestsOf, root } from "./manifests.ts";

interface DashboardJson {
  readonly title: string;
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly type: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}

const filesOf = (name: string): Readonly<Record<string, string>> =>
  manifestsOf("dev").find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === name)?.data ?? {};

const dashboards = Object.entries(filesOf("grafana"))
  .filter(([file]) => file.endsWith(".json"))
  .map(([, text]) => JSON.parse(text) as DashboardJson);
const expressions = dashboards.flatMap(({ panels }) => panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)));

/** Names of metrics that the code makes. */
function exported(): Set<string> {
  const files = ["libs", "services"].flatMap((top) =>
    readdirSync(join(root, top), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
      .map((path) => join(root, top, path)),
  );
  return new Set(files.flatMap((file) => [...readFileSync(file, "utf8").matchAll(/"(modiste_[a-z_]+)"/g)].map(([, name]) => name!)));
}

describe("telemetry of dev", () => {
  it("asks for series that the code exports", () => {
    const made = exported();
    const asked = [...expressions, ...alertRules.groups.flatMap(({ rules }) => rules.map(({ expr }) => expr))];
    const names = asked.flatMap((expr) => expr.match(/modiste_[a-z_]+/g) ?? []).map((name) => name.replace(/_(bucket|sum|count)$/, ""));
    expect(names.length).toBeGreaterThan(40);
    expect([...new Set(names)].filter((name) => !made.has(name))).toEqual([]);
  });

  it("scrapes every service of the table where it answers", () => {
    const { scrape_configs: jobs } = parse(filesOf("prometheus")["prometheus.yaml"] ?? "") as {
      scrape_configs: { job_name: string; dns_sd_configs?: { names: string[]; port: number }[] }[];
    };
    const services = new Set(manifestsOf("dev").flatMap(({ kind, metadata }) => (kind === "Service" ? [metadata.name] : [])));
    for (const row of fleet) {
      const found = jobs.find((job) => job.job_name === row.name)?.dns_sd_configs?.[0];
      expect(found?.port, row.name).toBe(adminPortOf(row));
      expect(services, row.name).toContain(found?.names[0]);
    }
  });

  it("shows every service, and no panel lies upon another", () => {
    for (const { name } of fleet)
      expect(
        expressions.some((expr) => expr.includes(`service="${name}"`)),
        name,
      ).toBe(true);
    for (const { title, panels } of dashboards) {
      const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
      );
      expect(new Set(cells).size, title).toBe(cells.length);
      expect(new Set(panels.map(({ id }) => id)).size, title).toBe(panels.length);
    }
  });

  describe("read by Prometheus itself", () => {
    const folder = mkdtempSync(join(tmpdir(), "modiste-prometheus-"));
    afterAll(() => rmSync(folder, { recursive: true }));
    const promtool = (...words: readonly string[]): string => {
      const { status, stdout, stderr } = spawnSync("promtool", [...words], { encoding: "utf8" });
      return status === 0 ? "" : stdout + stderr;
    };

    it("configuration, alerts and every query of the dashboards are valid", (context) => {
      if (spawnSync("promtool", ["--version"]).error !== undefined) context.skip("promtool is not on this machine");
      const { "prometheus.yaml": config = "", "alerts.yaml": alerts = "" } = filesOf("prometheus");
      writeFileSync(join(folder, "prometheus.yaml"), config.replaceAll("/config/", `${folder}/`));
      writeFileSync(join(folder, "alerts.yaml"), alerts);
      const rules = expressions.map((expr, i) => ({
        record: `panel:${i}`,
        expr: expr.replaceAll("$__rate_interval", "1m").replaceAll("$__range", "1h"),
      }));
      writeFileSync(join(folder, "panels.yaml"), stringify({ groups: [{ name: "panels", rules }] }));
      expect(promtool("check", "config", join(folder, "prometheus.yaml"))).toBe("");
      expect(promtool("check", "rules", join(folder, "panels.yaml"))).toBe("");
    });
  });
});
