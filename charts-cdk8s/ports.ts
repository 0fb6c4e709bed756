/** Ports of what is no row of the fleet. */
export const ports = { kafka: 9092, redis: 6379, otlp: 4318, collectorMetrics: 8889, prometheus: 9090, grafana: 3000 } as const;
