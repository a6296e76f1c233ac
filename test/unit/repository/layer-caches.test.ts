import { describe, expect, test } from 'vitest';
import type { PrimitiveError } from '../../../src/core/errors.ts';
import { cacheFaults, cachesFor } from '../../../src/repository/layer-caches.ts';

const PULL_REQUEST = {
  issuer: 'https://token.actions.githubusercontent.com',
  identity: 'https://github.com/acme/app/.github/workflows/publish.yaml@refs/pull/*/merge',
};
const config = (registry = 'ghcr.io/acme') => ({ registry, signing: { accepted: [PULL_REQUEST] } });

type Faults = ReturnType<typeof cacheFaults>;
const texts = (faults: Faults) => faults.map(({ path, message }) => `${path.join('.')}: ${message}`);

/** What is said of a cache that main reads, where the owner says that nobody else writes it. */
const stated = (spec: string, registry?: string) =>
  texts(cacheFaults({ trusted: { from: [spec], writers: 'trusted' } }, config(registry))).join();
const unstated = (spec: string) => texts(cacheFaults({ trusted: { from: [spec] } }, config())).join();

describe('a cache that main reads', () => {
  test.each([
    'type=registry,ref=cache.example/main',
    'cache.example/main',
    'TYPE=registry,REF=cache.example/main',
    '"type=registry","ref=cache.example/main"',
    'type=s3,bucket=b,region=r,name=main',
    'type=azblob,account_url=https://acme.blob.core.windows.net,name=main',
    'type=local,src=/var/cache/main',
    'type=inline',
    'type=novelty,where=x',
  ])('%s is refused until the owner says who writes it', (spec) => {
    expect(unstated(spec)).toContain('build.cache.trusted.from.0: who can write this cache is not known');
    expect(stated(spec)).toBe('');
  });

  test.each(['type=gha', 'type=gha,scope=main', 'type=gha,scope=main,version=2,timeout=5m'])(
    '%s is scoped by branch and needs no word',
    (spec) => {
      expect(unstated(spec)).toBe('');
    },
  );

  test.each([
    ['type=registry,ref=ghcr.io/acme/cache:main', 'ghcr.io/acme'],
    ['ghcr.io/acme/cache', 'ghcr.io/acme'],
    ['ref=ghcr.io/acme/cache,type=registry', 'ghcr.io/acme'],
    ['type=registry,"ref=ghcr.io/acme/cache"', 'ghcr.io/acme'],
    ['type=registry,Ref=GHCR.IO/acme/cache', 'ghcr.io/acme'],
    ['type=registry,ref=ghcr.io:443/acme/cache', 'ghcr.io/acme'],
    ['type=registry,ref=ghcr.io:0443/acme/cache', 'ghcr.io/acme'],
    ['type=registry,ref=ghcr.io/acme/a/b/c', 'ghcr.io/acme'],
    ['type=registry,ref=ghcr.io/acme', 'ghcr.io/acme'],
    [`type=registry,ref=ghcr.io/acme/cache@sha256:${'0'.repeat(64)}`, 'ghcr.io/acme'],
    ['type=registry,ref=acme/cache', 'docker.io/acme'],
    ['type=registry,ref=acme/cache', 'registry-1.docker.io/acme/'],
    ['type=registry,ref=index.docker.io/acme/cache', 'docker.io/acme'],
    ['type=registry,ref=registry-1.docker.io/acme/cache', 'index.docker.io/acme'],
    ['type=registry,ref=cache', 'docker.io/library'],
    ['type=registry,ref=registry.lan/cache', 'registry.lan'],
    ['type=registry,ref=localhost:5000/acme/cache', '127.0.0.1:5000/acme'],
    ['type=registry,ref=127.1:5000/acme/cache', '[::1]:5000/acme'],
    ['type=novelty,ref=ghcr.io/acme/cache', 'ghcr.io/acme'],
  ])('%s below %s is refused whatever is said, for accepted runs push there', (spec, registry) => {
    expect(stated(spec, registry)).toContain(`accepted runs push below ${registry}`);
  });

  test.each([
    ['type=registry,ref=ghcr.io/acme-cache/main', 'ghcr.io/acme'],
    ['type=registry,ref=ghcr.io/acme', 'ghcr.io/acme/app'],
    ['type=registry,ref=ghcr.io:5000/acme/cache', 'ghcr.io/acme'],
  ])('%s is not below %s', (spec, registry) => {
    expect(stated(spec, registry)).toBe('');
  });

  test('may be below the registry where no signer of a lower tier exists, and the owner says so', () => {
    const from = ['type=registry,ref=ghcr.io/acme/cache'];
    expect(cacheFaults({ trusted: { from, writers: 'trusted' } }, { registry: 'ghcr.io/acme' })).toEqual([]);
    expect(cacheFaults({ trusted: { from } }, { registry: 'ghcr.io/acme' })).toHaveLength(1);
  });
});

describe('options that are not what they seem', () => {
  test.each([
    ['', 'written name=value'],
    ['a.example/x,b.example/y', 'written name=value'],
    ['type=gha,scope=x\ntype=registry,ref=ghcr.io/acme/c', 'comma-separated'],
    ['type=gha,"scope=x', 'comma-separated'],
    ['type=gha,sco"pe=x', 'comma-separated'],
    ['"type=gha"x', 'comma-separated'],
    ['type=gha,', 'written name=value'],
    ['type=gha,scope', 'written name=value'],
    ['type=gha, scope=x', 'written name=value'],
    ['type=gha,scope= x', 'white space'],
    ['type=GHA', 'not a type'],
    ['type= gha', 'white space'],
    ['type=gha,type=registry,ref=ghcr.io/acme/c', 'type is given twice'],
    ['type=gha,TYPE=registry,ref=ghcr.io/acme/c', 'type is given twice'],
    ['type=registry,ref=a.example/x,ref=ghcr.io/acme/c', 'ref is given twice'],
    ['ref=ghcr.io/acme/c', 'has a type'],
    ['type=registry', 'has a ref'],
    ['type=registry,ref=ghcr.io/acme/$TAG', 'not that of an image'],
    ['type=registry,ref=ghcr.io./acme/cache', 'not that of an image'],
    ['type=gha,url=https://evil.example/', 'url is not for the config'],
    ['type=gha,url_v2=https://evil.example/', 'url_v2 is not for the config'],
    ['type=gha,URL=https://evil.example/', 'url is not for the config'],
    ['type=azblob,name=c,account_url=https://evil.example', 'would direct the credentials of Azure'],
    ['type=s3,bucket=b,"ENDPOINT_URL=https://evil.example"', 'with the session of AWS'],
    ['type=registry,ref=ghcr.io/acme/c,Registry.Insecure=true', 'sent without TLS'],
    ['type=gha,repository=evil/x', 'repository is not for the config'],
    ['type=gha,token=s3cr3t', 'token is a credential'],
    ['type=gha,ghtoken=s3cr3t', 'ghtoken is a credential'],
    ['type=s3,bucket=b,secret_access_key=s3cr3t', 'secret_access_key is a credential'],
    ['type=s3,bucket=b,session_token=s3cr3t', 'session_token is a credential'],
  ])('%s: %s', (spec, says) => {
    for (const tier of ['trusted', 'accepted'] as const) {
      for (const way of ['from', 'to'] as const) {
        const [text = '', ...more] = texts(cacheFaults({ [tier]: { [way]: [spec] } }, config()));
        expect(text).toContain(`build.cache.${tier}.${way}.0: `);
        expect(text).toContain(says);
        expect(text).not.toContain('s3cr3t');
        expect(more).toEqual([]);
      }
    }
  });
});

test.each([
  ['type=registry,ref=c.example/x:main', 'type=registry,mode=max,ref=c.example/x:main'],
  ['type=registry,ref=c.example/x:main', 'type=registry,ref=c.example:443/x:pr'],
  ['c.example/x', '"ref=C.example/x","type=registry"'],
  ['type=local,src=/c', 'type=local,dest=/c/./'],
  ['type=gha,scope=x', 'type=gha,mode=max,scope=x'],
  ['type=gha', 'type=gha,scope=buildkit'],
  ['type=s3,bucket=b,name=main', 'type=s3,bucket=b,name=pr;main'],
])('main must not read %s where pull requests write %s', (from, to) => {
  const cache = { trusted: { from: [from], writers: 'trusted' as const }, accepted: { to: [to] } };
  expect(texts(cacheFaults(cache, config())).join()).toContain('a pull request would write the cache');
});

test('pull requests may read what main writes, and have caches of their own', () => {
  const cache = {
    trusted: { from: ['type=gha,scope=main'], to: ['type=gha,scope=main,mode=max'] },
    accepted: {
      from: ['type=gha,scope=main', 'type=registry,ref=ghcr.io/acme/cache:pr'],
      to: ['type=registry,ref=ghcr.io/acme/cache:pr'],
    },
  };
  expect(cacheFaults(cache, config())).toEqual([]);
});

describe('what a run is given', () => {
  const trust = { registry: 'ghcr.io/acme', hasAccepted: true };

  test('a trusted run refuses a cache that a lower tier may write; an accepted one reads it', () => {
    const cache = { from: ['type=registry,ref=cache.example/x'], to: [] };
    expect(() => cachesFor('trusted', cache, trust)).toThrow(
      expect.objectContaining({ code: 'cache-untrusted', exit: 2 }) as PrimitiveError,
    );
    expect(cachesFor('accepted', cache, trust).from).toEqual(cache.from);
    expect(cachesFor('trusted', cache, { ...trust, writers: 'trusted' }).from).toEqual(cache.from);
  });

  test('the builder gets what was understood, not what was written', () => {
    const from = ['"TYPE=gha","scope=a,""b"""', 'cache.example/x'];
    expect(cachesFor('accepted', { from, to: from }, trust)).toEqual({
      from: ['type=gha,"scope=a,""b"""', 'type=registry,ref=cache.example/x'],
      to: ['type=gha,"scope=a,""b"""', 'type=registry,ref=cache.example/x'],
    });
  });
});
