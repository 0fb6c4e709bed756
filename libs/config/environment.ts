/** The one place that reads the environment. Everything else is given it. A variable set to nothing counts as not set. */

export type Environment = Readonly<Record<string, string | undefined>>;

export function readEnvironment(): Environment {
  // biome-ignore lint/style/noProcessEnv: the one place that may
  return Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ""));
}
