import type { Code, PrimitiveError } from '../../../core/errors.ts';
import { type Finding, LISTED, refusal } from '../../../core/finding.ts';
import { modelDigest } from './digest.ts';
import type { ModelFault } from './fault.ts';
import { type Model, type ModelSettings, readModel } from './model.ts';
import { schemaFaults } from './schema.ts';
import { idOf, positionsOf, readXml } from './xml.ts';

/** Bytes that a model may have; large ones have some hundred thousand. */
export const MAX_MODEL_BYTES = 5 * 1024 * 1024;

/** A model without faults. */
export type CompiledModel = Model & {
  /** See {@link modelDigest}. */
  readonly digest: string;
  /** The file, as text. */
  readonly text: string;
  /** Warnings about models that Zeebe deploys. */
  readonly warnings: readonly Finding[];
};

/** Findings that are placed; the rest is counted, since each place costs a count from the start of the text. */
const PLACED = 50;

/**
 * Reads a BPMN 2.0 model for Zeebe.
 *
 * `path` is the file's name in messages, `settings` are those of `primitive.yaml`. Throws `bpmn-invalid`, or the code of
 * the only fault (exit 2): all faults of a file are findings, each with line, column, the element's id and what to do.
 */
export async function compileBpmn(
  bytes: Uint8Array,
  path: string,
  settings: ModelSettings = {},
): Promise<CompiledModel> {
  const read = await readBpmn(bytes, path, settings);
  if ('model' in read) return read.model;
  throw refuse(path, read.findings, read.total);
}

/** As {@link compileBpmn}, with the faults as data: at most {@link PLACED} findings of `total`. */
export async function readBpmn(
  bytes: Uint8Array,
  path: string,
  settings: ModelSettings = {},
): Promise<
  { readonly model: CompiledModel } | { readonly findings: readonly Finding[]; readonly total: number }
> {
  const text = decode(bytes, path);
  if (typeof text !== 'string') return { findings: [text], total: 1 };
  const document = readXml(text, path);
  if ('findings' in document) return { findings: document.findings, total: document.findings.length };
  const { root } = document;
  const { model, faults } = readModel(root, settings);
  const isOther = faults.some(({ code }) => code === 'bpmn-other-engine' || code === 'bpmn-not-bpmn');
  const unknown = isOther ? [] : await schemaFaults(root);
  const isTooLarge = unknown.some(({ code }) => code === 'bpmn-too-large');
  const found = isTooLarge ? unknown : [...unknown, ...faults];
  // A message that several elements wait for has its faults once.
  const all = [...new Map(found.map((fault) => [`${fault.at.ordinal} ${fault.message}`, fault])).values()];
  const errors = all.filter(({ level }) => level === undefined);
  if (errors.length > 0) return { findings: findingsOf(errors, text, path), total: errors.length };
  return { model: { ...model, digest: modelDigest(root), text, warnings: findingsOf(all, text, path) } };
}

function findingsOf(faults: readonly ModelFault[], text: string, path: string): readonly Finding[] {
  const shown = faults
    .toSorted((a, b) => a.at.ordinal - b.at.ordinal || (a.code < b.code ? -1 : 1))
    .slice(0, PLACED);
  const places = positionsOf(text, new Set(shown.map(({ at }) => at.ordinal)));
  return shown.map(({ code, at, message, fix, level }): Finding => {
    const element = idOf(at);
    const place = places.get(at.ordinal) ?? { line: 1, column: 1 };
    const named = element === undefined ? message : `${element}: ${message}`;
    return { rule: code, level: level ?? 'error', path, ...place, message: named, fix };
  });
}

/** A single fault keeps its own code. `total` counts those that are not among the findings, too. */
function refuse(path: string, findings: readonly Finding[], total: number): PrimitiveError {
  const [first] = findings;
  if (first !== undefined && total === 1) return refusal(first.rule, undefined, findings);
  const listed = findings.slice(0, LISTED);
  const shown = total > listed.length ? `; the first ${listed.length}` : '';
  return refusal('bpmn-invalid', `${path} has ${total} faults${shown}.`, listed);
}

function decode(bytes: Uint8Array, path: string): string | Finding {
  const fault = (rule: Code, message: string, fix: string): Finding => ({
    rule,
    level: 'error',
    path,
    line: 1,
    column: 1,
    message,
    fix,
  });
  if (bytes.length > MAX_MODEL_BYTES)
    return fault('bpmn-too-large', TOO_LARGE, 'Split the process with call activities.');
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  try {
    if (!isUtf16) return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // It is said below.
  }
  return fault('bpmn-encoding', `it is ${isUtf16 ? 'UTF-16' : 'not UTF-8'}`, 'Save the file as UTF-8.');
}

const TOO_LARGE = `it has more than ${MAX_MODEL_BYTES / 1024 / 1024} MiB, which no model needs`;
