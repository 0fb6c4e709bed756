/** The OpenAPI document as one page to read: no script, nothing loaded from elsewhere. */

import type { JsonSchema } from "./answer-schemas.ts";

interface Operation {
  readonly tags: readonly string[];
  readonly summary: string;
  readonly parameters?: readonly JsonSchema[];
  readonly requestBody?: JsonSchema;
  readonly responses: Readonly<Record<string, JsonSchema>>;
}

export interface ApiDocument {
  readonly info: { readonly title: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

const style = `
:root{color-scheme:light dark;--paper:#f8f5f0;--surface:#fffdfa;--ink:#231e1b;--soft:#685f57;--line:#e4dcd0;--accent:#8a2f4f}
@media(prefers-color-scheme:dark){:root{--paper:#171412;--surface:#201c19;--ink:#f1eae2;--soft:#b0a599;--line:#3a332d;--accent:#e3a0b3}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem 1rem 4rem;max-width:56rem;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font:400 2rem/1.2 Georgia,serif;margin:.5rem 0}
h2{font:400 1.4rem/1.3 Georgia,serif;margin:2.5rem 0 .75rem}
h3{margin:0;font-size:1rem;font-weight:500}
section{margin:0 0 1rem;padding:1rem 1.25rem;background:var(--surface);border:1px solid var(--line);border-radius:.8rem}
b{color:var(--accent);font-weight:600;margin-right:.5rem}
a,summary{color:var(--accent)}
p{margin:.25rem 0 .5rem}
code,pre{font:.875rem/1.5 ui-monospace,"DejaVu Sans Mono",monospace}
table{width:100%;border-collapse:collapse;font-size:.9rem}
td{padding:.25rem .75rem .25rem 0;border-top:1px solid var(--line);vertical-align:top}
td:nth-child(2){color:var(--soft);white-space:nowrap}
pre{overflow-x:auto;white-space:pre;margin:.5rem 0}
details{margin-top:.5rem}
`;

const escaped = (value: string): string => value.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");

function typeOf(schema: JsonSchema | undefined): string {
  if (!schema) return "";
  if (typeof schema.$ref === "string") return schema.$ref.split("/").at(-1) ?? "";
  if (schema.type === "array") return `list of ${typeOf(schema.items as JsonSchema)}`;
  return String(schema.type ?? "");
}

const row = (name: string, type: string, words: string): string =>
  `<tr><td><code>${escaped(name)}</code></td><td>${escaped(type)}</td><td>${escaped(words)}</td></tr>`;

/** Fields of an object as rows, those of inner objects behind a dot. */
function fieldRows(schema: JsonSchema, prefix = ""): string {
  const properties = (schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>;
  return Object.entries(properties)
    .map(([name, field]) => {
      const inner = (field.type === "array" ? field.items : field) as JsonSchema;
      const words = [field.description, Array.isArray(field.enum) ? field.enum.join(", ") : ""].filter(Boolean).join(": ");
      const path = `${prefix}${name}${field.type === "array" ? "[]" : ""}`;
      return row(path, typeOf(field), String(words)) + ("properties" in inner ? fieldRows(inner, `${path}.`) : "");
    })
    .join("");
}

const schemaOf = (content: JsonSchema): JsonSchema =>
  (Object.values((content.content ?? {}) as Readonly<Record<string, JsonSchema>>)[0]?.schema ?? {}) as JsonSchema;

function section(path: string, method: string, { summary, parameters = [], requestBody, responses }: Operation): string {
  const rows = parameters
    .filter((parameter) => "name" in parameter)
    .map((parameter) => row(String(parameter.name), typeOf(parameter.schema as JsonSchema), String(parameter.description ?? "")));
  const fields = rows.join("") + (requestBody ? fieldRows(schemaOf(requestBody)) : "");
  const answers = Object.entries(responses).map(([status, response]) =>
    row(status, typeOf(schemaOf(response)), String(response.description)),
  );
  return `<section><h3><b>${method.toUpperCase()}</b><code>${escaped(path)}</code></h3><p>${escaped(summary)}</p>${fields ? `<table>${fields}</table>` : ""}<details><summary>Answers</summary><table>${answers.join("")}</table></details></section>`;
}

export function documentPage({ info, paths, components }: ApiDocument): string {
  const tagged = new Map<string, string[]>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const { tags } = operation as Operation;
      tagged.set(tags[0] ?? "", [...(tagged.get(tags[0] ?? "") ?? []), section(path, method, operation as Operation)]);
    }
  }
  const groups = [...tagged].map(([tag, sections]) => `<h2>${escaped(tag)}</h2>${sections.join("")}`);
  const types = Object.entries(components.schemas).map(
    ([name, schema]) => `<section><h3><code>${escaped(name)}</code></h3><table>${fieldRows(schema)}</table></section>`,
  );
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,"><title>${escaped(info.title)} API</title><style>${style}</style>`;
  return `<!doctype html><html lang="en"><head>${head}</head><body><p><a href="/">${escaped(info.title)}</a></p><h1>API</h1><p>${escaped(info.description)} For machines: <a href="/openapi.json">openapi.json</a>.</p>${groups.join("")}<h2>Types</h2>${types.join("")}</body></html>`;
}
