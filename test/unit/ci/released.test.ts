import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  changesOf,
  type Files,
  madeToday,
  RELEASED,
  readReleased,
  versionsOfKinds,
  withRelease,
} from '../../../.ci/released.ts';
import { builtInNames } from '../../../src/kinds/generators/built-in.ts';

const ROOT = join(import.meta.dirname, '../../..');
const PROBE = 'platform-process/1/probe/probe.go';
const made = await madeToday();
const versions = await versionsOfKinds();
const listed = readReleased(readFileSync(RELEASED, 'utf8'));
const without = (files: Files, path: string) => new Map([...files].filter(([one]) => one !== path));

describe('what generators make', () => {
  test('of a released version is as it was released: a change of it needs a version of its own', () => {
    expect(changesOf(listed, made)).toEqual([]);
  });

  test.each(['go', 'python', 'typescript'])(
    'is all of what is there of %s, also what few have',
    (language) => {
      const all = [...made.keys()].map((path) => path.split('/').slice(2).join('/'));
      const folder = join(ROOT, 'templates/platform', language, '1');
      const files = readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
      expect(files.length).toBeGreaterThan(8);
      expect(files.filter((file) => !all.includes(file))).toEqual([]);
    },
  );

  test('is of all of them, and none makes nothing', () => {
    const makers = [...made.keys()].map((path) => path.split('/')[0]);
    expect([...new Set(makers)].sort()).toEqual(builtInNames.toSorted());
  });

  test('of each release is listed', () => {
    const headings = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8').matchAll(/^## v?(\d\S*)/gm);
    const tags = existsSync(join(ROOT, '.git'))
      ? execFileSync('git', ['tag', '--list', 'v[0-9]*'], { cwd: ROOT, encoding: 'utf8' }).split('\n')
      : [];
    const releases = [...Array.from(headings, ([, version]) => version), ...tags.map((tag) => tag.slice(1))];
    const missing = releases.filter((release = '') => release !== '' && !listed.has(release));
    expect(missing, 'a release is made by `npm version`, which lists it in test/released.sha256').toEqual([]);
  });
});

describe('once a version is released', () => {
  const text = withRelease('# Note.\n', '0.1.0', versions, made);
  const released = readReleased(text);

  test('all files that it makes are listed, and nothing differs', () => {
    const named = [...made].filter(([path]) => versions.has(path.split('/', 2).join('/')));
    expect(named.length).toBeGreaterThan(60);
    expect(released.get('0.1.0')).toEqual(new Map(named));
    expect(changesOf(released, made)).toEqual([]);
  });

  test.each([
    ['changed', new Map(made).set(PROBE, 'ab'.repeat(32)), PROBE],
    ['removed', without(made, PROBE), PROBE],
    ['added', new Map(made).set('platform-process/1/more.go', '1'), 'platform-process/1/more.go'],
  ])('a file that is %s is found, and not released again', (change, now, path) => {
    expect(changesOf(released, now)).toEqual([`${change} ${path}`]);
    expect(() => withRelease(text, '0.2.0', versions, now)).toThrow(`${change} ${path}`);
  });

  test('another version is free until its own release, which lists that alone', () => {
    const next = new Map(made).set('platform-process/99/probe/probe.go', 'cd'.repeat(32));
    expect(changesOf(released, next)).toEqual([]);
    const later = withRelease(text, '0.2.0', new Set(['platform-process/99']), next);
    expect(later).toBe(`${text}v0.2.0\n${'cd'.repeat(32)}  platform-process/99/probe/probe.go\n`);
    const changed = new Map(next).set('platform-process/99/probe/probe.go', 'ef'.repeat(32));
    expect(changesOf(readReleased(later), changed)).toEqual(['changed platform-process/99/probe/probe.go']);
    expect(withRelease(text, '0.1.1', versions, next)).toBe(`${text}v0.1.1\n`);
  });

  test('it is not released twice', () => {
    expect(() => withRelease(text, '0.1.0', versions, made)).toThrow('0.1.0 is released');
  });

  test.each(['ab  platform-process/1/probe/probe.go', `${'ab'.repeat(32)}  a/1/b`, 'version 1'])(
    'a list that cannot be read is refused: %s',
    (line) => {
      expect(() => readReleased(`${line}\n`)).toThrow('cannot read');
    },
  );
});
