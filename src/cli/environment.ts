import { realpathSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, resolve } from 'node:path';
import type { Environment, OutputStream } from '../app/environment.ts';
import { secretsOf } from '../app/secrets.ts';
import { PrimitiveError } from '../core/errors.ts';
import {
  ALLOW_VARIABLE,
  checkoutsAround,
  type FolderRules,
  programFolders,
  realPath,
  sortFolders,
} from '../toolchain/folders.ts';
import { isSet, wantsColor } from './color.ts';

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
  // Links resolved, as git does: paths are compared with those that git prints.
  if (directory === undefined) return realPath(cwd);
  const path = resolve(cwd, directory);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return realpathSync(path);
  throw new PrimitiveError('directory-not-found', `Cannot change to ${directory}: it is not a folder.`, {
    why: `--directory names ${path}.`,
    suggestions: ['Pass an existing folder, relative to the current one.'],
  });
}

/** GitHub Actions, another CI, or none; `CI=false` and `CI=0` are none. */
export function detectCi(variables: Environment['variables']): Environment['ci'] {
  if (variables.GITHUB_ACTIONS === 'true') return 'github';
  return isSet(variables.CI) ? 'other' : undefined;
}

export function describe(
  stream: { readonly isTTY?: boolean; readonly columns?: number },
  variables: Environment['variables'],
): OutputStream {
  return {
    isTTY: stream.isTTY === true && variables.TERM !== 'dumb',
    ...(stream.isTTY === true && stream.columns !== undefined && stream.columns > 0
      ? { columns: stream.columns }
      : {}),
    color: wantsColor(stream, variables),
  };
}
