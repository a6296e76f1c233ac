import type { SignIn } from './sign-in.ts';

/** The configuration of a process. The environment is its only source; what differs between deployments has no default. */
export interface Config {
  readonly port: number;
  /** How long to serve on after SIGTERM, until no requests are sent here any more. */
  readonly drainDelaySeconds: number;
  /** How long requests in flight may take after that. */
  readonly drainTimeoutSeconds: number;
  /** Where commands go; paths are relative to it. */
  readonly commandsUrl: URL;
  /** Where queries go; paths are relative to it. */
  readonly queriesUrl: URL;
  /** The file with the token that this surface calls services with. */
  readonly serviceTokenFile: string | undefined;
  /** How long the calls of the SDK for one page may take together. */
  readonly sdkTimeoutSeconds: number;
  readonly signIn: SignIn;
}

/** The environment does not configure this surface; the message names each variable and shows no value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads the configuration. Throws ConfigError with all that is wrong, not only the first. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const faults: string[] = [];
  /** The value of a variable; `otherwise` where it is not set. What is wrong ends this function below. */
  const read = <T>(name: string, rule: string, parse: (text: string) => T | undefined, otherwise?: T): T => {
    const text = environment[name];
    const value = text === undefined ? otherwise : parse(text);
    if (value === undefined) faults.push(`${name}: ${text === undefined ? 'is required but not set' : rule}`);
    return value as T;
  };
  const url = (name: string, parse = httpUrl) =>
    read(name, 'should be an http(s) URL without a password, query or fragment', parse);
  const number = (name: string, least: number, most: number, otherwise: number) =>
    read(name, `should be ${least} to ${most}`, (text) => wholeNumber(text, least, most), otherwise);

  const config: Config = {
    port: number('PORT', 0, 65_535, 8080),
    drainDelaySeconds: number('DRAIN_DELAY_SECONDS', 0, 3600, 0),
    drainTimeoutSeconds: number('DRAIN_TIMEOUT_SECONDS', 0, 3600, 10),
    commandsUrl: url('COMMANDS_URL', baseUrl),
    queriesUrl: url('QUERIES_URL', baseUrl),
    serviceTokenFile: environment.SERVICE_TOKEN_FILE,
    sdkTimeoutSeconds: number('SDK_TIMEOUT_SECONDS', 1, 3600, 5),
    signIn: {
      url: environment.SIGN_IN_URL === undefined ? undefined : url('SIGN_IN_URL'),
      anonymousTenant: environment.ANONYMOUS_TENANT,
    },
  };
  if (faults.length > 0) throw new ConfigError(faults.join('; '));
  return config;
}

function wholeNumber(text: string, least: number, most: number): number | undefined {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}

/** Errors may show it. */
function httpUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') return undefined;
  return /^https?:[^?#]*$/.test(url.href) ? url : undefined;
}

/** It ends with a slash, so that paths can be resolved against it. */
function baseUrl(text: string): URL | undefined {
  const url = httpUrl(text);
  if (url !== undefined && !url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}
