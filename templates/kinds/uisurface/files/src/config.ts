import { isAbsolute } from 'node:path';
import { type AcceptProxy, isName, tokensIn } from './proxy.ts';
import type { SignIn } from './sign-in.ts';

/** The configuration of a process. Settings that differ between deployments have no default. */
export interface Config {
  readonly port: number;
  /** How long to keep serving after SIGTERM, until load balancers stop sending requests. */
  readonly drainDelaySeconds: number;
  /** Limit for requests in flight after the drain delay. */
  readonly drainTimeoutSeconds: number;
  /** Base URL of the service for commands. */
  readonly commandsUrl: URL;
  /** Base URL of the service for queries. */
  readonly queriesUrl: URL;
  /** File with the token that is sent to services. */
  readonly serviceTokenFile: string | undefined;
  /** Limit for all SDK calls of one page together. */
  readonly sdkTimeoutSeconds: number;
  readonly acceptProxy: AcceptProxy;
  readonly signIn: SignIn;
}

/** The environment is not a valid configuration; the message names each variable and shows no value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads one variable, parses it, and records a fault if it is missing or `parse` rejects it. */
type Read = <T>(name: string, rule: string, parse: (text: string) => T | undefined, otherwise?: T) => T;

/** Reads the configuration. Throws a ConfigError that names all invalid variables. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const faults: string[] = [];
  /** The value of a variable, or `otherwise` if it is not set. Faults are thrown together below. */
  const read: Read = (name, rule, parse, otherwise) => {
    const text = environment[name];
    const value = text === undefined ? otherwise : parse(text);
    if (value === undefined) faults.push(`${name}: ${text === undefined ? 'is required but not set' : rule}`);
    return value as NonNullable<typeof value>;
  };
  const url = (name: string, parse = httpUrl) =>
    read(name, 'must be an http(s) URL without user, query and fragment', parse);
  const number = (name: string, least: number, most: number, otherwise: number) =>
    read(name, `must be ${least} to ${most}`, (text) => wholeNumber(text, least, most), otherwise);

  const config: Config = {
    port: number('PORT', 0, 65_535, 8080),
    drainDelaySeconds: number('DRAIN_DELAY_SECONDS', 0, 3600, 0),
    drainTimeoutSeconds: number('DRAIN_TIMEOUT_SECONDS', 0, 3600, 10),
    commandsUrl: url('COMMANDS_URL', baseUrl),
    queriesUrl: url('QUERIES_URL', baseUrl),
    serviceTokenFile: environment.SERVICE_TOKEN_FILE,
    sdkTimeoutSeconds: number('SDK_TIMEOUT_SECONDS', 1, 3600, 5),
    acceptProxy: acceptProxy(read),
    signIn: {
      url: environment.SIGN_IN_URL === undefined ? undefined : url('SIGN_IN_URL'),
      anonymousTenant: environment.ANONYMOUS_TENANT,
    },
  };
  if (faults.length > 0) throw new ConfigError(faults.join('; '));
  return config;
}

function acceptProxy(read: Read): AcceptProxy {
  const rule =
    '`anyone:TENANT`, the absolute path of a readable file with tokens, or the https URL of a JWKS';
  const accepted = read('ACCEPT_PROXY', `must be ${rule}`, proxyKind);
  if (!(accepted instanceof URL)) return accepted;
  const text = (value: string) => value || undefined;
  return {
    by: 'keys',
    url: accepted,
    issuer: read('ISSUER_URL', 'must not be empty', text),
    audience: read('AUDIENCE', 'must not be empty', text),
    tenantClaim: read('TENANT_CLAIM', 'must not be empty', text, 'tenantId'),
  };
}

function proxyKind(text: string): Exclude<AcceptProxy, { by: 'keys' }> | URL | undefined {
  if (/^anyone(?::|$)/.test(text)) {
    const tenant = text.slice('anyone:'.length);
    return isName(tenant) ? { by: 'anyone', tenant } : undefined;
  }
  if (!isAbsolute(text)) return secureUrl(text);
  try {
    tokensIn(text);
    return { by: 'tokens', file: text };
  } catch {
    return undefined;
  }
}

/** An https URL; on the loopback interface also http. */
function secureUrl(text: string): URL | undefined {
  const url = httpUrl(text);
  const secure = url?.protocol === 'https:' || /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url?.hostname ?? '');
  return secure ? url : undefined;
}

function wholeNumber(text: string, least: number, most: number): number | undefined {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}

/** A URL without credentials, so that errors may show it. */
function httpUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') return undefined;
  return /^https?:[^?#]*$/.test(url.href) ? url : undefined;
}

/** Ends with a slash, so that relative paths can be resolved. */
function baseUrl(text: string): URL | undefined {
  const url = httpUrl(text);
  if (url !== undefined && !url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}
