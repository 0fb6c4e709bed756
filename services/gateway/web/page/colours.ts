/** Colour words of catalogues as colours of the screen. */

interface Rgb {
  readonly r: number;
  readonly g: number;
  readonly b: number;
}

/** Calm versions: fabric, not signal lamps. Longer words first where one contains another. */
const words: readonly (readonly [string, string])[] = [
  ["greenish khaki", "#7b7a55"],
  ["khaki", "#8a8560"],
  ["yellowish brown", "#a47b45"],
  ["yellowish green", "#a3ad58"],
  ["bluish green", "#4d8d86"],
  ["greyish beige", "#b5aa9a"],
  ["off white", "#f3efe6"],
  ["lilac", "#b39ac6"],
  ["turquoise", "#4aa5a6"],
  ["transparent", "#dfe7ea"],
  ["burgundy", "#6d2338"],
  ["bronze", "#9c6b43"],
  ["copper", "#b0704c"],
  ["metal", "#a9a9ad"],
  ["silver", "#bfc2c7"],
  ["orange", "#d98349"],
  ["purple", "#7c5c93"],
  ["yellow", "#e2c25f"],
  ["black", "#26241f"],
  ["white", "#fbf9f4"],
  ["beige", "#d8c6a8"],
  ["brown", "#7d5a41"],
  ["green", "#5d8561"],
  ["mole", "#8d7f74"],
  ["navy", "#27344f"],
  ["pink", "#dd9aa8"],
  ["gold", "#c6a257"],
  ["grey", "#8f8f8e"],
  ["gray", "#8f8f8e"],
  ["blue", "#4c6f9c"],
  ["red", "#b0433f"],
];

/** How a shade word changes a colour: towards which, by how much. */
const shades: readonly (readonly [string, Rgb, number])[] = [
  ["light", { r: 255, g: 252, b: 246 }, 0.45],
  ["dark", { r: 24, g: 20, b: 20 }, 0.42],
  ["dusty", { r: 150, g: 140, b: 132 }, 0.35],
];

function parse(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16);
  return { r: value >> 16, g: (value >> 8) & 255, b: value & 255 };
}

function mix(from: Rgb, to: Rgb, share: number): Rgb {
  const one = (a: number, b: number): number => Math.round(a + (b - a) * share);
  return { r: one(from.r, to.r), g: one(from.g, to.g), b: one(from.b, to.b) };
}

const css = ({ r, g, b }: Rgb): string => `#${[r, g, b].map((part) => part.toString(16).padStart(2, "0")).join("")}`;

/** FNV-1a, so that a word always gets the same colour. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}

/** A muted colour of any hue. */
function hashedColour(text: string): Rgb {
  const hue = hashOf(text) % 360;
  const channel = (offset: number): number => {
    const k = (offset + hue / 30) % 12;
    return Math.round(255 * (0.56 - 0.26 * 0.44 * 2 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return { r: channel(0), g: channel(8), b: channel(4) };
}

export interface Paint {
  readonly fill: string;
  /** Outlines and seams: readable on the fill and around it. */
  readonly line: string;
  readonly light: boolean;
}

/** The paint of a colour word; a word that is not known gets a colour of its own, always the same. */
export function paintOf(word: string, fallback: string): Paint {
  const text = word.toLowerCase();
  const known = words.find(([name]) => text.includes(name));
  let colour = known ? parse(known[1]) : hashedColour(text && text !== "unknown" ? text : fallback);
  if (known) for (const [shade, to, share] of shades) if (text.includes(`${shade} `)) colour = mix(colour, to, share);
  const brightness = (0.299 * colour.r + 0.587 * colour.g + 0.114 * colour.b) / 255;
  const line =
    brightness < 0.32
      ? mix(colour, { r: 255, g: 250, b: 240 }, 0.38)
      : mix(colour, { r: 20, g: 14, b: 10 }, brightness > 0.8 ? 0.36 : 0.32);
  return { fill: css(colour), line: css(line), light: brightness > 0.6 };
}

/** Names under which catalogues keep a colour, the finer one first. */
const colourAttributes = ["colour", "color", "colour_master"];

export function colourWord(attributes: Readonly<Record<string, string>>): string {
  for (const name of colourAttributes) {
    const value = attributes[name];
    if (value && !/^(unknown|undefined|other)$/i.test(value)) return value;
  }
  return "";
}
