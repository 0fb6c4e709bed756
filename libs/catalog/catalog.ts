/** The items of a shop as columns; the row number is the dense item index of one release. */

/** One attribute as a dictionary: `values[codes[item]]`; code -1 stands for "not known". */
export interface AttributeColumn {
  readonly name: string;
  readonly values: readonly string[];
  /** [items]. */
  readonly codes: Int32Array;
}

export interface Catalog {
  readonly itemCount: number;
  /** External ids, [items]. */
  readonly ids: readonly string[];
  /** Display names, [items]; empty when not known. */
  readonly names: readonly string[];
  /** Free text (descriptions), [items]; empty when not known. */
  readonly texts: readonly string[];
  /** What filters call the category, such as the product type. */
  readonly category: AttributeColumn;
  /** Items that are one product in other colours or sizes share a group. */
  readonly productGroup: AttributeColumn;
  /** All other attributes, at most 32. */
  readonly attributes: readonly AttributeColumn[];
  /** Last known price in the shop's unit, 0 when not known, [items]. */
  readonly prices: Float32Array;
  /** Seconds since 1970 UTC of the first and last purchase inside the data, 0 when never sold, [items]. */
  readonly firstSaleSeconds: Uint32Array;
  readonly lastSaleSeconds: Uint32Array;
}

/** The users of a data set as columns; the row number is the dense user index. */
export interface UserTable {
  readonly userCount: number;
  readonly ids: readonly string[];
  /** Attributes such as "age" (a whole number as text) or "club"; at most 16. */
  readonly attributes: readonly AttributeColumn[];
}
