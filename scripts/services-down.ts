/**
 * `npm run services:down`: stops what `services:up` started; `--test` only what it started for tests. What was written stays until the next start,
 * which begins anew.
 */

import { parseArgs } from "node:util";
import { composeDown } from "./services-compose.ts";
import { say, stopServers } from "./services-run.ts";

const { values } = parseArgs({ options: { test: { type: "boolean", default: false } } });
if (!values.test) composeDown();
for (const name of await stopServers((running) => !values.test || running.startsWith("test-"))) say(`stopped ${name}`);
