import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
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

  // Root may write anywhere; in /proc the kernel says no to it, too.
  test.skipIf(process.platform !== 'linux')('a folder that nobody may write to is refused', async () => {
    await expect(check('json=/proc/self/report.json')).rejects.toMatchObject({
      code: 'report-unwritable',
      exit: 2,
    });
  });

  test.skipIf(process.platform === 'win32')('a device in such a folder is not', async () => {
    expect(await check('json=/dev/null')).toEqual([{ format: 'json', path: '/dev/null' }]);
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

  test('goes through a link, which stays one', async () => {
    const path = join(folder, 'report.json');
    symlinkSync('out/real.json', path);
    await writeAtomically(path, 'first');
    await writeAtomically(path, 'new');
    expect(readFileSync(join(folder, 'out/real.json'), 'utf8')).toBe('new');
    expect(readlinkSync(path)).toBe('out/real.json');
    expect(readdirSync(folder)).toEqual(['out', 'report.json']);
  });

  // Where root replaces /dev/stderr or /dev/null, the machine is without it.
  test('goes into a pipe, which stays one', async () => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    const [read] = await Promise.all([readFile(path, 'utf8'), writeAtomically(path, 'new')]);
    expect(read).toBe('new');
    expect(lstatSync(path).isFIFO()).toBe(true);
    expect(readdirSync(folder)).toEqual(['out', 'pipe']);
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
