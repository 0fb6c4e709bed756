// page/api.ts
var ApiError = class extends Error {
  name = "ApiError";
};
async function detailOf(response) {
  const problem = await response.json().catch(() => ({}));
  return typeof problem.detail === "string" ? problem.detail : "";
}
async function call(path, init = {}) {
  let response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError("The server does not answer. Is modiste still running?");
  }
  if (response.ok) return await response.json();
  const detail = await detailOf(response);
  if (response.status >= 500) throw new ApiError(`The server could not answer${detail ? `: ${detail}` : ""}.`);
  throw new ApiError(detail || `The server refused the request (${response.status}).`);
}
var getShop = () => call("/page/start");
var getUser = (subject) => call(`/v1/users/${encodeURIComponent(subject)}`);
var getTrace = (id) => call(`/v1/traces/${encodeURIComponent(id)}`);
var getRecommendations = (query, signal) => call(`/v1/recommendations?${query}`, { signal });
var getSimilar = (item, query, signal) => call(`/v1/items/${encodeURIComponent(item)}/similar?${query}`, { signal });
async function sendEvent(event) {
  const headers = { "content-type": "application/json" };
  const { results } = await call("/v1/events", { method: "POST", headers, body: JSON.stringify({ events: [event] }) });
  const [result] = results;
  if (!result?.accepted) throw new ApiError(`The event was refused: ${result?.message ?? "no result"}.`);
}

// page/dom.ts
var svgSpace = "http://www.w3.org/2000/svg";
function fill(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === void 0 || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child === null || child === void 0 || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}
function h(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}
function s(tag, props = {}, ...children) {
  return fill(document.createElementNS(svgSpace, tag), props, children);
}
function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}
function styled(element, properties) {
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
  return element;
}

// page/visitor.ts
var sessionKey = "modiste-session";
function randomId() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
function stored() {
  try {
    return sessionStorage.getItem(sessionKey);
  } catch {
    return null;
  }
}
function store(id) {
  try {
    sessionStorage.setItem(sessionKey, id);
  } catch {
  }
  return id;
}
function sessionVisitor({ renew = false } = {}) {
  return { kind: "session", id: (renew ? null : stored()) ?? store(randomId()) };
}
var subjectOf = ({ kind, id }) => kind === "user" ? id : `session:${id}`;
function linkedVisitor(hash) {
  const id = new URLSearchParams(hash.replace(/^#/, "")).get("user");
  return id ? { kind: "user", id } : null;
}
var linkOf = (visitor) => visitor.kind === "user" ? `#${new URLSearchParams({ user: visitor.id })}` : "#";
var shortId = (id) => id.length > 14 ? `${id.slice(0, 6)}…${id.slice(-4)}` : id;

// page/words.ts
var gradeWords = {
  FULL: ["Complete", "Every part answered in time."],
  PARTIAL: ["Partial", "A source is missing, or there was no time to rank everything."],
  UNRANKED: ["Unranked", "The ranker is missing: ordered by what the sources agree on."],
  IMPERSONAL: ["Impersonal", "Nothing could be looked up about this visitor: popular items."],
  STATIC: ["Emergency list", "No source answered: the release's own popular list."]
};
var knowledgeWords = {
  KNOWN: "known",
  UNKNOWN: "unknown",
  SESSION: "this session only",
  UNAVAILABLE: "could not be looked up"
};
var didWords = {
  view: "looked at",
  cart: "put in the basket",
  purchase: "bought",
  like: "liked",
  dislike: "not for me",
  remove: "removed"
};
var surfaceWords = {
  home: "Home page",
  product: "Product page",
  basket: "Basket",
  email: "E-mail"
};
var filterWords = {
  available: "not on sale now",
  requested: "outside your filter",
  seen: "seen before",
  disliked: "disliked",
  hidden: "hidden by a rule"
};
var dates = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
var prices = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
var dateText = (seconds) => dates.format(new Date(seconds * 1e3));
var priceText = (price) => prices.format(price);
var msText = (ms) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
var plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
var sentence = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);
function degradedText(entry) {
  const [part = "", why = ""] = entry.split(":");
  return `${part}: ${why.replace(/_/g, " ")}`;
}

// page/controls.ts
function fillSelect(id, values, words2 = {}) {
  byId(id).append(...values.map((value) => h("option", { value }, words2[value] ?? value)));
}
function fillFilters(shop) {
  fillSelect("surface", shop.surfaces, surfaceWords);
  fillSelect("category", shop.categories);
  fillSelect("colour", shop.colours?.values ?? []);
  byId("colour-field").hidden = shop.colours === null;
  byId("price-field").hidden = !shop.priced;
}
function filterQuery(shop) {
  const query = new URLSearchParams();
  const value = (id) => byId(id).value;
  const put = (name, text) => {
    if (text !== "") query.append(name, text);
  };
  put("category", value("category"));
  if (shop.colours && value("colour") !== "") put("attribute", `${shop.colours.attribute}:${value("colour")}`);
  put("price_min", value("price-min"));
  put("price_max", value("price-max"));
  return query;
}
var surface = () => byId("surface").value;
function showPeople(shop, chosen, choose) {
  const person = (pressed, name, detail, onclick) => h(
    "button",
    { type: "button", class: "person", "aria-pressed": pressed ? "true" : "false", onclick },
    h("strong", {}, name),
    h("span", {}, detail)
  );
  const isUser = (id) => chosen.kind === "user" && chosen.id === id;
  const users = shop.users.map(
    ({ user_id, label }) => person(isUser(user_id), label, shortId(user_id), () => choose({ kind: "user", id: user_id }))
  );
  const other = chosen.kind === "user" && !shop.users.some(({ user_id }) => isUser(user_id));
  byId("people").replaceChildren(
    person(
      chosen.kind === "session",
      "New visitor",
      chosen.kind === "session" ? "press again for another" : "no history, a fresh session",
      () => choose("new")
    ),
    ...users,
    ...other ? [person(true, "Typed in", shortId(chosen.id), () => choose(chosen))] : []
  );
}

// page/colours.ts
var words = [
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
  ["red", "#b0433f"]
];
var shades = [
  ["light", { r: 255, g: 252, b: 246 }, 0.45],
  ["dark", { r: 24, g: 20, b: 20 }, 0.42],
  ["dusty", { r: 150, g: 140, b: 132 }, 0.35]
];
function parse(hex) {
  const value = Number.parseInt(hex.slice(1), 16);
  return { r: value >> 16, g: value >> 8 & 255, b: value & 255 };
}
function mix(from, to, share) {
  const one2 = (a, b) => Math.round(a + (b - a) * share);
  return { r: one2(from.r, to.r), g: one2(from.g, to.g), b: one2(from.b, to.b) };
}
var css = ({ r, g, b }) => `#${[r, g, b].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
function hashOf(text) {
  let hash = 2166136261;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619) >>> 0;
  return hash;
}
function hashedColour(text) {
  const hue = hashOf(text) % 360;
  const channel = (offset) => {
    const k = (offset + hue / 30) % 12;
    return Math.round(255 * (0.56 - 0.26 * 0.44 * 2 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return { r: channel(0), g: channel(8), b: channel(4) };
}
function paintOf(word, fallback) {
  const text = word.toLowerCase();
  const known = words.find(([name]) => text.includes(name));
  let colour = known ? parse(known[1]) : hashedColour(text && text !== "unknown" ? text : fallback);
  if (known) {
    for (const [shade, to, share] of shades) if (text.includes(`${shade} `)) colour = mix(colour, to, share);
  }
  const brightness = (0.299 * colour.r + 0.587 * colour.g + 0.114 * colour.b) / 255;
  const line = brightness < 0.32 ? mix(colour, { r: 255, g: 250, b: 240 }, 0.38) : mix(colour, { r: 20, g: 14, b: 10 }, brightness > 0.8 ? 0.36 : 0.32);
  return { fill: css(colour), line: css(line), light: brightness > 0.6 };
}
var colourAttributes = ["colour", "color", "colour_master"];
function colourWord(attributes) {
  for (const name of colourAttributes) {
    const value = attributes[name];
    if (value && !/^(unknown|undefined|other)$/i.test(value)) return value;
  }
  return "";
}

// page/silhouettes.ts
var centre = 50;
function mirrored(half) {
  const at = (x2, y2) => `${centre + x2} ${y2}`;
  const down = half.slice(1).map(
    (step) => step.length === 2 ? `L${at(step[0], step[1])}` : `C${at(step[0], step[1])} ${at(step[2], step[3])} ${at(step[4], step[5])}`
  );
  const up = [];
  for (let i = half.length - 1; i > 0; i--) {
    const step = half[i];
    const [x2, y2] = half[i - 1].slice(-2);
    up.push(step.length === 2 ? `L${at(-x2, y2)}` : `C${at(-step[2], step[3])} ${at(-step[0], step[1])} ${at(-x2, y2)}`);
  }
  const [x, y] = half[0];
  return `M${at(x, y)}${down.join("")}${up.join("")}Z`;
}
var one = (half, ...seams) => ({ outlines: [mirrored(half)], seams });
var drawn = (outlines, ...seams) => ({ outlines, seams });
var neckline = [0, 25, 6, 25, 10, 21, 11, 15];
var roundNeck = [[neckline[0], neckline[1]], neckline.slice(2)];
var longSleeves = [
  [16, 16, 20, 18, 23, 21],
  [31, 30, 40, 58, 44, 75],
  [34, 80],
  [30, 66, 26, 54, 21, 44]
];
var collar = "M39 15L44 26L50 20L56 26L61 15";
var buttons = "M50 24V92";
var silhouettes = {
  tee: one(
    [...roundNeck, [17, 17, 21, 18, 24, 21], [43, 40], [32, 50], [24, 43], [23, 92], [10, 94, 4, 94, 0, 94]],
    "M37 17C40 28 60 28 63 17"
  ),
  top: one([
    [0, 33],
    [7, 32, 9, 24, 9, 12],
    [15, 12],
    [15, 26, 18, 36, 25, 40],
    [22, 56, 22, 74, 25, 92],
    [12, 95, 5, 95, 0, 95]
  ]),
  shirt: one([[0, 19], [5, 18, 9, 17, 11, 13], ...longSleeves, [20, 92], [12, 96, 5, 96, 0, 93]], collar, buttons, "M59 42H66V51H59Z"),
  sweater: one(
    [...roundNeck, ...longSleeves, [20, 90], [12, 91, 5, 91, 0, 91]],
    "M38 18C42 30 58 30 62 18",
    "M30 84H70",
    "M8 69L19 74M92 69L81 74"
  ),
  hoodie: one(
    [[0, 10], [9, 10, 15, 13, 16, 18], ...longSleeves.slice(1), [20, 90], [12, 91, 5, 91, 0, 91]],
    "M35 18C38 34 62 34 65 18C60 13 40 13 35 18",
    "M36 84L40 66H60L64 84",
    "M46 31V44M54 31V44"
  ),
  cardigan: one(
    [[0, 48], [6, 36, 10, 24, 11, 14], ...longSleeves, [20, 92], [12, 93, 5, 93, 0, 93]],
    "M50 48V93",
    "M39 14C40 26 45 38 50 48C55 38 60 26 61 14",
    "M47 58H47.1M47 70H47.1M47 82H47.1"
  ),
  jacket: one(
    [[0, 24], [6, 22, 10, 18, 12, 11], ...longSleeves, [20, 82], [12, 84, 5, 84, 0, 84]],
    "M50 24V84",
    "M38 11L34 28L44 34L50 24L56 34L66 28L62 11",
    "M34 64L43 62M66 64L57 62"
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
      [12, 102, 5, 102, 0, 102]
    ],
    "M50 22V102",
    "M38 9L32 28L44 36L50 24L56 36L68 28L62 9",
    "M30 70L41 67M70 70L59 67",
    "M28 54H72"
  ),
  dress: one(
    [
      [0, 29],
      [6, 28, 8, 22, 9, 10],
      [14, 10],
      [14, 22, 15, 30, 19, 34],
      [17, 42, 14, 46, 13, 51],
      [20, 66, 27, 82, 32, 96],
      [16, 101, 6, 101, 0, 101]
    ],
    "M37 51C44 54 56 54 63 51",
    "M42 56L36 96M58 56L64 96"
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
      [7, 86, 5, 72, 0, 64]
    ],
    "M36 46C44 49 56 49 64 46",
    "M50 49V64"
  ),
  skirt: one(
    [
      [0, 20],
      [15, 20],
      [16, 28],
      [23, 46, 30, 70, 34, 90],
      [18, 96, 6, 96, 0, 96]
    ],
    "M34 28H66",
    "M44 30L36 93M56 30L64 93M50 30V95"
  ),
  trousers: one(
    [
      [0, 10],
      [19, 10],
      [22, 30],
      [24, 54, 23, 80, 23, 101],
      [8, 101],
      [7, 80, 5, 56, 0, 42]
    ],
    "M31 17H69",
    "M50 17V42",
    "M34 18C34 26 31 28 28 29M66 18C66 26 69 28 72 29"
  ),
  leggings: one(
    [
      [0, 10],
      [16, 10],
      [19, 22, 20, 32, 19, 44],
      [17, 66, 14, 84, 13, 101],
      [5, 101],
      [5, 80, 4, 60, 0, 44]
    ],
    "M34 17H66"
  ),
  shorts: one(
    [
      [0, 24],
      [20, 24],
      [24, 44, 27, 60, 29, 76],
      [6, 79],
      [5, 68, 3, 60, 0, 54]
    ],
    "M30 32H70",
    "M50 32V54",
    "M22 70L43 73M78 70L57 73"
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
      [5, 70, 2, 66, 0, 63]
    ],
    "M15 60C30 56 44 58 50 60C56 58 70 56 85 60"
  ),
  briefs: one(
    [
      [0, 34],
      [32, 34],
      [34, 46],
      [24, 50, 14, 62, 9, 82],
      [4, 83, 2, 83, 0, 83]
    ],
    "M17 42H83"
  ),
  bikini: {
    outlines: [
      mirrored([
        [0, 34],
        [6, 24, 10, 18, 14, 8],
        [16, 8],
        [26, 22, 30, 32, 32, 42],
        [20, 46, 8, 44, 0, 40]
      ]),
      mirrored([
        [0, 62],
        [30, 62],
        [32, 68],
        [20, 74, 12, 84, 8, 96],
        [4, 97, 2, 97, 0, 97]
      ])
    ],
    seams: ["M18 42L6 46M82 42L94 46", "M50 34V40"]
  },
  socks: drawn(
    [
      "M46 10H66V52C66 62 74 66 82 72C92 80 88 94 76 94C66 94 60 92 54 86C48 80 46 72 46 62Z",
      "M22 16H42V56C42 66 50 72 56 78C62 88 56 98 46 98C36 98 30 92 26 86C22 80 22 72 22 64Z"
    ],
    "M46 18H66M22 24H42"
  ),
  sneakers: drawn(
    ["M12 54C18 60 28 58 34 46L46 50C52 60 62 66 78 68C88 70 91 76 90 82H12Z", "M10 82H91C91 89 88 91 84 91H16C12 91 10 88 10 82Z"],
    "M40 52L46 60M46 50L52 62M51 56L58 65",
    "M12 70C24 74 32 72 36 66"
  ),
  boots: drawn(
    ["M32 12H58V58C64 68 80 68 86 76C88 80 88 84 88 86H32Z", "M31 86H89V92H60L57 95H31Z"],
    "M32 20H58",
    "M45 20C43 36 43 46 46 56"
  ),
  heels: drawn(
    ["M10 44C20 50 34 66 50 72C66 78 88 72 92 84C92 88 88 89 84 89H62C48 89 36 82 26 72L22 92H18L14 66C10 60 9 50 10 44Z"],
    "M26 72C32 74 40 74 48 72"
  ),
  sandals: drawn([
    "M10 80C30 74 62 84 90 79C94 86 90 91 82 91H18C11 91 8 86 10 80Z",
    "M22 80C22 56 40 52 50 80L44 81C38 64 30 66 28 79Z",
    "M58 81C58 62 76 60 82 80L76 81C74 70 66 70 64 81Z"
  ]),
  bag: drawn(
    [
      "M22 44H78C81 44 83 46 83 49L88 90C88 94 86 96 82 96H18C14 96 12 94 12 90L17 49C17 46 19 44 22 44Z",
      "M33 46C33 12 67 12 67 46H62C62 20 38 20 38 46Z"
    ],
    "M16 58C36 68 64 68 84 58",
    "M46 63H54V72H46Z"
  ),
  hat: drawn(
    ["M6 70C20 60 80 60 94 70C90 82 10 82 6 70Z", "M26 67C26 28 34 26 50 30C66 26 74 28 74 67C62 73 38 73 26 67Z"],
    "M26 58C40 64 60 64 74 58"
  ),
  scarf: drawn(
    ["M54 44L72 96H52L44 48Z", "M24 28C24 10 76 10 76 28C76 48 24 48 24 28Z"],
    "M34 28C38 20 62 20 66 28C62 34 38 34 34 28",
    "M56 90L55 96M62 90L62 96M68 90L69 96"
  ),
  belt: drawn(["M8 44H92V60H8Z", "M30 38H54V66H30ZM36 44V60H48V44Z"], "M62 52H62.1M72 52H72.1M82 52H82.1", "M34 52H48"),
  jewellery: drawn(
    ["M30 40A19 19 0 1 1 29.900 40ZM30 46A13 13 0 1 0 30.100 46Z", "M70 40A19 19 0 1 1 69.900 40ZM70 46A13 13 0 1 0 70.100 46Z"],
    "M30 40V30M70 40V30"
  ),
  sunglasses: drawn(
    ["M8 46H46C46 66 38 72 28 72C16 72 8 64 8 46Z", "M54 46H92C92 64 84 72 72 72C62 72 54 66 54 46Z"],
    "M46 48C48 45 52 45 54 48"
  ),
  hanger: drawn(["M50 40L92 72C95 75 94 80 89 80H11C6 80 5 75 8 72ZM50 47L18 73H82Z"], "M50 40V34C50 31 57 30 57 24C57 15 43 15 43 24")
};

// page/which-silhouette.ts
var rules = [
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
  [/belt|braces/, "belt"]
];
function silhouetteOf(...words2) {
  for (const word of words2) {
    const text = word.toLowerCase();
    const rule = rules.find(([pattern]) => pattern.test(text));
    if (rule) return rule[1];
  }
  return null;
}

// page/picture.ts
var numbers = { next: 0 };
var stroke = (d, { line }, width) => s("path", { d, fill: "none", stroke: line, "stroke-width": width, opacity: 0.55 });
var dot = (cx, cy, r, { line }) => s("circle", { cx, cy, r, fill: line, opacity: 0.6 });
var patterns = [
  [/stripe/, (paint) => [stroke("M0 2.500H10M0 7.500H10", paint, 1.6)]],
  [/check/, (paint) => [stroke("M5 0V10M0 5H10", paint, 2.4)]],
  [/dot/, (paint) => [dot(2.5, 2.5, 1.2, paint), dot(7.5, 7.5, 1.2, paint)]],
  [
    /floral|all over|pattern/,
    (paint) => [dot(2, 3, 1, paint), dot(4, 2, 1, paint), dot(3, 4.6, 1, paint), dot(7, 8, 0.9, paint), dot(8.6, 6.8, 0.9, paint)]
  ],
  [/melange|denim|jacquard|texture|structure/, (paint) => [stroke("M0 10L10 0M-2 2L2 -2M8 12L12 8", paint, 0.7)]],
  [
    /lace|mesh|transparent|glitter|metallic|sequin/,
    (paint) => [dot(5, 5, 0.8, paint), dot(0, 0, 0.8, paint), dot(10, 0, 0.8, paint), dot(0, 10, 0.8, paint), dot(10, 10, 0.8, paint)]
  ]
];
function patternFill(appearance, paint) {
  const shape = patterns.find(([word]) => word.test(appearance.toLowerCase()))?.[1];
  if (!shape) return null;
  const id = `pattern-${numbers.next++}`;
  const tile2 = s("pattern", { id, width: 10, height: 10, patternUnits: "userSpaceOnUse" }, ...shape(paint));
  return { defs: s("defs", {}, tile2), fill: `url(#${id})` };
}
function garment(name, item, paint) {
  const { outlines, seams } = silhouettes[name];
  const pattern = patternFill(item.attributes.appearance ?? "", paint);
  const shape = (d, fill2, line) => s("path", { d, fill: fill2, stroke: line, "stroke-width": 1.1, "fill-rule": "evenodd" });
  return s(
    "svg",
    { viewBox: "0 0 100 110", class: "garment", "aria-hidden": "true", "stroke-linejoin": "round", "stroke-linecap": "round" },
    pattern?.defs,
    ...outlines.map((d) => shape(d, paint.fill, paint.line)),
    ...pattern ? outlines.map((d) => s("path", { d, fill: pattern.fill, "fill-rule": "evenodd" })) : [],
    ...seams.map((d) => s("path", { d, fill: "none", stroke: paint.line, "stroke-width": 1.1, opacity: 0.8 }))
  );
}
function card(item, paint) {
  const letters = (item.name || item.item_id).split(/\s+/).filter((word) => /^[\p{L}\p{N}]/u.test(word)).slice(0, 2);
  const initials = letters.map((word) => [...word][0].toUpperCase()).join("");
  return s(
    "svg",
    { viewBox: "0 0 100 110", class: "garment", "aria-hidden": "true" },
    s("rect", { x: 20, y: 10, width: 60, height: 90, rx: 4, fill: paint.fill, stroke: paint.line, "stroke-width": 1.1 }),
    s("path", { d: "M20 78H80", stroke: paint.line, "stroke-width": 1.1, opacity: 0.6 }),
    s("text", { x: 50, y: 54, "text-anchor": "middle", class: "initials", fill: paint.light ? "#2a2320" : "#fffaf2" }, initials)
  );
}
function picture(item) {
  const { attributes, category } = item;
  const paint = paintOf(colourWord(attributes), item.category || item.item_id);
  const name = silhouetteOf(category, attributes.garment_group ?? "", attributes.garment_kind ?? "", item.name);
  const wearable = name !== null || "garment_group" in attributes || "garment_kind" in attributes;
  const drawing = wearable ? garment(name ?? "hanger", item, paint) : card(item, wearable ? paint : paintOf("", item.item_id));
  return styled(drawing, { "--garment": paint.fill });
}

// page/history.ts
var shortMax = 8;
var longMax = 200;
function traits({ attributes }) {
  const age = attributes.age ? `${attributes.age} years` : "";
  const others = Object.entries(attributes).filter(
    ([name, value]) => name !== "age" && value.length > 1 && !/^(none|unknown)$/i.test(value)
  );
  return [age, ...others.map(([name, value]) => `${name} ${value.toLowerCase()}`)].filter((word) => word !== "").join(" · ");
}
function rowsOf(events) {
  const rows = [];
  for (const event of events) {
    const last = rows.at(-1);
    const same = last && last.event.item_id === event.item_id && last.event.type === event.type && dateText(last.event.time_seconds) === dateText(event.time_seconds);
    if (same) rows[rows.length - 1] = { event: last.event, count: last.count + 1 };
    else rows.push({ event, count: 1 });
  }
  return rows;
}
function row({ event, count }, fresh) {
  const did = `${didWords[event.type] ?? event.type}${count > 1 ? ` × ${count}` : ""}`;
  const when = fresh ? "just now" : dateText(event.time_seconds);
  return h(
    "li",
    { class: fresh ? "event is-new" : "event", "data-type": event.type },
    h("span", { class: "thumb" }, picture(event)),
    h(
      "span",
      { class: "event-words" },
      h("span", { class: "event-name" }, event.name || event.item_id),
      h("span", { class: fresh ? "event-facts fresh" : "event-facts" }, `${did} · ${when}`)
    )
  );
}
function showHistory(place, user, freshCount) {
  if (user.events.length === 0) {
    const known = user.known ? "Known, but has done nothing yet." : "Nothing is known yet. Look at, like or buy something, and the next list follows.";
    place.replaceChildren(h("p", { class: "empty" }, known));
    return;
  }
  const rows = rowsOf(user.events.slice(0, longMax));
  const isFresh = ({ event }) => user.events.indexOf(event) < freshCount;
  const list = h("ol", { class: "events" }, ...rows.slice(0, shortMax).map((entry) => row(entry, isFresh(entry))));
  const purchases = user.events.filter(({ type }) => type === "purchase").length;
  const summary2 = [traits(user), `${plural(user.events.length, "event")}, ${plural(purchases, "purchase")}`].filter((word) => word !== "").join(" · ");
  const more = h("button", { type: "button", class: "quiet", onclick: () => expand() }, `Show all ${rows.length}`);
  const expand = () => {
    list.append(...rows.slice(shortMax).map((entry) => row(entry, false)));
    more.remove();
  };
  place.replaceChildren(h("p", { class: "traits" }, summary2), list, ...rows.length > shortMax ? [more] : []);
}

// page/insight.ts
function bar(start, length, kind) {
  const fill2 = styled(h("span", { class: `bar-fill ${kind}` }), {
    "margin-left": `${(100 * start).toFixed(2)}%`,
    width: `max(2px, ${(100 * length).toFixed(2)}%)`
  });
  return h("span", { class: "bar", "aria-hidden": "true" }, fill2);
}
function summary(answer, seenMs) {
  const [word, explained] = gradeWords[answer.grade] ?? [answer.grade, ""];
  const { coverage } = answer;
  const serverMs = coverage.stages.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const fact = (name, value) => h("div", { class: "fact" }, h("dt", {}, name), h("dd", {}, value));
  return h(
    "div",
    {},
    h("p", { class: "grade", "data-grade": answer.grade }, h("strong", {}, word), ` ${explained}`),
    h(
      "dl",
      { class: "facts-list" },
      fact(
        "User",
        `${knowledgeWords[coverage.user] ?? coverage.user}${coverage.events > 0 ? `, ${plural(coverage.events, "event")} used` : ""}`
      ),
      fact("Time", `${msText(serverMs)} in the pipeline, ${msText(seenMs)} seen here`),
      fact("Sources", `${coverage.answered} of ${coverage.asked} answered`),
      fact("Release", answer.releases.pinned ?? ""),
      coverage.rules.length > 0 ? fact("Rules", coverage.rules.join(", ")) : null
    )
  );
}
function degraded({ degraded: entries }) {
  if (entries.length === 0) return null;
  return h("ul", { class: "degraded", "aria-label": "What is missing" }, ...entries.map((entry) => h("li", {}, degradedText(entry))));
}
var outcomeWords = { late: "late", failed: "failed", not_asked: "not asked" };
function sources({ sources: all }, hints) {
  const longest = Math.max(1, ...all.map(({ milliseconds }) => milliseconds));
  const rows = all.map(
    ({ source, outcome, candidates, milliseconds }) => h(
      "tr",
      { "data-outcome": outcome },
      h("th", { scope: "row" }, source, h("span", { class: "hint" }, hints[source] ?? "")),
      h("td", { class: "number" }, outcome === "answered" ? candidates : outcomeWords[outcome] ?? outcome),
      h("td", { class: "number" }, outcome === "not_asked" ? "" : msText(milliseconds)),
      h("td", { class: "bar-cell" }, outcome === "not_asked" ? null : bar(0, milliseconds / longest, outcome))
    )
  );
  const head = h("tr", {}, ...["Service", "Candidates", "Time", ""].map((word) => h("th", { scope: "col" }, word)));
  return h("table", {}, h("caption", {}, "Services that were asked"), h("thead", {}, head), h("tbody", {}, ...rows));
}
function stages({ stages: all }) {
  const whole = Math.max(
    1e-3,
    all.reduce((sum, { milliseconds }) => sum + milliseconds, 0)
  );
  let passed = 0;
  const rows = all.map(({ stage, milliseconds, candidates }) => {
    const start = passed / whole;
    passed += milliseconds;
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, stage),
      h("td", { class: "number" }, candidates > 0 ? candidates : ""),
      h("td", { class: "number" }, msText(milliseconds)),
      h("td", { class: "bar-cell" }, bar(start, milliseconds / whole, "stage"))
    );
  });
  const head = h("tr", {}, ...["Stage", "Left", "Time", ""].map((word) => h("th", { scope: "col" }, word)));
  return h("table", {}, h("caption", {}, "Stages, in order"), h("thead", {}, head), h("tbody", {}, ...rows));
}
function removed({ removed: all }) {
  if (all.length === 0) return null;
  const text = all.map(({ filter, removed: count }) => `${count} ${filterWords[filter] ?? filter.replace(/_/g, " ")}`).join(", ");
  return h("p", { class: "removed" }, `Left out: ${text}.`);
}
function showInsight(place, answer, seenMs, hints, trace) {
  const { coverage } = answer;
  place.replaceChildren(
    ...[summary(answer, seenMs), degraded(coverage), sources(coverage, hints), stages(coverage), removed(coverage), trace].filter(
      (part) => part !== null
    )
  );
}

// page/icons.ts
var paths = {
  look: ["M2 12C5 6.500 8.500 4.500 12 4.500S19 6.500 22 12C19 17.500 15.500 19.500 12 19.500S5 17.500 2 12Z", "M12 9A3 3 0 1 1 11.990 9Z"],
  like: [
    "M12 20C5 15 3 12 3 8.500C3 5.500 5.200 3.500 7.700 3.500C9.500 3.500 11.100 4.500 12 6.200C12.900 4.500 14.500 3.500 16.300 3.500C18.800 3.500 21 5.500 21 8.500C21 12 19 15 12 20Z"
  ],
  dislike: ["M12 3.500A8.500 8.500 0 1 1 11.990 3.500Z", "M6.200 6.200L17.800 17.800"],
  similar: ["M4 4H14V14H4Z", "M10 18V20H20V10H18"],
  bag: ["M5 8H19L20.500 20.500H3.500Z", "M8.500 10V7C8.500 2.500 15.500 2.500 15.500 7V10"]
};
function icon(name) {
  return s("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, ...paths[name].map((d) => s("path", { d })));
}

// page/tiles.ts
var quietActions = [
  ["view", "look", "Look at"],
  ["like", "like", "Like"],
  ["dislike", "dislike", "Not for me"],
  ["similar", "similar", "Similar to"]
];
var nameOf = ({ name, item_id }) => name || item_id;
function reasons({ reasons: all }) {
  const [first, ...others] = [...new Set(all.map(({ text }) => text))];
  if (first === void 0) return null;
  const rest = others.length > 0 ? h("span", { class: "also" }, `also ${others.join("; ")}`) : null;
  return h("p", { class: "reasons" }, sentence(first), rest);
}
function movement(position, before) {
  if (before === void 0 || before === position) return null;
  if (before === null) return h("span", { class: "moved new" }, "New");
  const places = Math.abs(before - position);
  const up = before > position;
  return h("span", { class: "moved", title: `${places} ${up ? "up" : "down"}` }, `${up ? "↑" : "↓"} ${places}`);
}
function buttons2(item, position, act) {
  const quiet = quietActions.map(
    ([action, name, label]) => h(
      "button",
      {
        type: "button",
        class: "act",
        "data-action": action,
        title: label,
        "aria-label": `${label}: ${nameOf(item)}`,
        onclick: () => act(action, item, position)
      },
      icon(name)
    )
  );
  const buy = h(
    "button",
    {
      type: "button",
      class: "buy",
      "data-action": "purchase",
      "aria-label": `Buy: ${nameOf(item)}`,
      onclick: () => act("purchase", item, position)
    },
    icon("bag"),
    "Buy"
  );
  return h("div", { class: "acts" }, buy, h("div", { class: "quiet-acts" }, ...quiet));
}
function tile(item, position, before, act) {
  const colour = item.attributes.colour ?? "";
  const facts = [item.category, colour].filter((word) => word !== "").join(" · ");
  return h(
    "li",
    { class: before === null ? "tile is-new" : "tile", "data-item": item.item_id },
    h(
      "div",
      { class: "plate" },
      picture(item),
      h("span", { class: "place", "aria-hidden": "true" }, position + 1),
      movement(position, before)
    ),
    h(
      "div",
      { class: "words" },
      h("h3", {}, nameOf(item)),
      h("p", { class: "facts" }, facts),
      item.price > 0 ? h("p", { class: "price" }, priceText(item.price)) : null,
      reasons(item)
    ),
    buttons2(item, position, act)
  );
}
function tint(element) {
  const plate = element.querySelector(".plate");
  const drawing = element.querySelector(".garment");
  if (plate && drawing) plate.style.setProperty("--garment", drawing.style.getPropertyValue("--garment"));
  return element;
}
function showTiles(list, items, before, act) {
  list.replaceChildren(...items.map((item, position) => tint(tile(item, position, before(item.item_id), act))));
}

// page/waterfall.ts
function placeSpans(spans) {
  const ids = new Set(spans.map(({ span_id }) => span_id));
  const children = /* @__PURE__ */ new Map();
  for (const span of [...spans].sort((a, b) => a.start_ms - b.start_ms)) {
    const parent = span.parent_span_id !== null && ids.has(span.parent_span_id) ? span.parent_span_id : "";
    children.set(parent, [...children.get(parent) ?? [], span]);
  }
  const placed = [];
  const walk = (parent, depth) => {
    for (const span of children.get(parent) ?? []) {
      placed.push({ span, depth });
      walk(span.span_id, depth + 1);
    }
  };
  walk("", 0);
  return placed;
}
function shortName({ name, kind, service }) {
  const method = name.split("/").at(-1) ?? name;
  if (kind === "client") return `calls ${method}`;
  if (kind === "server") return `${service} answers`;
  return name.replace(/^modiste\.pipeline\./, "");
}
function row2({ span, depth }, beginsMs, wholeMs) {
  const name = styled(h("span", { class: "span-name", title: `${span.service}: ${span.name}` }, shortName(span)), {
    "--depth": String(depth)
  });
  const kind = span.ok ? `span-${span.kind}` : "failed";
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, name),
    h("td", { class: "bar-cell" }, bar((span.start_ms - beginsMs) / wholeMs, span.duration_ms / wholeMs, kind)),
    h("td", { class: "number" }, msText(span.duration_ms))
  );
}
function table(spans) {
  const beginsMs = Math.min(...spans.map(({ start_ms }) => start_ms));
  const wholeMs = Math.max(1e-3, ...spans.map(({ start_ms, duration_ms }) => start_ms + duration_ms - beginsMs));
  const rows = placeSpans(spans).map((placed) => row2(placed, beginsMs, wholeMs));
  return h("table", { class: "waterfall" }, h("tbody", {}, ...rows));
}
function traceDetails(traceId, open, remember) {
  const content = h("div", { class: "trace-content" });
  const details = h("details", { class: "trace" }, h("summary", {}, "Trace of this request"), content);
  let loaded = false;
  const load = async () => {
    if (loaded) return;
    loaded = true;
    try {
      const { spans } = await getTrace(traceId);
      content.replaceChildren(table(spans), h("p", { class: "trace-id" }, traceId));
    } catch (error) {
      content.replaceChildren(h("p", { class: "empty" }, error instanceof Error ? error.message : "The trace is gone."));
    }
  };
  details.addEventListener("toggle", () => {
    remember(details.open);
    if (details.open) void load();
  });
  details.open = open;
  return details;
}

// page/main.ts
var itemCount = 12;
var looksMax = 30;
var lookMs = 15;
var didTexts = {
  view: "Looked at",
  purchase: "Bought",
  like: "Liked",
  dislike: "Not for me:"
};
function showError(error) {
  const place = byId("error");
  place.textContent = error instanceof ApiError ? error.message : `Something went wrong on this page: ${error instanceof Error ? error.message : String(error)}`;
  place.hidden = false;
}
async function runPage(shop) {
  const view = {
    visitor: linkedVisitor(location.hash) ?? (shop.users[0] ? { kind: "user", id: shop.users[0].user_id } : sessionVisitor()),
    similarTo: null,
    answer: null,
    user: null,
    freshEvents: 0,
    traceOpen: false,
    loading: null
  };
  const ask = (signal) => {
    const query = filterQuery(shop);
    byId("clear").hidden = query.size === 0;
    query.set("n", String(itemCount));
    if (view.similarTo) return getSimilar(view.similarTo.item_id, query, signal);
    query.set(view.visitor.kind === "user" ? "user_id" : "session_id", view.visitor.id);
    query.set("surface", surface());
    return getRecommendations(query, signal);
  };
  const show = (answer, user, seenMs, compare) => {
    const places = new Map(view.answer?.items.map(({ item_id }, place) => [item_id, place]));
    const before = (id) => compare && view.answer ? places.get(id) ?? null : void 0;
    showTiles(byId("items"), answer.items, before, act);
    showHistory(byId("history"), user, view.freshEvents);
    showInsight(
      byId("insight"),
      answer,
      seenMs,
      shop.sources,
      traceDetails(answer.trace_id, view.traceOpen, (open) => view.traceOpen = open)
    );
    showHeading(view, answer);
    view.answer = answer;
    view.user = user;
  };
  const reload = async ({ compare = false, said = "", sinceMs = 0 } = {}) => {
    view.loading?.abort();
    const loading = new AbortController();
    view.loading = loading;
    document.body.classList.add("is-loading");
    const started = performance.now();
    try {
      const timed = ask(loading.signal).then((answer2) => ({ answer: answer2, seenMs: performance.now() - started }));
      const [{ answer, seenMs }, user] = await Promise.all([timed, getUser(subjectOf(view.visitor))]);
      if (loading.signal.aborted) return;
      const old = new Set(view.answer?.items.map(({ item_id }) => item_id));
      const fresh = answer.items.filter(({ item_id }) => !old.has(item_id)).length;
      show(answer, user, seenMs, compare);
      byId("error").hidden = true;
      const changed = fresh === 0 ? "The same items stay" : `${plural(fresh, "item")} of ${answer.items.length} ${fresh === 1 ? "is" : "are"} new`;
      byId("status").textContent = said && `${said} ${changed}, ${Math.round(performance.now() - sinceMs)} ms after the click.`;
    } catch (error) {
      if (!loading.signal.aborted) showError(error);
    } finally {
      if (view.loading === loading) document.body.classList.remove("is-loading");
    }
  };
  const choose = (choice) => {
    const wasSession = view.visitor.kind === "session";
    view.visitor = choice === "new" ? sessionVisitor({ renew: wasSession }) : choice;
    view.similarTo = null;
    view.answer = null;
    view.freshEvents = 0;
    history.replaceState(null, "", linkOf(view.visitor));
    showPeople(shop, view.visitor, choose);
    void reload();
  };
  const act = (action, item, position) => {
    if (action === "similar") {
      view.similarTo = item;
      void reload().then(() => byId("items").focus());
    } else void record(action, item, position);
  };
  const record = async (action, item, position) => {
    const known = view.user?.events.length ?? 0;
    const sinceMs = performance.now();
    try {
      await sendEvent({
        event_id: randomId(),
        subject: subjectOf(view.visitor),
        item_id: item.item_id,
        type: action,
        value: action === "purchase" ? item.price : 0,
        surface: view.similarTo ? "product" : surface(),
        recommendation_id: view.answer?.recommendation_id ?? "",
        position
      });
      await untilCounted(subjectOf(view.visitor), item.item_id, action, view.user, known);
      view.freshEvents++;
      await reload({ compare: true, said: `${didTexts[action]} ${item.name || item.item_id}.`, sinceMs });
    } catch (error) {
      showError(error);
    }
  };
  fillFilters(shop);
  showPeople(shop, view.visitor, choose);
  byId("shop").textContent = `${shop.data} · ${shop.items.toLocaleString("en-GB")} items`;
  byId("filters").addEventListener("change", () => void reload({ compare: false }));
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("reset", () => setTimeout(() => void reload(), 0));
  byId("back").addEventListener("click", () => {
    view.similarTo = null;
    void reload().then(() => byId("items").focus());
  });
  byId("other").addEventListener("submit", (event) => {
    event.preventDefault();
    const id = byId("user-id").value.trim();
    if (id !== "") choose({ kind: "user", id });
  });
  await reload();
}
function showHeading({ visitor, similarTo }, { coverage, items }) {
  byId("back").hidden = similarTo === null;
  byId("title").textContent = similarTo ? `Similar to ${similarTo.name || similarTo.item_id}` : visitor.kind === "user" ? "Recommended for this user" : "Recommended for a new visitor";
  const basis = coverage.user === "KNOWN" ? `From ${plural(coverage.events, "event")} of this ${visitor.kind === "user" ? "user" : "visitor"}.` : `This visitor is ${knowledgeWords[coverage.user] ?? coverage.user}: popular items.`;
  const empty = items.length === 0 ? " Nothing fits these filters." : "";
  byId("subtitle").textContent = (similarTo ? "What goes with it or is like it." : sentence(basis)) + empty;
}
async function untilCounted(subject, item, type, before, known) {
  const count = (user) => user?.events.filter((event) => event.item_id === item && event.type === type).length ?? 0;
  for (let look = 0; look < looksMax; look++) {
    const user = await getUser(subject);
    if (count(user) > count(before) || user.events.length > known) return;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
try {
  await runPage(await getShop());
} catch (error) {
  showError(error);
}
