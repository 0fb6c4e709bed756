/** Resources that several services of one process open together: opened by the first who asks, closed in reverse at the end. */

import { ModisteError } from "#libs/core/errors.ts";

/** Names a resource and remembers its type. Two keys are two resources, whatever their names. */
export interface ResourceKey<T> {
  readonly name: string;
  /** Never set: it ties T to the key. */
  readonly type?: T;
}

export function resourceKey<T>(name: string): ResourceKey<T> {
  return { name };
}

export interface SharedResources {
  /**
   * The resource under `key`, opened by the first call; later ones get the same. `instance` tells apart resources of one key, such as the path of
   * a store. A failed opening is forgotten, so that it may be tried again. @throws failed_precondition after closing.
   */
  open<T>(key: ResourceKey<T>, open: () => T | Promise<T>, close?: (resource: T) => void | Promise<void>, instance?: string): Promise<T>;
}

export interface OwnedResources extends SharedResources {
  /** Closes in reverse order of opening. Answers what failed. */
  close(): Promise<readonly unknown[]>;
}

export function createSharedResources(): OwnedResources {
  const opened = new Map<ResourceKey<unknown>, Map<string, Promise<unknown>>>();
  const closers: (() => void | Promise<void>)[] = [];
  let closed = false;
  return {
    open<T>(key: ResourceKey<T>, open: () => T | Promise<T>, close?: (resource: T) => void | Promise<void>, instance = ""): Promise<T> {
      if (closed) throw new ModisteError("failed_precondition", "closed", `${key.name} was asked for after closing`);
      const instances = opened.get(key) ?? new Map<string, Promise<unknown>>();
      opened.set(key, instances);
      const known = instances.get(instance);
      if (known !== undefined) return known as Promise<T>;
      const opening = Promise.resolve()
        .then(open)
        .then((resource) => {
          if (close !== undefined) closers.push(() => close(resource));
          return resource;
        });
      instances.set(instance, opening);
      opening.catch(() => instances.delete(instance));
      return opening;
    },
    async close() {
      closed = true;
      return closeInReverse(closers);
    },
  };
}

/** Closes the last first; one that fails does not keep the others open. Answers what failed. */
export async function closeInReverse(closers: readonly (() => void | Promise<void>)[]): Promise<readonly unknown[]> {
  const failures: unknown[] = [];
  for (const close of closers.toReversed()) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  return failures;
}
