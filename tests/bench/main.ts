/** `npm run bench [name...] [-- --home DIR] [--size small|medium|full]`: measures, prints figures beside their budgets, keeps them in results/. */

import { parseArgs } from "node:util";
import { homeFolders } from "../../services/cli/home.ts";
import { prepareShop } from "../../services/cli/prepare-shop.ts";
import { print } from "../../services/cli/terminal.ts";
import { benchImport } from "./import.ts";
import { benchRanking } from "./ranking.ts";
import { type Figure, keepFigures, showFigures } from "./report.ts";
import { benchServing } from "./serving.ts";
import { benchTraining } from "./training.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { home: { type: "string" }, size: { type: "string", default: "small" } },
});

const folders = homeFolders(values.home);

const benches: Readonly<Record<string, () => Promise<Figure[]>>> = {
  import: () => benchImport(values.size),
  ranking: () => benchRanking(folders.home),
  serving: () => benchServing(folders.home),
  training: () => benchTraining(folders.home),
};

const unknown = positionals.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  print(`no bench ${unknown.join(", ")}; there are ${Object.keys(benches).join(", ")}`);
  process.exit(2);
}

await prepareShop(folders);
for (const [name, run] of Object.entries(benches)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const figures = await run();
  print(showFigures(figures));
  keepFigures(`${name}-${name === "import" ? values.size : (figures[0]?.name.split(".")[0] ?? "")}`, figures);
}
