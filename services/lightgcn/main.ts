import { runProcess } from "#libs/serve/process.ts";
import { fleet } from "../fleet.ts";

await runProcess(fleet, ["lightgcn"]);
