import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import type { Processes, RunResult } from '../core/process.ts';
import type { NpmInstaller } from '../features/plugins/npm.ts';
import { withoutCheckoutSettings } from './npm-environment.ts';

/** Milliseconds for one install. */
const TIMEOUT = 10 * 60_000;

/**
 * No script of a package is run, and no package is taken from git, which would run programs too. Peers are not installed:
 * the only one is this program.
 */
const FLAGS = [
  '--ignore-scripts',
  '--allow-git=none',
  '--legacy-peer-deps',
  '--omit=dev',
  '--no-audit',
  '--no-fund',
  '--no-update-notifier',
  '--package-lock=true',
  '--save-exact',
];

/**
 * npm of the user with the user's own settings. Those of a checkout do not count: it runs in a folder outside, and what npm
 * itself hands down to the programs that it starts is left out.
 */
export function openNpmInstaller(
  processes: Processes,
  variables: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): NpmInstaller {
  const env = withoutCheckoutSettings(variables);
  const npm = async (folder: string, what: string, command: string, ...specs: readonly string[]) => {
    const all = [command, ...FLAGS, '--prefix', folder, '--', ...specs];
    const result = await processes.run('npm', all, { cwd: folder, env, timeout: TIMEOUT, signal });
    if (result.exitCode !== 0) throw failed(what, result);
  };
  return {
    install: async (folder, spec) => {
      await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
      await npm(folder, spec, 'install', spec);
      return readFile(join(folder, 'package-lock.json'), 'utf8');
    },
    installLocked: async (folder, { manifest, lock }) => {
      await writeFile(join(folder, 'package.json'), manifest);
      await writeFile(join(folder, 'package-lock.json'), lock);
      await npm(folder, 'the plugins of the lock file', 'ci');
    },
  };
}

function failed(what: string, { stderr }: RunResult): PrimitiveError {
  const lines = stderr.split('\n').filter((line) => /^npm (?:error|ERR!)/.test(line));
  const words = lines.map((line) => line.replace(/^npm (?:error|ERR!) ?/, '').trim());
  const code = words.find((line) => line.startsWith('code '))?.slice('code '.length);
  const reason = words
    .filter((line) => line !== '' && !/^code |complete log of this run/.test(line))
    .slice(0, 5);
  const why = reason.join('\n') || stderr.trim().slice(-500) || 'npm printed no reason';
  if (code === 'E404' || code === 'ETARGET') {
    return new PrimitiveError('plugin-not-found', `Cannot find ${what} in the registry of npm.`, {
      why,
      suggestions: ['Check name and version.', 'Which registry is asked: npm config get registry'],
    });
  }
  return new PrimitiveError('npm-failed', `npm cannot install ${what}.`, { why, exit: 3, retryable: true });
}
