/** Whether a device scores as the CPU does. */

import { ModisteError } from "#libs/core/errors.ts";
import type { Feeds, FeedValues, Session } from "#libs/graph/executors/session.ts";

/** Difference of a score, of 1 or of the score where it is larger. Other orders of summing give some 1e-6; the ranks of candidates do not see this one. */
const tolerance = 1e-3;

/** Rows of a request, to which the golden ones are repeated: other sizes may run other kernels, and the first run of each is slow. */
const manyRows = 500;

const repeated = (values: FeedValues, rows: number, times: number): FeedValues => {
  const width = values.length / rows;
  const all = new (values.constructor as new (length: number) => FeedValues)(rows * times * width);
  for (let i = 0; i < times; i++) all.set(values, i * values.length);
  return all;
};

/** Throws `failed_precondition` naming the first score that differs. */
export async function checkDevice(
  device: Pick<Session, "run">,
  cpu: Session,
  { feeds, rows }: { readonly feeds: Feeds; readonly rows: number },
): Promise<void> {
  for (const times of [1, Math.ceil(manyRows / rows)]) {
    const asked = Object.fromEntries(Object.entries(feeds).map(([name, values]) => [name, repeated(values, rows, times)]));
    const sizes = { rows: rows * times };
    const [expected, found] = [await cpu.run(asked, sizes), await device.run(asked, sizes)];
    for (const [name, values] of Object.entries(expected)) {
      const at = values.findIndex((value, i) => !(Math.abs(value - found[name]![i]!) <= tolerance * Math.max(1, Math.abs(value))));
      if (at === -1) continue;
      const what = `${name} of golden row ${at % rows} of ${sizes.rows} is ${found[name]![at]}, the CPU's is ${values[at]} (tolerance ${tolerance})`;
      throw new ModisteError("failed_precondition", "device_differs", `it differs from the CPU: ${what}`);
    }
  }
}
