import type { Static, TSchema } from 'typebox';
import type { Document, LineCounter } from 'yaml';
import { PrimitiveError } from '../core/errors.ts';
import { readPlainYaml } from './plain-yaml.ts';
import { schemaFaults } from './schema-faults.ts';

/** A file of ours that people write. */
export interface YamlFile {
  readonly text: string;
  /** How the file is called in messages: relative to where the user stands, or to the repository. */
  readonly shown: string;
  /** Begins the error codes: `config` makes `config-unknown-key`. */
  readonly subject: 'config' | 'primitive' | 'kind';
}

/** Keys and list positions that lead to a value. */
export type YamlPath = readonly (string | number)[];

/** Something wrong at one place of a file. */
export interface Fault {
  readonly path: YamlPath;
  readonly message: string;
  /** Without the subject: `unknown-key`; `invalid` unless told. */
  readonly code?: string;
  /** Points to the key and not to its value. */
  readonly atKey?: boolean;
  readonly suggestion?: string;
}

/** A file that has the shape of its schema, and knows where everything in it stands. */
export interface YamlDocument<T> {
  readonly value: T;
  /** One error for all faults, in the order of their places; see {@link parseYaml}. */
  error(faults: readonly Fault[]): Promise<PrimitiveError>;
}

/** Nobody writes more by hand; a bound for the work that a hostile file can cause. */
const MAX_CHARACTERS = 1024 * 1024;
const MAX_ALIASES = 100;
/** What most often is the matter. */
const SYNTAX =
  'Correct it there: indent by spaces, close what is opened, and put a text with `: `, ` #` or a sign in front in quotes.';

/**
 * Parses and checks a YAML 1.2 file.
 *
 * All faults of a file make one `PrimitiveError` (exit 2): the first is the message, `FILE:LINE:COLUMN: …`, the others
 * stand in `why`. Codes: `SUBJECT-syntax`, `SUBJECT-unknown-key` (names the nearest known one), `SUBJECT-invalid`.
 * `before` sees the data first and may throw, such as for a version that decides what the rest means.
 */
export async function parseYaml<S extends TSchema>(
  file: YamlFile,
  schema: S,
  before: (data: unknown, document: YamlDocument<unknown>) => void | Promise<void> = () => {},
): Promise<YamlDocument<Static<S>>> {
  const document = await readDocument(file);
  await before(document.value, document);
  const faults = await schemaFaults(schema, document.value);
  if (faults.length > 0) throw await document.error(faults);
  return document as YamlDocument<Static<S>>;
}

async function readDocument(file: YamlFile): Promise<YamlDocument<unknown>> {
  if (file.text.length > MAX_CHARACTERS) {
    throw new PrimitiveError(`${file.subject}-syntax`, `${file.shown} is too large.`, {
      why: `it has ${file.text.length} characters, ${MAX_CHARACTERS} are allowed`,
      suggestions: ['Check that it is the file that was meant: nobody writes that much by hand.'],
    });
  }
  const value = readPlainYaml(file.text);
  // Places are needed for faults alone.
  return value === undefined
    ? readWhole(file)
    : { value, error: async (faults) => (await readWhole(file)).error(faults) };
}

/** By the whole parser, which is loaded for this. */
async function readWhole(file: YamlFile): Promise<YamlDocument<unknown>> {
  const yaml = await import('yaml');
  const lines = new yaml.LineCounter();
  const syntaxError = (problems: readonly { offset: number; message: string; suggestion?: string }[]) =>
    combine(
      file,
      problems.map(({ offset, message, suggestion = SYNTAX }) => ({
        ...place(lines, offset),
        code: 'syntax',
        message,
        suggestion,
      })),
    );
  const tooMuch = (message: string) =>
    syntaxError([{ offset: 0, message, suggestion: 'Write it plainly: no file of this sort needs that.' }]);
  try {
    const document = yaml.parseDocument(file.text, {
      lineCounter: lines,
      prettyErrors: false,
      stringKeys: true,
    });
    const problems = [...document.errors, ...document.warnings];
    if (problems.length > 0)
      throw syntaxError(problems.map(({ pos, message }) => ({ offset: pos[0], message })));
    return {
      value: document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {},
      error: async (faults) =>
        combine(
          file,
          faults.map((fault) => ({ ...fault, ...place(lines, offsetOf(yaml, document, fault)) })),
        ),
    };
  } catch (cause) {
    // The parser recurses, so thousands of nested brackets end the stack.
    if (cause instanceof RangeError) throw tooMuch('it is nested too deeply');
    if (cause instanceof ReferenceError) throw tooMuch('it uses too many aliases');
    throw cause;
  }
}

interface Placed extends Pick<Fault, 'message' | 'code' | 'suggestion'> {
  readonly line: number;
  readonly column: number;
}

function combine(file: YamlFile, faults: readonly Placed[]): PrimitiveError {
  const sorted = [...faults].sort((a, b) => a.line - b.line || a.column - b.column);
  const lines = sorted.map(({ line, column, message }) => `${file.shown}:${line}:${column}: ${message}`);
  return new PrimitiveError(`${file.subject}-${sorted[0]?.code ?? 'invalid'}`, lines[0] ?? file.shown, {
    ...(lines.length > 1 ? { why: lines.slice(1).join('\n') } : {}),
    suggestions: [...new Set(sorted.flatMap(({ suggestion }) => suggestion ?? []))],
  });
}

/** Counted from 1; an empty file has no line to count. */
function place(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** Where a fault's value stands, or its key; the nearest thing around it where it is missing. */
function offsetOf(yaml: typeof import('yaml'), document: Document.Parsed, { path, atKey }: Fault): number {
  const start = (node: unknown) => (yaml.isNode(node) ? node.range?.[0] : undefined);
  let node: unknown = document.contents;
  let offset = start(node) ?? 0;
  for (const [depth, step] of path.entries()) {
    if (yaml.isAlias(node)) node = node.resolve(document);
    if (yaml.isMap(node)) {
      const pair = node.items.find(({ key }) => yaml.isScalar(key) && String(key.value) === step);
      if (pair === undefined) return offset;
      const key = start(pair.key) ?? offset;
      node = pair.value;
      offset = atKey && depth === path.length - 1 ? key : (start(node) ?? key);
    } else if (yaml.isSeq(node) && typeof step === 'number' && step < node.items.length) {
      node = node.items[step];
      offset = start(node) ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}
