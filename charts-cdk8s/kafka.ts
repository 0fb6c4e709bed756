/** Kafka in KRaft mode: broker and controller in one process, one of them. */

import type { Chart } from "cdk8s";
import { checkImage, images } from "./image.ts";
import { small } from "./pod.ts";
import { ports } from "./ports.ts";
import { addStateful } from "./stateful.ts";

/** Any 16 bytes in base64 do; it must not begin with a hyphen, which reads as an option. */
const clusterId = "bW9kaXN0ZS1kZXYta2Fma2E";

/** Speaks with itself alone. */
const controllerPort = 9093;

const properties = `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=PLAINTEXT://0.0.0.0:${ports.kafka},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://kafka:${ports.kafka}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=/data/kafka
# The fleet creates its topics itself, with what it needs of them.
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
`;

/** To the console; the distribution's own file writes into folders of the image. */
const logging = `appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=[%d] %p %m (%c)%n
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
logger.server.name=kafka.server
logger.server.level=info
`;

const java = (heap: string, ...words: readonly string[]): readonly string[] => [
  "java",
  heap,
  "-XX:+UseSerialGC",
  "-XX:+ExitOnOutOfMemoryError",
  "-Dlog4j2.configurationFile=/config/log4j2.properties",
  "-cp",
  "/opt/kafka/libs/*",
  ...words,
];

const propertiesFile = "/config/server.properties";

export function addKafka(chart: Chart): void {
  addStateful(chart, {
    part: { name: "kafka", component: "bus" },
    port: { name: "kafka", number: ports.kafka },
    files: { "server.properties": properties, "log4j2.properties": logging },
    image: checkImage(images.kafka),
    before: {
      name: "format",
      command: java(
        "-Xmx128m",
        "kafka.tools.StorageTool",
        "format",
        "--ignore-formatted",
        "--cluster-id",
        clusterId,
        "--config",
        propertiesFile,
      ),
    },
    command: java("-Xmx512m", "kafka.Kafka", propertiesFile),
    resources: small(1024),
    dataGiB: 5,
    // A broker that ends in peace starts again in seconds.
    graceSeconds: 60,
  });
}
