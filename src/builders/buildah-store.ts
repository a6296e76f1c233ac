import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { RunOptions, RunResult } from '../toolchain/process.ts';
import type { BuilderSetup } from './prepare.ts';

/** What buildah needs besides. */
export interface BuildahSetup extends BuilderSetup {
  /** Folder that lasts from run to run: pulled bases and cache mounts, apart for each cache namespace. */
  readonly storage: string;
  /** The value of PATH. */
  readonly path: string | undefined;
}

/** How this machine stores layers and runs containers. */
export interface StoreOptions {
  /** Flags that say how layers are stored. */
  readonly driver: readonly string[];
  /** Path of runc or crun, if there is one. */
  readonly runtime: string | undefined;
}

/** Variables that would make a build depend on the machine; `undefined` removes them. */
export const ENVIRONMENT: NonNullable<RunOptions['env']> = {
  BUILDAH_FORMAT: undefined,
  BUILDAH_LAYERS: undefined,
  SOURCE_DATE_EPOCH: undefined,
};

const CLEANUP_MS = 60_000;

/** A store of images and containers for one build at a time; disposing of it removes all but pulled images. */
export interface Store extends AsyncDisposable {
  /** Name for the list of platforms of this one build: a killed one may still be at work and must not add to it. */
  readonly list: string;
  run(args: readonly string[], options?: RunOptions): Promise<RunResult>;
}

/** Opens a store of this cache namespace; what a killed build left in it is removed first. */
export async function openStore(
  setup: BuildahSetup,
  options: StoreOptions,
  cacheNamespace: string,
): Promise<Store> {
  const wanted = join(setup.storage, shortHash(cacheNamespace));
  await mkdir(wanted, { recursive: true, mode: 0o700 });
  // Locks and leftovers are identified by path, so the path must be unique.
  const namespace = await realpath(wanted);
  const { lock, slot } = await takeSlot(namespace);
  const folder = join(namespace, String(slot));
  const temporary = join(folder, 'tmp');
  const marker = join(folder, 'in-use');
  const list = `localhost/primitive:${randomBytes(8).toString('hex')}`;
  const global = [`--root=${join(folder, 'root')}`, `--runroot=${join(folder, 'run')}`, ...options.driver];
  const run = (args: readonly string[], runOptions: RunOptions = {}) =>
    setup.processes.run(setup.program.path, [...setup.program.args, ...global, ...args], {
      ...runOptions,
      // Cache mounts are below TMPDIR for every store.
      env: { ...ENVIRONMENT, TMPDIR: temporary },
    });
  const clean = async (list: string) => {
    await endSteps(setup, options.runtime, temporary);
    await run(['rm', '--all'], { timeout: CLEANUP_MS });
    await run(['manifest', 'rm', list], { timeout: CLEANUP_MS });
    await run(['rmi', '--prune'], { timeout: CLEANUP_MS });
    for (const entry of await readdir(temporary)) {
      if (entry.startsWith('buildah-cache')) continue;
      await rm(join(temporary, entry), { recursive: true, force: true });
    }
    await rm(marker, { force: true });
  };
  try {
    await mkdir(temporary, { recursive: true, mode: 0o700 });
    const left = await readFile(marker, 'utf8').catch(() => undefined);
    if (left !== undefined) await clean(left);
    await writeFile(marker, list);
  } catch (error) {
    lock.close();
    throw error;
  }
  return {
    list,
    run,
    async [Symbol.asyncDispose]() {
      // What cannot be removed now does not change the image: the marker stays, and the next build tries again.
      await clean(list).catch(() => {});
      lock.close();
    },
  };
}

/**
 * Ends containers of steps that their buildah could not end itself: it was killed, or the abort came while the container
 * was being created. They are found by their bundles, which are in the store's temporary folder.
 */
async function endSteps(
  { processes }: BuildahSetup,
  runtime: string | undefined,
  temporary: string,
): Promise<void> {
  if (runtime === undefined) return;
  const list = await processes.run(runtime, ['list', '--format=json'], { timeout: CLEANUP_MS });
  const containers = JSON.parse(Buffer.from(list.stdout).toString() || 'null') as
    | readonly { readonly id: string; readonly bundle: string }[]
    | null;
  for (const { id, bundle } of containers ?? []) {
    if (!bundle.startsWith(join(temporary, '/'))) continue;
    await processes.run(runtime, ['delete', '--force', id], { timeout: CLEANUP_MS });
  }
}

/**
 * The first store of the namespace that no process uses. The lock is a name in Linux's abstract
 * socket namespace: the kernel gives it to one process and frees it however that one ends.
 */
async function takeSlot(namespace: string): Promise<{ lock: Server; slot: number }> {
  for (let slot = 0; ; slot++) {
    const lock = await listen(`\0primitive-buildah-${shortHash(namespace)}-${slot}`);
    if (lock) return { lock, slot };
  }
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen({ path }, () => resolve(server.unref()));
  });
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
