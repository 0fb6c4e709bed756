/** Simple garments, drawn on a square of 100: an outline that takes the colour and pattern, and seams above it. */

/** Half an outline, from the top centre to the bottom centre: points [x, y] and curves [x1, y1, x2, y2, x, y]; x counts from the centre line. */
type Half = readonly (readonly number[])[];

export interface Silhouette {
  /** Filled paths. */
  readonly outlines: readonly string[];
  /** Stroked paths above the fill. */
  readonly seams: readonly string[];
}

const centre = 50;

/** A whole, symmetric outline from its right half: down the right side, then up the left one. */
function mirrored(half: Half): string {
  const at = (x: number, y: number): string => `${centre + x} ${y}`;
  const down = half
    .slice(1)
    .map((step) =>
      step.length === 2 ? `L${at(step[0]!, step[1]!)}` : `C${at(step[0]!, step[1]!)} ${at(step[2]!, step[3]!)} ${at(step[4]!, step[5]!)}`,
    );
  const up: string[] = [];
  for (let i = half.length - 1; i > 0; i--) {
    const step = half[i]!;
    const [x, y] = half[i - 1]!.slice(-2) as [number, number];
    up.push(step.length === 2 ? `L${at(-x, y)}` : `C${at(-step[2]!, step[3]!)} ${at(-step[0]!, step[1]!)} ${at(-x, y)}`);
  }
  const [x, y] = half[0] as readonly [number, number];
  return `M${at(x, y)}${down.join("")}${up.join("")}Z`;
}

const one = (half: Half, ...seams: string[]): Silhouette => ({ outlines: [mirrored(half)], seams });
const drawn = (outlines: readonly string[], ...seams: string[]): Silhouette => ({ outlines, seams });

const neckline = [0, 25, 6, 25, 10, 21, 11, 15] as const;
const roundNeck: Half = [[neckline[0], neckline[1]], neckline.slice(2)];
const longSleeves: Half = [
  [16, 16, 20, 18, 23, 21],
  [31, 30, 40, 58, 44, 75],
  [34, 80],
  [30, 66, 26, 54, 21, 44],
];
const collar = "M39 15L44 26L50 20L56 26L61 15";
const buttons = "M50 24V92";

export const silhouettes = {
  tee: one(
    [...roundNeck, [17, 17, 21, 18, 24, 21], [43, 40], [32, 50], [24, 43], [23, 92], [10, 94, 4, 94, 0, 94]],
    "M37 17C40 28 60 28 63 17",
  ),
  top: one([
    [0, 33],
    [7, 32, 9, 24, 9, 12],
    [15, 12],
    [15, 26, 18, 36, 25, 40],
    [22, 56, 22, 74, 25, 92],
    [12, 95, 5, 95, 0, 95],
  ]),
  shirt: one([[0, 19], [5, 18, 9, 17, 11, 13], ...longSleeves, [20, 92], [12, 96, 5, 96, 0, 93]], collar, buttons, "M59 42H66V51H59Z"),
  sweater: one(
    [...roundNeck, ...longSleeves, [20, 90], [12, 91, 5, 91, 0, 91]],
    "M38 18C42 30 58 30 62 18",
    "M30 84H70",
    "M8 69L19 74M92 69L81 74",
  ),
  hoodie: one(
    [[0, 10], [9, 10, 15, 13, 16, 18], ...longSleeves.slice(1), [20, 90], [12, 91, 5, 91, 0, 91]],
    "M35 18C38 34 62 34 65 18C60 13 40 13 35 18",
    "M36 84L40 66H60L64 84",
    "M46 31V44M54 31V44",
  ),
  cardigan: one(
    [[0, 48], [6, 36, 10, 24, 11, 14], ...longSleeves, [20, 92], [12, 93, 5, 93, 0, 93]],
    "M50 48V93",
    "M39 14C40 26 45 38 50 48C55 38 60 26 61 14",
    "M47 58H47.1M47 70H47.1M47 82H47.1",
  ),
  jacket: one(
    [[0, 24], [6, 22, 10, 18, 12, 11], ...longSleeves, [20, 82], [12, 84, 5, 84, 0, 84]],
    "M50 24V84",
    "M38 11L34 28L44 34L50 24L56 34L66 28L62 11",
    "M34 64L43 62M66 64L57 62",
  ),
  coat: one(
    [
      [0, 22],
      [6, 20, 10, 16, 12, 9],
      [17, 12, 21, 14, 23, 17],
      [29, 26, 36, 56, 38, 72],
      [28, 75],
      [26, 60, 24, 52, 22, 44],
      [27, 100],
      [12, 102, 5, 102, 0, 102],
    ],
    "M50 22V102",
    "M38 9L32 28L44 36L50 24L56 36L68 28L62 9",
    "M30 70L41 67M70 70L59 67",
    "M28 54H72",
  ),
  dress: one(
    [
      [0, 29],
      [6, 28, 8, 22, 9, 10],
      [14, 10],
      [14, 22, 15, 30, 19, 34],
      [17, 42, 14, 46, 13, 51],
      [20, 66, 27, 82, 32, 96],
      [16, 101, 6, 101, 0, 101],
    ],
    "M37 51C44 54 56 54 63 51",
    "M42 56L36 96M58 56L64 96",
  ),
  jumpsuit: one(
    [
      [0, 26],
      [6, 25, 8, 20, 9, 9],
      [14, 9],
      [14, 20, 15, 27, 19, 31],
      [17, 38, 14, 42, 14, 46],
      [20, 58, 22, 80, 22, 101],
      [7, 101],
      [7, 86, 5, 72, 0, 64],
    ],
    "M36 46C44 49 56 49 64 46",
    "M50 49V64",
  ),
  skirt: one(
    [
      [0, 20],
      [15, 20],
      [16, 28],
      [23, 46, 30, 70, 34, 90],
      [18, 96, 6, 96, 0, 96],
    ],
    "M34 28H66",
    "M44 30L36 93M56 30L64 93M50 30V95",
  ),
  trousers: one(
    [
      [0, 10],
      [19, 10],
      [22, 30],
      [24, 54, 23, 80, 23, 101],
      [8, 101],
      [7, 80, 5, 56, 0, 42],
    ],
    "M31 17H69",
    "M50 17V42",
    "M34 18C34 26 31 28 28 29M66 18C66 26 69 28 72 29",
  ),
  leggings: one(
    [
      [0, 10],
      [16, 10],
      [19, 22, 20, 32, 19, 44],
      [17, 66, 14, 84, 13, 101],
      [5, 101],
      [5, 80, 4, 60, 0, 44],
    ],
    "M34 17H66",
  ),
  shorts: one(
    [
      [0, 24],
      [20, 24],
      [24, 44, 27, 60, 29, 76],
      [6, 79],
      [5, 68, 3, 60, 0, 54],
    ],
    "M30 32H70",
    "M50 32V54",
    "M22 70L43 73M78 70L57 73",
  ),
  bra: one(
    [
      [0, 54],
      [6, 48, 12, 42, 16, 36],
      [22, 12],
      [25, 12],
      [23, 38],
      [32, 42, 37, 48, 39, 57],
      [34, 70, 20, 76, 10, 72],
      [5, 70, 2, 66, 0, 63],
    ],
    "M15 60C30 56 44 58 50 60C56 58 70 56 85 60",
  ),
  briefs: one(
    [
      [0, 34],
      [32, 34],
      [34, 46],
      [24, 50, 14, 62, 9, 82],
      [4, 83, 2, 83, 0, 83],
    ],
    "M17 42H83",
  ),
  bikini: {
    outlines: [
      mirrored([
        [0, 34],
        [6, 24, 10, 18, 14, 8],
        [16, 8],
        [26, 22, 30, 32, 32, 42],
        [20, 46, 8, 44, 0, 40],
      ]),
      mirrored([
        [0, 62],
        [30, 62],
        [32, 68],
        [20, 74, 12, 84, 8, 96],
        [4, 97, 2, 97, 0, 97],
      ]),
    ],
    seams: ["M18 42L6 46M82 42L94 46", "M50 34V40"],
  },
  socks: drawn(
    [
      "M46 10H66V52C66 62 74 66 82 72C92 80 88 94 76 94C66 94 60 92 54 86C48 80 46 72 46 62Z",
      "M22 16H42V56C42 66 50 72 56 78C62 88 56 98 46 98C36 98 30 92 26 86C22 80 22 72 22 64Z",
    ],
    "M46 18H66M22 24H42",
  ),
  sneakers: drawn(
    ["M12 54C18 60 28 58 34 46L46 50C52 60 62 66 78 68C88 70 91 76 90 82H12Z", "M10 82H91C91 89 88 91 84 91H16C12 91 10 88 10 82Z"],
    "M40 52L46 60M46 50L52 62M51 56L58 65",
    "M12 70C24 74 32 72 36 66",
  ),
  boots: drawn(
    ["M32 12H58V58C64 68 80 68 86 76C88 80 88 84 88 86H32Z", "M31 86H89V92H60L57 95H31Z"],
    "M32 20H58",
    "M45 20C43 36 43 46 46 56",
  ),
  heels: drawn(
    ["M10 44C20 50 34 66 50 72C66 78 88 72 92 84C92 88 88 89 84 89H62C48 89 36 82 26 72L22 92H18L14 66C10 60 9 50 10 44Z"],
    "M26 72C32 74 40 74 48 72",
  ),
  sandals: drawn([
    "M10 80C30 74 62 84 90 79C94 86 90 91 82 91H18C11 91 8 86 10 80Z",
    "M22 80C22 56 40 52 50 80L44 81C38 64 30 66 28 79Z",
    "M58 81C58 62 76 60 82 80L76 81C74 70 66 70 64 81Z",
  ]),
  bag: drawn(
    [
      "M22 44H78C81 44 83 46 83 49L88 90C88 94 86 96 82 96H18C14 96 12 94 12 90L17 49C17 46 19 44 22 44Z",
      "M33 46C33 12 67 12 67 46H62C62 20 38 20 38 46Z",
    ],
    "M16 58C36 68 64 68 84 58",
    "M46 63H54V72H46Z",
  ),
  hat: drawn(
    ["M6 70C20 60 80 60 94 70C90 82 10 82 6 70Z", "M26 67C26 28 34 26 50 30C66 26 74 28 74 67C62 73 38 73 26 67Z"],
    "M26 58C40 64 60 64 74 58",
  ),
  scarf: drawn(
    ["M54 44L72 96H52L44 48Z", "M24 28C24 10 76 10 76 28C76 48 24 48 24 28Z"],
    "M34 28C38 20 62 20 66 28C62 34 38 34 34 28",
    "M56 90L55 96M62 90L62 96M68 90L69 96",
  ),
  belt: drawn(["M8 44H92V60H8Z", "M30 38H54V66H30ZM36 44V60H48V44Z"], "M62 52H62.1M72 52H72.1M82 52H82.1", "M34 52H48"),
  jewellery: drawn(
    ["M30 40A19 19 0 1 1 29.900 40ZM30 46A13 13 0 1 0 30.100 46Z", "M70 40A19 19 0 1 1 69.900 40ZM70 46A13 13 0 1 0 70.100 46Z"],
    "M30 40V30M70 40V30",
  ),
  sunglasses: drawn(
    ["M8 46H46C46 66 38 72 28 72C16 72 8 64 8 46Z", "M54 46H92C92 64 84 72 72 72C62 72 54 66 54 46Z"],
    "M46 48C48 45 52 45 54 48",
  ),
  hanger: drawn(["M50 40L92 72C95 75 94 80 89 80H11C6 80 5 75 8 72ZM50 47L18 73H82Z"], "M50 40V34C50 31 57 30 57 24C57 15 43 15 43 24"),
} as const satisfies Readonly<Record<string, Silhouette>>;

export type SilhouetteName = keyof typeof silhouettes;
