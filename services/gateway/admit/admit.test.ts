import { describe, expect, it } from "vitest";
import { ModisteError } from "#libs/core/errors.ts";
import { PopularRequest, RecommendRequest, SimilarItemsRequest } from "#protos/recommender.ts";
import { EventType } from "#protos/types.ts";
import { dataEnd, sixItems } from "../test-shop.fixture.ts";
import { admitPopular, admitRecommend, admitSimilar } from "./admit.ts";

const release = sixItems();
const recommend = (fields: Parameters<typeof RecommendRequest.fromPartial>[0]) =>
  admitRecommend(RecommendRequest.fromPartial(fields), release, dataEnd);

function refusal(run: () => unknown): ModisteError {
  try {
    run();
  } catch (error) {
    if (error instanceof ModisteError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("a request that is refused names its field", () => {
  const event = { itemId: "a0", type: EventType.EVENT_TYPE_VIEW };
  it.each([
    ["n", { n: 0 }, "n: must be a whole number from 1 to 200, got 0"],
    ["n", { n: 201 }, "n: must be a whole number from 1 to 200, got 201"],
    ["surface", { surface: "attic" }, 'surface: "attic" is none of home, product, basket, email'],
    ["surface", { surface: "__proto__" }, 'surface: "__proto__" is none of home, product, basket, email'],
    ["user_id", { userId: "x".repeat(257) }, "user_id: is longer than 256 bytes"],
    ["user_id", { userId: "é".repeat(129) }, "user_id: is longer than 256 bytes"],
    ["session_id", { sessionId: "a\nb" }, "session_id: has a control character at position 1"],
    [
      "filter.attributes[0].attribute",
      { filter: { attributes: [{ attribute: "size", values: ["M"] }] } },
      'filter.attributes[0].attribute: "size" is no attribute of this catalogue; known are category, colour',
    ],
    [
      "filter.attributes[0].values",
      { filter: { attributes: [{ attribute: "colour", values: [] }] } },
      "filter.attributes[0].values: needs at least one value",
    ],
    ["filter.price_min", { filter: { priceMin: -1 } }, "filter.price_min: must be a number of 0 or more, got -1"],
    ["filter.price_min", { filter: { priceMin: 5, priceMax: 4 } }, "filter.price_min: is above filter.price_max"],
    ["events", { events: new Array(201).fill(event) }, "events: has 201 entries, at most 200 are taken"],
    ["events[0].type", { events: [{ itemId: "a0" }] }, "events[0].type: is not one of view, cart, purchase, like, dislike, remove"],
    ["events[0].item_id", { events: [{ type: EventType.EVENT_TYPE_VIEW }] }, "events[0].item_id: is empty"],
  ] as const)("%s %#", (field, fields, message) => {
    const error = refusal(() => recommend(fields as Parameters<typeof recommend>[0]));
    expect(error.code).toBe("invalid_argument");
    expect(error.field).toBe(field);
    expect(error.detail).toBe(message);
  });
  it("an item that the catalogue does not have is not found", () => {
    const error = refusal(() => admitSimilar(SimilarItemsRequest.fromPartial({ itemId: "zz" }), release, dataEnd));
    expect([error.code, error.field]).toEqual(["not_found", "item_id"]);
  });
});

describe("an admitted request", () => {
  it("without a count asks for 12, on the home surface, for the serving instant", () => {
    expect(recommend({ userId: "u" })).toMatchObject({ limit: 12, surface: { name: "home" }, nowSeconds: dataEnd, subjects: ["u"] });
  });
  it("of a user with a session reads both profiles", () => {
    expect(recommend({ userId: "u", sessionId: "s" }).subjects).toEqual(["u", "session:s"]);
  });
  it("of nobody reads none", () => {
    expect(recommend({}).subjects).toEqual([]);
  });
  it("never looks at an event after its own instant", () => {
    const query = recommend({ events: [{ itemId: "a0", type: EventType.EVENT_TYPE_VIEW, timeSeconds: dataEnd + 500 }] });
    expect(query.session[0]!.timeSeconds).toBe(dataEnd);
  });
  it("for popular items takes the audience's attributes", () => {
    expect(admitPopular(PopularRequest.fromPartial({ segment: { age: "31" } }), release, dataEnd).attributes.get("age")).toBe("31");
  });
});
