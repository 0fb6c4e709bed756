/** The trees alone, for the stage of the Dockerfile that makes them from the registry. */

import { makeTree, treeNames } from "./trees.ts";

for (const name of treeNames) await makeTree(name);
