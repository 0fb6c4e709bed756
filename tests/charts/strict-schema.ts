/** Kubernetes' own schemas, read as strictly as the API server does with `--validate=strict`: a field that a schema does not name is an error. */

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { Ajv, type ErrorObject } from "ajv";

interface Gvk {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
  readonly "x-kubernetes-group-version-kind"?: readonly Gvk[];
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
}

interface OpenApi {
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** The schemas let fields pass that they do not name. */
function closed(schema: Schema): Schema {
  const isOpen = schema.additionalProperties !== undefined || schema["x-kubernetes-preserve-unknown-fields"] === true;
  return schema.properties === undefined || isOpen ? schema : { ...schema, additionalProperties: false };
}

export interface StrictSchema {
  /** What is wrong with a manifest, field by field; nothing for a valid one. */
  problems(manifest: { readonly apiVersion: string; readonly kind: string }): string[];
}

export function openStrictSchema(path: string): StrictSchema {
  const { components } = JSON.parse(gunzipSync(readFileSync(path)).toString()) as OpenApi;
  const schemas = Object.fromEntries(Object.entries(components.schemas).map(([name, schema]) => [name, closed(schema)]));
  // Formats such as int-or-string are OpenAPI's; what they mean stands beside them in the schemas.
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema({ $id: "kubernetes", components: { schemas } });
  const names = new Map(
    Object.entries(schemas).flatMap(([name, schema]) =>
      (schema["x-kubernetes-group-version-kind"] ?? []).map(({ group, version, kind }) => [
        `${group === "" ? "" : `${group}/`}${version} ${kind}`,
        name,
      ]),
    ),
  );
  return {
    problems(manifest) {
      const name = names.get(`${manifest.apiVersion} ${manifest.kind}`);
      if (name === undefined) return [`no schema of ${manifest.apiVersion} ${manifest.kind}`];
      const validate = ajv.getSchema(`kubernetes#/components/schemas/${name}`);
      if (validate === undefined) return [`no schema ${name}`];
      return validate(manifest) === true ? [] : (validate.errors ?? []).map(problemOf);
    },
  };
}

function problemOf({ instancePath, message, params }: ErrorObject): string {
  const { additionalProperty } = params as { readonly additionalProperty?: string };
  return `${instancePath || "/"} ${message}${additionalProperty === undefined ? "" : `: ${additionalProperty}`}`;
}
