import { fileURLToPath } from "node:url";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { loadSync } from "@grpc/proto-loader";
import { expect, it } from "vitest";
import { renameMapEntries } from "./reflection.ts";

it("names the entries of maps as descriptor.proto demands, or grpcurl refuses the file", () => {
  const includeDirs = [fileURLToPath(new URL("../../protos", import.meta.url))];
  const definition = loadSync("modiste/v1/profiles.proto", { keepCase: true, includeDirs })["modiste.v1.ProfileRecord"]!;
  const files = definition.fileDescriptorProtos as Buffer[];
  const messages = files.flatMap((bytes) => fromBinary(FileDescriptorProtoSchema, renameMapEntries(bytes)).messageType);
  const record = messages.find(({ name }) => name === "ProfileRecord")!;
  expect(record.nestedType.map(({ name }) => name)).toEqual(["AttributesEntry", "NextOffsetsEntry"]);
  expect(record.field.map(({ name, typeName }) => [name, typeName])).toContainEqual(["next_offsets", "NextOffsetsEntry"]);
});
