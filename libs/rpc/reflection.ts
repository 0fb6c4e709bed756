/** Server reflection (v1 and v1alpha), so that grpcurl works without protos at hand. The protos are public: no key is asked. */

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type DescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { Server } from "@grpc/grpc-js";
import { fromJSON, loadSync, type Options, type PackageDefinition } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";

const protoRoot = fileURLToPath(new URL("../../protos/", import.meta.url));
const loaderOptions: Options = { keepCase: true, includeDirs: [protoRoot] };

/** grpc.health.v1, whose package ships no .proto (https://github.com/grpc/grpc/blob/master/doc/health-checking.md). */
const healthSchema: Parameters<typeof fromJSON>[0] = {
  nested: {
    grpc: {
      nested: {
        health: {
          nested: {
            v1: {
              nested: {
                HealthCheckRequest: { fields: { service: { type: "string", id: 1 } } },
                HealthCheckResponse: {
                  fields: { status: { type: "ServingStatus", id: 1 } },
                  nested: { ServingStatus: { values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } } },
                },
                Health: {
                  methods: {
                    Check: { requestType: "HealthCheckRequest", responseType: "HealthCheckResponse", comment: "" },
                    Watch: { requestType: "HealthCheckRequest", responseType: "HealthCheckResponse", responseStream: true, comment: "" },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
};

/** @param services full names to list. */
export function addReflection(server: Server, services: readonly string[]): void {
  new ReflectionService(loadProtos(), { services: [...services] }).addToServer(server);
}

function loadProtos(): PackageDefinition {
  const folder = "modiste/v1/";
  const files = readdirSync(`${protoRoot}${folder}`).filter((file) => file.endsWith(".proto"));
  const ours = loadSync(
    files.map((file) => `${folder}${file}`),
    loaderOptions,
  );
  const all: PackageDefinition = { ...ours, ...fromJSON(healthSchema, loaderOptions) };
  return Object.fromEntries(Object.entries(all).map(([name, definition]) => [name, withMapEntries(definition)]));
}

type Definition = PackageDefinition[string];

function withMapEntries(definition: Definition): Definition {
  if (!Array.isArray(definition.fileDescriptorProtos)) return definition;
  return { ...definition, fileDescriptorProtos: definition.fileDescriptorProtos.map(renameMapEntries) } as Definition;
}

/**
 * protobufjs names the entry message of `map<..> next_offsets` "Next_offsets" where descriptor.proto demands "NextOffsetsEntry", and Go
 * clients (grpcurl) refuse the file.
 */
export function renameMapEntries(bytes: Buffer): Buffer {
  const file = fromBinary(FileDescriptorProtoSchema, bytes);
  for (const message of file.messageType) renameIn(message);
  return Buffer.from(toBinary(FileDescriptorProtoSchema, file));
}

function renameIn(message: DescriptorProto): void {
  for (const nested of message.nestedType) {
    renameIn(nested);
    if (nested.options?.mapEntry !== true || nested.name.endsWith("Entry")) continue;
    const name = `${nested.name.replace(/(?:^|_)([a-z])/gi, (_, letter: string) => letter.toUpperCase())}Entry`;
    for (const field of message.field) if (field.typeName === nested.name) field.typeName = name;
    nested.name = name;
  }
}
