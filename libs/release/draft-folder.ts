/** A release in the making: its parts, one folder each, inside a folder that no service looks at. */

import { join } from "node:path";
import { ModisteError } from "#libs/core/errors.ts";
import { openPart } from "./read-part.ts";
import type { ReleaseDraft, WrittenParts } from "./store.ts";
import { createPartWriter } from "./write-part.ts";

/** Begins the names of folders that are not finished. */
export const draftPrefix = ".draft-";

export type DraftFolder = Pick<ReleaseDraft, "writePart" | "readPart"> & { readonly parts: WrittenParts };

export function createDraftFolder(folder: string, id: string): DraftFolder {
  const parts: WrittenParts = {};
  return {
    parts,
    writePart: async (name, write) => {
      const part = await createPartWriter(join(folder, name));
      await write(part);
      parts[name] = { files: await part.finish() };
    },
    readPart: async (name) => {
      const written = parts[name];
      if (!written) throw new ModisteError("failed_precondition", "part_missing", `part ${name} is not written yet`);
      return openPart({ release: id, part: name, folder: join(folder, name), files: written.files });
    },
  };
}
