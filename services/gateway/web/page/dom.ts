/** Builds elements. Text goes in as text nodes only, so that no name or id can become markup. */

export type Child = Node | string | number | null | undefined | false;

type Props = Readonly<Record<string, string | number | boolean | ((event: Event) => void) | null | undefined>>;

const svgSpace = "http://www.w3.org/2000/svg";

function fill<E extends Element>(element: E, props: Props, children: readonly Child[]): E {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

/** `h("button", { class: "buy", onclick: buy }, "Buy")`. A prop that is null, undefined or false is left out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), props, children);
}

export function s<K extends keyof SVGElementTagNameMap>(tag: K, props: Props = {}, ...children: readonly Child[]): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(svgSpace, tag), props, children);
}

/** An element that the page's HTML has. */
export function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element as E;
}

/** Custom properties and sizes go through the object model: the page's policy forbids style attributes. */
export function styled<E extends HTMLElement | SVGElement>(element: E, properties: Readonly<Record<string, string>>): E {
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
  return element;
}
