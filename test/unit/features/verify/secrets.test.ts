import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rules } from '../../../../src/features/verify/rules/all.ts';
import { entropyOf } from '../../../../src/features/verify/secrets/entropy.ts';
import gitleaks from '../../../../src/features/verify/secrets/gitleaks.json' with { type: 'json' };
import { secretScan } from '../../../../src/features/verify/secrets/scan.ts';
import { unfiltered } from '../../../../src/features/verify/secrets/secretlint.ts';
import { searchFor } from '../../../../src/features/verify/secrets/words.ts';
import { verifyFiles } from '../../../support/verify-corpus/run.ts';
import { secrets } from '../../../support/verify-corpus/secrets.ts';

const CONFIG = { 'primitive.config.yaml': 'registry: ghcr.io/acme\n' };
const VALUE = ['q7Zk2', 'Wm9Xv', '4Rt8L', 'p3Nc6Yb1'].join('');
const LINE = `API_KEY=${VALUE}\n`;

test('a value is neither cached nor reported, nor a part of it', async () => {
  const texts = secrets.cases.filter(({ finds }) => finds !== undefined);
  for (const { files, rule } of texts) {
    for (const [path, content] of Object.entries(files)) {
      const text =
        typeof content === 'string' ? content : new TextDecoder('latin1').decode(content as Uint8Array);
      const scanned = await secretScan.scan({ path, bytes: new TextEncoder().encode(text), text });
      const shown = JSON.stringify([scanned, await verifyFiles({ ...CONFIG, ...files }, 'SEC', rules)]);
      const secretWords = text
        .match(/[\w+/-]{12,}/g)
        ?.filter((word) => entropyOf(word) > 3.2 && !path.includes(word));
      expect(secretWords?.filter((word) => shown.includes(word) && /\d/.test(word)) ?? [], rule).toEqual([]);
    }
  }
});

test('words are found as they are by one search for each', () => {
  const letters = fc.constantFrom('a', 'b', 'A', 'B', '.', '-', 'é');
  const texts = (maxLength: number) => fc.string({ unit: letters, maxLength });
  const words = fc.array(
    texts(4).map((text) => text.toLowerCase().replaceAll('é', 'a')),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(words, texts(40), (all, text) => {
      const wanted = all.filter((word) => word !== '');
      const found = wanted.filter((word) => text.toLowerCase().includes(word));
      expect([...searchFor(wanted)(text)].sort()).toEqual([...new Set(found)].sort());
    }),
  );
});

test('each rule of Secretlint runs only where a text has one of its words', () => {
  expect(unfiltered).toEqual([]);
});

test('rules of gitleaks are those of one version, with its licence, and the reasons of those that are not taken', () => {
  expect(gitleaks).toMatchObject({ version: '8.30.1', license: { id: 'MIT' } });
  expect(gitleaks.license.text).toContain('Copyright');
  const ids = gitleaks.rules.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.filter((id) => Object.hasOwn(gitleaks.leftOut, id))).toEqual([]);
  expect(ids.length + Object.keys(gitleaks.leftOut).length).toBe(222);
  for (const { id, keywords, pattern } of gitleaks.rules) {
    expect(keywords, id).toEqual(keywords.map((word) => word.toLowerCase()));
    expect(() => new RegExp(pattern), id).not.toThrow();
  }
});

test('a name that has a secret in it is shown without', async () => {
  const files = {
    ...CONFIG,
    'a.env': `SECRET_${VALUE}_KEY=${VALUE}\n`,
    'b.txt': `{"${VALUE}_token": "${VALUE}"}\n`,
  };
  const found = await verifyFiles(files, 'SEC', rules);
  expect(found.map(({ message }) => message)).toEqual([
    'Value of "SECRET_***_KEY" looks like a credential.',
    'Value of "***_token" looks like a credential.',
  ]);
});

test('what is beside a marker is reported without what looks like a secret', async () => {
  const files = {
    ...CONFIG,
    'primitives/domain/orders/a.go': `// AMEIDE_SCAFFOLD: call billing with token=${VALUE}, please\n`,
  };
  const [found] = await verifyFiles({ ...files }, 'MARK', rules);
  expect(found?.message).toContain('AMEIDE_SCAFFOLD: call billing with token=***, please');
});

test('a finding is the same one where its line has shifted, and another one in another file or with another value', async () => {
  const fingerprints = async (path: string, text: string) =>
    (await verifyFiles({ ...CONFIG, [path]: text }, 'SEC', rules)).map(({ fingerprint }) => fingerprint);
  const [first] = await fingerprints('a.env', LINE);
  expect(await fingerprints('a.env', `\n# moved\n${LINE}`)).toEqual([first]);
  expect(await fingerprints('b.env', LINE)).not.toEqual([first]);
  expect(await fingerprints('a.env', LINE.replace('q7Z', 'q8Z'))).not.toEqual([first]);
});

test('the key of a finding is that of earlier versions, so that suppressions still fit', async () => {
  const keys = async (path: string, text: string) =>
    (await secretScan.scan({ path, bytes: new Uint8Array(), text })).map(({ kind, key }) => `${kind} ${key}`);
  expect(await keys('a.env', LINE)).toEqual(['assignment a2a0fcd39df61277']);
  expect(await keys('b.txt', `ghp_${VALUE}${VALUE.slice(0, 13)}\n`)).toEqual(['token 5958eb1f95f028c6']);
  expect(await keys('c.txt', `postgres://app:${VALUE}@db.acme.io/app\n`)).toEqual(['url 65803f3948903f33']);
  expect(await keys('d.yaml', `kind: Secret\nstringData: { password: ${VALUE} }\n`)).toEqual([
    'manifest b8e84286bfde768a',
  ]);
  expect(await keys('e.txt', `-----BEGIN PRIVATE KEY-----\n${VALUE}${VALUE}\n`)).toEqual([
    'private-key 97f3aaaa30bdd99d',
  ]);
});

test('a file of many megabytes is read to its end', async () => {
  const text = `${'0123456789 some words that mean nothing\n'.repeat(300_000)}${LINE}`;
  const found = await secretScan.scan({ path: 'big.env', bytes: new Uint8Array(), text });
  expect(found).toMatchObject([{ kind: 'assignment', line: 300_001, column: 9 }]);
});

test.each([
  ['quotes without an end', `${'password = "'.repeat(50_000)}`],
  ['a name without an end', `${'a_'.repeat(500_000)}password`],
  ['addresses without an end', 'a://b:c'.repeat(100_000)],
  ['connection strings without an end', 'Server=a;'.repeat(50_000)],
  [
    'many secrets of two kinds',
    `a://b:${VALUE}@g.h SK${createHash('md5').update('a').digest('hex')} `.repeat(20_000),
  ],
  ['pairs without an end', 'a=b '.repeat(200_000)],
  ['base64 without an end', `LS0tLS1CRUdJTi${'A'.repeat(1_000_000)}`],
  ['names of services without an end', 'discord = '.repeat(50_000)],
  ['steps of one', `password: ${'abcdefgh'.repeat(50_000)}`],
  ['headers without an end', '-----BEGIN PRIVATE KEY-----\n'.repeat(20_000)],
])('%s take no time out of proportion', { timeout: 20_000 }, async (_, text) => {
  expect(await secretScan.scan({ path: 'a.yaml', bytes: new Uint8Array(), text })).toBeInstanceOf(Array);
});

test('an address that a comment on code explains, or of many hosts of a cluster in a test, is no secret', async () => {
  const random = 'q7Zk2Wm9Xv4Rt8Lp';
  const files = (password: string, host: string) => ({
    ...CONFIG,
    'lib/a.kt': `// hosts may have a password, like https://user:${password}@site.io\n`,
    'lib/a_test.go': `package lib\n\nconst uri = "mongodb://app:${password}@${host}/db"\n`,
  });
  const found = async (password: string, host: string) =>
    (await verifyFiles(files(password, host), 'SEC', rules)).map(({ path }) => path);
  const inside = 'rs0-0.db.svc.cluster.local:27017,rs0-1.db.svc.cluster.local:27017';
  expect(await found('hunter', inside)).toEqual([]);
  expect(await found('p%40ss%2Fword', 'db.acme.io')).toEqual([]);
  expect(await found(random, inside)).toEqual(['lib/a.kt']);
  expect(await found(random, 'rs0-0.db.svc.cluster.local,db.acme.io')).toEqual(['lib/a.kt', 'lib/a_test.go']);
});
