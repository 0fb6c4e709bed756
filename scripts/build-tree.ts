/**
 * `npm run build`: the compiled tree in build/, one .js for each .ts that the command and the services reach, in the same folders, with the files that they
 * read beside them. It starts by `node build/services/cli/main.js`, needs neither tsx nor esbuild, and takes node_modules from its own or a folder above.
 * No source maps: a .js has the names and the order of its .ts, so a stack trace leads there, and maps would be most of the tree.
 */

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What is read, and not imported: SQL, protos for reflection, the page. Paths from the root; a folder's files match the pattern. */
const assets: readonly { readonly folder: string; readonly files: RegExp }[] = [
  { folder: "libs/data/sql", files: /\.sql$/ },
  { folder: "libs/sparse/kernels/build", files: /\.wasm$/ },
  { folder: "protos/modiste/v1", files: /\.proto$/ },
  { folder: "services/gateway/web/page", files: /\.(html|css|svg)$/ },
  { folder: "services/gateway/web/dist", files: /\.js$/ },
];

/** A path of ours inside a string: imports, dynamic imports, `new URL("./x-worker.ts", import.meta.url)`. */
const reference = /(["'])((?:\.{1,2}\/|#libs\/|#protos\/)[\w./-]+)\.ts\1/g;

interface Compiled {
  readonly code: string;
  /** Paths from the root of what it names. */
  readonly needs: readonly string[];
}

function pathOf(specifier: string, file: string): string {
  if (specifier.startsWith("#libs/")) return `libs/${specifier.slice("#libs/".length)}`;
  if (specifier.startsWith("#protos/")) return `protos/gen/modiste/v1/${specifier.slice("#protos/".length)}`;
  return posix.join(posix.dirname(file), specifier);
}

async function compile(file: string): Promise<Compiled> {
  const { code } = await transform(readFileSync(join(root, file), "utf8"), {
    loader: "ts",
    format: "esm",
    target: "node20.19",
    sourcefile: file,
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
  });
  const needs = [...code.matchAll(reference)].map(([, , specifier]) => `${pathOf(specifier!, file)}.ts`);
  return { code: code.replace(reference, "$1$2.js$1"), needs };
}

const mains = (): string[] =>
  readdirSync(join(root, "services"))
    .map((name) => `services/${name}/main.ts`)
    .filter((file) => existsSync(join(root, file)));

function write(folder: string, path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** What the tree is, the aliases of its imports, and `more`. */
function packageFile(more: object): string {
  const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<string, unknown>;
  const { name, version, license, type, engines, imports } = own;
  return `${JSON.stringify({ name, version, license, private: true, type, engines, imports, ...more }, null, 2)}\n`;
}

/** Writes the tree anew; `more` goes into its package.json. @throws naming a file that is named and does not exist. */
export async function buildTree(folder = join(root, "build"), more: object = {}): Promise<{ readonly files: number }> {
  rmSync(folder, { recursive: true, force: true });
  const seen = new Set(mains());
  for (const file of seen) {
    if (!existsSync(join(root, file))) throw new Error(`a file is named that does not exist: ${file}`);
    const { code, needs } = await compile(file);
    write(folder, `${file.slice(0, -".ts".length)}.js`, code);
    for (const need of needs) seen.add(need);
  }
  for (const { folder: from, files } of assets) {
    for (const name of readdirSync(join(root, from)).filter((file) => files.test(file))) {
      mkdirSync(join(folder, from), { recursive: true });
      cpSync(join(root, from, name), join(folder, from, name));
    }
  }
  write(folder, "package.json", packageFile(more));
  return { files: seen.size };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { files } = await buildTree();
  process.stdout.write(`build/: ${files} files compiled\n`);
}
