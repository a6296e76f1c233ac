import { expect, test } from 'vitest';
import { rules } from '../../../../src/features/verify/rules/all.ts';
import { entropyOf } from '../../../../src/features/verify/secrets/entropy.ts';
import { secretScan } from '../../../../src/features/verify/secrets/scan.ts';
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
  ['headers without an end', '-----BEGIN PRIVATE KEY-----\n'.repeat(20_000)],
])('%s take no time out of proportion', { timeout: 20_000 }, async (_, text) => {
  expect(await secretScan.scan({ path: 'a.yaml', bytes: new Uint8Array(), text })).toBeInstanceOf(Array);
});
