/**
 * Writes `src/features/verify/secrets/gitleaks.json`: the rules of gitleaks as data, from its config in the Go module. Needs
 * Go, whose own parser reads the patterns. With `--check` writes nothing and fails where the file is stale. For another
 * version, change `VERSION`, run this, and read the difference.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';

const MODULE = 'github.com/zricethezav/gitleaks/v8';
const VERSION = '8.30.1';

/** Rules that are not taken, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  ...each('is an id that its service prints, no secret', [
    'adobe-client-id',
    'asana-client-id',
    'bitbucket-client-id',
    'discord-client-id',
    'linkedin-client-id',
    'looker-client-id',
    'messagebird-client-id',
    'plaid-client-id',
    'sendbird-access-id',
  ]),
  ...each('is a key that its service calls public', [
    'flutterwave-public-key',
    'lob-pub-api-key',
    'mailgun-pub-key',
    'mapbox-api-token',
  ]),
  ...each(
    'takes more than linear time in an engine that tracks back; ours reads headers and users of commands',
    ['curl-auth-header', 'curl-auth-user'],
  ),
  'kubernetes-secret-yaml': 'matches across documents; ours parses the manifest',
  'pkcs12-file': 'has no pattern; ours knows the file by its name',
  'private-key':
    'searches for the end of each header; ours reads the block, also without an end and in base64',
};

/** What is let pass of all rules, but for patterns that our own references cover and that take more than linear time. */
const SLOW_ALLOW = new Set([
  String.raw`^\{\{[ \t]*[\w ().|]+[ \t]*}}$`,
  String.raw`^\$\{\{[ \t]*(?:(?:env|github|secrets|vars)(?:\.[A-Za-z]\w+)+[\w "'&./=|]*)[ \t]*}}$`,
]);

interface AllowList {
  readonly regexTarget?: string;
  readonly condition?: string;
  readonly regexes?: readonly string[];
  readonly stopwords?: readonly string[];
  readonly paths?: readonly string[];
}
interface GitleaksRule {
  readonly id: string;
  readonly regex?: string;
  readonly entropy?: number;
  readonly secretGroup?: number;
  readonly keywords?: readonly string[];
  readonly path?: string;
  readonly allowlists?: readonly AllowList[];
}
type Translate = (pattern: string) => string;

const download = JSON.parse(
  execFileSync('go', ['mod', 'download', '-json', `${MODULE}@v${VERSION}`], { encoding: 'utf8' }),
);
const read = (file: string) => readFileSync(join(download.Dir, file), 'utf8');
const config = parse(read('config/gitleaks.toml')) as unknown as {
  readonly allowlist: AllowList;
  readonly rules: readonly GitleaksRule[];
};

// First what there is to translate, for one run of Go; then the same with what came back.
const patterns = new Set<string>();
dataOf((pattern) => {
  patterns.add(pattern);
  return pattern;
});
const translated = new Map(
  zip(
    [...patterns],
    JSON.parse(
      execFileSync('go', ['run', join(import.meta.dirname, 'main.go')], {
        encoding: 'utf8',
        input: JSON.stringify([...patterns]),
      }),
    ),
  ),
);
const data = dataOf((pattern) => {
  const text = translated.get(pattern);
  if (text === undefined) throw new Error(`${pattern} was not translated`);
  new RegExp(text);
  return text;
});
const target = join(import.meta.dirname, '../../src/features/verify/secrets/gitleaks.json');
const text = `${JSON.stringify(data, null, 2)}\n`;
if (!process.argv.includes('--check')) {
  writeFileSync(target, text);
  console.log(`${data.rules.length} of ${config.rules.length} rules`);
} else if (readFileSync(target, 'utf8') !== text) {
  console.error('stale: run `node .ci/gitleaks/rules.ts` and commit what it writes.');
  process.exitCode = 1;
}

function dataOf(translate: Translate) {
  const { Time: date } = JSON.parse(readFileSync(download.Info, 'utf8'));
  return {
    source: MODULE,
    version: VERSION,
    date: date.slice(0, 10),
    license: { id: 'MIT', text: read('LICENSE').trim() },
    leftOut: LEFT_OUT,
    allow: allowed([config.allowlist], translate),
    rules: config.rules
      .filter(({ id }) => !Object.hasOwn(LEFT_OUT, id))
      .map((rule) => ruleOf(rule, translate)),
  };
}

function ruleOf(
  { id, regex = '', entropy, secretGroup, keywords = [], path, allowlists = [] }: GitleaksRule,
  translate: Translate,
) {
  // What may stand before the name: the engine looks there itself, so that a search begins at the name.
  const named = regex
    .replace(/^(\(\?i\))?\[\\w\.-\]\{0,50\}\?/, '$1')
    .replace(/^\(\?i:\[\\w\.-\]\{0,50\}\?/, '(?i:');
  return {
    id,
    ...(named === regex ? {} : { named: true }),
    pattern: translate(named),
    keywords,
    ...(entropy === undefined ? {} : { entropy }),
    ...(secretGroup === undefined ? {} : { group: secretGroup }),
    ...(path === undefined ? {} : { path: translate(path) }),
    ...(allowlists.length === 0 ? {} : { allow: allowed(allowlists, translate) }),
  };
}

function allowed(lists: readonly AllowList[], translate: Translate) {
  return lists.map(({ regexTarget, condition, regexes, stopwords, paths }) => ({
    ...(regexTarget === undefined ? {} : { of: regexTarget }),
    ...(condition === undefined ? {} : { condition }),
    ...(paths === undefined ? {} : { paths: paths.map(translate) }),
    ...(regexes === undefined
      ? {}
      : { patterns: regexes.filter((one) => !SLOW_ALLOW.has(one)).map(translate) }),
    ...(stopwords === undefined ? {} : { words: stopwords.map((word) => word.toLowerCase()) }),
  }));
}

function each(reason: string, ids: readonly string[]): Record<string, string> {
  return Object.fromEntries(ids.map((id) => [id, reason]));
}

function zip<A, B>(first: readonly A[], second: readonly B[]): (readonly [A, B])[] {
  return first.map((one, i) => [one, second[i] as B]);
}
