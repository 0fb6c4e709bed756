/** Which silhouette an item has, from its words. */

import type { SilhouetteName } from "./silhouettes.ts";

/** The first rule that matches the words of an item wins. */
const rules: readonly (readonly [RegExp, SilhouetteName])[] = [
  [/bikini|swimwear set/, "bikini"],
  [/tights|sock|stocking|leg warmer/, "socks"],
  [/legging|long john/, "leggings"],
  [/\bbra\b|underwear top|swimwear top|nipple|corset/, "bra"],
  [/brief|underwear|swimwear bottom|boxer|swimwear|thong/, "briefs"],
  [/jumpsuit|playsuit|bodysuit|overall|dungaree|swimsuit|sleeping sack|romper|garment full body/, "jumpsuit"],
  [/hat\b|cap\b|cap\/|beanie|headband|hairband|hair\b|hair\//, "hat"],
  [/earring|necklace|ring\b|bracelet|jewel|watch/, "jewellery"],
  [/sunglasses|eyeglasses/, "sunglasses"],
  [/short/, "shorts"],
  [/skirt|sarong/, "skirt"],
  [/dress|gown/, "dress"],
  [/waistcoat/, "jacket"],
  [/coat|robe/, "coat"],
  [/cardigan/, "cardigan"],
  [/hood/, "hoodie"],
  [/jacket|blazer|outdoor/, "jacket"],
  [/sweater|jumper|pullover|knit/, "sweater"],
  [/t-shirt|tee\b|polo/, "tee"],
  [/blouse|shirt|pyjama|nightwear|tunic/, "shirt"],
  [/top\b|vest|tank|camisole|garment upper body/, "top"],
  [/trouser|jean|chino|slack|garment lower body|\bbottom/, "trousers"],
  [/boot/, "boots"],
  [/sandal|slipper|flip flop/, "sandals"],
  [/heel|pump|wedge|ballerina/, "heels"],
  [/sneaker|shoe|footwear|moccasin|pre-walker/, "sneakers"],
  [/bag|backpack|wallet|clutch/, "bag"],
  [/scarf|tie\b|blanket|towel/, "scarf"],
  [/belt|braces/, "belt"],
];

/** Null for what is no garment at all, such as a film. Words are tried in order: the category says more than the department. */
export function silhouetteOf(...words: readonly string[]): SilhouetteName | null {
  for (const word of words) {
    const text = word.toLowerCase();
    const rule = rules.find(([pattern]) => pattern.test(text));
    if (rule) return rule[1];
  }
  return null;
}
