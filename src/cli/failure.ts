import type { ErrorDocument } from '../core/error-document.ts';
import type { PrimitiveError } from '../core/errors.ts';
import { mask } from '../core/mask.ts';
import { createStyle } from '../render/style.ts';
import { sanitize } from '../render/text.ts';

/** The document of an error: an allow-list, other fields never leave the process. */
export function errorDocument(error: PrimitiveError, secrets: readonly string[]): ErrorDocument {
  return {
    schema: 'primitive.error/v1',
    code: error.code,
    message: mask(error.message, secrets),
    why: error.why === undefined ? null : mask(error.why, secrets),
    suggestions: error.suggestions.map((text) => mask(text, secrets)),
    docs: null,
    exit: error.exit,
    retryable: error.retryable,
  };
}

/** The same for people: what, why, what next. */
export function errorText(error: PrimitiveError, secrets: readonly string[], color: boolean): string {
  const { red, dim } = createStyle(color);
  const { message, why, suggestions, code } = error;
  const indent = (text: string) => clean(text, secrets).replaceAll('\n', '\n  ');
  const lines = [`${red('Error:')} ${indent(message)} ${dim(`[${code}]`)}`];
  if (why !== undefined) lines.push(`  ${indent(sentence(why))}`);
  if (suggestions.length === 1) lines.push(`  Try: ${indent(suggestions[0] ?? '')}`);
  else if (suggestions.length > 1)
    lines.push('  Try:', ...suggestions.map((text) => `  - ${indent(text).replaceAll('\n', '\n  ')}`));
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
