import { hash } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import type { Processes, RunResult } from '../core/process.ts';
import { withoutCheckoutSettings } from './npm-environment.ts';

/** Milliseconds for one package. */
const TIMEOUT = 5 * 60_000;

/**
 * The folder of one version of an npm package with exactly these bytes, below `folder`; nothing of it is run. npm works in
 * `folder`, with the settings of the user: never in a checkout, whose `.npmrc` may name any registry.
 *
 * Throws `template-not-fetched` (exit 3).
 */
export async function fetchPackage(
  {
    package: name,
    version,
    integrity,
  }: { readonly package: string; readonly version: string; readonly integrity: string },
  folder: string,
  {
    processes,
    variables,
    signal,
  }: {
    readonly processes: Processes;
    readonly variables: Readonly<Record<string, string | undefined>>;
    readonly signal: AbortSignal;
  },
): Promise<string> {
  const spec = `${name}@${version}`;
  const env = withoutCheckoutSettings(variables);
  const run = async (program: string, args: readonly string[]) => {
    const result = await processes.run(program, args, { cwd: folder, env, timeout: TIMEOUT, signal });
    if (result.exitCode !== 0) throw notFetched(spec, wordsOf(result));
  };
  const to = ['--prefix', folder, '--pack-destination', folder];
  await run('npm', ['pack', ...to, '--ignore-scripts', '--no-update-notifier', '--', spec]);
  const [file] = (await readdir(folder)).filter((entry) => entry.endsWith('.tgz'));
  if (file === undefined) throw notFetched(spec, 'npm wrote no file');
  const found = `sha512-${hash('sha512', await readFile(join(folder, file)), 'base64')}`;
  if (found !== integrity) throw notFetched(spec, `its integrity is ${found}, not ${integrity} as recorded`);
  const content = join(folder, 'content');
  await mkdir(content);
  await run('tar', ['-xzf', file, '-C', 'content']);
  const [top, ...others] = await readdir(content);
  if (top === undefined || others.length > 0) throw notFetched(spec, 'it is not one folder');
  return join(content, top);
}

function wordsOf({ stderr, exitCode }: RunResult): string {
  const lines = stderr.split('\n').filter((line) => /^npm (?:error|ERR!)|^tar:/.test(line));
  return lines.slice(0, 3).join('\n') || `exit code ${exitCode}`;
}

function notFetched(spec: string, why: string): PrimitiveError {
  return new PrimitiveError('template-not-fetched', `Cannot fetch ${spec}.`, {
    why,
    suggestions: [`Which registry is asked: npm config get registry`],
    exit: 3,
    retryable: true,
  });
}
