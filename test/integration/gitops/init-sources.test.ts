import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Event } from '../../../src/core/events.ts';
import { KIT_FILE } from '../../../src/gitops/kit.ts';
import { gitRepo, type TestRepository } from '../../support/git.ts';
import { initKit } from '../../support/kit.ts';
import { contentOf } from '../../support/tree.ts';

const INTEGRITY = `sha512-${'A'.repeat(86)}==`;
const MOVE = '.github/workflows/move-release.yaml';

const signer = (name: string, more: object = {}) => ({
  issuer: 'https://token.actions.githubusercontent.com',
  identity: `https://github.com/acme/${name}/.github/workflows/publish.yaml@refs/heads/main`,
  repository: `acme/${name}`,
  repositoryId: '100',
  ...more,
});

/** A code repository with its config, and the version of primitive that it has locked. */
function codeRepo(name: string, signing: object = { trusted: [signer(name)] }): Promise<TestRepository> {
  const config = { registry: `ghcr.io/acme/${name}`, signing };
  const packages = { 'node_modules/@ameide/primitive': { version: '0.1.0', integrity: INTEGRITY } };
  return gitRepo({
    'primitive.config.yaml': JSON.stringify(config),
    'package-lock.json': JSON.stringify({ packages }),
  });
}

async function gitopsRepo(): Promise<TestRepository> {
  const repo = await gitRepo({ 'README.md': 'GitOps\n' });
  repo.git('remote', 'add', 'origin', 'https://github.com/acme/gitops.git');
  return repo;
}

const commitAll = (repo: TestRepository) => repo.commit({}, 'Commit');
const publicKey = () =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
    type: 'spki',
    format: 'pem',
  }) as string;

describe('gitops init --code, of checkouts', () => {
  test('writes sources, signers and the primitive that checks them, of several; again changes nothing', async () => {
    await using repo = await gitopsRepo();
    await using app = await codeRepo('app', {
      trusted: [signer('app')],
      accepted: [
        signer('app', {
          identity: 'https://github.com/acme/app/.github/workflows/publish.yaml@refs/pull/*/merge',
        }),
      ],
    });
    await using web = await codeRepo('web');
    const code = [app.root, web.root];
    const plan = await initKit(repo.root, { code, dryRun: true });
    expect(plan.sources).toMatchObject([
      { repository: 'acme/app', change: 'added', signers: [{ tier: 'trusted' }, { tier: 'accepted' }] },
      { repository: 'acme/web', change: 'added' },
    ]);
    expect(plan.sources[1]?.signers[0]?.signer).toBe(
      `${signer('web').identity} of ${signer('web').issuer}, repository acme/web, repositoryId 100`,
    );
    expect(repo.git('status', '--porcelain')).toBe('');
    await initKit(repo.root, { code });
    const kit = parse(await repo.read(KIT_FILE));
    expect(kit).toMatchObject({
      registry: 'ghcr.io/acme/app',
      previews: { repository: 'acme/app' },
      cli: { version: '0.1.0', integrity: INTEGRITY },
      sources: [
        { repository: 'acme/app', registry: 'ghcr.io/acme/app', trusted: [signer('app')] },
        { repository: 'acme/web', registry: 'ghcr.io/acme/web', trusted: [signer('web')] },
      ],
    });
    expect(await repo.read(MOVE)).toContain('Install primitive');
    await commitAll(repo);
    const before = await contentOf(repo.root, ['.git']);
    const again = await initKit(repo.root, { update: true, code });
    expect(again).toMatchObject({
      written: false,
      sources: [{ change: 'unchanged' }, { change: 'unchanged' }],
    });
    expect(await contentOf(repo.root, ['.git'])).toEqual(before);
  });

  test('a signer that changed is in the plan, and nothing but its source changes in kit.yaml', async () => {
    await using repo = await gitopsRepo();
    await using app = await codeRepo('app');
    await using web = await codeRepo('web');
    await initKit(repo.root, { code: [app.root, web.root] });
    const kit = await repo.read(KIT_FILE);
    const mine = kit.replace('  - repository: acme/web', '  # The shop.\n  - repository: acme/web');
    await repo.commit({ [KIT_FILE]: mine });
    await initKit(repo.root, { update: true });
    await commitAll(repo);
    const other = {
      registry: 'ghcr.io/acme/new',
      signing: { trusted: [signer('app', { repositoryId: '666' })] },
    };
    await app.commit({ 'primitive.config.yaml': JSON.stringify(other) });
    const request = { update: true, code: [app.root] };
    const plan = await initKit(repo.root, { ...request, dryRun: true });
    const who = `${signer('app').identity} of ${signer('app').issuer}, repository acme/app, repositoryId`;
    expect(plan.sources).toEqual([
      {
        repository: 'acme/app',
        change: 'changed',
        settings: ['registry: ghcr.io/acme/app -> ghcr.io/acme/new'],
        signers: [
          { change: 'removed', tier: 'trusted', signer: `${who} 100` },
          { change: 'added', tier: 'trusted', signer: `${who} 666` },
        ],
      },
    ]);
    expect(repo.git('status', '--porcelain')).toBe('');
    await initKit(repo.root, request);
    const [, entry = ''] = /( {2}- repository: acme\/app\n.*?\n)(?= {2}# The shop)/s.exec(mine) ?? [];
    const next = entry.replace('ghcr.io/acme/app', 'ghcr.io/acme/new').replace('"100"', '"666"');
    expect(await repo.read(KIT_FILE)).toBe(mine.replace(entry, next));
  });

  test('keys are copied by their content, so that another key is another line of the plan', async () => {
    await using repo = await gitopsRepo();
    await using app = await codeRepo('app', { trusted: [{ key: 'keys/release.pub' }] });
    app.git('remote', 'add', 'origin', 'git@github.com:acme/app.git');
    const [old, next] = [publicKey(), publicKey()];
    await app.commit({ 'keys/release.pub': old });
    const first = await initKit(repo.root, { code: [app.root] });
    const [{ key }] = parse(await repo.read(KIT_FILE)).sources[0].trusted;
    expect(key).toMatch(/^keys\/acme-app-[0-9a-f]{12}\.pub$/);
    expect(await repo.read(key)).toBe(old);
    expect(first.files).toContainEqual({ path: key, action: 'create' });
    await commitAll(repo);
    await app.commit({ 'keys/release.pub': next });
    const { sources } = await initKit(repo.root, { update: true, code: [app.root] });
    expect(sources[0]?.signers.map(({ change, signer: who }) => [change, who === `key ${key}`])).toEqual([
      ['removed', true],
      ['added', false],
    ]);
  });

  test('a repository of previews that is none of the sources is said, as its name may be misspelt', async () => {
    await using repo = await gitopsRepo();
    await using app = await codeRepo('app');
    const events: Event[] = [];
    const warnings = () => events.splice(0).flatMap((event) => (event.type === 'warning' ? [event] : []));
    const ports = { emit: (event: Event) => void events.push(event) };
    await initKit(repo.root, { code: ['acme/ap'], registry: 'ghcr.io/acme' }, ports);
    await commitAll(repo);
    // Without sources there is nothing to compare it with.
    expect(warnings()).toEqual([]);
    await initKit(repo.root, { update: true, code: [app.root] }, ports);
    expect(warnings()).toEqual([
      expect.objectContaining({
        code: 'kit-previews-unreleased',
        message: expect.stringMatching(
          /names acme\/ap, and `sources` has acme\/app: .*Correct a misspelt name/,
        ),
      }),
    ]);
    const settings = await repo.read(KIT_FILE);
    await repo.commit({ [KIT_FILE]: settings.replace('repository: acme/ap\n', 'repository: Acme/App\n') });
    await initKit(repo.root, { update: true }, ports);
    expect(warnings()).toEqual([]);
  });

  test('without an integrity the sources are written, and why nothing checks them yet', async () => {
    await using repo = await gitopsRepo();
    await using app = await codeRepo('app');
    const events: Event[] = [];
    const ports = { version: '0.1.1', emit: (event: Event) => events.push(event) };
    await initKit(repo.root, { code: [app.root] }, ports);
    expect(events).toContainEqual(expect.objectContaining({ type: 'warning', code: 'kit-cli-unknown' }));
    expect(parse(await repo.read(KIT_FILE))).not.toHaveProperty('cli');
    expect(repo.git('ls-files', '--others')).not.toContain(MOVE);
  });

  test.each<[string, (app: TestRepository) => Promise<string>, string]>([
    ['a folder without a config', async (app) => `${app.root}/.git`, 'kit-code-unreadable'],
    [
      'a key that is no file',
      async (app) => {
        const config = {
          registry: 'ghcr.io/acme',
          signing: { trusted: [{ key: 'awskms:///alias/release' }] },
        };
        await app.commit({ 'primitive.config.yaml': JSON.stringify(config) });
        app.git('remote', 'add', 'origin', 'https://github.com/acme/app');
        return app.root;
      },
      'kit-code-signer',
    ],
    [
      'a repository that nothing names',
      async (app) => {
        await app.commit({ 'primitive.config.yaml': 'registry: ghcr.io/acme\n' });
        return app.root;
      },
      'kit-code-unreadable',
    ],
    [
      'signers that are a pattern',
      async (app) => {
        const trusted = [signer('app', { identity: 'https://github.com/acme/*@refs/heads/main' })];
        await app.commit({
          'primitive.config.yaml': JSON.stringify({ registry: 'ghcr.io/acme', signing: { trusted } }),
        });
        return app.root;
      },
      'config-invalid',
    ],
  ])('refuses %s, and writes nothing', async (_, prepare, code) => {
    await using repo = await gitopsRepo();
    await using app = await codeRepo('app');
    await expect(initKit(repo.root, { code: [await prepare(app)] })).rejects.toMatchObject({ code, exit: 2 });
    expect(repo.git('status', '--porcelain')).toBe('');
  });
});
