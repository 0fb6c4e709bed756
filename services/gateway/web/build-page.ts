/** Compiles the page's TypeScript into one file, which is committed: an empty clone serves the page without a build. */

import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Writes dist/page.js; `write: false` answers its text only, for a test that compares. */
export async function buildPage({ write = true } = {}): Promise<string> {
  const folder = fileURLToPath(new URL(".", import.meta.url));
  const result = await build({
    absWorkingDir: folder,
    entryPoints: ["page/main.ts"],
    outfile: "dist/page.js",
    bundle: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    logLevel: "silent",
    write: false,
  });
  const text = result.outputFiles[0]?.text ?? "";
  if (write) await writePage(new URL("dist/page.js", import.meta.url), text);
  return text;
}

async function writePage(path: URL, text: string): Promise<void> {
  await mkdir(new URL(".", path), { recursive: true });
  await writeFile(path, text);
}
