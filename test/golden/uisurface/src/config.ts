/** The configuration of a process. The environment is its only authority: all is required, nothing has a default. */
export interface Config {
  readonly port: number;
  /** How long to serve on after SIGTERM, until nobody sends requests here any more. */
  readonly drainDelaySeconds: number;
  /** How long requests in flight may take after that. */
  readonly drainTimeoutSeconds: number;
  /** Where the services behind the SDK are; paths are relative to it. */
  readonly sdkUrl: URL;
  /** How long the calls of the SDK for one page may take together. */
  readonly sdkTimeoutSeconds: number;
}

/** The environment does not configure this surface; the message names each variable and shows no value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads the configuration. Throws ConfigError with all that is wrong, not only the first. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const faults: string[] = [];
  const read = <T>(name: string, rule: string, parse: (text: string) => T | undefined): T | undefined => {
    const text = environment[name];
    const value = text === undefined ? undefined : parse(text);
    if (value === undefined) faults.push(`${name}: ${text === undefined ? 'is required but not set' : rule}`);
    return value;
  };

  const port = read('PORT', 'should be a port, 0 to 65535', (text) => wholeNumber(text, 0, 65_535));
  const drainDelaySeconds = read('DRAIN_DELAY_SECONDS', 'should be 0 to 3600', seconds);
  const drainTimeoutSeconds = read('DRAIN_TIMEOUT_SECONDS', 'should be 0 to 3600', seconds);
  const sdkUrl = read('SDK_URL', 'should be an http(s) URL that ends with / and holds no password', baseUrl);
  const sdkTimeoutSeconds = read('SDK_TIMEOUT_SECONDS', 'should be 1 to 3600', (text) =>
    wholeNumber(text, 1, 3600),
  );
  if (
    port === undefined ||
    drainDelaySeconds === undefined ||
    drainTimeoutSeconds === undefined ||
    sdkUrl === undefined ||
    sdkTimeoutSeconds === undefined
  ) {
    throw new ConfigError(faults.join('; '));
  }
  return { port, drainDelaySeconds, drainTimeoutSeconds, sdkUrl, sdkTimeoutSeconds };
}

function wholeNumber(text: string, least: number, most: number): number | undefined {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}

function seconds(text: string): number | undefined {
  return wholeNumber(text, 0, 3600);
}

/** Paths can be resolved against it without losing a part of it, and errors may show it. */
function baseUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') return undefined;
  return /^https?:[^?#]*\/$/.test(url.href) ? url : undefined;
}
