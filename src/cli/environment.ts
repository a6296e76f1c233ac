import { realpathSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import type { Network } from '../http/client.ts';
import {
  ALLOW_VARIABLE,
  checkoutsAround,
  type FolderRules,
  programFolders,
  realPath,
  type SkippedFolder,
  sortFolders,
} from '../toolchain/folders.ts';
import { isSet, wantsColor } from './color.ts';
import { secretsOf } from './secrets.ts';

/** What is known of an output stream. */
export interface OutputStream {
  readonly isTTY: boolean;
  readonly color: boolean;
}

/** Everything that a command may know of where it runs, as plain data; nothing else reads it from the process. */
export interface Environment {
  /** PATH has no folder that the repository or a package fills; it is written so on Windows too. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly programs: ProgramSources;
  /** Values in `variables` that are never printed. */
  readonly secrets: readonly string[];
  /** Absolute; after `--directory`. */
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

/** Where programs come from. */
export interface ProgramSources {
  /** PATH as it was, for what runs the repository's own tools. */
  readonly wholePath: string | undefined;
  readonly skipped: readonly SkippedFolder[];
  readonly rules: FolderRules;
}

/** The flags that decide about the environment. */
export interface EnvironmentFlags {
  readonly json: boolean;
  readonly 'no-input': boolean;
  readonly directory: string | undefined;
  readonly config: string | undefined;
}

/** Reads the environment of `process` once; throws `directory-not-found` for a `--directory` that is none. */
export function readEnvironment(
  { env, cwd, platform, arch, stdin, stdout, stderr }: NodeJS.Process,
  flags: EnvironmentFlags,
  version: string,
): Environment {
  const directory = resolveDirectory(cwd(), flags.directory);
  const configFile = flags.config === undefined ? undefined : resolve(directory, flags.config);
  const home = homedir();
  const folders = configFile === undefined ? [directory] : [directory, dirname(realPath(configFile))];
  const { variables, programs } = restrictPath(env, platform, {
    checkouts: [...new Set(folders.flatMap((folder) => checkoutsAround(folder, home)))],
    allowed: programFolders({ path: env[ALLOW_VARIABLE], platform }).map(realPath),
  });
  const ci = detectCi(variables);
  return {
    variables,
    programs,
    secrets: secretsOf(variables),
    cwd: directory,
    configFile,
    home,
    temporary: tmpdir(),
    platform,
    arch,
    stdout: describe(stdout, variables),
    stderr: describe(stderr, variables),
    ci,
    interactive:
      stdin.isTTY === true && stderr.isTTY === true && ci === undefined && !flags.json && !flags['no-input'],
    version,
  };
}

/** The variables of a process, with the folders in PATH that programs may be taken from. */
function restrictPath(
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
  rules: FolderRules,
): Pick<Environment, 'variables' | 'programs'> {
  // Windows writes it `Path`.
  const isPath = (name: string) => name === 'PATH' || (platform === 'win32' && /^path$/i.test(name));
  const others = Object.entries(env).filter(([name]) => !isPath(name));
  const folders = programFolders({ path: Object.entries(env).find(([name]) => isPath(name))?.[1], platform });
  const { used, skipped } = sortFolders(folders, rules);
  // An empty one would mean the current folder.
  const join = (list: readonly string[]) => list.join(delimiter) || undefined;
  return {
    variables: { ...Object.fromEntries(others), PATH: join(used) },
    programs: { wholePath: join(folders), skipped, rules },
  };
}

function resolveDirectory(cwd: string, directory: string | undefined): string {
  if (directory === undefined) return cwd;
  const path = resolve(cwd, directory);
  // Links resolved, as git does: paths are compared with those that git prints.
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return realpathSync(path);
  throw new PrimitiveError('directory-not-found', `Cannot change to ${directory}: it is not a folder.`, {
    why: `--directory names ${path}.`,
    suggestions: ['Name an existing folder, relative to where you are.'],
  });
}

/** GitHub Actions, another CI, or none; `CI=false` and `CI=0` are none. */
export function detectCi(variables: Environment['variables']): Environment['ci'] {
  if (variables.GITHUB_ACTIONS === 'true') return 'github';
  return isSet(variables.CI) ? 'other' : undefined;
}

function describe(stream: { readonly isTTY?: boolean }, variables: Environment['variables']): OutputStream {
  return {
    isTTY: stream.isTTY === true && variables.TERM !== 'dumb',
    color: wantsColor(stream, variables),
  };
}

/** An object with the key, or without it where the value is missing: exact optional properties take no undefined. */
export function given<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  return value ? ({ [key]: value } as { [P in K]?: string }) : {};
}

/** Registries without TLS that may get a login, by PRIMITIVE_INSECURE_REGISTRIES. */
export function plainCredentials({
  PRIMITIVE_INSECURE_REGISTRIES: hosts,
}: Environment['variables']): readonly string[] {
  return hosts?.split(/[\s,]+/) ?? [];
}

/** Where this CLI keeps what it can make again. */
export function cacheFolder({ variables, home }: Pick<Environment, 'variables' | 'home'>): string {
  return join(variables.XDG_CACHE_HOME || join(home, '.cache'), 'primitive');
}

/** Where this CLI keeps what it has to remember from one call to the next. */
export function stateFolder({ variables, home }: Pick<Environment, 'variables' | 'home'>): string {
  return join(variables.XDG_STATE_HOME || join(home, '.local', 'state'), 'primitive');
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
  throw new PrimitiveError('proxy-invalid', `${name} does not name an HTTP proxy.`, {
    why: 'It is not an address of the form http://HOST:PORT.',
    suggestions: [`export ${name}=http://HOST:PORT`, `Or go without one: unset ${name}`],
  });
}
