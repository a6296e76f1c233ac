import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { checkFlags, guess, namesOf, repositoryOf } from '../../../../src/features/init/guess.ts';
import { planConfig, planWorkflow } from '../../../../src/features/init/plan.ts';

const template = readFileSync(join(import.meta.dirname, '../../../../templates/ci/github.yaml.eta'), 'utf8');

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
      { goMod: '// a\nmodule acme.dev/app\n\ngo 1.26\n' },
      ['acme.dev/app', '@acme', 'acme', 'acme'],
    ],
    [
      'github.com/acme/app',
      { packageJson: '{ "name": "@tools/app" }' },
      ['github.com/acme/app', '@tools', 'acme', 'acme'],
    ],
    [
      'github.com/acme/app',
      { packageJson: '{ "name": "app" }' },
      ['github.com/acme/app', '@acme', 'acme', 'acme'],
    ],
  ])('names of %s and %j', (repository, facts, expected) => {
    const { go, ts, python, proto } = namesOf(repository, facts);
    expect([go, ts, python, proto]).toEqual(expected);
  });

  test.each(['', 'acme', 'a/../b', '../x', 'https://github.com/acme', 'a b/c', 'x.y/-/../z'])(
    '%j is no repository',
    (text) => {
      expect(() => repositoryOf(text)).toThrow('names no repository');
    },
  );
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
    const { path, text } = await planWorkflow(config, template, '1.4.2');
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

  test('a registry of another host asks for secrets of the repository, and not for packages', async () => {
    const { config } = await planConfig({ ...answers, registry: 'quay.io/acme' }, '1.0.0');
    const workflow = parse((await planWorkflow(config, template, '1.0.0')).text);
    expect(workflow.jobs.publish.permissions).toEqual({ contents: 'read', 'id-token': 'write' });
    expect(JSON.stringify(workflow)).toContain('secrets.REGISTRY_PASSWORD');
  });

  test('no workflow for a config that trusts none', async () => {
    const { config } = await planConfig({ ...answers, repository: 'gitlab.com/a/b' }, '1.0.0');
    await expect(planWorkflow(config, template, '1.0.0')).rejects.toMatchObject({
      code: 'init-no-identity',
      exit: 2,
    });
  });

  test('answers that make no config are refused', async () => {
    await expect(planConfig({ ...answers, registry: 'Not A Registry' }, '1.0.0')).rejects.toMatchObject({
      code: 'config-invalid',
    });
  });
});
