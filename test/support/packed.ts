import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { stagePackage } from '../../.ci/stage.ts';
import { exclusively } from '../tools/lock.ts';
import { run as runProgram } from './services/run.ts';

/** How the CLI is called: nothing is inherited but PATH. */
export interface CallOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Arguments of node itself. */
  readonly node?: readonly string[];
}

/** What a call came to. */
export interface Call {
  /** null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The package as a user has it: packed, and installed elsewhere without a network. */
export interface Packed extends AsyncDisposable {
  /** The installed package. */
  readonly folder: string;
  /** The file that it was installed from. */
  readonly archive: string;
  /** A home folder and working directory with nothing in it. */
  readonly home: string;
  run(args: readonly string[], options?: CallOptions): Promise<Call>;
  start(args: readonly string[], options?: CallOptions): ChildProcess;
}

/** The package of this test run, which nobody writes to, with a home of its own. */
export async function installPacked(): Promise<Packed> {
  const shared = inject('sharedFolder');
  const installed = join(shared, 'packed');
  await exclusively(
    shared,
    () => {},
    async () => {
      if (!existsSync(installed)) await pack(installed);
    },
  );
  const home = await mkdtemp(join(tmpdir(), 'packed-home-'));
  const folder = join(installed, 'node_modules/@ameide/primitive');
  const start = (args: readonly string[], { cwd = home, env = {}, node = [] }: CallOptions = {}) =>
    spawn(process.execPath, [...node, join(folder, 'bin/run.js'), ...args], {
      cwd,
      env: { PATH: process.env.PATH, HOME: home, ...env },
    });
  const [archive = ''] = globSync(join(installed, '*.tgz'));
  return {
    folder,
    archive,
    home,
    start,
    run: (args, options) => collect(start(args, options), options?.input ?? ''),
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}

/** Builds and packs the sources as they are, and installs the package into a folder that does not exist yet. */
async function pack(installed: string): Promise<void> {
  const base = `${installed}.part`;
  await rm(base, { recursive: true, force: true });
  await mkdir(base);
  const npm = (...args: readonly string[]) =>
    runProgram('npm', [...args, '--offline', '--no-audit', '--no-fund', '--ignore-scripts', '--silent'], {
      cwd: base,
    });
  await stagePackage(join(base, 'package'));
  const tarball = (await npm('pack', join(base, 'package'))).trim().split('\n').at(-1) ?? '';
  await writeFile(join(base, 'package.json'), '{"private":true}');
  await npm('install', join(base, tarball));
  await rename(base, installed);
}

/** Waits for the end of a process and gathers what it printed; without `input` its stdin stays open. */
export async function collect(child: ChildProcess, input?: string): Promise<Call> {
  const texts = [child.stdout, child.stderr].map(async (stream) => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream ?? []) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  });
  child.stdin?.on('error', () => {});
  if (input !== undefined) child.stdin?.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exit) => resolve(exit));
  });
  const [stdout = '', stderr = ''] = await Promise.all(texts);
  return { code, stdout, stderr };
}
