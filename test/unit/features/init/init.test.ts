import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { checkFlags, guess, namesOf, repositoryOf } from '../../../../src/features/init/guess.ts';
import { planConfig, planWorkflows } from '../../../../src/features/init/plan.ts';
import { cliSource } from '../../../../src/toolchain/cli-package.ts';

const ci = join(import.meta.dirname, '../../../../templates/ci');
const templates = {
  publish: readFileSync(join(ci, 'github.yaml.eta'), 'utf8'),
  update: readFileSync(join(ci, 'update.yaml.eta'), 'utf8'),
};

describe('what is guessed', () => {
  test.each([
    [
      { remote: 'https://github.com/Acme/App', branch: 'trunk' },
      {},
      ['github.com/Acme/App', 'ghcr.io/acme', 'trunk'],
    ],
    [{ remote: 'https://gitlab.com/a/b/c' }, {}, ['gitlab.com/a/b/c', 'registry.gitlab.com/a/b/c', 'main']],
    [{ remote: 'https://git.example.com/a/b' }, {}, ['git.example.com/a/b', undefined, 'main']],
    [
      { remote: 'https://git.example.com/a/b' },
      { registry: 'r.io/x' },
      ['git.example.com/a/b', 'r.io/x', 'main'],
    ],
    [
      { remote: 'https://github.com/a/b' },
      { repository: 'c/d', branch: 'x' },
      ['github.com/c/d', 'ghcr.io/c', 'x'],
    ],
    [{}, {}, [undefined, undefined, 'main']],
    [{ remote: 'https://localhost/x' }, {}, [undefined, undefined, 'main']],
  ])('%j and %j', (facts, flags, expected) => {
    const { repository, registry, branch } = guess(facts, flags);
    expect([repository, registry, branch]).toEqual(expected);
  });

  test.each([
    [{ registry: 'not ok' }, '--registry "not ok" cannot be used: it contains white space.'],
    [
      { registry: 'https://ghcr.io/acme' },
      '--registry "https://ghcr.io/acme" cannot be used: a reference has no scheme.',
    ],
    [{ registry: '' }, '--registry "" cannot be used: it is empty.'],
    [{ branch: 'a b' }, '--branch "a b" cannot be used: it is not the name of a branch.'],
    [{ branch: 'release/*' }, '--branch "release/*" cannot be used: it is not the name of a branch.'],
  ])('the flags %j are refused by name, not by the place in a file that is not there', (flags, message) => {
    expect(() => checkFlags(flags)).toThrow(expect.objectContaining({ code: 'invalid-flag', message }));
  });

  test('flags that a config can have', () => {
    expect(() =>
      checkFlags({ repository: 'a/b', registry: 'ghcr.io/a', branch: 'release/1.x' }),
    ).not.toThrow();
  });

  test.each([
    ['github.com/acme/app', {}, ['github.com/acme/app', '@acme', 'acme', 'acme']],
    ['github.com/Acme-Corp/app', {}, ['github.com/Acme-Corp/app', '@acme-corp', 'acme_corp', 'acme_corp']],
    ['github.com/4you/app', {}, ['github.com/4you/app', '@4you', 'o4you', 'o4you']],
    ['git.lan:8443/acme/app', {}, ['git.lan/acme/app', '@acme', 'acme', 'acme']],
    [
      'github.com/acme/app',
      { manifests: { go: '// a\nmodule acme.dev/app\n\ngo 1.26\n' } },
      ['acme.dev/app', '@acme', 'acme', 'acme'],
    ],
    [
      'github.com/acme/app',
      { manifests: { ts: '{ "name": "@tools/app" }' } },
      ['github.com/acme/app', '@tools', 'acme', 'acme'],
    ],
    [
      'github.com/acme/app',
      { manifests: { ts: '{ "name": "app" }' } },
      ['github.com/acme/app', '@acme', 'acme', 'acme'],
    ],
  ])('names of %s and %j', (repository, facts, expected) => {
    const { go, ts, python, proto } = namesOf(repository, facts);
    expect([go.module, ts.scope, python.prefix, proto.package]).toEqual(expected);
  });

  test.each(['', 'acme', 'a/../b', '../x', 'https://github.com/acme', 'a b/c', 'x.y/-/../z'])(
    '%j is no repository',
    (text) => {
      expect(() => repositoryOf(text)).toThrow('is not a repository');
    },
  );
});

const SHA512 = `sha512-${'A'.repeat(86)}==`;
const OTHER = `sha512-${'B'.repeat(86)}==`;
const cli = { version: '1.4.2', integrity: SHA512 };

describe('where the workflow takes the CLI from', () => {
  const lock = (entry: object) =>
    JSON.stringify({ lockfileVersion: 3, packages: { 'node_modules/@ameide/primitive': entry } });
  const registry = 'https://npm.acme.example/path';
  const answering = (integrity?: string, address?: string) => ({
    integrity: async () => integrity,
    registry: async () => address,
  });

  test.each<[string, string | undefined, object]>([
    ['the lock file', lock({ version: '1.4.2', integrity: SHA512 }), { integrity: SHA512, registry }],
    [
      'npm where it has another version',
      lock({ version: '1.4.1', integrity: SHA512 }),
      { integrity: OTHER, registry },
    ],
    [
      'npm where it has a weaker digest',
      lock({ version: '1.4.2', integrity: 'sha1-x' }),
      { integrity: OTHER, registry },
    ],
    ['npm where there is none', undefined, { integrity: OTHER, registry }],
    ['npm where it is broken', '{', { integrity: OTHER, registry }],
    [
      'a package that is committed',
      lock({ version: '1.4.2', integrity: SHA512, resolved: 'file:tools/p-1.4.2.tgz' }),
      { integrity: SHA512, file: 'tools/p-1.4.2.tgz' },
    ],
    [
      'npm where it lies outside of the repository',
      lock({ version: '1.4.2', integrity: SHA512, resolved: 'file:../p-1.4.2.tgz' }),
      { integrity: OTHER, registry },
    ],
    [
      'npm where its name would be more than a word of a script',
      lock({ version: '1.4.2', integrity: SHA512, resolved: 'file:a\n.tgz' }),
      { integrity: OTHER, registry },
    ],
  ])('%s', async (_, text, expected) => {
    const source = await cliSource('1.4.2', text, answering(OTHER, registry));
    expect(source).toEqual({ version: '1.4.2', ...expected });
  });

  test.each(['https://user:secret@npm.acme.example/', 'file:///etc', 'undefined'])(
    'the registry %s is not written down',
    async (address) => {
      expect(await cliSource('1.4.2', undefined, answering(OTHER, address))).toEqual({
        version: '1.4.2',
        integrity: OTHER,
      });
    },
  );

  test.each([undefined, 'sha512-x', 'sha1-AAAA'])('the integrity %s is refused', async (integrity) => {
    await expect(cliSource('1.4.2', undefined, answering(integrity, registry))).rejects.toMatchObject({
      code: 'init-integrity-unknown',
      exit: 2,
    });
  });
});

describe('what is written', () => {
  const answers = {
    repository: 'github.com/acme/app',
    registry: 'ghcr.io/acme',
    branch: 'main',
    languages: namesOf('github.com/acme/app', {}),
  };

  test('a config that loads, and a workflow that is the one it trusts', async () => {
    const { config } = await planConfig(answers, '1.4.2');
    expect(config).toMatchObject({
      requires: '^1.4',
      registry: 'ghcr.io/acme',
      languages: { go: { module: 'github.com/acme/app' }, ts: { scope: '@acme' } },
      channel: { branch: 'main', tag: 'main' },
    });
    const { path, text } = planWorkflows(config, templates, cli).publish;
    const [trusted, accepted] = [config.signing.trusted[0], config.signing.accepted[0]];
    expect(trusted).toMatchObject({
      identity: `https://github.com/acme/app/${path}@refs/heads/main`,
      repository: 'acme/app',
      ref: 'refs/heads/main',
      trigger: 'push',
    });
    expect(accepted).toMatchObject({ identity: `https://github.com/acme/app/${path}@refs/pull/*/merge` });
    const workflow = parse(text);
    expect(workflow.on.push.branches).toEqual(['main']);
    expect(workflow.permissions).toEqual({ contents: 'read' });
    const { job } = { job: workflow.jobs.publish };
    expect(job.permissions).toEqual({ contents: 'read', packages: 'write', 'id-token': 'write' });
    expect(job.concurrency['cancel-in-progress']).toBe(false);
    expect(job.steps[0].with.ref).toContain('github.event.pull_request.head.sha');
    const uses = job.steps.flatMap(({ uses: action }: { uses?: string }) => action ?? []);
    expect(uses).toHaveLength(7);
    for (const action of uses) expect(action).toMatch(/^[\w./-]+@[0-9a-f]{40}$/);
  });

  test.each([
    [{ ...answers, branch: 'release/1.x' }],
    [{ ...answers, branch: 'true' }],
    [{ ...answers, repository: 'gitlab.com/a/b', registry: 'registry.gitlab.com/a/b' }],
    [{ ...answers, registry: 'localhost:5000/x' }],
    [{ ...answers, languages: namesOf('git.lan:8443/a.b-c/d_e', {}) }],
    [{ ...answers, languages: namesOf('github.com/_x/y', {}) }],
  ])('%j loads too', async (other) => {
    const { config } = await planConfig(other, '1.0.0');
    expect([config.channel.branch, config.registry]).toEqual([other.branch, other.registry]);
  });

  test('ids of the repository for both tiers, and how to ask for them where they are not known', async () => {
    const ids = { repositoryId: '100200300', ownerId: '400500' };
    const known = await planConfig({ ...answers, ids }, '1.0.0');
    const run = { ...ids, runner: 'github-hosted' };
    expect(known.config.signing).toMatchObject({
      trusted: [{ ...run, trigger: 'push' }],
      accepted: [{ ...run, trigger: 'pull_request' }],
    });
    expect(known.text).not.toContain('gh api');
    const { config, text } = await planConfig(answers, '1.0.0');
    expect(config.signing.trusted[0]).not.toHaveProperty('repositoryId');
    expect(text).toContain("#   gh api repos/acme/app --jq '.id, .owner.id'\n");
  });

  test('every job ends, and nothing of the checkout is run before the CLI is there', async () => {
    const { config } = await planConfig(answers, '1.0.0');
    const plugins = { ...config, plugins: ['@acme/kinds'] };
    for (const [more, steps] of [
      [config, ['Install primitive', 'Publish']],
      [plugins, ['Install primitive', 'Install plugins', 'Publish']],
    ] as const) {
      const { jobs } = parse(planWorkflows(more, templates, cli).publish.text);
      for (const job of Object.values<{ 'timeout-minutes'?: number }>(jobs))
        expect(job['timeout-minutes']).toBeGreaterThan(0);
      const scripts = jobs.publish.steps.filter(({ run }: { run?: string }) => run);
      expect(scripts.map(({ name }: { name: string }) => name)).toEqual(steps);
      for (const { run } of scripts) expect(run).not.toMatch(/npx|\$\{\{/);
    }
  });

  test('the weekly update: the job that runs code of the repository cannot write, and all actions are pinned', async () => {
    const { config } = await planConfig({ ...answers, branch: 'release/1.x' }, '1.0.0');
    const { path, text } = planWorkflows({ ...config, plugins: ['@acme/kinds'] }, templates, cli).update;
    expect(path).toBe('.github/workflows/primitive-update.yaml');
    const { on, permissions, jobs } = parse(text);
    expect(on.schedule[0].cron).toMatch(/^\d{1,2} 4 \* \* 1$/);
    expect(permissions).toEqual({});
    expect(jobs.update.permissions).toEqual({ contents: 'read' });
    expect(jobs.propose.permissions).toEqual({ contents: 'write', 'pull-requests': 'write' });
    const steps = Object.values<{
      steps: { uses?: string; run?: string; env?: object; with?: { ref?: string } }[];
    }>(jobs);
    for (const { uses, run } of steps.flatMap((job) => job.steps)) {
      if (uses !== undefined) expect(uses).toMatch(/^[\w./-]+@[0-9a-f]{40}$/);
      if (run !== undefined) expect(run).not.toMatch(/npx|\$\{\{/);
    }
    expect(steps.map((job) => job.steps[0]?.with?.ref)).toEqual(['release/1.x', 'release/1.x']);
    expect(JSON.stringify(jobs.update)).not.toContain('github.token');
    expect(JSON.stringify(jobs.propose)).not.toContain('npm ci');
  });

  test('a registry of another host asks for secrets of the repository, and not for packages', async () => {
    const { config } = await planConfig({ ...answers, registry: 'quay.io/acme' }, '1.0.0');
    const workflow = parse(planWorkflows(config, templates, cli).publish.text);
    expect(workflow.jobs.publish.permissions).toEqual({ contents: 'read', 'id-token': 'write' });
    expect(JSON.stringify(workflow)).toContain('secrets.REGISTRY_PASSWORD');
  });

  test('no workflow for a config that trusts none', async () => {
    const { config } = await planConfig({ ...answers, repository: 'gitlab.com/a/b' }, '1.0.0');
    expect(() => planWorkflows(config, templates, cli)).toThrow(
      expect.objectContaining({ code: 'init-no-identity', exit: 2 }),
    );
  });

  test('answers that make no config are refused', async () => {
    await expect(planConfig({ ...answers, registry: 'Not A Registry' }, '1.0.0')).rejects.toMatchObject({
      code: 'config-invalid',
    });
  });
});
