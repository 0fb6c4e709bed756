/** The vocabulary of the invented shop. All lists are ours. */

export interface GroupWords {
  readonly name: string;
  /** Share of the catalogue and of the sales; each sums to 1 over the groups. */
  readonly catalogueShare: number;
  readonly salesShare: number;
  readonly sections: readonly string[];
}

/** Shares of the catalogue as counted in the real shop; children are a third of it and little of the sales. */
export const groups: readonly GroupWords[] = [
  {
    name: "Women",
    catalogueShare: 0.377,
    salesShare: 0.62,
    sections: [
      "Everyday Basics",
      "City Tailoring",
      "Weekend Casual",
      "Evening",
      "Soft Lingerie",
      "Night and Lounge",
      "Legwear",
      "Linen Studio",
      "Denim House",
      "Occasion",
      "Curve",
      "Knit Room",
      "Outdoor Coats",
      "Handbags",
      "Small Jewellery",
      "Shoes",
      "Swim",
      "Petite Line",
      "Artisan Prints",
      "Maternity",
    ],
  },
  {
    name: "Children",
    catalogueShare: 0.329,
    salesShare: 0.026,
    sections: [
      "Newborn",
      "Crawlers",
      "Toddler Girl",
      "Toddler Boy",
      "Playground Girl",
      "Playground Boy",
      "Schoolday Girl",
      "Schoolday Boy",
      "Kids Outerwear",
      "Kids Shoes",
      "Kids Nightwear",
      "Party Small",
      "Kids Basics",
      "Kids Accessories",
      "Costumes",
    ],
  },
  {
    name: "Youth",
    catalogueShare: 0.144,
    salesShare: 0.244,
    sections: ["Street", "Festival", "Campus", "Retro Denim", "Loud Basics", "Night Out", "Skate", "Youth Accessories", "Youth Underwear"],
  },
  {
    name: "Men",
    catalogueShare: 0.118,
    salesShare: 0.057,
    sections: [
      "Mens Basics",
      "Office",
      "Mens Casual",
      "Mens Denim",
      "Mens Underwear",
      "Mens Outdoor",
      "Mens Shoes",
      "Mens Accessories",
      "Mens Knit",
    ],
  },
  { name: "Active", catalogueShare: 0.032, salesShare: 0.053, sections: ["Run and Train", "Yoga", "Court and Field"] },
];

/** Product types with their kind and a typical price in units of 1/590 of the currency (the scaled price times 590). */
export const productTypes: readonly {
  readonly name: string;
  readonly kind: string;
  readonly garmentGroup: string;
  readonly price: number;
}[] = [
  { name: "Trousers", kind: "Lower body", garmentGroup: "Trousers and Slacks", price: 19 },
  { name: "Sweater", kind: "Upper body", garmentGroup: "Knits", price: 17 },
  { name: "Dress", kind: "Full body", garmentGroup: "Dresses", price: 19 },
  { name: "Top", kind: "Upper body", garmentGroup: "Jersey", price: 9 },
  { name: "Tee", kind: "Upper body", garmentGroup: "Jersey", price: 7.5 },
  { name: "Blouse", kind: "Upper body", garmentGroup: "Blouses and Tunics", price: 15 },
  { name: "Shirt", kind: "Upper body", garmentGroup: "Shirting", price: 15.5 },
  { name: "Bra", kind: "Underwear", garmentGroup: "Underclothes", price: 13 },
  { name: "Jacket", kind: "Upper body", garmentGroup: "Outer layers", price: 29 },
  { name: "Leggings", kind: "Lower body", garmentGroup: "Jersey", price: 9.5 },
  { name: "Skirt", kind: "Lower body", garmentGroup: "Skirts", price: 15 },
  { name: "Shorts", kind: "Lower body", garmentGroup: "Shorts", price: 13 },
  { name: "Hooded top", kind: "Upper body", garmentGroup: "Jersey", price: 18 },
  { name: "Cardigan", kind: "Upper body", garmentGroup: "Knits", price: 18 },
  { name: "Briefs", kind: "Underwear", garmentGroup: "Underclothes", price: 8 },
  { name: "Socks", kind: "Socks and tights", garmentGroup: "Hosiery", price: 5 },
  { name: "Tights", kind: "Socks and tights", garmentGroup: "Hosiery", price: 7 },
  { name: "Pyjamas", kind: "Nightwear", garmentGroup: "Nightclothes", price: 16 },
  { name: "Bikini", kind: "Swimwear", garmentGroup: "Swim and Beach", price: 12 },
  { name: "Coat", kind: "Upper body", garmentGroup: "Outer layers", price: 42 },
  { name: "Jumpsuit", kind: "Full body", garmentGroup: "Dresses", price: 22 },
  { name: "Vest", kind: "Upper body", garmentGroup: "Jersey", price: 7 },
  { name: "Boots", kind: "Footwear", garmentGroup: "Footwear", price: 34 },
  { name: "Sneakers", kind: "Footwear", garmentGroup: "Footwear", price: 22 },
  { name: "Sandals", kind: "Footwear", garmentGroup: "Footwear", price: 16 },
  { name: "Bag", kind: "Accessories", garmentGroup: "Add-ons", price: 16 },
  { name: "Scarf", kind: "Accessories", garmentGroup: "Add-ons", price: 10 },
  { name: "Hat", kind: "Accessories", garmentGroup: "Add-ons", price: 9 },
  { name: "Belt", kind: "Accessories", garmentGroup: "Add-ons", price: 8 },
  { name: "Earrings", kind: "Accessories", garmentGroup: "Add-ons", price: 6 },
];

export const colourMasters = [
  "Black",
  "White",
  "Blue",
  "Grey",
  "Pink",
  "Beige",
  "Green",
  "Red",
  "Yellow",
  "Brown",
  "Purple",
  "Orange",
] as const;
/** How often a colour master is made; sums to 1. */
export const colourShares = [0.22, 0.15, 0.15, 0.09, 0.09, 0.09, 0.06, 0.05, 0.03, 0.04, 0.02, 0.01] as const;
export const shades = ["", "Light ", "Dark ", "Dusty "] as const;

export const appearances = [
  "Plain",
  "Striped",
  "Floral",
  "Checked",
  "Dotted",
  "Placed print",
  "Melange",
  "Lace",
  "Denim wash",
  "Colour blocked",
  "Glitter",
  "Embroidered",
] as const;

export const materials = [
  "cotton jersey",
  "soft rib knit",
  "woven viscose",
  "washed linen",
  "recycled polyester",
  "brushed fleece",
  "stretch denim",
  "fine merino",
  "crisp poplin",
  "satin",
  "corduroy",
  "mesh",
] as const;

export const fits = ["relaxed", "slim", "oversized", "straight", "cropped", "fitted", "loose", "regular"] as const;
export const details = [
  "a round neckline",
  "a concealed zip",
  "side pockets",
  "dropped shoulders",
  "long sleeves",
  "short sleeves",
  "an elasticated waist",
  "buttons at the front",
  "a high waist",
  "a narrow collar",
  "ribbed trims",
  "adjustable straps",
  "a lined hood",
  "raw edges",
] as const;

const syllables = [
  "al",
  "be",
  "co",
  "da",
  "el",
  "fi",
  "go",
  "ha",
  "is",
  "ju",
  "ka",
  "lo",
  "mi",
  "no",
  "or",
  "pa",
  "ri",
  "su",
  "ta",
  "ve",
] as const;

/** An invented proper name from a number; the same number gives the same name. */
export function inventedName(number: number): string {
  let rest = number + syllables.length;
  let text = "";
  while (rest > 0) {
    text += syllables[rest % syllables.length];
    rest = Math.floor(rest / syllables.length);
  }
  return text[0]!.toUpperCase() + text.slice(1);
}
