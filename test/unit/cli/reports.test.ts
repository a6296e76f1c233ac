import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkReports, writeAtomically } from '../../../src/cli/reports.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reports-'));
  mkdirSync(join(folder, 'out'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const check = (...texts: string[]) =>
  checkReports(
    texts.map((text) => ({ text, formats: ['json', 'markdown'] })),
    folder,
  );

describe('before any effect', () => {
  test('format and absolute path of every report are known', async () => {
    expect(await check('json=a.json', 'markdown=out/a=b.md', 'json=/tmp/c')).toEqual([
      { format: 'json', path: join(folder, 'a.json') },
      { format: 'markdown', path: join(folder, 'out/a=b.md') },
      { format: 'json', path: '/tmp/c' },
    ]);
  });

  test.each([
    ['json', 'report-invalid'],
    ['=a.json', 'report-invalid'],
    ['json=', 'report-invalid'],
    ['xml=a.xml', 'report-invalid'],
    ['json=missing/a.json', 'report-unwritable'],
    ['json=out', 'report-unwritable'],
  ])('%s is refused: %s', async (text, code) => {
    await expect(check(text)).rejects.toMatchObject({ code, exit: 2 });
    expect(readdirSync(folder)).toEqual(['out']);
  });

  test('two reports in one file are refused', async () => {
    await expect(check('json=a', 'markdown=./a')).rejects.toMatchObject({ code: 'report-unwritable' });
  });
});

describe('writing', () => {
  test('replaces the file in one step and leaves nothing else', async () => {
    const path = join(folder, 'report.json');
    writeFileSync(path, 'old');
    await writeAtomically(path, 'new');
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(readdirSync(folder)).toEqual(['out', 'report.json']);
  });

  test('a failure leaves the old file and no other', async () => {
    const path = join(folder, 'out');
    writeFileSync(join(path, 'kept'), '');
    await expect(writeAtomically(path, 'new')).rejects.toMatchObject({ code: 'report-unwritable', exit: 3 });
    expect(existsSync(join(path, 'kept'))).toBe(true);
    expect(readdirSync(folder)).toEqual(['out']);
    chmodSync(path, 0o755);
  });
});
