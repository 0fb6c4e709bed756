/** Compiles the AssemblyScript kernels. The results are committed, so nobody needs the compiler to run modiste. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { ModisteError } from "#libs/core/errors.ts";

/** Kernel modules by name: kernels/<name>.ts becomes kernels/build/<name>.wasm and <name>.ts (the same bytes, for bundles). */
const kernelNames = ["sparse", "dense"] as const;

/** SIMD, and a memory that workers share; 65,536 pages (4 GiB) is the format's limit. No runtime: the kernels allocate nothing. */
const compilerOptions = ["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd,threads", "--importMemory", "--sharedMemory"].concat([
  "--initialMemory",
  "1",
  "--maximumMemory",
  "65536",
]);

/** Writes all kernels. Throws `internal` with the compiler's words when one does not compile. */
export async function buildKernels(): Promise<void> {
  // The compiler is a development dependency: it is loaded here only, so that this file may be imported anywhere.
  const compiler = await import("assemblyscript/asc");
  const folder = fileURLToPath(new URL("./kernels", import.meta.url));
  await mkdir(`${folder}/build`, { recursive: true });
  for (const name of kernelNames) {
    const output = `build/${name}.wasm`;
    const { error, stderr } = await compiler.main([`${name}.ts`, "--baseDir", folder, "-o", output, ...compilerOptions]);
    if (error !== null) {
      throw new ModisteError("internal", "kernel_does_not_compile", `${name}: ${stderr.toString()}`, { cause: error });
    }
    const text = (await readFile(`${folder}/${output}`)).toString("base64");
    await writeFile(
      `${folder}/build/${name}.ts`,
      `// Written by libs/sparse/build-kernels.ts: the bytes of ${name}.wasm, so that bundles carry them.\nexport const ${name}Wasm =\n  "${text}";\n`,
    );
  }
}
