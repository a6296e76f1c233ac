import { join } from 'node:path';
import { readJson } from '../../core/json.ts';
import type { OwnPath } from '../diagnostics.ts';
import type { RunnerPorts } from '../ports.ts';
import { start } from '../runner.ts';
import { GO_ENVIRONMENT } from './environment.ts';

/** The packages that some arguments of the go tool name, with their files; also those that do not compile. */
export async function listPackages(
  go: string,
  args: readonly string[],
  ports: RunnerPorts,
  { cwd }: { readonly cwd: string },
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const env = GO_ENVIRONMENT;
  const { stdout } = await start(
    go,
    ['list', '-e', `-json=${['Dir', ...ALL_FIELDS].join(',')}`, ...args],
    ports,
    { cwd, env },
  );
  return readObjects(stdout);
}

export const TEST_FIELDS = ['TestGoFiles', 'XTestGoFiles'];
export const ALL_FIELDS = ['GoFiles', 'CgoFiles', ...TEST_FIELDS];

/** The files of a package, relative to the root of the repository. */
export function packageFiles(
  entry: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  own: OwnPath,
): readonly string[] {
  const names = keys.flatMap((key) => (Array.isArray(entry[key]) ? entry[key] : []));
  return names.flatMap((name) => own(join(String(entry.Dir), String(name))) ?? []);
}

/** JSON objects, one behind the other, each of which begins and ends at the start of a line. */
export function readObjects(text: string): readonly Readonly<Record<string, unknown>>[] {
  return text.split(/^(?=\{)/m).map(readJson);
}
