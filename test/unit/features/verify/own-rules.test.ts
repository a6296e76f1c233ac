import { expect, test, vi } from 'vitest';
import { explain } from '../../../../src/features/explain/run.ts';
import { checkOwnPatterns } from '../../../../src/features/verify/own-patterns.ts';
import { ownRules } from '../../../../src/features/verify/own-rules.ts';
import { rules } from '../../../../src/features/verify/rules/all.ts';
import { createStyle } from '../../../../src/render/style.ts';
import { parseConfig } from '../../../../src/repository/config.ts';
import { verifyDocument } from '../../../support/verify-corpus/run.ts';
import type { Files } from '../../../support/verify-corpus/tree.ts';

const ORDERS = 'primitives/domain/orders';
const MESH = 'primitives/integration/mesh';
const config = (rule: string) => `registry: ghcr.io/acme
verify:
  rules:
    - id: OWN-001
      title: Domain code keeps to itself
      ${rule}
`;
const parsed = (rule: string) => parseConfig({ text: config(rule), shown: 'config', root: '/r' }, '1.0.0');

/** What a rule of the config finds, as `path:line message`. */
async function found(rule: string, files: Files): Promise<readonly string[]> {
  const own = ownRules((await parsed(rule)).verify.rules);
  const all: Files = {
    'primitive.config.yaml': config(rule),
    [`${ORDERS}/primitive.yaml`]: 'kind: domain\nname: orders\n',
    [`${ORDERS}/go.mod`]: 'module example.com/orders\n\ngo 1.24\n\nrequire example.com/dep v1.0.0\n',
    [`${MESH}/primitive.yaml`]: 'kind: integration\nname: mesh\n',
    [`${MESH}/go.mod`]: 'module example.com/mesh\n\ngo 1.24\n\nrequire example.com/dep v1.0.0\n',
    ...files,
  };
  const { findings } = await verifyDocument(all, 'OWN', [...rules, ...own]);
  return findings.map(
    ({ path, line, message }) => `${path}${line === undefined ? '' : `:${line}`} ${message}`,
  );
}

const go = (folder: string, ...imports: readonly string[]) => ({
  [folder]: `package a\n\nimport (\n${imports.map((one) => `\t_ "${one}"\n`).join('')})\n`,
});

test('imports are forbidden in the files and kinds that a rule names', async () => {
  const rule =
    'kinds: [domain]\n      files: ["internal/domain/**"]\n      except: ["**/*_test.go"]\n      forbidImports: [net/http]';
  expect(
    await found(rule, {
      ...go(`${ORDERS}/internal/domain/a.go`, 'net/http', 'net/http/httptest', 'net/url'),
      ...go(`${ORDERS}/internal/domain/a_test.go`, 'net/http'),
      ...go(`${ORDERS}/internal/rpc/a.go`, 'net/http'),
      ...go(`${MESH}/internal/domain/a.go`, 'net/http'),
    }),
  ).toEqual([
    `${ORDERS}/internal/domain/a.go:4 Import "net/http" is forbidden by "net/http".`,
    `${ORDERS}/internal/domain/a.go:5 Import "net/http/httptest" is forbidden by "net/http".`,
  ]);
});

test('of packages of others only those that a kind allows may be imported', async () => {
  const rule = 'kinds: [domain]\n      allowImports: [example.com/dep/allowed]';
  expect(
    await found(rule, {
      ...go(
        `${ORDERS}/a.go`,
        'fmt',
        'example.com/dep',
        'example.com/dep/allowed/more',
        'example.com/orders/b',
      ),
      ...go(`${ORDERS}/b/b.go`, 'fmt'),
      ...go(`${MESH}/a.go`, 'example.com/dep'),
    }),
  ).toEqual([`${ORDERS}/a.go:5 Import "example.com/dep" is not among those allowed.`]);
});

test('a layer imports those after it alone', async () => {
  const rule = 'layers: [internal/rpc, internal/domain]';
  expect(
    await found(rule, {
      ...go(
        `${ORDERS}/internal/domain/a.go`,
        'example.com/orders/internal/rpc',
        'example.com/orders/internal/other',
      ),
      ...go(
        `${ORDERS}/internal/rpc/a.go`,
        'example.com/orders/internal/domain',
        'example.com/orders/internal/rpc/more',
      ),
      ...go(`${ORDERS}/internal/rpc/more/a.go`, 'fmt'),
      ...go(`${ORDERS}/internal/other/a.go`, 'example.com/orders/internal/rpc'),
    }),
  ).toEqual([
    `${ORDERS}/internal/domain/a.go:4 Import "example.com/orders/internal/rpc" leads from internal/domain up to internal/rpc.`,
  ]);
});

test('files are required, and lines forbidden', async () => {
  expect(await found('kinds: [domain]\n      requireFiles: ["docs/*.md"]', {})).toEqual([
    `${ORDERS} docs/*.md is missing.`,
  ]);
  expect(
    await found('kinds: [domain]\n      requireFiles: ["docs/*.md"]', { [`${ORDERS}/docs/run.md`]: '' }),
  ).toEqual([]);
  const pattern = String.raw`files: ["**/*.go"]
      forbidPattern: 'fmt\.Print(ln|f)?\('`;
  expect(
    await found(pattern, {
      [`${ORDERS}/a.go`]: 'package a\n\nfunc a() {\n\tfmt.Println("x")\n}\n',
      [`${ORDERS}/a.txt`]: 'fmt.Println(',
    }),
  ).toEqual([`${ORDERS}/a.go:4 A line matches "fmt\\\\.Print(ln|f)?\\\\(".`]);
});

test('no file may hold a secret of a format of its own', async () => {
  const rule = String.raw`secretFormat: { pattern: '\bacme-([\w-]{20})\b', group: 1, entropy: 3 }`;
  const secret = 'kX93mQpA7tLz_0BvW-ye';
  const files = {
    [`${ORDERS}/a.yaml`]: `a: acme-${secret}\nb: acme-xxxxxxxxxxxxxxxxxxxx\nc: acme-aaaabbbbaaaabbbbaaaa\n`,
    [`${ORDERS}/long.js`]: `${'x;'.repeat(900)} acme-${secret} ${'y;'.repeat(5_000)}acme-${secret}\n`,
    'pkg/shared.txt': `acme-${secret}\n`,
    'docs/notes.bin': `\0acme-${secret}`,
  };
  const shown = (await found(rule, files)).map((line) => line.replace(/ Credential.*/, ''));
  expect(shown).toEqual([
    'docs/notes.bin:1',
    'pkg/shared.txt:1',
    `${ORDERS}/a.yaml:1`,
    `${ORDERS}/long.js:1`,
    `${ORDERS}/long.js:1`,
  ]);
  const text = (await found(rule, files)).join('\n');
  expect(text).toContain('Credential in the file (Domain code keeps to itself).');
  expect(text).not.toContain(secret);
});

test('a rule without a check, with two, of a wrong id or of a pattern without bound is refused', async () => {
  const refused = (rule: string) => expect(parsed(rule)).rejects;
  await refused('why: none').toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining('OWN-001 has none'),
  });
  await refused('layers: [a]\n      requireFiles: [b]').toMatchObject({ code: 'config-invalid' });
  await refused('requireFiles: ["../b"]').toMatchObject({ code: 'config-invalid' });
  await refused('requireFiles: [b]\n    - { id: OWN-001, title: Again, requireFiles: [c] }').toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining('two rules have the id OWN-001'),
  });
  await refused("secretFormat: { pattern: 'acme-.' }\n      kinds: [domain]").toMatchObject({
    message: expect.stringContaining('secretFormat is for all files: OWN-001 cannot have kinds'),
  });
  const group = (await parsed("secretFormat: { pattern: 'acme-(.)', group: 2 }")).verify.rules;
  await expect(checkOwnPatterns(group)).rejects.toMatchObject({ why: 'it has no group 2' });
  const slow = (await parsed("secretFormat: { pattern: '(a+)+b' }")).verify.rules;
  await expect(checkOwnPatterns(slow)).rejects.toMatchObject({ code: 'config-invalid' });
  const check = async (pattern: string) =>
    checkOwnPatterns((await parsed(`forbidPattern: '${pattern}'`)).verify.rules);
  for (const slow of ['(a+)+b', 'a*a*b', '(']) {
    await expect(check(slow)).rejects.toMatchObject({ code: 'config-invalid' });
  }
  for (const quick of ['fmt.*Print', '^a+$', 'TODO']) await check(quick);
});

test('a pattern that takes too long all the same is named, with the file', async () => {
  await expect(
    found("forbidPattern: '^(a|a)*b'", { [`${ORDERS}/a.txt`]: 'a'.repeat(100) }),
  ).rejects.toMatchObject({
    code: 'config-invalid',
    why: `it takes longer than 1 s for ${ORDERS}/a.txt`,
  });
});

test('its page is made from the config, and reports know it', async () => {
  const own = ownRules((await parsed('why: It has no transport.\n      layers: [rpc, domain]')).verify.rules);
  const text = (await explain('own-1', [...rules, ...own], () => undefined)).text(createStyle(false));
  expect(text).toContain('OWN-001');
  expect(text).toContain('It has no transport.');
  expect(text).toContain('rpc');
  expect((await explain('OWN', [...rules, ...own], () => undefined)).document).toMatchObject({
    rules: [{ id: 'OWN-001', family: 'OWN' }],
  });
});

test('without rules of its own a repository is not told of their family', async () => {
  const { unchecked } = await verifyDocument(
    { 'primitive.config.yaml': 'registry: ghcr.io/acme\n' },
    'SEC',
    rules,
  );
  expect(unchecked.map(({ what }) => what)).not.toContain('OWN');
});

test('what checks patterns is loaded only where a rule has one', async () => {
  vi.resetModules();
  vi.doMock('scslre', () => {
    throw new Error('loaded');
  });
  const { checkOwnPatterns: check } = await import('../../../../src/features/verify/own-patterns.ts');
  const rulesOf = async (rule: string) => (await parsed(rule)).verify.rules;
  await expect(check(await rulesOf('forbidImports: [log]'))).resolves.toBeUndefined();
  await expect(check(await rulesOf('forbidPattern: "a+"'))).rejects.toThrow();
  vi.doUnmock('scslre');
});
