import { link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realFile } from '../../../../src/adapters/real-file.ts';
import { credentialFilesOf } from '../../../../src/app/credential-files.ts';
import { checkSecrets, type JobToken } from '../../../../src/features/publish/secrets.ts';
import type { BuildSecret } from '../../../../src/repository/config.ts';
import { temporaryFolder } from '../../../support/git.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
/** A path below the folder of this test. */
const at = (path: string) => join(folder.path, path);
const FILES = [
  'home/.docker/config.json',
  'docker/config.json',
  'xdg/gh/hosts.yml',
  'kube/a',
  'kube/b',
  'release.pem',
];

beforeAll(async () => {
  folder = await temporaryFolder();
  for (const path of [...FILES, 'repo/npm-token']) {
    await mkdir(dirname(at(path)), { recursive: true });
    await writeFile(at(path), path);
  }
  await symlink('/proc/self/environ', at('repo/environ'));
  await symlink(at('docker'), at('repo/innocent'));
  await symlink(at('kube/b'), at('repo/second'));
  await symlink('second', at('repo/third'));
  await link(at('release.pem'), at('repo/hard'));
});
afterAll(() => folder?.[Symbol.asyncDispose]());

async function check(source: BuildSecret['source'], key?: string): Promise<readonly JobToken[]> {
  const variables = {
    DOCKER_CONFIG: at('docker'),
    XDG_CONFIG_HOME: at('xdg'),
    KUBECONFIG: `${at('kube/a')}:${at('kube/b')}`,
  };
  const ports = { credentialFiles: credentialFilesOf({ variables, home: at('home') }), realFile };
  return checkSecrets([{ id: 'x', source }], key, ports);
}

const refusal = expect.objectContaining({ code: 'build-secret-refused', exit: 2 });

describe('a file that leads to a credential is refused, whatever it is called', () => {
  test.each([
    ['a link to the environment of this process', 'repo/environ'],
    ['the file itself', 'docker/config.json'],
    ['by the folder above', 'repo/../docker/config.json'],
    ['through a linked folder', 'repo/innocent/config.json'],
    ['of a home', 'home/.docker/config.json'],
    ['where XDG_CONFIG_HOME says', 'xdg/gh/hosts.yml'],
    ['the second of KUBECONFIG', 'kube/b'],
    ['through a link', 'repo/second'],
    ['through two links', 'repo/third'],
    ['the signing key', 'release.pem'],
    ['a hard link of the signing key', 'repo/hard'],
  ])('%s', async (_, path) => {
    await expect(check({ file: at(path) }, at('release.pem'))).rejects.toEqual(refusal);
  });

  test('any other is taken, and one that is missing is left to the builder', async () => {
    expect(await check({ file: at('repo/npm-token') }, at('release.pem'))).toEqual([]);
    expect(await check({ file: at('repo/missing') })).toEqual([]);
    expect(await check({ file: at('release.pem') })).toEqual([]);
  });
});

describe('a variable', () => {
  test.each([
    ['ACTIONS_ID_TOKEN_REQUEST_TOKEN', undefined],
    ['KEY', 'env://KEY'],
    ['AWS_SESSION_TOKEN', 'awskms:///alias/main'],
  ])('%s is refused where the key is %s', async (env, key) => {
    await expect(check({ env }, key)).rejects.toEqual(refusal);
  });

  test('the token of the job is taken, to be warned of', async () => {
    expect(await check({ env: 'GITHUB_TOKEN' })).toEqual([{ id: 'x', variable: 'GITHUB_TOKEN' }]);
    expect(await check({ env: 'NPM_TOKEN' })).toEqual([]);
  });
});
