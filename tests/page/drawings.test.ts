import { describe, expect, it } from "vitest";
import { colourWord, paintOf } from "../../services/gateway/web/page/colours.ts";
import { silhouettes } from "../../services/gateway/web/page/silhouettes.ts";
import { silhouetteOf } from "../../services/gateway/web/page/which-silhouette.ts";

describe("silhouettes", () => {
  it.each([
    ["Trousers", "trousers"],
    ["Leggings/Tights", "socks"],
    ["Vest top", "top"],
    ["T-shirt", "tee"],
    ["Shirt", "shirt"],
    ["Sweater", "sweater"],
    ["Hooded top", "hoodie"],
    ["Tailored Waistcoat", "jacket"],
    ["Coat", "coat"],
    ["Dress", "dress"],
    ["Bikini top", "bikini"],
    ["Swimsuit", "jumpsuit"],
    ["Underwear bottom", "briefs"],
    ["Hair string", "hat"],
    ["Earrings", "jewellery"],
    ["Pumps", "heels"],
    ["Other shoe", "sneakers"],
    ["Weekend/Gym bag", "bag"],
    ["Tie", "scarf"],
  ])("%s is drawn as %s", (category, name) => {
    expect(silhouetteOf(category)).toBe(name);
  });

  it("falls back on what the other words say, and on nothing for a film", () => {
    expect(silhouetteOf("Unknown", "Dresses Ladies")).toBe("dress");
    expect(silhouetteOf("Drama", "Thriller")).toBeNull();
  });

  it("are paths inside of their square", () => {
    for (const [name, { outlines, seams }] of Object.entries(silhouettes)) {
      const numbers =
        [...outlines, ...seams]
          .join(" ")
          .replace(/[Aa][^A-Za-z]*/g, " ")
          .match(/-?\d+(\.\d+)?/g)
          ?.map(Number) ?? [];
      expect(
        numbers.every((value) => value >= 0 && value <= 110),
        name,
      ).toBe(true);
    }
  });
});

describe("colours", () => {
  it("shades change a colour, the same word is the same colour, an unknown word gets one of its own", () => {
    expect(paintOf("Black", "")).toEqual(paintOf("black", "x"));
    expect(new Set(["Blue", "Light Blue", "Dark Blue", "Dusty Blue"].map((word) => paintOf(word, "").fill)).size).toBe(4);
    expect(paintOf("Ultraviolet", "").fill).toMatch(/^#[0-9a-f]{6}$/);
    expect(paintOf("Ultraviolet", "")).toEqual(paintOf("Ultraviolet", "x"));
    expect(paintOf("Unknown", "a").fill).not.toBe(paintOf("Unknown", "b").fill);
  });

  it("the finer word counts, where it says something", () => {
    expect(colourWord({ colour: "Dark Blue", colour_master: "Blue" })).toBe("Dark Blue");
    expect(colourWord({ colour: "Other", colour_master: "Blue" })).toBe("Blue");
    expect(colourWord({ genre: "Drama" })).toBe("");
  });
});
