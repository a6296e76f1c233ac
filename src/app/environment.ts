import { join } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import type { Network } from '../http/client.ts';
import type { FolderRules, SkippedFolder } from '../toolchain/folders.ts';

export interface OutputStream {
  readonly isTTY: boolean;
  /** Columns of a terminal; absent if it is none, or has no size as in some containers. */
  readonly columns?: number;
  readonly color: boolean;
}

/** Everything that a command may know of its environment, as plain data; nothing else reads it from the process. */
export interface Environment {
  /** PATH has no folder that the repository or a package fills; it is written so on Windows too. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly programs: ProgramSources;
  /** Values in `variables` that are never printed. */
  readonly secrets: readonly string[];
  /** Absolute, links resolved; after `--directory`. */
  readonly cwd: string;
  /** Absolute; from `--config`. */
  readonly configFile: string | undefined;
  readonly home: string;
  readonly temporary: string;
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly ci: 'github' | 'other' | undefined;
  /** Whether a question may be asked: stdin and stderr are terminals, and neither CI, `--json` nor `--no-input`. */
  readonly interactive: boolean;
  /** Of this CLI. */
  readonly version: string;
}

export interface ProgramSources {
  /** PATH as it was, for what runs the repository's own tools. */
  readonly wholePath: string | undefined;
  readonly skipped: readonly SkippedFolder[];
  readonly rules: FolderRules;
}

/** An object with the key, or without it if the value is missing: exact optional properties take no undefined. */
export function given<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  return value ? ({ [key]: value } as { [P in K]?: string }) : {};
}

/** Registries without TLS that may get a login, by PRIMITIVE_INSECURE_REGISTRIES. */
export function plainCredentials({
  PRIMITIVE_INSECURE_REGISTRIES: hosts,
}: Environment['variables']): readonly string[] {
  return hosts?.split(/[\s,]+/) ?? [];
}

export function cacheFolder({ variables, home }: Pick<Environment, 'variables' | 'home'>): string {
  return join(variables.XDG_CACHE_HOME || join(home, '.cache'), 'primitive');
}

/** Proxies and certificate authorities, as most programs take them; throws `proxy-invalid` for a proxy that is none. */
export function networkOf(variables: Environment['variables']): Network {
  return {
    proxy: {
      ...given('http', proxyOf('HTTP_PROXY', variables)),
      ...given('https', proxyOf('HTTPS_PROXY', variables)),
      ...given('no', variables.NO_PROXY ?? variables.no_proxy),
    },
    ...given('caFile', variables.SSL_CERT_FILE),
  };
}

/** `proxy.corp:3128` is `http://proxy.corp:3128`, as for curl and Go: cosign goes the same way as we. */
function proxyOf(
  variable: 'HTTP_PROXY' | 'HTTPS_PROXY',
  variables: Environment['variables'],
): string | undefined {
  const name = variables[variable] === undefined ? variable.toLowerCase() : variable;
  const value = variables[name]?.trim();
  if (!value) return undefined;
  const url = value.includes('://') ? value : `http://${value}`;
  if (/^https?:$/.test(URL.parse(url)?.protocol ?? '')) return url;
  // Not quoted: there may be a password in it.
  throw new PrimitiveError('proxy-invalid', `${name} is not the URL of an HTTP proxy.`, {
    why: 'It does not have the form http://HOST:PORT.',
    suggestions: [`export ${name}=http://HOST:PORT`, `Or use no proxy: unset ${name}`],
  });
}

/** URL of the GitHub Actions run, for the provenance. */
export function invocationOf({ variables, ci }: Environment): string | undefined {
  const { GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT } = variables;
  if (ci !== 'github' || !GITHUB_SERVER_URL || !GITHUB_REPOSITORY || !GITHUB_RUN_ID) return undefined;
  const attempt = GITHUB_RUN_ATTEMPT ? `/attempts/${GITHUB_RUN_ATTEMPT}` : '';
  return `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}${attempt}`;
}
