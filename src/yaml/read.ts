import type { Static, TSchema } from 'typebox';
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, parseDocument } from 'yaml';
import { PrimitiveError } from '../core/errors.ts';
import { compareFindings, type Finding, refusal } from '../core/finding.ts';
import { optional } from '../core/object.ts';
import type { Fault, FaultCode } from './fault.ts';
import { schemaFaults } from './schema-faults.ts';

/** A file of ours that people write. */
export interface YamlFile {
  readonly text: string;
  /** The path in messages: relative to the root of the repository, or to what the user named. */
  readonly shown: string;
  /** Begins the error codes: `config` makes `config-unknown-key`. */
  readonly subject:
    | 'baseline'
    | 'config'
    | 'primitive'
    | 'kind'
    | 'kit'
    | 'plugin'
    | 'suppressions'
    | 'workflow';
}

/** A file that has the shape of its schema, with the positions of its values. */
export interface YamlDocument<T> {
  readonly value: T;
  /** The faults with line and column, in their order. */
  findings(faults: readonly Fault[]): readonly Finding[];
  /** The error for at least one fault; its code is that of the first. */
  refusal(faults: readonly Fault[]): PrimitiveError;
}

/** Bounds for the work that a hostile file can cause. */
const MAX_CHARACTERS = 1024 * 1024;
const MAX_ALIASES = 100;
const SYNTAX_FIX =
  'Correct the syntax: indent with spaces, close brackets and quotes, and quote text with `: `, ` #` or a leading symbol.';

/** Instead of the words that the parser has for programs. */
const PROBLEMS: Readonly<Record<string, string>> = { MULTIPLE_DOCS: 'the file has multiple documents' };

/**
 * Parses and checks a YAML 1.2 file.
 *
 * Throws a refusal (exit 2) with a finding for each fault: `SUBJECT-syntax`, `SUBJECT-unknown-key` (names the nearest
 * known key), `SUBJECT-invalid`. `before` sees the data first and may throw, such as for an unknown format version.
 */
export async function parseYaml<S extends TSchema>(
  file: YamlFile,
  schema: S,
  before: (data: unknown, document: YamlDocument<unknown>) => void | Promise<void> = () => {},
): Promise<YamlDocument<Static<S>>> {
  const document = readDocument(file);
  await before(document.value, document);
  const faults = schemaFaults(schema, document.value);
  if (faults.length > 0) throw document.refusal(faults);
  return document as YamlDocument<Static<S>>;
}

function readDocument(file: YamlFile): YamlDocument<unknown> {
  if (file.text.length > MAX_CHARACTERS) {
    throw new PrimitiveError(`${file.subject}-syntax`, `${file.shown} is too large.`, {
      why: `it has ${file.text.length} characters, ${MAX_CHARACTERS} are allowed`,
      suggestions: ['Check that this is the right file.'],
    });
  }
  const finding = (offset: number, code: FaultCode, message: string, fix: string | undefined): Finding => ({
    rule: `${file.subject}-${code}`,
    level: 'error',
    message,
    path: file.shown,
    ...place(file.text, offset),
    ...optional('fix', fix),
  });
  const tooMuch = (message: string) => refuse([finding(0, 'syntax', message, 'Remove it.')]);
  try {
    const document = parseDocument(file.text, { prettyErrors: false, stringKeys: true });
    const problems = [...document.errors, ...document.warnings];
    if (problems.some(({ code }) => code === 'RESOURCE_EXHAUSTION')) throw tooMuch('it is nested too deeply');
    if (problems.length > 0) {
      throw refuse(
        problems.map(({ code, pos, message }) =>
          finding(pos[0], 'syntax', PROBLEMS[code] ?? message, SYNTAX_FIX),
        ),
      );
    }
    const findings = (faults: readonly Fault[]) =>
      faults.map((fault) =>
        finding(offsetOf(document, fault), fault.code ?? 'invalid', fault.message, fault.suggestion),
      );
    return {
      value: document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {},
      findings,
      refusal: (faults) => refuse(findings(faults)),
    };
  } catch (cause) {
    // The parser recurses: thousands of nested brackets exhaust the stack.
    if (cause instanceof RangeError) throw tooMuch('it is nested too deeply');
    if (cause instanceof ReferenceError) {
      throw cause.message.startsWith('Unresolved')
        ? refuse([finding(0, 'syntax', cause.message, SYNTAX_FIX)])
        : tooMuch('it uses too many aliases');
    }
    throw cause;
  }
}

/** The findings of one file as its error: the first is the message. */
function refuse(findings: readonly Finding[]): PrimitiveError {
  const sorted = [...findings].sort(compareFindings);
  return refusal(sorted[0]?.rule ?? 'config-invalid', undefined, sorted);
}

/** Line and column, from 1. */
function place(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** The offset of a fault's value or key; of the nearest node around it if it is missing. */
function offsetOf(document: Document.Parsed, { path, atKey }: Fault): number {
  const start = (node: unknown) => (isNode(node) ? node.range?.[0] : undefined);
  let node: unknown = document.contents;
  let offset = start(node) ?? 0;
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === step);
      if (pair === undefined) return offset;
      const key = start(pair.key) ?? offset;
      node = pair.value;
      offset = atKey && depth === path.length - 1 ? key : (start(node) ?? key);
    } else if (isSeq(node) && typeof step === 'number' && step < node.items.length) {
      node = node.items[step];
      offset = start(node) ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}
