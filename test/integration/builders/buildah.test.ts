import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import type { BuildRequest } from '../../../src/builders/builder.ts';
import { chooseBuilder } from '../../../src/builders/choose.ts';
import { pinnedReferences, referencesFor } from '../../../src/builders/dockerfile/pins.ts';
import type { Variables } from '../../../src/core/variables.ts';
import { startDelayProxy } from '../../support/services/delay-proxy.ts';
import { type Distribution, startDistribution } from '../../support/services/distribution.ts';
import { run } from '../../support/services/run.ts';
import { pushShellBase } from '../../support/shell-base.ts';
import { tool } from '../../tools/locate.ts';

/** Distinguishes the sleep of this run from all others. */
const MARKER = String(2_000_000 + process.pid);

let registry: Distribution;
let base: string;
let folder: string;
let variables: Variables;

beforeAll(async () => {
  registry = await startDistribution();
  base = await pushShellBase(registry.host);
});
afterAll(() => registry?.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'buildah-test-'));
  await mkdir(join(folder, 'tmp'));
  await mkdir(join(folder, 'context'));
  const registries = join(folder, 'registries.conf');
  await writeFile(registries, `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`);
  const PATH = [dirname(tool('buildah')), process.env.PATH].join(delimiter);
  variables = { ...process.env, PATH, CONTAINERS_REGISTRIES_CONF: registries };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const builder = async (environment = variables) => {
  const ports = { processes: createProcesses(environment), variables: environment, path: environment.PATH };
  const places = { temporary: join(folder, 'tmp'), storage: join(folder, 'storage') };
  return chooseBuilder('buildah', { platform: 'linux', ...ports, ...places });
};
const request = async (
  steps: string,
  bases: Readonly<Record<string, string>> = {},
): Promise<BuildRequest> => {
  const text = `FROM ${base}\n${steps}\n`;
  await writeFile(join(folder, 'context', 'Dockerfile'), text);
  const platforms = [{ os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : 'arm64' }];
  return {
    context: join(folder, 'context'),
    dockerfile: 'Dockerfile',
    platforms,
    args: {},
    labels: {},
    images: pinnedReferences({ file: 'Dockerfile', text, args: {}, bases, platforms }),
    secrets: [],
    cacheNamespace: 'test',
    cacheFrom: [],
    cacheTo: [],
    output: join(folder, 'layout'),
  };
};
/** Folders of the stores: one for each build that ran at the same time. */
const stores = async () => {
  const [namespace = ''] = (await readdir(join(folder, 'storage'))).filter(
    (name) => !name.startsWith('probe'),
  );
  const [month = ''] = await readdir(join(folder, 'storage', namespace));
  const slots = await readdir(join(folder, 'storage', namespace, month));
  return slots
    .filter((slot) => slot !== 'cache' && slot !== 'bases')
    .map((slot) => join(folder, 'storage', namespace, month, slot));
};
/** Folders of the bases that were pulled. */
const basesPulled = async () => {
  const [store = ''] = await stores();
  const folder = join(dirname(store), 'bases');
  return (await readdir(folder)).map((name) => join(folder, name));
};
/** Names of the images in a store, and how many working containers it has. */
const content = async (store: string) => {
  const global = [`--root=${join(store, 'root')}`, `--runroot=${join(store, 'run')}`];
  const images = await run(tool('buildah'), [...global, 'images', '--all', '--format={{.Name}}']);
  const containers = await run(tool('buildah'), [...global, 'containers', '--all', '--quiet']);
  return {
    images: images.split('\n').filter(Boolean),
    containers: containers.split('\n').filter(Boolean).length,
  };
};
/** Lets buildah ask a registry over plain HTTP. */
const usingRegistry = (host: string) =>
  writeFile(join(folder, 'registries.conf'), `[[registry]]\nlocation = "${host}"\ninsecure = true\n`);
/** Builds a Dockerfile for two platforms by its name; gives what the layout holds. */
const manyBuilds = async (text: string) => {
  const platforms = ['amd64', 'arm64'].map((architecture) => ({ os: 'linux', architecture }));
  const { builder: buildah, info } = await builder();
  const images = referencesFor({ file: 'Dockerfile', text, args: {}, bases: {}, platforms }, info);
  const plain = await request('');
  return async (name: string) => {
    const context = join(folder, name);
    await mkdir(context);
    await writeFile(join(context, 'Dockerfile'), text);
    const output = join(folder, `layout-${name}`);
    await buildah.build({ ...plain, context, images, platforms, output });
    return (await readdir(join(output, 'blobs/sha256'))).sort();
  };
};
const NOTHING = { images: [], containers: 0 };

test('keeps the base and nothing else, after success and failure', async () => {
  const { builder: buildah } = await builder();
  await buildah.build(await request('RUN echo made > /made'));
  const [store = ''] = await stores();
  const [pulled = '', ...more] = await basesPulled();
  expect(more).toEqual([]);
  expect(await content(store)).toEqual(NOTHING);
  await expect(buildah.build(await request('RUN false'))).rejects.toMatchObject({ code: 'build-failed' });
  expect(await content(store)).toEqual(NOTHING);
  expect(await content(pulled)).toEqual({ images: [base.slice(0, base.indexOf('@'))], containers: 0 });
  expect(await stores()).toHaveLength(1);
});

test('takes what it has pulled, without asking the registry', async () => {
  const other = await startDistribution();
  const pulled = await pushShellBase(other.host);
  await usingRegistry(other.host);
  const { builder: buildah } = await builder();
  const bases = { [base]: pulled };
  await buildah.build(await request('RUN true', bases));
  await other.stop();
  await rm(join(folder, 'layout'), { recursive: true });
  await buildah.build(await request('RUN echo again > /again', bases));
});

test('pulls a base once for all builds, also at a time and for several platforms, and asks for it no more', async () => {
  await using proxy = await startDelayProxy({ target: `http://${registry.host}` });
  await usingRegistry(proxy.host);
  const [tools = '', runtime = ''] = [base, await pushShellBase(registry.host)].map((image) =>
    image.replace(registry.host, proxy.host),
  );
  const text = `FROM --platform=$BUILDPLATFORM ${tools} AS b\nARG TARGETARCH\nRUN echo $TARGETARCH > /made\nFROM ${runtime}\nCOPY --from=b /made /platform /\n`;
  const build = await manyBuilds(text);
  await Promise.all(['one', 'two', 'three'].map(build));
  const pulled = proxy.requests.filter(({ path }) => path.includes('/blobs/')).map(({ path }) => path);
  // A config and a layer of the one for this machine, and of the other for both platforms.
  expect(pulled).toHaveLength(6);
  expect(new Set(pulled).size).toBe(6);
  expect(await basesPulled()).toHaveLength(3);
  proxy.reset();
  await build('four');
  expect(proxy.requests).toEqual([]);
});

test('makes the same of one base on two platforms, whatever is at work beside it', async () => {
  const text = `FROM --platform=$BUILDPLATFORM ${base} AS b\nFROM ${base}\nCOPY --from=b /platform /built-on\n`;
  const build = await manyBuilds(text);
  const made = await Promise.all(['one', 'two'].map(build));
  made.push(await build('three'));
  for (const blobs of made) expect(blobs).toEqual(made[0]);
});

test('what a killed build left is ended and removed by the next one', async () => {
  const victim = await startVictim(await request(`RUN echo running-now && exec sleep ${MARKER}`));
  await kill(victim);
  const [store = ''] = await stores();
  expect((await content(store)).containers).toBe(1);
  expect(await isRunning(MARKER)).toBe(true);

  const { builder: buildah } = await builder();
  await rm(join(folder, 'layout'), { recursive: true, force: true });
  await buildah.build(await request('RUN true'));
  await expect.poll(() => isRunning(MARKER), { timeout: 120_000 }).toBe(false);
  expect(await stores()).toEqual([store]);
  expect(await content(store)).toEqual(NOTHING);
});

test('another process at work in the namespace is left alone', async () => {
  const victim = await startVictim(await request(`RUN echo running-now && exec sleep ${MARKER}`));
  const { builder: buildah } = await builder();
  await buildah.build({ ...(await request('RUN true')), output: join(folder, 'other') });
  const [first = '', second = ''] = await stores();
  expect([await content(first), await content(second)].map(({ containers }) => containers)).toEqual([1, 0]);
  expect(await isRunning(MARKER)).toBe(true);
  await kill(victim);
  await buildah.build(await request('RUN true'));
  await expect.poll(() => isRunning(MARKER), { timeout: 120_000 }).toBe(false);
});

test('builds at a time share cache mounts', async () => {
  const steps = (word: string) =>
    `RUN --mount=type=cache,target=/cache echo ${word} > /cache/${word}; ls /cache > /cache/seen-by-${word}; cat /cache/seen-by-${word}`;
  const { builder: buildah } = await builder();
  const seen = async (word: string) => {
    const lines: string[] = [];
    const output = join(folder, `layout-${word}`);
    await buildah.build({ ...(await request(steps(word))), output, onLine: (line) => lines.push(line) });
    return lines;
  };
  await seen('first');
  const victim = await startVictim(await request(`RUN echo running-now && exec sleep ${MARKER}`));
  expect(await seen('second')).toContain('first');
  expect(await stores()).toHaveLength(2);
  await kill(victim);
  // Cleaning up after it leaves the mounts alone.
  expect(await seen('third')).toEqual(expect.arrayContaining(['first', 'second']));
});

test('stores begin anew each month, and go in the month after next', async () => {
  const { builder: buildah } = await builder();
  await buildah.build(await request('RUN --mount=type=cache,target=/cache echo made > /cache/made'));
  const [store = ''] = await stores();
  const month = dirname(store);
  const now = new Date();
  const earlier = (months: number) =>
    join(
      dirname(month),
      new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months)).toISOString().slice(0, 7),
    );
  await rename(month, earlier(2));
  await cp(earlier(2), earlier(1), { recursive: true, filter: (path) => !path.includes('/root') });
  await rm(join(folder, 'layout'), { recursive: true });
  await buildah.build(
    await request('RUN --mount=type=cache,target=/cache [ ! -e /cache/made ] && echo > /again'),
  );
  expect((await readdir(dirname(month))).sort()).toEqual([basename(earlier(1)), basename(month)]);
});

test('without a runtime for containers, steps run by chroot', async () => {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  // A folder with buildah alone: no runc, no crun.
  await writeFile(
    join(bin, 'buildah'),
    `#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin exec ${tool('buildah')} "$@"\n`,
    { mode: 0o755 },
  );
  const { builder: buildah, info } = await builder({ ...variables, PATH: bin });
  expect(info.description).toContain('chroot isolation');
  await buildah.build(await request('RUN echo made > /made'));
});

test('says that it does not use layer caches', async () => {
  const { builder: buildah } = await builder();
  const lines: string[] = [];
  const cached = {
    cacheFrom: ['type=registry,ref=example.test/cache'],
    onLine: (line: string) => lines.push(line),
  };
  await buildah.build({ ...(await request('RUN true')), ...cached });
  expect(lines[0]).toContain('does not use the layer caches');
});

/** A process of its own that builds, until its step runs. */
async function startVictim(building: BuildRequest): Promise<ChildProcess> {
  const script = join(folder, 'victim.ts');
  const started = join(folder, 'started');
  const source = (path: string) => JSON.stringify(new URL(`../../../src/${path}`, import.meta.url).href);
  await writeFile(
    script,
    `import { createProcesses } from ${source('adapters/process.ts')};
     import { chooseBuilder } from ${source('builders/choose.ts')};
     import { writeFileSync } from 'node:fs';
     const variables = process.env;
     const { builder } = await chooseBuilder('buildah', { platform: 'linux', processes: createProcesses(variables), variables,
       path: variables.PATH, temporary: ${JSON.stringify(join(folder, 'tmp'))}, storage: ${JSON.stringify(join(folder, 'storage'))} });
     await builder.build({ ...${JSON.stringify(building)}, onLine: (line) => {
       if (line === 'running-now') writeFileSync(${JSON.stringify(started)}, '');
     } });`,
  );
  const child = spawn(process.execPath, [script], { env: variables as NodeJS.ProcessEnv, stdio: 'inherit' });
  await expect
    .poll(
      () =>
        readFile(started).then(
          () => true,
          () => false,
        ),
      { timeout: 120_000 },
    )
    .toBe(true);
  return child;
}

/** Kills it and waits until it is gone, and its locks with it. */
async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Whether any process has this as an argument. */
async function isRunning(marker: string): Promise<boolean> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const lists = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lists.some((list) => list.split('\0').includes(marker));
}
