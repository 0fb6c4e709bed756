/** Grafana with its source and its dashboards as files; whoever reaches it may look, nobody may change. */

import type { Chart } from "cdk8s";
import { stringify } from "yaml";
import type { FleetRow } from "#libs/serve/fleet-row.ts";
import { answers } from "./dashboards/answers.ts";
import { dashboardJson, sourceUid } from "./dashboards/panel.ts";
import { servicesDashboard } from "./dashboards/services.ts";
import { checkImage, images } from "./image.ts";
import { small } from "./pod.ts";
import { ports } from "./ports.ts";
import { addStateless } from "./stateless.ts";

const dataSources = {
  apiVersion: 1,
  datasources: [
    {
      name: "Prometheus",
      uid: sourceUid,
      type: "prometheus",
      access: "proxy",
      url: `http://prometheus:${ports.prometheus}`,
      isDefault: true,
      editable: false,
      // The pause between two looks of Prometheus, which rates are computed over.
      jsonData: { timeInterval: "10s" },
    },
  ],
};

const providers = {
  apiVersion: 1,
  providers: [{ name: "modiste", type: "file", disableDeletion: true, options: { path: "/config/dashboards" } }],
};

export function addGrafana(chart: Chart, fleet: readonly FleetRow[]): void {
  addStateless(chart, {
    part: { name: "grafana", component: "telemetry" },
    image: checkImage(images.grafana),
    args: [],
    env: {
      GF_PATHS_DATA: "/data",
      GF_PATHS_PROVISIONING: "/config/provisioning",
      GF_LOG_MODE: "console",
      GF_AUTH_ANONYMOUS_ENABLED: "true",
      GF_AUTH_ANONYMOUS_ORG_ROLE: "Viewer",
      GF_AUTH_DISABLE_LOGIN_FORM: "true",
      // Nothing outside of the namespace is to be had, and none of it is needed.
      GF_ANALYTICS_REPORTING_ENABLED: "false",
      GF_ANALYTICS_CHECK_FOR_UPDATES: "false",
      GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: "false",
      GF_PLUGINS_PREINSTALL_DISABLED: "true",
    },
    ports: { http: ports.grafana },
    health: { port: "http", live: "/api/health", ready: "/api/health" },
    files: {
      "provisioning/datasources/prometheus.yaml": stringify(dataSources),
      "provisioning/dashboards/modiste.yaml": stringify(providers),
      "dashboards/answers.json": dashboardJson(answers),
      "dashboards/services.json": dashboardJson(servicesDashboard(fleet)),
    },
    resources: small(512),
    dataSize: "256Mi",
  });
}
