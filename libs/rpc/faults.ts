/** Faults on purpose, for tests and drills: late, failing, hanging or lying methods. */

import { type ErrorCode, errorCodes, invalid, ModisteError } from "#libs/core/errors.ts";

export type Fault =
  | { readonly kind: "delay"; readonly ms: number; readonly times?: number }
  | { readonly kind: "error"; readonly code: ErrorCode; readonly times?: number }
  | { readonly kind: "hang"; readonly times?: number }
  /** Answers with broken columns: the first list shortened, numbers turned into NaN. */
  | { readonly kind: "garbage"; readonly times?: number };

/** Faults by method path, such as "modiste.v1.Ranker/Rank", or by "itemcf" or "itemcf:modiste.v1.CandidateSource/Generate" for one service. */
export class Faults {
  private readonly planned = new Map<string, { fault: Fault; left: number }>();

  set(target: string, fault: Fault): void {
    this.planned.set(target, { fault, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  clear(target?: string): void {
    if (target === undefined) this.planned.clear();
    else this.planned.delete(target);
  }

  /** Runs `next` under what is planned for the method. Costs one comparison when nothing is. */
  async apply<T>(service: string, method: string, signal: AbortSignal, next: () => Promise<T>): Promise<T> {
    const fault = this.planned.size === 0 ? undefined : this.take(service, method);
    if (fault === undefined) return next();
    switch (fault.kind) {
      case "error":
        throw new ModisteError(fault.code, "injected", `a fault was injected into ${method}`);
      case "delay":
        await pause(fault.ms, signal);
        return next();
      case "hang":
        return pause(undefined, signal);
      case "garbage":
        return garble(await next());
    }
  }

  private take(service: string, method: string): Fault | undefined {
    const planned = this.planned.get(`${service}:${method}`) ?? this.planned.get(method) ?? this.planned.get(service);
    if (planned === undefined || planned.left <= 0) return undefined;
    planned.left--;
    return planned.fault;
  }
}

/** Waits `ms`, or for ever, unless the signal aborts. */
function pause(ms: number | undefined, signal: AbortSignal): Promise<never> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const wake = (): void => {
      signal.removeEventListener("abort", leave);
      resolve(undefined as never);
    };
    const timer = ms === undefined ? undefined : setTimeout(wake, ms);
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
  });
}

function garble<T>(message: T): T {
  let shortened = false;
  const entries = Object.entries(message as object).map(([key, value]) => {
    if (!Array.isArray(value)) return [key, typeof value === "number" ? Number.NaN : value];
    const cut = shortened ? value : value.slice(1);
    shortened = true;
    return [key, cut.map((entry: unknown) => (typeof entry === "number" && !Number.isInteger(entry) ? Number.NaN : entry))];
  });
  return Object.fromEntries(entries) as T;
}

/** Reads "itemcf=delay:50,modiste.v1.Ranker/Rank=error:unavailable,content=hang". @throws invalid_argument naming the part it cannot read. */
export function parseFaults(text: string): Faults {
  const faults = new Faults();
  for (const part of text.split(",").filter((piece) => piece.trim() !== "")) {
    const [target = "", plan = ""] = part.trim().split("=");
    const [kind, argument = ""] = plan.split(":");
    const code = errorCodes.find((known) => known === argument);
    if (target !== "" && kind === "delay" && Number(argument) > 0) faults.set(target, { kind, ms: Number(argument) });
    else if (target !== "" && kind === "error" && code !== undefined) faults.set(target, { kind, code });
    else if (target !== "" && (kind === "hang" || kind === "garbage")) faults.set(target, { kind });
    else throw invalid("faults", `"${part}" is not <target>=delay:<ms>|error:<code>|hang|garbage`);
  }
  return faults;
}
