/** Asks a gRPC server's reflection, as grpcurl does. */

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type ClientDuplexStream, credentials, loadPackageDefinition, type ServiceClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

interface ReflectionResponse {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Buffer[] };
}

/** Names of the services that the server lists. */
export async function listServices(port: number): Promise<readonly string[]> {
  const answer = await ask(port, { listServices: "*" });
  return answer.listServicesResponse?.service.map(({ name }) => name) ?? [];
}

/** How many file descriptors explain a symbol, such as "modiste.v1.Ranker". 0: it is not known. */
export async function countDescriptors(port: number, symbol: string): Promise<number> {
  const answer = await ask(port, { fileContainingSymbol: symbol });
  return answer.fileDescriptorResponse?.fileDescriptorProto.length ?? 0;
}

function ask(port: number, request: object): Promise<ReflectionResponse> {
  const folder = dirname(createRequire(import.meta.url).resolve("@grpc/reflection/package.json"));
  const definition = loadSync(join(folder, "build/proto/grpc/reflection/v1/reflection.proto"));
  const service = definition["grpc.reflection.v1.ServerReflection"];
  const loaded = loadPackageDefinition({ ServerReflection: service! }).ServerReflection as ServiceClientConstructor;
  const client = new loaded(`127.0.0.1:${port}`, credentials.createInsecure());
  const open = client.ServerReflectionInfo as (() => ClientDuplexStream<object, ReflectionResponse>) | undefined;
  return new Promise<ReflectionResponse>((resolve, reject) => {
    const stream = open!.call(client);
    stream.on("data", resolve).on("error", reject);
    stream.write(request);
    stream.end();
  }).finally(() => client.close());
}
