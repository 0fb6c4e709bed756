/** A fleet of two for tests of processes: a gateway that asks a ranker. */

import { integer } from "#libs/config/fields.ts";
import { defineConfig } from "#libs/config/schema.ts";
import { bind, type Implementation } from "#libs/rpc/definition.ts";
import type { FleetRow } from "#libs/serve/fleet-row.ts";
import { defineService, type ServiceModule } from "#libs/serve/service.ts";
import { RankerDefinition } from "#protos/ranker.ts";
import { RecommenderDefinition } from "#protos/recommender.ts";

/** What the services did, in order, such as "ranking closed". */
export type Journal = (event: string) => void;

export interface SmallFleetOptions {
  /** Default: any free ones. */
  readonly ports?: { readonly ranking: number; readonly gateway: number };
  readonly journal?: Journal;
  /** Awaited by the ranker inside each call. */
  readonly work?: () => Promise<void>;
  readonly ready?: () => string | null;
}

export function smallFleet(options: SmallFleetOptions = {}): readonly FleetRow[] {
  const ports = options.ports ?? { ranking: 0, gateway: 0 };
  return [
    row("ranking", "ranker", ports.ranking, async () => rankingModule(options)),
    row("gateway", "gateway", ports.gateway, async () => gatewayModule(options)),
  ];
}

function row(name: string, kind: FleetRow["kind"], port: number, module: () => Promise<ServiceModule>): FleetRow {
  return { name, kind, port, budgetMs: 20, quota: 0, onFailure: "degrade", replicas: 1, resources: { cpu: 1, memoryMiB: 64 }, module };
}

const rankingConfig = defineConfig({ answer: integer("ANSWER", "score of every item", { min: 0, fallback: 7 }) });

function rankingModule({ journal = () => {}, work = async () => {}, ready = () => null }: SmallFleetOptions): ServiceModule {
  return defineService({
    config: rankingConfig,
    async start({ config, onClose }) {
      onClose(() => journal("ranking store closed"));
      journal("ranking started");
      const rank: Implementation<typeof RankerDefinition>["rank"] = async (request) => {
        journal("rank begun");
        await work();
        journal("rank done");
        return { scores: request.itemIds.map(() => config.answer), model: "fixed" };
      };
      return { bindings: [bind(RankerDefinition, { rank })], ready, close: async () => journal("ranking closed") };
    },
  });
}

function gatewayModule({ journal = () => {} }: SmallFleetOptions): ServiceModule {
  return defineService({
    async start({ connect, telemetry }) {
      const ranker = connect(RankerDefinition, "ranking");
      const recommend = async (): Promise<object> => {
        const { scores } = await ranker.rank({ itemIds: ["a"] });
        return { items: [{ itemId: "a", score: scores[0] ?? 0 }], traceId: telemetry.traceId() ?? "" };
      };
      const implementation = { recommend } as unknown as Implementation<typeof RecommenderDefinition>;
      journal("gateway started");
      return {
        bindings: [bind(RecommenderDefinition, implementation)],
        ready: () => null,
        drain: async () => journal("gateway drained"),
        close: async () => journal("gateway closed"),
      };
    },
  });
}
