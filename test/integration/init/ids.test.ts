import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { gitRepo } from '../../support/git.ts';
import { installPacked, type Packed } from '../../support/packed.ts';
import { GITHUB_API, serverCertificate } from '../../support/services/certificates.ts';
import { githubEnv } from '../../support/services/github-claims.ts';
import { type LoopbackServer, serve } from '../../support/services/http.ts';
import { startTunnelProxy, type TunnelProxy } from '../../support/services/tunnel-proxy.ts';
import { tool } from '../../tools/locate.ts';

let cli: Packed;
let folder: string;
let caFile: string;
let github: LoopbackServer;
let proxy: TunnelProxy;
const seen: { readonly path: string | undefined; readonly authorization: string | undefined }[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'init-ids-'));
  const tls = await serverCertificate(folder);
  caFile = tls.caFile;
  cli = await installPacked();
  github = await serve(({ url, headers: { authorization } }, response) => {
    seen.push({ path: url, authorization });
    const known = url === '/repos/acme/app' && authorization === 'Bearer right';
    response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(known ? { id: 100200300, owner: { id: 400500 } } : { message: 'Not Found' }));
  }, tls);
  proxy = await startTunnelProxy({ port: Number(new URL(github.url).port) });
});
afterAll(async () => {
  await Promise.all([proxy?.close(), github?.close(), cli?.[Symbol.asyncDispose]()]);
  await rm(folder, { recursive: true, force: true });
});

/** Runs init with what a person's environment holds; the entries of its config and what GitHub was asked. */
async function init(env: Readonly<Record<string, string>>, repository = 'acme/app') {
  await using repo = await gitRepo();
  seen.length = 0;
  const network = { HTTPS_PROXY: proxy.url, SSL_CERT_FILE: caFile, PATH: join(tool('git'), '..') };
  const call = await cli.run(['init', '--repository', repository, '--events', 'ndjson'], {
    cwd: repo.root,
    env: { ...network, ...env },
  });
  expect(call).toMatchObject({ code: 0 });
  const { signing } = parse(await readFile(join(repo.root, 'primitive.config.yaml'), 'utf8'));
  return { entries: [...(signing?.trusted ?? []), ...(signing?.accepted ?? [])], stderr: call.stderr };
}

const IDS = { repositoryId: '100200300', ownerId: '400500', runner: 'github-hosted' };

describe('the ids that init writes', () => {
  test("come from GitHub with a person's token", async () => {
    const { entries, stderr } = await init({ GH_TOKEN: 'right' });
    expect(entries).toMatchObject([
      { ...IDS, trigger: 'push' },
      { ...IDS, trigger: 'pull_request' },
    ]);
    expect(seen).toEqual([{ path: '/repos/acme/app', authorization: 'Bearer right' }]);
    expect(proxy.asked.at(-1)).toBe(`${GITHUB_API}:443`);
    expect(stderr).not.toContain('init-ids-unknown');
  });

  test('come from the job of the repository itself', async () => {
    const { entries } = await init(githubEnv());
    expect(entries).toMatchObject([IDS, IDS]);
    expect(seen).toEqual([]);
  });

  test('of another repository than the job is of are not its own', async () => {
    const { entries } = await init(githubEnv({ repository: 'acme/other' }));
    expect(entries).not.toContainEqual(expect.objectContaining({ ownerId: IDS.ownerId }));
  });

  test.each([
    ['no token', {}],
    ['a token that may not see it', { GH_TOKEN: 'wrong' }],
    ['a GitHub that cannot be reached', { GH_TOKEN: 'right', HTTPS_PROXY: 'http://127.0.0.1:9' }],
  ])('are left out with %s, and it is said how to add them', async (_, env) => {
    const { entries, stderr } = await init(env);
    for (const entry of entries) expect(entry).not.toHaveProperty('repositoryId');
    expect(stderr).toContain('"init-ids-unknown"');
    expect(stderr).toContain('gh api repos/acme/app');
  });

  test('cost no token of another GitHub, and none of ours goes to a host that the repository names', async () => {
    await init({ GH_HOST: 'ghes.acme.example', GH_ENTERPRISE_TOKEN: 'secret' });
    expect(seen).toEqual([]);
    const before = proxy.asked.length;
    await init({ GH_TOKEN: 'right' }, 'gitlab.com/acme/app');
    expect(proxy.asked.slice(before)).toEqual([]);
  });
});
