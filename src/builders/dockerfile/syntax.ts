import { parseJson } from '../../core/json.ts';
import { field, optional } from '../../core/object.ts';
import { SPACE, splitWords } from './words.ts';

/** One instruction of a Dockerfile, its continuation lines joined, its here-documents left out. */
export interface Instruction {
  /** The line it starts on, from 1. */
  readonly line: number;
  /** In capitals. */
  readonly name: string;
  /** Its leading `--name=value` words, unquoted. */
  readonly flags: readonly string[];
  /** The rest, as written. */
  readonly rest: string;
}

export interface Dockerfile {
  /** A backslash, or by directive a backtick: escapes, and continues lines. */
  readonly escapeToken: string;
  /** The frontend image that `# syntax=` asks for. */
  readonly syntax?: { readonly line: number; readonly reference: string };
  readonly instructions: readonly Instruction[];
}

/**
 * Splits a Dockerfile as BuildKit does: parser directives, comments, continuation lines, here-documents, flags.
 * It never fails: what BuildKit would refuse, BuildKit reports best.
 *
 * Not dockerfile-ast, which is made for editors: it joins lines after an escaped backslash, misses here-documents with a
 * quoted name or a file descriptor and a `# syntax=` after a shebang line, and expands nothing. Each would let an
 * unpinned image through.
 */
export function parseDockerfile(source: string): Dockerfile {
  const text = source.replace(/^\ufeff/, '');
  const lines = text.split('\n').map((line) => line.replace(/(?<!\r)\r+$/, ''));
  const escapeToken = directives(lines.map(trimStart)).get('escape')?.value === '`' ? '`' : '\\';
  const syntax = findSyntax(text, lines);
  return {
    escapeToken,
    ...optional('syntax', syntax),
    instructions: instructions(lines, escapeToken),
  };
}

function instructions(lines: readonly string[], escapeToken: string): Instruction[] {
  const reader = new LineReader(lines, escapeToken);
  const found: Instruction[] = [];
  for (let next = reader.logicalLine(); next !== undefined; next = reader.logicalLine()) {
    const instruction = split(next.text, next.line, escapeToken);
    found.push(instruction);
    for (const document of hereDocuments(instruction, next.text, escapeToken)) reader.skipTo(document);
  }
  return found;
}

interface HereDocument {
  readonly name: string;
  /** `<<-`: tabs before the closing name do not count. */
  readonly dashed: boolean;
}

class LineReader {
  readonly #lines: readonly string[];
  readonly #continued: RegExp;
  #at = 0;

  constructor(lines: readonly string[], escapeToken: string) {
    this.#lines = lines;
    this.#continued = escapeToken === '`' ? /(^|[^`])`[ \t]*$/ : /(^|[^\\])\\[ \t]*$/;
  }

  /** The next line that is neither empty nor a comment, with those that continue it. */
  logicalLine(): { line: number; text: string } | undefined {
    this.#skipBlank();
    const line = this.#at + 1;
    if (this.#at >= this.#lines.length) return undefined;
    let part = trimStart(this.#next());
    let text = '';
    while (this.#continued.test(part)) {
      text += part.replace(this.#continued, '$1');
      // Comments and empty lines inside an instruction do not end it.
      this.#skipBlank();
      part = this.#next();
    }
    return { line, text: text + part };
  }

  /** Passes over the body of a here-document. */
  skipTo({ name, dashed }: HereDocument): void {
    while (this.#at < this.#lines.length) {
      const body = this.#next();
      if ((dashed ? body.replace(/^\t+/, '') : body) === name) return;
    }
  }

  #skipBlank(): void {
    while (this.#at < this.#lines.length && /^(?:#|$)/.test(trimStart(this.#lines[this.#at] ?? '')))
      this.#at++;
  }

  #next(): string {
    return this.#lines[this.#at++] ?? '';
  }
}

/** The instruction of an instruction: `COPY …` of `ONBUILD COPY …`. */
export function triggered(instruction: Instruction, escapeToken: string): Instruction {
  return instruction.name === 'ONBUILD'
    ? split(instruction.rest, instruction.line, escapeToken)
    : instruction;
}

/** A name and its value as written, quotes included; an `ARG` may have no value. */
export interface Assignment {
  readonly name: string;
  readonly value: string | undefined;
}

/** Variables that an `ARG` or `ENV` sets, including the old form `ENV name value`. */
export function assignments({ name, rest }: Instruction, escapeToken: string): readonly Assignment[] {
  const words = assignmentWords(rest, escapeToken);
  if (name === 'ENV' && !words[0]?.includes('=')) {
    const [key = ''] = rest.split(/\s/, 1);
    return key === '' ? [] : [{ name: key, value: rest.slice(key.length).trimStart() }];
  }
  return words.map((word) => {
    const [, key = word, value] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
    return { name: key, value };
  });
}

/** Words, split at white space outside quotes; quotes stay for the expansion. */
function assignmentWords(text: string, escapeToken: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (quote === '' && SPACE.test(char)) {
      if (word !== '') words.push(word);
      word = '';
      continue;
    }
    if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    word += char === escapeToken && quote !== "'" ? char + text.charAt(++at) : char;
  }
  return word === '' ? words : [...words, word];
}

function split(text: string, line: number, escapeToken: string): Instruction {
  const trimmed = trim(text);
  const [head = '', gap = ''] = /^[^\t\v\f\r ]*([\t\v\f\r ]+)?/.exec(trimmed) ?? [];
  const { flags, rest } = takeFlags(trimmed.slice(head.length), escapeToken);
  const name = gap === '' ? head : head.slice(0, -gap.length);
  return { line, name: name.toUpperCase(), flags, rest: trim(rest) };
}

/** Words that start with `--`, up to the first that does not; quotes around any part of them are taken off. */
function takeFlags(text: string, escapeToken: string): { flags: string[]; rest: string } {
  const flags: string[] = [];
  let rest = trimStart(text);
  while (rest.startsWith('--')) {
    const { word, length } = takeFlag(rest, escapeToken);
    rest = rest.slice(length);
    if (word === '--') break;
    flags.push(word);
    rest = trimStart(rest);
  }
  return { flags, rest };
}

function takeFlag(text: string, escapeToken: string): { word: string; length: number } {
  let word = '';
  let quote = '';
  let at = 0;
  for (; at < text.length; at++) {
    const char = text.charAt(at);
    if (quote === '' && SPACE.test(char)) break;
    if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else word += char === escapeToken ? text.charAt(++at) : char;
  }
  return { word, length: at };
}

function hereDocuments(instruction: Instruction, text: string, escapeToken: string): HereDocument[] {
  const { name, rest } = triggered(instruction, escapeToken);
  if (!['ADD', 'COPY', 'RUN'].includes(name) || !text.includes('<<') || isStringArray(rest)) return [];
  return splitWords(text).flatMap((word) => {
    const [, dash, quoted] = /^\d*<<(-?)\s*([^\s<][^<]*)$/.exec(word) ?? [];
    if (quoted === undefined || splitWords(quoted).length !== 1) return [];
    return [{ name: unquote(quoted), dashed: dash === '-' }];
  });
}

/** A here-document's name without its quotes and escapes; variables in it are no variables. */
function unquote(word: string): string {
  return word.replace(/'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/g, (_, single, double, escaped) => {
    return single ?? double?.replace(/\\(["$\\])/g, '$1') ?? escaped;
  });
}

/** The exec form, which has no here-documents. */
function isStringArray(text: string): boolean {
  return text.startsWith('[') && Array.isArray(parseJson(text));
}

/**
 * Directives are on the first lines, each once, before anything else (Dockerfile reference, "Parser directives").
 * A line that is none, also an unknown one, ends them.
 */
function directives(lines: readonly string[], comment = '#'): Map<string, { line: number; value: string }> {
  const found = new Map<string, { line: number; value: string }>();
  for (const [index, line] of lines.entries()) {
    if (!line.startsWith(comment)) break;
    const [, name = '', text = ''] =
      /^([a-zA-Z][a-zA-Z0-9]*)\s*=(.+)$/s.exec(trimStart(line.slice(comment.length))) ?? [];
    const key = name.toLowerCase();
    const value = text.trim();
    if (!['syntax', 'escape', 'check'].includes(key) || found.has(key) || value === '') break;
    found.set(key, { line: index + 1, value });
  }
  return found;
}

/** BuildKit also takes the frontend from below a shebang line, from `// syntax=` and from a JSON document. */
function findSyntax(text: string, lines: readonly string[]): { line: number; reference: string } | undefined {
  const skipped = lines[0]?.startsWith('#!') ? 1 : 0;
  const rest = lines.slice(skipped);
  const found = directives(rest).get('syntax') ?? directives(rest, '//').get('syntax');
  if (found) return { line: found.line + skipped, reference: found.value.split(' ')[0] ?? '' };
  if (!text.trimStart().startsWith('{')) return undefined;
  const syntax = field(parseJson(text), 'syntax');
  return typeof syntax === 'string' ? { line: 1, reference: syntax } : undefined;
}

function trimStart(text: string): string {
  let at = 0;
  while (SPACE.test(text.charAt(at))) at++;
  return text.slice(at);
}

function trim(text: string): string {
  let end = text.length;
  while (end > 0 && SPACE.test(text.charAt(end - 1))) end--;
  return trimStart(text.slice(0, end));
}
