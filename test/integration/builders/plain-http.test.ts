import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import type { BuildRequest, PlainHttp } from '../../../src/builders/builder.ts';
import { chooseBuilder } from '../../../src/builders/choose.ts';
import { pinnedReferences } from '../../../src/builders/dockerfile/pins.ts';
import { PrimitiveError } from '../../../src/core/errors.ts';
import type { Variables } from '../../../src/core/variables.ts';
import { isLoopbackHost } from '../../../src/http/loopback.ts';
import { repositoryHost } from '../../../src/oci/reference.ts';
import { startBuildkit } from '../../support/services/buildkit.ts';
import { type Distribution, startDistribution } from '../../support/services/distribution.ts';
import { run } from '../../support/services/run.ts';
import { pushShellBase } from '../../support/shell-base.ts';
import { tool } from '../../tools/locate.ts';

let registry: Distribution;
/** The registry by a name that is not this machine's by any rule, though Linux goes there. */
let host: string;
let base: string;
let local: string;
let folder: string;

beforeAll(async () => {
  registry = await startDistribution();
  host = registry.host.replace('127.0.0.1', '0.0.0.0');
  expect(isLoopbackHost(host)).toBe(false);
  local = await pushShellBase(registry.host);
  base = local.replace(registry.host, host);
});
afterAll(() => registry?.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plain-http-'));
  for (const name of ['tmp', 'context', 'home']) await mkdir(join(folder, name));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const LINUX = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : 'arm64' };

async function open(
  name: 'buildx' | 'buildah',
  allows: (host: string) => boolean,
  env: Variables = {},
  setting: Awaited<ReturnType<PlainHttp>> = 'no-login',
) {
  const PATH = [dirname(tool(name)), process.env.PATH].join(delimiter);
  const variables = { ...process.env, HOME: join(folder, 'home'), ...env, PATH };
  const plainHttp: PlainHttp = async (repository) => (allows(repositoryHost(repository)) ? setting : 'no');
  const places = { temporary: join(folder, 'tmp'), storage: join(folder, 'storage') };
  const ports = { processes: createProcesses(variables), variables, path: PATH };
  return chooseBuilder(name, { platform: 'linux', ...ports, ...places, plainHttp });
}

async function request(
  from = base,
  text = `FROM ${from}\nRUN echo built > /built\n`,
  platforms = [LINUX],
): Promise<BuildRequest> {
  await writeFile(join(folder, 'context/Dockerfile'), text);
  return {
    context: join(folder, 'context'),
    dockerfile: 'Dockerfile',
    platforms,
    args: {},
    labels: {},
    images: pinnedReferences({ file: 'Dockerfile', text, args: {}, bases: {}, platforms }),
    secrets: [],
    cacheNamespace: 'test',
    cacheFrom: [],
    cacheTo: [],
    output: join(folder, 'output'),
  };
}

const wanted = (reference: string) => ({ reference, platforms: [`linux/${LINUX.architecture}`] });

async function refusal(work: Promise<unknown>): Promise<PrimitiveError> {
  const error = await work.then(
    () => new Error('it was not refused'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof PrimitiveError) return error;
  throw error;
}

describe('buildah', () => {
  test.each([
    ['an insecure registry', () => base, (name: string) => name === host],
    ['a loopback registry', () => local, isLoopbackHost],
  ])('gets a base from %s, on a machine that does not know it', async (_what, from, allows) => {
    const { builder } = await open('buildah', allows);
    await builder.checkBase(wanted(from()));
    await builder.build(await request(from()));
    expect(JSON.parse(await readFile(join(folder, 'output/index.json'), 'utf8'))).toHaveProperty('manifests');
  });

  test('gets such a base for each platform', async () => {
    const { builder } = await open('buildah', (name) => name === host);
    const both = ['amd64', 'arm64'].map((architecture) => ({ os: 'linux', architecture }));
    await builder.build(await request(base, `FROM ${base}\nCOPY Dockerfile /\n`, both));
  });

  test('asks any other registry over HTTPS, and says which setting there is', async () => {
    const { builder } = await open('buildah', isLoopbackHost);
    const asked = await request();
    for (const ask of [() => builder.checkBase(wanted(base)), () => builder.build(asked)]) {
      const { why, log, suggestions } = await refusal(ask());
      expect(why ?? log).toContain('server gave HTTP response to HTTPS client');
      expect(suggestions[0]).toContain(`insecureRegistries: [${host}]`);
    }
  });

  test('a base whose login must not be sent is refused, before anything is asked', async () => {
    const { builder } = await open('buildah', (name) => name === host, {}, 'has-login');
    const asked = await request();
    for (const ask of [() => builder.checkBase(wanted(base)), () => builder.build(asked)]) {
      const { code, suggestions } = await refusal(ask());
      expect(code).toBe('base-unavailable');
      expect(suggestions.join()).toContain(`export PRIMITIVE_INSECURE_REGISTRIES=${host}`);
    }
  });

  test('so is any where programs of registries.conf may have a login', async () => {
    const registries = join(folder, 'registries.conf');
    await writeFile(registries, 'credential-helpers = ["containers-auth.json", "secretservice"]\n');
    const { builder } = await open('buildah', () => true, { CONTAINERS_REGISTRIES_CONF: registries });
    expect((await refusal(builder.checkBase(wanted(base)))).why).toContain('by the config alone');
  });

  test("keeps the machine's own file: a mirror in it is still used", async () => {
    const registries = join(folder, 'registries.conf');
    const mirror = `[[registry.mirror]]\nlocation = "${registry.host}"\ninsecure = true\n`;
    await writeFile(registries, `[[registry]]\nlocation = "mirrored.invalid"\n${mirror}`);
    const { builder } = await open('buildah', (name) => name === host, {
      CONTAINERS_REGISTRIES_CONF: registries,
    });
    // Another image: buildah would find the same one by its digest.
    const tag = `${registry.host}/other/shell:1`;
    await run(tool('crane'), ['mutate', '--label=other=1', `--tag=${tag}`, local]);
    const digest = (await run(tool('crane'), ['digest', tag])).trim();
    const text = `FROM mirrored.invalid/other/shell@${digest} AS other\nFROM ${base}\nCOPY --from=other /bin/sh /copied\n`;
    const asked = await request(base, text);
    expect(asked.images).toHaveLength(2);
    await builder.build(asked);
  });

  test.each([
    ['its file', (home: string) => join(home, '.config/containers/registries.conf')],
    ['a drop-in', (home: string) => join(home, '.config/containers/registries.conf.d/own.conf')],
  ])("the machine's own entry for the host wins, in %s", async (_where, at) => {
    const path = at(join(folder, 'home'));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `[[registry]]\nlocation = "${host}"\nblocked = true\n`);
    const { builder } = await open('buildah', (name) => name === host);
    const { why } = await refusal(builder.checkBase(wanted(base)));
    expect(why).toContain('blocked');
  });

  test('a base that is not there', async () => {
    const { builder } = await open('buildah', (name) => name === host);
    const missing = `${base.slice(0, -64)}${'0'.repeat(64)}`;
    const error = await refusal(builder.checkBase(wanted(missing)));
    expect(error).toMatchObject({ code: 'base-unavailable', exit: 3 });
    expect(error.why).toMatch(/manifest unknown/);
  });
});

describe('BuildKit', () => {
  test('a base over plain HTTP is refused with lines that, applied as they stand, let it be built', async () => {
    await using plain = await startBuildkit();
    const { builder } = await open('buildx', () => true, plain.env);
    await builder.checkBase(wanted(local));
    const checked = await refusal(builder.checkBase(wanted(base)));
    expect(checked.code).toBe('base-unavailable');
    const failed = await refusal(builder.build(await request()));
    expect(failed.code).toBe('build-failed');
    for (const { suggestions } of [checked, failed]) {
      const at = suggestions.findIndex((line) => line.startsWith('[registry.'));
      const lines = suggestions.slice(at, at + 2);
      await using mended = await startBuildkit({ lines });
      const { builder: other } = await open('buildx', () => true, mended.env);
      await other.checkBase(wanted(base));
      await other.build(await request());
      await rm(join(folder, 'output'), { recursive: true });
    }
  });

  test('a base whose name is more than one word starts nothing', async () => {
    await using buildkit = await startBuildkit();
    const { builder } = await open('buildx', () => true, buildkit.env);
    const reference = `${local}\nRUN echo started\nFROM ${local}`;
    expect(await refusal(builder.checkBase(wanted(reference)))).toMatchObject({ code: 'base-unavailable' });
  });

  test('a base that is not there, or not for the platform', async () => {
    await using buildkit = await startBuildkit();
    const { builder } = await open('buildx', () => true, buildkit.env);
    const missing = await refusal(builder.checkBase(wanted(`${local.slice(0, -64)}${'0'.repeat(64)}`)));
    expect(missing).toMatchObject({ code: 'base-unavailable', exit: 3 });
    expect(missing.why).toContain('not found');
    const odd = await refusal(builder.checkBase({ reference: local, platforms: ['linux/s390x'] }));
    expect(odd.why).toContain('no match for platform');
  });
});
