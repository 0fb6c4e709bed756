/** The one place that reads the environment. Everything else is given it. */

export type Environment = Readonly<Record<string, string | undefined>>;

export function readEnvironment(): Environment {
  // biome-ignore lint/style/noProcessEnv: the one place that may
  return { ...process.env };
}
