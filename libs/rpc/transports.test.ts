import { listServices } from "#libs/testing/reflection-client.ts";
import { rpcContract } from "#libs/testing/rpc-contract.ts";
import { openGrpcHarness, openLocalHarness } from "#libs/testing/rpc-harness.ts";

rpcContract("the local path", openLocalHarness);
rpcContract("gRPC", () => openGrpcHarness(listServices));
