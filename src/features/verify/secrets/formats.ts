import { lintSource } from '@secretlint/core';
import { secretLintProfiler } from '@secretlint/profiler';
import { rules } from '@secretlint/secretlint-rule-preset-recommend';
import { isPlaceholder } from './placeholder.ts';
import type { Literal, SecretKind } from './secret.ts';

// It would keep a record of each rule and file in memory.
secretLintProfiler.setEnabled(false);

/** Rules of Secretlint; a comment in a file must not switch them off. */
const RULES = rules
  .filter(({ meta }) => meta.id !== '@secretlint/secretlint-rule-filter-comments')
  .map((rule) => ({ id: rule.meta.id, rule }));

/** Rules of Secretlint that find something else than a token. */
const KINDS: Readonly<Record<string, SecretKind>> = {
  '@secretlint/secretlint-rule-privatekey': 'private-key',
  '@secretlint/secretlint-rule-basicauth': 'url',
  '@secretlint/secretlint-rule-database-connection-string': 'url',
};

/** Formats that Secretlint does not know, or knows only in part. The first group, where there is one, is the secret. */
const FORMATS: readonly (readonly [name: string, kind: SecretKind, pattern: RegExp])[] = [
  [
    'private key',
    'private-key',
    /-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----\s*(?:[\w-]{1,40}: (?:[^\n]{0,200}\n\s*|(?![^\n]{0,200}\n)\S{1,200}[ \t]+)){0,8}([A-Za-z0-9+/=]{16}[A-Za-z0-9+/=\s]*)/g,
  ],
  ['age key', 'private-key', /\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b/g],
  ['Google API key', 'token', /\bAIza[\w-]{35}(?![\w-])/g],
  ['JSON Web Token', 'token', /\beyJ(?:(?!-eyJ)[\w-]){8,}\.eyJ[\w-]{8,}\.[\w-]{16,}/g],
  ['Azure storage key', 'token', /\bAccountKey=([A-Za-z0-9+/]{86}==)/g],
  ['PyPI token', 'token', /\bpypi-AgE[\w-]{50,}/g],
  ['DigitalOcean token', 'token', /\bdo[opr]_v1_[0-9a-f]{64}\b/g],
  ['Docker token', 'token', /\bdckr_(?:pat|oat)_[\w-]{27,}/g],
  ['GitHub token', 'token', /\bgithub_pat_\w{22,255}\b/g],
  ['Hugging Face token', 'token', /\bhf_[A-Za-z]{34}\b/g],
  ['OpenAI key', 'token', /\bsk-(?:proj|svcacct|admin)-(?:(?!-sk-)[\w-]){20,}T3BlbkFJ[\w-]{20,}/g],
  ['Vault token', 'token', /\bhv[sbr]\.[\w-]{24,}/g],
  ['Telegram token', 'token', /\b\d{8,10}:AA[\w-]{33}(?![\w-])/g],
  [
    'URL with a password',
    'url',
    /\b[a-z][a-z0-9+.-]{1,30}:\/\/[^\s:/?#"'<>@[\](){}|\\^`]{0,64}:([^\s/?#"'<>@]{3,128})@[^\s"'<>@]+/gi,
  ],
  [
    'connection string',
    'url',
    /\b(?:Server|Data Source|Host|Endpoint)=[^;\n"']{1,200};[^\n"']{0,500}?\b(?:Password|Pwd|SharedAccessKey)=([^;\n"'\s]{4,128})/gi,
  ],
];

/** What documentation shows of a token: AWS's word, a mask, an alphabet. */
const SAMPLE = /EXAMPLE(?:KEY)?\b|([xX*.0_-])\1{7}|abcdefgh|12345678|your[-_]|[-_]here\b/i;
/** Hosts that are the machine itself, or that RFC 2606 keeps for documentation. */
const LOCAL =
  /^(?:localhost|127(?:\.\d+){3}|0\.0\.0\.0|\[::1\]|(?:[^:]+\.)?(?:example|test|invalid|localhost)(?:\.(?:com|org|net))?)(?::\S*)?$/i;

/** Length in characters of the parts of a text that are searched, and their overlap: patterns may take more than linear time. */
const PART = 1024 * 1024;
const OVERLAP = 16 * 1024;

/** Secrets of known formats in a text of any size. */
export async function findFormats(text: string): Promise<readonly Literal[]> {
  const found: Literal[] = [];
  for (let start = 0; start === 0 || start + OVERLAP < text.length; start += PART - OVERLAP) {
    const part = text.slice(start, start + PART);
    for (const literal of [...(await bySecretlint(part)), ...byFormat(part)]) {
      found.push({ ...literal, index: start + literal.index });
    }
  }
  return found.filter(isSecret);
}

async function bySecretlint(content: string): Promise<readonly Literal[]> {
  const { messages } = await lintSource({
    source: { content, contentType: 'text', filePath: 'text', ext: '' },
    options: { config: { rules: RULES }, noPhysicFilePath: true },
  });
  return messages.map(({ ruleId, messageId, range: [index, end] }) => ({
    kind: KINDS[ruleId] ?? 'token',
    name: messageId,
    value: content.slice(index, end),
    index,
  }));
}

function byFormat(text: string): readonly Literal[] {
  return FORMATS.flatMap(([name, kind, pattern]) =>
    [...text.matchAll(pattern)].map((match) => ({ kind, name, value: match[0], index: match.index })),
  );
}

/** Not for placeholders, and not for services on the machine that reads the file. */
function isSecret({ kind, value }: Literal): boolean {
  if (kind !== 'url') return kind === 'private-key' || !SAMPLE.test(value);
  const { user, password, host } = addressOf(value);
  return !isPlaceholder(password) && password !== user && !LOCAL.test(host);
}

/** The parts of a URL or of a connection string; empty where they are not there. */
export function addressOf(text: string): {
  readonly user: string;
  readonly password: string;
  readonly host: string;
} {
  const [, user = '', password = '', host = ''] =
    /^(?:(?!:\/\/).)*:\/\/([^:/?#]*):(.*)@([^@/?#]*)/s.exec(text) ??
    /()(?:Password|Pwd|SharedAccessKey)=([^;\s]*)()/i.exec(text) ??
    [];
  return { user, password, host };
}
