/** Writes everything that is generated and committed: protos/gen, kernels, the page's script, docs/config.md, docs/licences.md, compose.yaml. `npm run generate`; CI fails on a diff. */

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { renderConfigDocument } from "#libs/config/document.ts";
import type { ServiceModule } from "#libs/serve/service.ts";
import { configSchemas } from "#libs/serve/settings.ts";
import { buildKernels } from "#libs/sparse/build-kernels.ts";
import { modisteVersion } from "../services/cli/version.ts";
import { fleet } from "../services/fleet.ts";
import { buildPage } from "../services/gateway/web/build-page.ts";
import { fleetCompose } from "./fleet-compose.ts";
import { licenceDocument } from "./image/licences.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

function buf(...words: string[]): void {
  const { status } = spawnSync(`${root}node_modules/.bin/buf`, words, { cwd: root, stdio: "inherit" });
  if (status !== 0) throw new Error(`buf ${words.join(" ")} ended with ${status}`);
}

async function configDocument(): Promise<string> {
  const modules = new Map<string, ServiceModule>();
  for (const row of fleet) modules.set(row.name, await row.module());
  return renderConfigDocument(configSchemas(fleet, modules));
}

buf("generate");
await buildKernels();
await buildPage();
writeFileSync(`${root}docs/config.md`, await configDocument());
writeFileSync(`${root}compose.yaml`, fleetCompose(modisteVersion(), fleet));
writeFileSync(`${root}docs/licences.md`, licenceDocument(root));
