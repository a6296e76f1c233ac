import { afterAll, beforeAll, expect, test } from 'vitest';
import { poisonCache } from '../../support/poisoned-cache.ts';
import { type App, type PublishLab, startPublishLab, tagsOf } from '../../support/publish-lab.ts';
import { startBuildkit } from '../../support/services/buildkit.ts';
import { run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

/** The layer that both commits have, so that a cache may give it to the second one. */
const LIBRARY = { name: 'library.txt', content: 'from the commit\n' };
const EVIL = { name: LIBRARY.name, content: 'EVIL: from a pull request\n' };

let lab: PublishLab;
beforeAll(async () => {
  lab = await startPublishLab();
});
afterAll(() => lab?.[Symbol.asyncDispose]());

/** An app of one component with {@link LIBRARY} in a layer of its own. */
function libraryApp(): Promise<App> {
  return lab.app({
    sources: { 'domain/orders': 'v1' },
    config: 'build: { builder: buildx }',
    files: {
      'primitives/domain/orders/library.txt': LIBRARY.content,
      'primitives/domain/orders/Dockerfile': 'FROM scratch\nCOPY library.txt /\nCOPY app.txt /\n',
    },
  });
}

/** Commits other caches for main, and a change of the last layer. */
async function commitCaches(app: App, source: string, caches: object): Promise<void> {
  const path = 'primitive.config.yaml';
  const build = `build: ${JSON.stringify({ builder: 'buildx', cache: { trusted: caches } })}`;
  await app.repo.commit({
    [path]: (await app.repo.read(path)).replace(/^build: .*$/m, build),
    'primitives/domain/orders/app.txt': source,
  });
}

/** Publishes with a builder that knows nothing yet, as a job on a new machine does. */
async function publishAfresh(app: App) {
  await using fresh = await startBuildkit({ insecureRegistries: [lab.proxy.host] });
  return await app.publish({ env: fresh.env });
}

const library = async (app: App) =>
  app.head in (await tagsOf(app.image('domain/orders')))
    ? run(tool('crane'), ['export', `${app.image('domain/orders')}:${app.head}`, '-'])
    : '';

test('a layer that a pull request put into the cache of main is in no release', async () => {
  await using app = await libraryApp();
  const ref = `type=registry,ref=${app.prefix}/cache:main`;
  await commitCaches(app, 'v1', { to: [`${ref},mode=max`] });
  const first = await app.report();
  const repository = `${app.prefix.slice(app.prefix.indexOf('/') + 1)}/cache`;
  await poisonCache(lab.registry.url, { repository, tag: 'main' }, EVIL);

  // Without a word on who writes it, and where the word is wrong: pull requests push images to the same place.
  for (const said of [{}, { writers: 'trusted' }]) {
    await commitCaches(app, `v2 ${Object.keys(said)}`, { from: [ref], to: [`${ref},mode=max`], ...said });
    const call = await publishAfresh(app);
    expect(await library(app)).not.toContain(EVIL.content);
    expect(call.code, call.stderr).toBe(2);
    expect(call.stderr).toMatch(/write this cache.*\[config-invalid\]/);
    expect((await tagsOf(app.releases)).main).toBe(first.release?.digest);
  }
});

test('a cache that the owner vouches for is believed, and the provenance names it', async () => {
  await using app = await libraryApp();
  const repository = 'cache-of-main';
  const ref = `type=registry,ref=${lab.proxy.host}/${repository}:main`;
  await commitCaches(app, 'v1', { to: [`${ref},mode=max`] });
  const [first] = (await app.report()).components;
  expect(await cachesOf(first?.ref ?? '')).toEqual([]);
  await poisonCache(lab.registry.url, { repository, tag: 'main' }, EVIL);

  await commitCaches(app, 'v2', { from: [ref], writers: 'trusted' });
  const call = await publishAfresh(app);
  expect(call.code, call.stderr).toBe(0);
  // So the attack of this file is real: a wrong word lets it through, and whoever verifies the image sees the cache.
  expect(await library(app)).toContain(EVIL.content);
  expect(await cachesOf(`${app.image('domain/orders')}:${app.head}`)).toEqual([ref]);
});

/** The caches in the provenance, as cosign verifies it. */
async function cachesOf(ref: string): Promise<unknown> {
  const { issuer, trustedRoot } = lab.sigstore;
  const text = await run(tool('cosign'), [
    ...['verify-attestation', '--type', 'slsaprovenance1', '--trusted-root', trustedRoot],
    ...['--insecure-ignore-sct', '--insecure-ignore-tlog', '--use-signed-timestamps'],
    ...['--certificate-identity-regexp', 'refs/heads/main$', '--certificate-oidc-issuer', issuer, ref],
  ]);
  const { payload } = JSON.parse(text) as { payload: string };
  const statement = JSON.parse(Buffer.from(payload, 'base64').toString());
  return statement.predicate.buildDefinition.externalParameters.caches;
}
