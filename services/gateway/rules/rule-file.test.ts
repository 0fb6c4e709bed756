import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readRules, rulesMax, wheresMax } from "./rule-file.ts";

const knows = (name: string): boolean => ["colour", "category"].includes(name);

/** A list of rules, one a text, each written with its name on the first line. */
const file = (...rules: readonly string[]): string =>
  `rules:\n${rules.map((rule) => `  - ${rule.trim().replaceAll("\n", "\n    ")}\n`).join("")}`;

const full = `
# Everything that a rule may say.
rules:
  - name: autumn-coats
    when:
      requests: recommend
      surfaces: [home, email]
      categories: Coat
      attributes: { colour: [Black, 31], category: [] }
      users: known
      segment: { age: [30, 31] }
      from: 2026-09-01
      until: 2026-12-01T08:00:00+01:00
    then:
      pin: [{ item: 0106132001, position: 1 }]
      boost: [{ where: { categories: Coat, product_groups: [0106132], attributes: { colour: Black } }, factor: 2.5 }]
      bury: [{ where: { items: [a, b] }, factor: 4 }]
      hide: [{ attributes: { colour: Pink } }]
`;

describe("a rule file", () => {
  it("is read with every id and value as it is written", () => {
    const { rules, problems } = readRules(full, knows);
    expect(problems).toEqual([]);
    expect(rules).toEqual([
      {
        name: "autumn-coats",
        when: {
          requests: ["recommend"],
          surfaces: ["home", "email"],
          categories: ["Coat"],
          attributes: { colour: ["Black", "31"], category: [] },
          users: ["known"],
          segment: { age: ["30", "31"] },
          from: Date.UTC(2026, 8, 1) / 1000,
          until: Date.UTC(2026, 11, 1, 7) / 1000,
        },
        pin: [{ item: "0106132001", position: 1 }],
        boost: [{ where: { categories: ["Coat"], product_groups: ["0106132"], attributes: { colour: ["Black"] } }, factor: 2.5 }],
        bury: [{ where: { items: ["a", "b"] }, factor: 4 }],
        hide: [{ attributes: { colour: ["Pink"] } }],
      },
    ]);
  });

  it("is what docs/rules.md shows", () => {
    const [, example = ""] = /```yaml\n(.*?)```/s.exec(readFileSync(new URL("../../../docs/rules.md", import.meta.url), "utf8")) ?? [];
    const { rules, problems } = readRules(example, knows);
    expect(problems).toEqual([]);
    expect(rules.map(({ name, hide }) => [name, hide])).toEqual([["winter-coats", [{ items: ["0105050001"] }]]]);
  });

  it("may hold no rule, and a rule no condition", () => {
    expect(readRules("rules: []", knows)).toEqual({ rules: [], problems: [] });
    expect(readRules(file("name: a\nthen: { hide: [{ items: x }] }"), knows).rules[0]!.when).toEqual({});
  });

  it("that is wrong names every problem with its place at once", () => {
    const text = file(
      "name: twice\nwhen: { surfaces: [home, window], users: nobody, from: 2026-12-01, until: 2026-12-01, weekday: monday }\nthen: { pin: [{ item: a, position: 0 }, { item: b, position: 201 }, { item: b, position: 3 }] }",
      "name: twice\nwhen: { attributes: { smell: sweet }, from: soon }\nthen: { boost: [{ where: {}, factor: 0 }, { where: { attributes: { smell: [x] } }, factor: -1 }], hide: [] }",
      "name: Bad Name\nextra: 1\nthen: {}",
      "then: { bury: [{ where: { items: [] }, factor: lots }], drop: [] }",
    );
    const factor = "must be a number above 1 and at most 1000000: `boost` raises, `bury` lowers by it";
    const position = "must be a whole number from 1 to 200";
    const name = "must be lower-case letters, digits, - and _, at most 64";
    const expected = [
      "rules[0].when.surfaces[1]: must be one of home, product, basket, email",
      "rules[0].when.users[0]: must be one of known, unknown, session, unavailable",
      "rules[0].when.weekday: unknown",
      "rules[0].when.until: must be after `from`",
      `rules[0].then.pin[0].position: ${position}`,
      `rules[0].then.pin[1].position: ${position}`,
      "rules[0].then.pin[2].item: b stands in [1] already",
      "rules[1].name: twice stands in [0] already",
      "rules[1].when.attributes.smell: no attribute of the serving catalogue",
      "rules[1].when.from: must be a day such as 2026-12-01 (midnight UTC), or a time with its offset such as 2026-12-01T08:00:00+01:00",
      "rules[1].then.boost[0].where: names no condition, which would be every item",
      `rules[1].then.boost[0].factor: ${factor}`,
      "rules[1].then.boost[1].where.attributes.smell: no attribute of the serving catalogue",
      `rules[1].then.boost[1].factor: ${factor}`,
      `rules[2].name: ${name}`,
      "rules[2].extra: unknown",
      "rules[2].then: does nothing; expected pin, boost, bury or hide",
      "rules[3].name: must be a name",
      "rules[3].then.bury[0].where.items: names nothing",
      `rules[3].then.bury[0].factor: ${factor}`,
      "rules[3].then.drop: unknown",
    ];
    const { rules, problems } = readRules(text, knows);
    expect([...problems].sort()).toEqual([...expected].sort());
    expect(rules).toEqual([]);
  });

  it("is not checked for attributes while no release serves", () => {
    expect(readRules(file("name: a\nthen: { hide: [{ attributes: { smell: sweet } }] }"), null).problems).toEqual([]);
  });

  it("that is no YAML, or another document, says so with its place", () => {
    expect(readRules("rules:\n  - name: a\n  - [", knows).problems.join()).toMatch(/at line 3, column \d/);
    expect(readRules("rules: []\nrules: []", knows).problems.join()).toMatch(/Map keys must be unique at line 2/);
    expect(readRules("", knows).problems).toEqual(["document: Invalid input: expected object, received null"]);
    expect(readRules("rules: []\nversion: 2", knows).problems).toEqual(["version: unknown"]);
  });

  it("has limits", () => {
    const many = Array.from({ length: rulesMax + 1 }, (_, i) => `name: r${i}\nthen: { pin: [{ item: a, position: 1 }] }`);
    expect(readRules(file(...many), knows).problems).toEqual([`rules: has more than ${rulesMax} rules`]);
    const hides = Array.from({ length: wheresMax + 1 }, (_, i) => `{ items: i${i} }`).join(", ");
    const problem = `rules: have ${wheresMax + 1} boosts, buries and hides together, at most ${wheresMax} are taken`;
    expect(readRules(file(`name: a\nthen: { hide: [${hides}] }`), knows).problems).toEqual([problem]);
    const bad = file('name: a\nthen: { pin: [{ item: "a\\x01", position: 1 }] }');
    expect(readRules(bad, knows).problems).toEqual(["rules[0].then.pin[0].item: has a control character at position 1"]);
  });
});
