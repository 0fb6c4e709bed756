/**
 * Installs @tensorflow/tfjs-node (or tfjs-node-gpu), which is no dependency of this package: `npm run tfjs:install [-- --gpu] [...]`.
 *
 * First the published library and addon (TensorFlow 2.9.1). Where that host cannot be reached, or with --from-wheel, libtensorflow comes out
 * of TensorFlow's Python wheel, which is newer (and so is its CUDA), and the addon is compiled against it: Linux on x64 only; needs
 * python3 with pip, g++, make and Node's headers. About 900 MB for the CPU, 1.3 GB for the GPU.
 */

import { type SpawnSyncOptions, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const version = "4.22.0";
/** tfjs-node 4.22 calls `util.isNullOrUndefined`, which Node 23 dropped. */
const nodeMajorMax = 22;
/** The last N-API version that tfjs-node 4.22 lists. */
const napiMax = 8;

const { values: options } = parseArgs({
  options: {
    gpu: { type: "boolean", default: false },
    "from-wheel": { type: "boolean", default: false },
    /** A wheel that was downloaded before. */
    wheel: { type: "string" },
    /** 2.15.1 has CUDA 12.2, 2.18.1 CUDA 12.5. Wheels before 2.12 have no libtensorflow_cc. */
    tensorflow: { type: "string", default: "2.15.1" },
    python: { type: "string", default: "python3" },
  },
});

const name = options.gpu ? "tfjs-node-gpu" : "tfjs-node";
/**
 * npm takes an optional peer of the project for settled and answers "up to date" when it is asked to install one: so the package and what it needs have a
 * project of their own inside node_modules, and a link makes Node find it.
 */
const own = join(root, "node_modules", ".tfjs");
const folder = join(own, "node_modules", "@tensorflow", name);
const link = join(root, "node_modules", "@tensorflow", name);

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Ends the script with a line that says what to do. */
function stop(message: string): never {
  process.stderr.write(`tfjs:install: ${message}\n`);
  process.exit(1);
}

const succeeds = (command: string, words: readonly string[], given: SpawnSyncOptions = {}): boolean =>
  spawnSync(command, words, { cwd: root, stdio: "inherit", ...given }).status === 0;

function need(step: string, command: string, words: readonly string[], otherwise: string, given: SpawnSyncOptions = {}): void {
  say(`> ${step}`);
  if (!succeeds(command, words, given)) stop(otherwise);
}

/** Loads the package in a process of its own, since a wrong library ends the process, and multiplies two matrices. */
function works(quiet: boolean): boolean {
  const code = `const tf = require("@tensorflow/${name}");
    const [product] = tf.matMul([[1, 2]], [[3], [4]]).dataSync();
    if (product !== 11) throw new Error("1 x 3 + 2 x 4 is not " + product);
    process.stdout.write("@tensorflow/${name} ${version} on TensorFlow " + tf.backend().binding.TF_Version + " works: executor ${options.gpu ? "tfjs-gpu" : "tfjs-cpu"}\\n");`;
  return succeeds(process.execPath, ["-e", code], quiet ? { stdio: "ignore" } : {});
}

/** The package's own install script: downloads the published library and addon. npm runs it here because it holds back scripts itself. */
function installPublished(): boolean {
  say("> the published library, TensorFlow 2.9.1");
  const installed = succeeds("npm", ["run", "install"], { cwd: folder, timeout: 600_000 });
  if (installed && works(true)) return true;
  say(installed ? "It does not load here." : "It cannot be had here, for the reason above.");
  return false;
}

function downloadWheel(into: string): string {
  if (options.wheel !== undefined) return resolve(options.wheel);
  const platforms = ["manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_27_x86_64"].flatMap((tag) => ["--platform", tag]);
  const wanted = `${options.gpu ? "tensorflow" : "tensorflow-cpu"}==${options.tensorflow}`;
  // Any Python's wheel has the same libraries; 3.11 is the one that most versions of TensorFlow have.
  const words = ["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--python-version", "311", ...platforms, "-d", into, wanted];
  need(`download ${wanted}`, options.python, words, `the wheel ${wanted} cannot be downloaded; give one with --wheel FILE`);
  return join(into, readdirSync(into).find((file) => file.endsWith(".whl")) ?? stop("pip left no wheel"));
}

/** Libraries and headers of a wheel into deps/, under the names that the addon links. */
function unpackWheel(wheel: string, into: string): void {
  const code = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    wanted = ("tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2", "tensorflow/include/")
    wheel.extractall(sys.argv[2], [name for name in wheel.namelist() if name.startswith(wanted)])`;
  need("unpack libtensorflow", options.python, ["-c", code, wheel, into], `${wheel} cannot be unpacked`);
  const lib = join(folder, "deps", "lib");
  rmSync(join(folder, "deps"), { recursive: true, force: true });
  mkdirSync(lib, { recursive: true });
  for (const [file, link] of [
    ["libtensorflow_cc.so.2", "libtensorflow.so"],
    ["libtensorflow_framework.so.2", "libtensorflow_framework.so"],
  ] as const) {
    const from = join(into, "tensorflow", file);
    if (!existsSync(from)) stop(`${wheel} has no ${file}; take TensorFlow 2.12 or newer`);
    move(from, join(lib, file));
    symlinkSync(file, join(lib, link));
  }
  move(join(into, "tensorflow", "include"), join(folder, "deps", "include"));
}

/** Both ends are in node_modules, hence on one file system. */
const move = (from: string, to: string): void => renameSync(from, to);

function compileAddon(): void {
  // The package compiles the addon once for each N-API version that it lists: leave this Node's.
  const file = join(folder, "package.json");
  const manifest = JSON.parse(readFileSync(file, "utf8"));
  manifest.binary.napi_versions = [Math.min(napiMax, Number(process.versions.napi))];
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
  // Headers beside this Node save a download.
  const prefix = dirname(dirname(process.execPath));
  const headers = existsSync(join(prefix, "include", "node", "node_api.h")) ? ` --nodedir=${prefix}` : "";
  const command = `node-pre-gyp rebuild --build-from-source${headers}`;
  need("compile the addon", "npm", ["exec", "--call", command], "the addon cannot be compiled: it needs g++, make and python3", {
    cwd: folder,
  });
  for (const rest of ["build", join("deps", "include")]) rmSync(join(folder, rest), { recursive: true, force: true });
}

function installFromWheel(): void {
  if (process.platform !== "linux" || process.arch !== "x64") {
    stop(`building from a wheel works on Linux x64, not on ${process.platform} ${process.arch}; use the executor "onnx"`);
  }
  const work = mkdtempSync(join(tmpdir(), "tfjs-wheel-"));
  const unpacked = mkdtempSync(join(folder, "unpacked-"));
  try {
    unpackWheel(downloadWheel(work), unpacked);
    compileAddon();
  } finally {
    for (const path of [work, unpacked]) rmSync(path, { recursive: true, force: true });
  }
}

const nodeMajor = Number(process.versions.node.split(".")[0]);
if (nodeMajor > nodeMajorMax) stop(`${name} ${version} does not run on Node ${nodeMajor}; use Node 20 or 22, or the executor "onnx"`);

mkdirSync(own, { recursive: true });
writeFileSync(join(own, "package.json"), '{ "private": true }\n');
const words = ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", `@tensorflow/${name}@${version}`];
need(`npm ${words.join(" ")}`, "npm", words, "npm cannot install the package; see its messages above", { cwd: own });
if (!existsSync(folder)) stop(`npm said nothing and left no ${folder}`);
rmSync(link, { recursive: true, force: true });
symlinkSync(folder, link, "junction");
if (options["from-wheel"] || options.wheel !== undefined || !installPublished()) {
  say(`> libtensorflow ${options.tensorflow} out of ${options.wheel ?? "a Python wheel"}`);
  installFromWheel();
}
if (!works(false)) stop(`@tensorflow/${name} was installed and does not load; see above`);
if (options.gpu) {
  say("CUDA's libraries must be on LD_LIBRARY_PATH when Node starts; the wheels that tensorflow[and-cuda] names have them.");
}
say("The next npm install removes it. Try it with: npm run test:tfjs-node. Quieter logs: TF_CPP_MIN_LOG_LEVEL=3.");
