/** Line icons on a square of 24. */

import { s } from "./dom.ts";

const paths = {
  look: ["M2 12C5 6.500 8.500 4.500 12 4.500S19 6.500 22 12C19 17.500 15.500 19.500 12 19.500S5 17.500 2 12Z", "M12 9A3 3 0 1 1 11.990 9Z"],
  like: [
    "M12 20C5 15 3 12 3 8.500C3 5.500 5.200 3.500 7.700 3.500C9.500 3.500 11.100 4.500 12 6.200C12.900 4.500 14.500 3.500 16.300 3.500C18.800 3.500 21 5.500 21 8.500C21 12 19 15 12 20Z",
  ],
  dislike: ["M12 3.500A8.500 8.500 0 1 1 11.990 3.500Z", "M6.200 6.200L17.800 17.800"],
  similar: ["M4 4H14V14H4Z", "M10 18V20H20V10H18"],
  bag: ["M5 8H19L20.500 20.500H3.500Z", "M8.500 10V7C8.500 2.500 15.500 2.500 15.500 7V10"],
} as const;

export type IconName = keyof typeof paths;

export function icon(name: IconName): SVGElement {
  return s("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, ...paths[name].map((d) => s("path", { d })));
}
