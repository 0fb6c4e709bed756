/** Where the ranker's network runs, and the settings of it. */

import { choice, integer, millis } from "#libs/config/fields.ts";
import { type ConfigOf, defineConfig } from "#libs/config/schema.ts";

interface DeviceKind {
  /** What the library needs of this machine, for people. */
  readonly needs: string;
}

/** Devices that run in a child process. */
const childDevices = {
  cuda: {
    needs:
      "an NVIDIA card, CUDA and cuDNN on LD_LIBRARY_PATH, and: ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js",
  },
  webgpu: { needs: "a graphics card with a Vulkan driver: libvulkan.so.1 and the card's own" },
  "tfjs-gpu": {
    needs: "an NVIDIA card, CUDA on LD_LIBRARY_PATH, Node 20 or 22, a release of this version, and: npm run tfjs:install -- --gpu",
  },
  "tfjs-cpu": { needs: "Node 20 or 22, a release of this version, and: npm run tfjs:install" },
} as const satisfies Readonly<Record<string, DeviceKind>>;

export type ChildDevice = keyof typeof childDevices;
export const deviceNames = ["cpu", "cuda", "webgpu", "tfjs-gpu", "tfjs-cpu"] as const satisfies readonly ("cpu" | ChildDevice)[];
export type DeviceName = (typeof deviceNames)[number];

export const needsOf = (device: ChildDevice): string => childDevices[device].needs;

export const deviceSettings = defineConfig({
  device: choice(
    "DEVICE",
    "what runs the ranker's network; all but cpu in a child process, beside the CPU, which answers when it fails",
    deviceNames,
    {
      fallback: "cpu",
    },
  ),
  deviceLimitMs: millis("DEVICE_LIMIT_MS", "longest wait for the device, after which the CPU answers a request", {
    min: 1,
    max: 10_000,
    fallback: 40,
  }),
  batchWaitMs: millis("BATCH_WAIT_MS", "how long a request waits for others to go to an idle device with it; 0: for those of its turn", {
    max: 100,
    fallback: 0,
  }),
  batchRows: integer("BATCH_ROWS", "most candidates, of requests that wait together, that go to the device at once", {
    min: 1,
    max: 100_000,
    fallback: 4096,
  }),
});

export type DeviceSettings = ConfigOf<typeof deviceSettings>;
