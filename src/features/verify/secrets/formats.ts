import { addressOf, LOCAL } from './address.ts';
import { findEncoded } from './encoded.ts';
import { findByFormat } from './format.ts';
import { ownFormats } from './own-formats.ts';
import { isPlaceholder, isPublic, isRepetition } from './placeholder.ts';
import type { Literal } from './secret.ts';
import { findBySecretlint } from './secretlint.ts';

/** Tokens in documentation: AWS's word, a mask, an alphabet. */
const SAMPLE = /EXAMPLE(?:KEY)?\b|([xX*.0_-])\1{7}|abcdefgh|12345678|([A-Za-z0-9])\2{9}|your[-_]|[-_]here\b/i;

/** Length in characters of the parts of a text that are searched, and their overlap: a match has to be in one of them. */
const PART = 1024 * 1024;
const OVERLAP = 16 * 1024;

/** Matches of known formats in a text of any size with these words, placeholders included. */
export async function findFormats(text: string, words: ReadonlySet<string>): Promise<readonly Literal[]> {
  const found: Literal[] = [];
  for (let start = 0; start === 0 || start + OVERLAP < text.length; start += PART - OVERLAP) {
    const part = text.slice(start, start + PART);
    for (const literal of [
      ...(await findBySecretlint(part, words)),
      ...findByFormat(ownFormats, part, words),
      ...findEncoded(part, words),
    ]) {
      found.push({ ...literal, index: start + literal.index });
    }
  }
  return found;
}

/** Not for placeholders, and not for services on the machine that reads the file. */
export function isSecret({ kind, name, value }: Literal): boolean {
  if (isPublic(value)) return false;
  if (kind === 'private-key') return true;
  if (kind !== 'url')
    return !(SAMPLE.test(value) || isMadeUp(value) || isRepetition(value) || isPart(name, value));
  const { user, password, host } = addressOf(value);
  if (
    user !== '' &&
    password.startsWith(user) &&
    /^(?:[-_]?(?:pass(?:word)?|pw|secret))?$/i.test(password.slice(user.length))
  )
    return false;
  return !isPlaceholder(password) && !LOCAL.test(host);
}

/** Characters of the shortest token of a service, where a pattern takes shorter ones: names of scanners. */
const LENGTHS: Readonly<Record<string, number>> = { SLACK_TOKEN: 30, 'stripe-access-token': 28 };

/** A token that was cut off, or a JSON Web Token that nobody has signed. */
function isPart(name: string, value: string): boolean {
  if (value.length < (LENGTHS[name] ?? 0)) return true;
  const [header = ''] = value.split('.');
  return (
    /^eyJ[\w-]+$/.test(header) && /"alg"\s*:\s*"none"/i.test(Buffer.from(header, 'base64url').toString())
  );
}

/** Words that a service puts into no token, between separators: `xoxb-test-token`, `sk-lf-some-key`. */
const MADE_UP =
  /(?:^|[-_.:])(?:test|fake|dummy|mock|sample|example|invalid|expired|token|secret|key)(?=$|[-_.:])/i;

/** A token whose part after its prefix is words. */
function isMadeUp(value: string): boolean {
  const words = value.split(/[-_.]/).filter((word) => /^[a-z]{3,}$/.test(word) && /[aeiouy]/.test(word));
  if (words.length >= 3 && !/[A-Z]/.test(value)) return true;
  return value.length < 40 && MADE_UP.test(value.slice(4)) && !/[A-Za-z0-9]{16}/.test(value);
}
