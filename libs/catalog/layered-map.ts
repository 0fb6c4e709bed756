/** A map over another that stays as it is: for the few entries that come on top of very many. */

export class LayeredMap<K, V> implements ReadonlyMap<K, V> {
  readonly #base: ReadonlyMap<K, V>;
  readonly #added: ReadonlyMap<K, V>;

  /** No key of `added` is one of `base`. */
  constructor(base: ReadonlyMap<K, V>, added: ReadonlyMap<K, V>) {
    this.#base = base;
    this.#added = added;
  }

  get size(): number {
    return this.#base.size + this.#added.size;
  }

  get(key: K): V | undefined {
    return this.#base.get(key) ?? this.#added.get(key);
  }

  has(key: K): boolean {
    return this.#base.has(key) || this.#added.has(key);
  }

  forEach(visit: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this) visit(value, key, this);
  }

  *entries(): MapIterator<[K, V]> {
    yield* this.#base;
    yield* this.#added;
  }

  *keys(): MapIterator<K> {
    yield* this.#base.keys();
    yield* this.#added.keys();
  }

  *values(): MapIterator<V> {
    yield* this.#base.values();
    yield* this.#added.values();
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries();
  }
}
