import type { ErrorDocument } from '../core/error-document.ts';
import type { PrimitiveError } from '../core/errors.ts';
import { mask } from '../core/mask.ts';
import { hangAdvice } from '../render/advice.ts';
import type { Style } from '../render/style.ts';
import { sanitize } from '../render/text.ts';

/** The document of an error: an allow-list, other fields never leave the process. */
export function errorDocument(error: PrimitiveError, secrets: readonly string[]): ErrorDocument {
  const reason = [error.why, error.log].filter((part) => part !== undefined).join('\n');
  return {
    schema: 'primitive.error/v1',
    code: error.code,
    message: mask(error.message, secrets),
    why: reason === '' ? null : mask(reason, secrets),
    suggestions: error.suggestions.map((text) => mask(text, secrets)),
    docs: error.documented ? `primitive explain ${error.code}` : null,
    exit: error.exit,
    retryable: error.retryable,
  };
}

/** The same for people: what, why, what next. */
export function errorText(error: PrimitiveError, secrets: readonly string[], style: Style): string {
  const { message, why, log, suggestions, code } = error;
  const linesOf = (text: string) => clean(text, secrets).split('\n');
  const advice = (prefix: string, text: string) =>
    linesOf(text).map((line, index) => hangAdvice(style, index === 0 ? prefix : '    ', line));
  const [first = '', ...rest] = `${clean(message, secrets)} ${style.dim(`[${code}]`)}`.split('\n');
  const lines = [style.hang(`${style.red('Error:')} `, first), ...rest.map((line) => style.hang('  ', line))];
  for (const reason of [why === undefined ? undefined : sentence(why), log])
    if (reason !== undefined) lines.push(...linesOf(reason).map((line) => style.hang('  ', line)));
  if (suggestions.length === 1) lines.push(...advice('  Try: ', suggestions[0] ?? ''));
  else if (suggestions.length > 1)
    lines.push('  Try:', ...suggestions.flatMap((text) => advice('  - ', text)));
  return `${lines.join('\n')}\n`;
}

/** A reason that other errors cite after a colon begins in lower case and has no full stop. */
function sentence(reason: string): string {
  if (!/^[a-z]+[ ,]/.test(reason)) return reason;
  return `${reason[0]?.toUpperCase()}${reason.slice(1)}${/[\w)]$/.test(reason) ? '.' : ''}`;
}

/** The stack and those of all causes, for PRIMITIVE_DEBUG. */
export function stackText(thrown: unknown, secrets: readonly string[]): string {
  const stacks: string[] = [];
  for (let error = thrown; error instanceof Error && stacks.length < 10; error = error.cause) {
    stacks.push(error.stack ?? String(error));
  }
  return `${clean(stacks.join('\ncaused by '), secrets)}\n`;
}

function clean(text: string, secrets: readonly string[]): string {
  return sanitize(mask(text, secrets));
}
