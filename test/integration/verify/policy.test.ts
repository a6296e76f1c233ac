import { expect, test } from 'vitest';
import type { VerifyDocument } from '../../../src/features/verify/document.ts';
import { type FileContent, gitRepo, type TestRepository } from '../../support/git.ts';
import { attempt, devCli } from '../../support/services/run.ts';

const CONFIG = 'registry: ghcr.io/acme\nimports: { forbidden: [github.com/pkg/errors] }\n';
const KIND = `schema: primitive.kind/v1
kind: thing
version: 1
language: go
names: { pattern: "^[a-z]+$" }
files: [{ path: "**", owner: impl }]
build: { context: ".", dockerfile: Dockerfile }
run: { port: 8080, live: /livez, ready: /readyz, drainSeconds: 10 }
imports: { infra: [store/**] }
`;
const base: Readonly<Record<string, FileContent>> = {
  'primitive.config.yaml': CONFIG,
  'kinds/thing/kind.yaml': KIND,
  'primitives/thing/orders/primitive.yaml': 'kind: thing\nname: orders\n',
  'primitives/thing/orders/go.mod':
    'module example.com/orders\n\nrequire github.com/pkg/errors v0.9.0\n\nrequire github.com/lib/pq v1.0.0\n',
  'primitives/thing/orders/main.go': 'package main\n',
};
/** A pull request that breaks rules, and takes care that none of them says so. */
const attack: Readonly<Record<string, FileContent>> = {
  'primitives/thing/orders/main.go':
    'package main\n\nimport (\n\t_ "github.com/lib/pq"\n\t_ "github.com/pkg/errors"\n\t_ "github.com/acme/unlisted"\n)\n',
  'primitive.config.yaml': 'registry: ghcr.io/acme\n',
  'kinds/thing/kind.yaml': KIND.replace('store/**', '"**"'),
  'primitive.suppressions.yaml': `schema: primitive.suppressions/v1
suppressions: [{ rule: IMP-008, path: primitives/thing/orders/main.go, reason: It is fine., owner: me }]
`,
};
const MINE = ['IMP-004', 'IMP-005', 'IMP-008'];

async function attacked(): Promise<TestRepository> {
  const repo = await gitRepo(base);
  repo.git('checkout', '--quiet', '-b', 'topic');
  await repo.commit(attack);
  return repo;
}

async function verify(repo: TestRepository, ...args: readonly string[]) {
  const call = await attempt(process.execPath, [devCli, 'verify', '--only', 'IMP', '--json', ...args], {
    cwd: repo.root,
    env: { XDG_CACHE_HOME: `${repo.root}/.git/cache` },
  });
  const document: VerifyDocument = JSON.parse(call.stdout);
  const rules = document.findings.map(({ rule }) => rule).filter((rule) => MINE.includes(rule));
  return { code: call.code, rules: rules.sort(), document };
}

test('a pull request is judged by the policy of the branch that it goes to', async () => {
  await using repo = await attacked();
  expect((await verify(repo)).rules).toEqual([]);
  const { code, rules, document } = await verify(repo, '--policy-from', 'main');
  expect([code, rules]).toEqual([1, MINE]);
  expect(document.policy).toEqual({
    from: 'main',
    changed: ['kinds/thing/kind.yaml', 'primitive.config.yaml', 'primitive.suppressions.yaml'],
  });
});

test('without it, each file of the policy that was changed is said', async () => {
  await using repo = await attacked();
  const { document } = await verify(repo, '--changed-since', 'main');
  expect(document.policy).toEqual({
    from: null,
    changed: ['kinds/thing/kind.yaml', 'primitive.config.yaml', 'primitive.suppressions.yaml'],
  });
  const text = await attempt(
    process.execPath,
    [devCli, 'verify', '--only', 'IMP', '--changed-since', 'main'],
    {
      cwd: repo.root,
    },
  );
  expect(text.stdout).toContain(
    'policy changed since main: kinds/thing/kind.yaml, primitive.config.yaml, primitive.suppressions.yaml',
  );
});

test('a baseline is part of the policy, and a revision without a config is none', async () => {
  await using repo = await gitRepo(base);
  repo.git('checkout', '--quiet', '-b', 'topic');
  await repo.commit({ 'primitives/thing/orders/main.go': attack['primitives/thing/orders/main.go'] ?? '' });
  await verify(repo, '--baseline', 'known.yaml', '--update-baseline', '--accept');
  await repo.commit({});
  expect((await verify(repo, '--baseline', 'known.yaml')).rules).toEqual([]);
  const from = await attempt(
    process.execPath,
    [devCli, 'verify', '--baseline', 'known.yaml', '--policy-from', 'main', '--json'],
    { cwd: repo.root },
  );
  expect([from.code, from.stdout]).toEqual([2, expect.stringContaining('baseline-missing')]);
  repo.git('checkout', '--quiet', '--orphan', 'empty');
  repo.git('rm', '-r', '--quiet', '--cached', '.');
  repo.git('commit', '--quiet', '--allow-empty', '--message', 'nothing');
  const none = await attempt(process.execPath, [devCli, 'verify', '--policy-from', 'empty', '--json'], {
    cwd: repo.root,
  });
  expect([none.code, none.stdout]).toEqual([2, expect.stringContaining('policy-missing')]);
});
