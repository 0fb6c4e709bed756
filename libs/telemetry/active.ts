/**
 * The OpenTelemetry context of the running asynchronous call chain. One AsyncLocalStorage for the whole process: what an
 * asynchronous context is bound to is the process itself, so this is the one hidden global of telemetry, and it is the same one that
 * `context.active()` of OpenTelemetry's API answers.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { type Context, type ContextManager, context, ROOT_CONTEXT } from "@opentelemetry/api";

const storage = new AsyncLocalStorage<Context>();

export function activeContext(): Context {
  return storage.getStore() ?? ROOT_CONTEXT;
}

/** Runs `fn`, and whatever it starts, inside `within`. */
export function runInContext<T>(within: Context, fn: () => T): T {
  return storage.run(within, fn);
}

const contextManager: ContextManager = {
  active: activeContext,
  with: (within, fn, thisArg, ...args) => storage.run(within, () => fn.apply(thisArg as ThisParameterType<typeof fn>, args)),
  bind: (within, target) => {
    if (typeof target !== "function") return target;
    const call = target as unknown as (...args: unknown[]) => unknown;
    return ((...args: unknown[]) => storage.run(within, call, ...args)) as unknown as typeof target;
  },
  enable: () => contextManager,
  disable: () => contextManager,
};

/** Makes `context.active()` and `trace.getActiveSpan()` of OpenTelemetry's API see our context. Once per process; again is harmless. */
export function registerActiveContext(): void {
  context.setGlobalContextManager(contextManager);
}
