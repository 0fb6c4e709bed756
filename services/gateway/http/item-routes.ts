/** Changes of the catalogue over HTTP. */

import type { FastifyInstance } from "fastify";
import type { Client } from "#libs/rpc/definition.ts";
import type { ItemUpdate } from "#protos/catalog.ts";
import type { RecommenderDefinition } from "#protos/recommender.ts";
import { callOptions } from "./call-options.ts";
import { toJson } from "./json.ts";
import { idParams, itemsBody } from "./schemas.ts";

interface JsonItem {
  readonly item_id?: string;
  readonly name?: string;
  readonly category?: string;
  readonly product_group?: string;
  readonly price?: number | null;
  readonly available?: boolean | null;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly text?: string;
}

/** What is absent stays absent. */
function itemFromJson(item: JsonItem): ItemUpdate {
  return {
    itemId: item.item_id ?? "",
    name: item.name,
    category: item.category,
    productGroup: item.product_group,
    price: item.price ?? undefined,
    available: item.available ?? undefined,
    attributes: { ...item.attributes },
    text: item.text,
  };
}

export function addItemRoutes(
  app: FastifyInstance,
  client: Pick<Client<typeof RecommenderDefinition>, "upsertItems" | "deleteItem">,
): void {
  app.post<{ Body: { items: readonly JsonItem[] } }>("/v1/items", { schema: { body: itemsBody } }, async (request, reply) =>
    toJson(await client.upsertItems({ items: request.body.items.map(itemFromJson) }, callOptions(request, reply))),
  );
  app.delete<{ Params: { id: string } }>("/v1/items/:id", { schema: { params: idParams } }, async (request, reply) =>
    toJson(await client.deleteItem({ itemId: request.params.id }, callOptions(request, reply))),
  );
}
