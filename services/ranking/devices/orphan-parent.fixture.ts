/** A process that opens a device, says so, and runs it once for each line that it reads: `orphan-parent.fixture.ts <ONNX file>`. */

import { openTestDevice, rowsOf } from "./device.fixture.ts";

const device = await openTestDevice(process.argv[2] as string, { limits: { runMs: 20 } });
process.stdout.write(`${device.pid}\n`);
process.stdin.on("data", () => {
  void device.run(rowsOf(1, 1)).then(() => process.stdout.write("ran\n"));
});
