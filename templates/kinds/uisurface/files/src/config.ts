import { type AcceptProxy, acceptProxy } from './platform/proxy.ts';
import { baseUrl, httpUrl, readSettings, wholeNumber } from './platform/settings.ts';
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

/** Reads the configuration. Throws a ConfigError that names all invalid variables. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  return readSettings(environment, (read) => {
    const url = (name: string, parse = httpUrl) =>
      read(name, 'must be an http(s) URL without user, query and fragment', parse);
    const number = (name: string, least: number, most: number, otherwise: number) =>
      read(name, `must be ${least} to ${most}`, (text) => wholeNumber(text, least, most), otherwise);

    return {
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
  });
}
