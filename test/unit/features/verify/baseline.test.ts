import { expect, test } from 'vitest';
import type { BaselineFile } from '../../../../src/features/verify/baseline.ts';
import type { Family } from '../../../../src/features/verify/family.ts';
import { rules } from '../../../../src/features/verify/rules/all.ts';
import { verifyOutcome } from '../../../../src/features/verify/view.ts';
import { createStyle } from '../../../../src/render/style.ts';
import { verifyResult } from '../../../support/verify-corpus/run.ts';
import type { Files } from '../../../support/verify-corpus/tree.ts';

const ORDERS = 'primitives/domain/orders';
const service = (forbidden: string) => ({
  [`${ORDERS}/internal/a.go`]: `package a\n\nimport _ "${forbidden}"\n`,
});
const base: Files = {
  'primitive.config.yaml': 'registry: ghcr.io/acme\nimports: { forbidden: [log/slog, net/http/cgi] }\n',
  [`${ORDERS}/primitive.yaml`]: 'kind: domain\nname: orders\n',
  [`${ORDERS}/go.mod`]: 'module example.com/orders\n',
};

/** A baseline in memory. */
function file(text?: string): BaselineFile & { text: string | undefined } {
  return {
    text,
    shown: 'verify.json',
    async read() {
      return this.text;
    },
    async write(next) {
      this.text = next;
    },
  };
}

async function run(files: Files, baseline: BaselineFile, { update = false, accept = false } = {}) {
  const { document } = await verifyResult({ ...base, ...files }, 'IMP', rules, {
    baseline,
    request: { update, accept },
  });
  return document;
}

test('what a baseline has does not count; what is new does, and is not added unless it is accepted', async () => {
  const store = file();
  await expect(run(service('log/slog'), store)).rejects.toMatchObject({
    code: 'baseline-missing',
    suggestions: ['primitive verify --baseline verify.json --update-baseline --accept'],
  });
  await expect(run(service('log/slog'), store, { update: true })).rejects.toMatchObject({
    code: 'baseline-missing',
  });
  const first = await run(service('log/slog'), store, { update: true, accept: true });
  expect([first.summary.errors, first.summary.baselined, first.verdict]).toEqual([0, 1, 'partial']);
  expect(JSON.parse(store.text ?? '')).toEqual({
    schema: 'primitive.baseline/v1',
    findings: [
      { path: `${ORDERS}/internal/a.go`, rule: 'IMP-004', fingerprint: first.baselined[0]?.fingerprint },
    ],
  });
  const written = store.text;
  expect((await run(service('log/slog'), store)).summary).toMatchObject({ errors: 0, baselined: 1 });
  const more = {
    ...service('log/slog'),
    [`${ORDERS}/b.go`]: 'package a\n\nimport _ "net/http/cgi"\n',
  };
  for (const update of [false, true]) {
    const found = await run(more, store, { update });
    expect([found.findings.map(({ path }) => path), found.verdict]).toEqual([[`${ORDERS}/b.go`], 'failed']);
    expect(store.text).toBe(written);
  }
  await run(more, store, { update: true, accept: true });
  expect(JSON.parse(store.text ?? '').findings).toHaveLength(2);
});

test('an entry that covers no finding fails until it is removed, which an update does', async () => {
  const store = file();
  await run(service('log/slog'), store, { update: true, accept: true });
  const stale = await run({}, store);
  // Though SHAPE is not asked for here.
  expect(stale.findings.map(({ rule }) => rule)).toEqual(['SHAPE-015']);
  const all = async (update: boolean) =>
    (
      await verifyResult(base, 'SHAPE', rules, {
        baseline: store,
        request: { update, accept: false },
        families: ['SHAPE', 'IMP'],
      })
    ).document;
  const found = await all(false);
  expect(found.findings.filter(({ rule }) => rule === 'SHAPE-015')).toMatchObject([
    {
      path: `${ORDERS}/internal/a.go`,
      fix: { kind: 'command', text: 'primitive verify --baseline verify.json --update-baseline' },
    },
  ]);
  expect((await all(true)).findings.filter(({ rule }) => rule === 'SHAPE-015')).toEqual([]);
  expect(JSON.parse(store.text ?? '').findings).toEqual([]);
});

test('an entry that covers no finding fails also where only its family is checked', async () => {
  const store = file();
  await run(service('log/slog'), store, { update: true, accept: true });
  const only = async (families: readonly Family[]) => {
    const { document } = await verifyResult(base, 'IMP', rules, { baseline: store, families });
    return document.findings.map(({ rule }) => rule);
  };
  expect(await only(['IMP'])).toEqual(['SHAPE-015']);
  expect(await only(['SEC'])).toEqual([]);
});

test('a baseline that cannot be read is refused', async () => {
  await expect(run({}, file('{ "findings": [] }'))).rejects.toMatchObject({ code: 'baseline-invalid' });
  await expect(
    run({}, file('{ "schema": "primitive.baseline/v1", "findings": [{ "rule": "x" }] }')),
  ).rejects.toMatchObject({ code: 'baseline-invalid' });
});

test('a check that could not run is in no baseline', async () => {
  const store = file();
  const broken = { 'primitive.config.yaml': `${base['primitive.config.yaml']}verify: { tests: required }\n` };
  const { document } = await verifyResult({ ...base, ...broken }, 'TEST', rules, {
    baseline: store,
    request: { update: true, accept: true },
  });
  expect([document.verdict, JSON.parse(store.text ?? '').findings]).toEqual(['incomplete', []]);
});

test('a suppression by a pattern covers what it matches, and is unused where that is nothing', async () => {
  const suppressed = (path: string) => ({
    'primitive.suppressions.yaml': `schema: primitive.suppressions/v1
suppressions: [{ rule: IMP-004, path: "${path}", reason: It is to be replaced., owner: team }]
`,
  });
  const found = async (path: string) => {
    const files = { ...base, ...service('log/slog'), ...suppressed(path) };
    const { document } = await verifyResult(files, 'IMP', rules, { families: ['SHAPE', 'IMP'] });
    return document.findings.map(({ rule }) => rule).filter((rule) => /^IMP-004|^SHAPE-008/.test(rule));
  };
  expect(await found(`${ORDERS}/internal/**`)).toEqual([]);
  expect(await found('primitives/*/orders/internal/*.go')).toEqual([]);
  expect(await found(`${ORDERS}/other/**`)).toEqual(['SHAPE-008', 'IMP-004']);
  await expect(found(`${ORDERS}/**/**/**/**`)).rejects.toMatchObject({ code: 'suppressions-invalid' });
});

test('of suppressions, --only judges those of the families that it names', async () => {
  const entry = (rule: string, more: string) =>
    `{ rule: ${rule}, path: "${ORDERS}/main.go", reason: It is to be replaced., owner: team${more} }`;
  const files = {
    ...base,
    'primitive.suppressions.yaml': `schema: primitive.suppressions/v1
suppressions: [${entry('IMP-004', '')}, ${entry('IMP-005', ', expires: 2020-01-01')}, ${entry('MARK-001', '')}]
`,
  };
  const found = async (...families: readonly Family[]) => {
    const { document } = await verifyResult(files, 'IMP', rules, { families });
    return document.findings
      .filter(({ path }) => path === 'primitive.suppressions.yaml')
      .map(({ rule, message }) => `${rule} ${/\b[A-Z]+-\d{3}/.exec(message)}`);
  };
  expect(await found('IMP')).toEqual(['SHAPE-008 IMP-004', 'SHAPE-009 IMP-005']);
  expect(await found('MARK')).toEqual(['SHAPE-008 MARK-001']);
  expect(await found('SEC')).toEqual([]);
});

test('text has the fingerprint of each finding, the first ones, and how many there are of each rule', async () => {
  const imports = Array.from({ length: 12 }, () => 'import _ "log/slog"\n');
  const files = {
    ...base,
    [`${ORDERS}/a.go`]: `package a\n\n${imports.join('')}import _ "net/http/cgi"\n`,
  };
  const result = await verifyResult(files, 'IMP', rules, {});
  const text = verifyOutcome(result, rules, '1.0.0', { maxFindings: 3 }).text(createStyle(false));
  const [finding] = result.document.findings;
  expect(text).toContain(`[${finding?.fingerprint}]`);
  expect(text.match(/error IMP-004/g)).toHaveLength(3);
  expect(text).toContain('and 10 more findings');
  expect(text).toMatch(/^13 {2}IMP-004 .* in 1 file$/m);
  expect(
    verifyOutcome(result, rules, '1.0.0')
      .text(createStyle(false))
      .match(/error IMP-004/g),
  ).toHaveLength(13);
});

test('JUnit has rules that could not judge as errors, and SARIF how the run went', async () => {
  const endless = `${ORDERS}/key.txt`;
  const result = await verifyResult({ ...base, [endless]: 'x' }, 'SEC', rules, { endless: [endless] });
  const { junit, sarif } = verifyOutcome(result, rules, '1.0.0').reports ?? {};
  expect(junit?.()).toMatch(
    /<testcase name="SEC-001 [^"]*" classname="SEC">\n\s*<error type="not run" message="[^"]*key\.txt is not checked by SEC/,
  );
  const [log] = JSON.parse(sarif?.() ?? '').runs;
  expect(log.invocations).toMatchObject([
    {
      executionSuccessful: false,
      toolExecutionNotifications: expect.arrayContaining([
        expect.objectContaining({ descriptor: { id: 'INT-007' }, level: 'error' }),
        expect.objectContaining({ descriptor: { id: 'not-checked' }, level: 'note' }),
      ]),
      properties: { verdict: 'incomplete', account: { files: expect.any(Number) } },
    },
  ]);
  expect(log.tool.driver.rules[0].help.markdown).toMatch(/^# BPMN-001: /);
});

test('an entry of a suite that could not run stays, and is not out of date', async () => {
  const passing = {
    exitCode: 1,
    stdout: '{"Action":"fail","Package":"example.com/orders","Test":"TestA"}\n',
  };
  const one = (tool?: 'tool-not-found') => ({
    suite: { primitive: 'domain/orders', recorded: passing, ...(tool && { tool }) },
    families: ['TEST' as const, 'SHAPE' as const],
  });
  const store = file();
  const request = { update: true, accept: true };
  await verifyResult(base, 'TEST', rules, { ...one(), baseline: store, request });
  const entries = () => JSON.parse(store.text ?? '').findings.map(({ rule }: { rule: string }) => rule);
  const before = entries();
  expect(before).toContain('TEST-002');
  const { document } = await verifyResult(base, 'TEST', rules, {
    ...one('tool-not-found'),
    baseline: store,
    request: { update: true, accept: false },
  });
  expect(document.verdict).toBe('incomplete');
  expect(entries()).toEqual(before);
});
