/** Redis of profiles, counters and catalogue changes: kept on disk, never evicted. */

import type { Chart } from "cdk8s";
import { checkImage, images } from "./image.ts";
import { small } from "./pod.ts";
import { ports } from "./ports.ts";
import { addStateful } from "./stateful.ts";

// Policies say who may come. The limit of memory is twice what is kept: writing the log anew copies what changes meanwhile.
const conf = `bind * -::*
protected-mode no
port ${ports.redis}
dir /data
appendonly yes
appendfsync everysec
maxmemory 192mb
maxmemory-policy noeviction
`;

export function addRedis(chart: Chart): void {
  addStateful(chart, {
    part: { name: "redis", component: "stores" },
    port: { name: "redis", number: ports.redis },
    files: { "redis.conf": conf },
    image: checkImage(images.redis),
    command: ["redis-server", "/config/redis.conf"],
    resources: small(384),
    dataGiB: 1,
    graceSeconds: 30,
  });
}
