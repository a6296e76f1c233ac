import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { analyse } from 'scslre';
import { describe, expect, it } from 'vitest';
import { runPattern } from '../../src/dispatch/inputs.ts';
import { ALLOW_LENGTH } from '../../src/features/verify/secrets/gitleaks.ts';
import { slowInputOf } from '../support/patterns/growth.ts';
import { type Pattern, type PatternsOfFile, patternsOf } from '../support/patterns/patterns-of.ts';

/*
 * Files of a repository are written by others: a pattern whose time grows faster than what it reads lets a few hundred
 * bytes stop a command. Each pattern is judged twice: by what it says (scslre), and by running it on inputs made from it.
 */

const ROOT = resolve(import.meta.dirname, '../..');

/** Patterns that are made while the program runs, and why they are linear. */
const MADE: Readonly<Record<string, string>> = {
  'src/builders/buildx.ts': 'three words of ours, for what buildx prints',
  'src/dispatch/inputs.ts': 'of the patterns of our inputs.json, which are judged below',
  'src/features/verify/own-patterns.ts': 'is matched against the empty text alone, to count its groups',
  'src/features/verify/secrets/gitleaks.ts': 'of the data beside it, which is judged below',
  'src/repository/workload.ts': 'is not matched, only compiled',
  'src/kinds/stubs.ts': 'names, without quantifiers',
};

/** What rules of gitleaks let pass. */
interface AllowList {
  readonly patterns?: readonly string[];
  readonly paths?: readonly string[];
}

/** Of the preset, the rules and what they use; before that is what its bundler put there for equal texts. */
const PRESET = 'node_modules/@secretlint/secretlint-rule-preset-recommend/module/index.js';

describe('regular expressions', () => {
  const ours = filesOf('src').map((file) => patternsOf(join(ROOT, file), file));

  it('all take linear time', { timeout: 600_000 }, () => {
    const patterns = ours.flatMap((file) => file.patterns);
    expect(patterns.length).toBeGreaterThan(500);
    expect(faultsOf(patterns)).toEqual([]);
  });

  it('are in the code, but for those with a reason', () => {
    const files = ours.flatMap(({ unknown }: PatternsOfFile) => unknown).map((place) => place.split(':')[0]);
    expect([...new Set(files)].sort()).toEqual(Object.keys(MADE).sort());
  });

  it('of the inputs of a request take linear time, alone and joined to the name of a run', () => {
    const file = JSON.parse(readFileSync(join(ROOT, 'templates/gitops/scaffold/inputs.json'), 'utf8'));
    const inputs = Object.entries<{ readonly pattern?: string }>(file.inputs);
    const alone = inputs.flatMap(([place, { pattern: source }]) =>
      source ? [{ place, source, flags: '' }] : [],
    );
    const joined = { place: 'run', source: runPattern(file).source, flags: '' };
    expect(alone.length).toBeGreaterThan(3);
    expect(faultsOf([...alone, joined])).toEqual([]);
  });

  it('of the rules of Secretlint take linear time', { timeout: 600_000 }, () => {
    const { patterns } = patternsOf(join(ROOT, PRESET), PRESET);
    // Those of lodash, about the text of native functions.
    const rules = patterns.filter(({ source }) => !source.startsWith('hasOwnProperty|'));
    expect(rules.length).toBeGreaterThan(50);
    expect(slow(rules)).toEqual([]);
  });

  it('of the rules of gitleaks take linear time; what they let pass, where texts are short', {
    timeout: 600_000,
  }, () => {
    const file = 'src/features/verify/secrets/gitleaks.json';
    const { rules, allow } = JSON.parse(readFileSync(join(ROOT, file), 'utf8')) as {
      readonly rules: readonly {
        readonly id: string;
        readonly pattern: string;
        readonly path?: string;
        readonly allow?: readonly AllowList[];
      }[];
      readonly allow: readonly AllowList[];
    };
    const searched = rules.map(({ id, pattern }) => ({ place: id, source: pattern, flags: '' }));
    expect(searched.length).toBeGreaterThan(200);
    expect(slow(searched)).toEqual([]);
    const asked = [...allow, ...rules.flatMap((rule) => rule.allow ?? [])].flatMap(
      ({ patterns = [], paths = [] }) => [...patterns, ...paths],
    );
    const paths = rules.flatMap(({ path }) => path ?? []);
    const short = [...asked, ...paths].map((source) => ({ place: 'allow', source, flags: '' }));
    expect(slow(short, ALLOW_LENGTH)).toEqual([]);
  });

  it.each([
    [
      'headers of a private key',
      /-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----\s*(?:[\w-]+: .*\s+)*([A-Za-z0-9+/=]{16}[A-Za-z0-9+/=\s]*)/g,
    ],
    ['comments', /("(?:\\.|[^"\\])*")|\/\/.*|\/\*[\s\S]*?\*\//g],
    ['slashes at the end', /\/+$/],
    ['white space on both sides', /^([a-z]+)\s*=\s*(.+?)\s*$/],
    ['a token that begins again', /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}/g],
    ['an address with a password', /:\/\/([^:/?#]*):(.*)@([^@/?#]*)/s],
    ['nested quantifiers', /^(?:a+)+$/],
  ])('are found where they are not: %s', (name, { source, flags }) => {
    expect(slow([{ place: name, source, flags }])).toEqual([expect.stringContaining(`${name} `)]);
  });
});

function faultsOf(patterns: readonly Pattern[]): readonly string[] {
  return [...new Set([...patterns.flatMap(stated), ...slow(patterns)])];
}

/** What the form of a pattern says. */
function stated({ place, source, flags }: Pattern): readonly string[] {
  return analyse({ source, flags }).reports.map(
    ({ type, character }) => `${place} /${source}/${flags}: ${type} by ${character.literal.source}`,
  );
}

function slow(patterns: readonly Pattern[], length?: number): readonly string[] {
  const different = new Map(patterns.map((one) => [`${one.flags} ${one.source}`, one]));
  return [...different.values()].flatMap(({ place, source, flags }) => {
    const found = slowInputOf(source, flags, length);
    return found === undefined ? [] : [`${place} /${source}/${flags}: ${found.input}: ${found.why}`];
  });
}

function filesOf(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`)
    .sort();
}
