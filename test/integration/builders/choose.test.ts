import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { chooseBuilder } from '../../../src/builders/choose.ts';
import type { Variables } from '../../../src/core/variables.ts';
import { startDockerEngine } from '../../support/docker-engine.ts';
import { type Buildkit, startBuildkit } from '../../support/services/buildkit.ts';
import { run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

let buildkit: Buildkit;
let folder: string;
let bin: string;

beforeAll(async () => {
  buildkit = await startBuildkit();
});
afterAll(() => buildkit?.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'choose-test-'));
  bin = join(folder, 'bin');
  await mkdir(bin);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A PATH with just these programs. */
const install = (...names: string[]) =>
  Promise.all(names.map((name) => symlink(tool(name), join(bin, name))));
/** buildx without any builder of its own, so that it has the engine's. */
const engineOnly = () => ({
  BUILDX_CONFIG: join(folder, 'buildx'),
  DOCKER_HOST: `unix://${folder}/docker.sock`,
});
const startEngine = () => startDockerEngine(join(folder, 'docker.sock'), buildkit.address);

const choose = (
  wanted: 'auto' | 'buildx' | 'buildah',
  environment: Variables,
  platform: NodeJS.Platform = 'linux',
) => {
  const variables: Variables = { HOME: folder, ...environment, PATH: bin };
  // The programs themselves may need others; what is looked up is only what `path` says.
  const PATH = [bin, dirname(tool('runc')), process.env.PATH].join(delimiter);
  const processes = createProcesses({ ...variables, PATH });
  return chooseBuilder(wanted, {
    path: bin,
    platform,
    processes,
    variables,
    temporary: folder,
    storage: join(folder, 'storage'),
  });
};

describe('auto', () => {
  test('takes buildx where it can be used', async () => {
    await install('buildx', 'buildah');
    const { info, why } = await choose('auto', buildkit.env);
    expect(info).toMatchObject({
      name: 'buildx',
      description: expect.stringMatching(/^buildx \S+, builder "primitive-test" \(remote\)$/),
    });
    expect(why).toBeUndefined();
  });

  test('takes buildah otherwise, and says what is wrong with buildx', async () => {
    await install('buildx', 'buildah');
    await using _engine = await startEngine();
    const { info, why } = await choose('auto', engineOnly());
    expect(info.name).toBe('buildah');
    expect(why).toMatch(/^Builder default cannot export an image layout: its driver is docker/);
  });

  test('takes buildah where there is no buildx', async () => {
    await install('buildah');
    const { info, why } = await choose('auto', engineOnly());
    expect(info.name).toBe('buildah');
    expect(why).toBe('buildx not found');
  });

  test('says how to get one where there is none', async () => {
    await expect(choose('auto', engineOnly())).rejects.toMatchObject({
      code: 'builder-not-found',
      exit: 3,
      why: expect.stringMatching(/buildx not found.*buildah not found/),
      suggestions: expect.arrayContaining([
        'sudo apt-get install docker-buildx',
        'sudo apt-get install buildah',
      ]),
    });
  });

  test('with only the docker driver says how to create a builder', async () => {
    await install('buildx');
    await using _engine = await startEngine();
    await expect(choose('auto', engineOnly())).rejects.toMatchObject({
      code: 'builder-unusable',
      suggestions: expect.arrayContaining(['buildx create --use --driver docker-container']),
    });
  });
});

describe('one that is named is never replaced', () => {
  test('buildx with the docker driver', async () => {
    await install('buildx', 'buildah');
    await using _engine = await startEngine();
    await expect(choose('buildx', engineOnly())).rejects.toMatchObject({
      code: 'builder-unusable',
      exit: 3,
      message: 'Builder default cannot export an image layout',
      suggestions: expect.arrayContaining(['buildx create --use --driver docker-container']),
    });
  });

  test('no buildx', async () => {
    await install('buildah');
    await expect(choose('buildx', {})).rejects.toMatchObject({ code: 'builder-not-found', exit: 3 });
  });

  test('no buildah', async () => {
    await install('buildx');
    await expect(choose('buildah', buildkit.env)).rejects.toMatchObject({
      code: 'builder-not-found',
      exit: 3,
    });
  });

  test('buildah without a folder for what it keeps', async () => {
    await install('buildah');
    await writeFile(join(folder, 'storage'), '');
    await expect(choose('buildah', {})).rejects.toMatchObject({
      code: 'builder-unusable',
      exit: 3,
      message: `Cannot write to ${join(folder, 'storage')}`,
    });
  });

  test('buildah elsewhere than on Linux', async () => {
    await install('buildah');
    await expect(choose('buildah', {}, 'darwin')).rejects.toMatchObject({
      code: 'builder-not-found',
      message: 'buildah runs on Linux only',
    });
  });

  test('a buildx that is too old', async () => {
    await writeFile(join(bin, 'buildx'), '#!/bin/sh\necho github.com/docker/buildx v0.10.5 x\n');
    await chmod(join(bin, 'buildx'), 0o755);
    await expect(choose('buildx', {})).rejects.toMatchObject({
      code: 'builder-unusable',
      message: 'buildx 0.10.5 is too old',
    });
  });

  test('a BuildKit that does not answer', async () => {
    await install('buildx');
    const env = { BUILDX_CONFIG: join(folder, 'buildx'), BUILDX_BUILDER: 'gone' };
    await run(tool('buildx'), ['create', '--name=gone', '--driver=remote', `unix://${folder}/no.sock`], {
      env,
    });
    await expect(choose('buildx', env)).rejects.toMatchObject({
      code: 'builder-unusable',
      exit: 3,
      message: 'Builder gone does not answer',
      why: 'context deadline exceeded',
    });
  });

  test('an engine that does not answer', async () => {
    await install('buildx');
    await expect(choose('buildx', engineOnly())).rejects.toMatchObject({
      code: 'builder-unusable',
      message: 'Builder default does not answer',
      why: expect.stringContaining('Cannot connect to the Docker daemon'),
    });
  });

  test('a builder that is not there', async () => {
    await install('buildx');
    const env = { BUILDX_CONFIG: join(folder, 'buildx'), BUILDX_BUILDER: 'nobody' };
    await expect(choose('buildx', env)).rejects.toMatchObject({
      code: 'builder-unusable',
      why: expect.stringContaining('nobody'),
    });
  });
});
