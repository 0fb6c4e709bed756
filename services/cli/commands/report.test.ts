import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openArchiveToWrite } from "../archive/archive-folder.ts";
import { reportCommand } from "./report.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "report-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("names the page that cannot be written", async () => {
  const archive = join(folder, "archive");
  openArchiveToWrite(archive).close();
  const page = join(folder, "none", "rates.html");
  await expect(reportCommand().parseAsync(["--archive", archive, "--html", page], { from: "user" })).rejects.toMatchObject({
    code: "invalid_argument",
    reason: "file_unwritable",
    detail: expect.stringContaining(`${page} cannot be written: ENOENT`),
  });
});
