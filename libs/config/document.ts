/** Writes docs/config.md from the schemas, so that it cannot disagree with them. */

import type { Field } from "./fields.ts";
import type { ConfigSchemas } from "./load.ts";
import { variableName } from "./schema.ts";

/** Markdown: one table for the process, one for each service. */
export function renderConfigDocument(schemas: ConfigSchemas): string {
  const sections = Object.entries(schemas).map(([service, schema]) => {
    const title = service === "" ? "## Every process" : `## ${service}`;
    const rows = Object.values(schema).map((field) => renderRow(field));
    return [title, "", "| variable | meaning | expected | default |", "|---|---|---|---|", ...rows, ""].join("\n");
  });
  return `${heading}\n${sections.join("\n")}`;
}

const heading = `# Configuration

Written by \`npm run generate\`; do not edit. Every setting is an environment variable, or an entry of the JSON object in the file that
\`MODISTE_CONFIG_FILE\` names; the environment wins. \`MODISTE_<SERVICE>_<NAME>\` sets \`MODISTE_<NAME>\` for one service alone.
`;

function renderRow(field: Field<unknown>): string {
  const fallback = field.required ? "**required**" : shown(field.fallback, field.secret);
  return `| \`${variableName(field)}\` | ${cell(field.doc)} | ${cell(field.expects)} | ${fallback} |`;
}

function shown(value: unknown, secret: boolean): string {
  if (value === undefined || value === "" || (Array.isArray(value) && value.length === 0)) return "none";
  return secret ? "`***`" : `\`${cell(String(value))}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
