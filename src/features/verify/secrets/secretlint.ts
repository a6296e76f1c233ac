import { lintSource } from '@secretlint/core';
import { secretLintProfiler } from '@secretlint/profiler';
import { rules } from '@secretlint/secretlint-rule-preset-recommend';
import type { Literal, SecretKind } from './secret.ts';

// It would keep a record of each rule and file in memory.
secretLintProfiler.setEnabled(false);

/** Rules of Secretlint that find something else than a token. */
const KINDS: Readonly<Record<string, SecretKind>> = {
  privatekey: 'private-key',
  basicauth: 'url',
  'database-connection-string': 'url',
};

/** A comment in a file must not switch rules off; key files of Google Cloud are found by the key in them. */
const LEFT_OUT = new Set(['filter-comments', 'gcp']);

/** Words that every match of a rule contains, in lower case; a rule that is not here runs on each text. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  aws: [
    'a3t',
    'akia',
    'asia',
    'agpa',
    'aida',
    'aroa',
    'aipa',
    'anpa',
    'anva',
    'secretaccess',
    'secret_access',
  ],
  privatekey: ['-----begin'],
  npm: ['_authtoken', 'npm_', 'x-oauth-basic'],
  basicauth: ['://'],
  slack: ['xox', 'xapp', 'hooks.slack.com'],
  sendgrid: ['sg.'],
  shopify: ['shp'],
  stripe: ['k_live', 'k_test'],
  github: ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'github_pat_'],
  gitlab: ['glpat-'],
  grafana: ['glc_', 'glsa_'],
  openai: ['t3blbkfj'],
  anthropic: ['sk-ant-'],
  groq: ['gsk_'],
  huggingface: ['hf_'],
  linear: ['lin_api_'],
  notion: ['ntn_'],
  '1password': ['ops_'],
  'database-connection-string': ['mongodb', 'mysql', 'postgres'],
  'hashicorp-vault': ['hvs.', 'hvb.', 'hvr.'],
  vercel: ['vcp_', 'vci_', 'vca_', 'vcr_', 'vck_'],
  databricks: ['dapi'],
  docker: ['dckr_pat_'],
  figma: ['figd_'],
  cloudflare: ['cfk_', 'cfut_', 'cfat_'],
  tailscale: ['tskey-'],
};
/** Rules that find addresses with a password, which have an `@`. */
const ADDRESSES = new Set(['basicauth', 'database-connection-string']);
const ADDRESS = /:\/\/[^\s/@"'<>]{1,300}@/;

const RULES = rules.flatMap((rule) => {
  const name = nameOf(rule.meta.id);
  return LEFT_OUT.has(name) ? [] : [{ name, words: WORDS[name], rule: { id: rule.meta.id, rule } }];
});

export const secretlintWords: readonly string[] = Object.values(WORDS).flat();

/** Rules that run on each text, because what their matches have in them is not known. */
export const unfiltered: readonly string[] = RULES.filter(({ words }) => words === undefined).map(
  ({ name }) => name,
);

/** Matches of Secretlint's rules in a text with these words. */
export async function findBySecretlint(
  text: string,
  words: ReadonlySet<string>,
): Promise<readonly Literal[]> {
  const wanted = RULES.filter((one) => one.words === undefined || one.words.some((word) => words.has(word)));
  if (wanted.length === 0) return [];
  const hasAddress = wanted.some(({ name }) => ADDRESSES.has(name)) && ADDRESS.test(text);
  const run = wanted.filter(({ name }) => hasAddress || !ADDRESSES.has(name)).map(({ rule }) => rule);
  if (run.length === 0) return [];
  const { messages } = await lintSource({
    source: { content: text, contentType: 'text', filePath: 'text', ext: '' },
    options: { config: { rules: run }, noPhysicFilePath: true },
  });
  return messages.map(({ ruleId, messageId, range: [index, end] }) => ({
    kind: KINDS[nameOf(ruleId)] ?? 'token',
    name: messageId,
    value: text.slice(index, end),
    index,
  }));
}

/** `aws` of `@secretlint/secretlint-rule-aws`. */
function nameOf(id: string): string {
  return id.replace('@secretlint/secretlint-rule-', '');
}
