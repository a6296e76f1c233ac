import { PrimitiveError } from '../../../core/errors.ts';
import type { XmlElement } from './xml.ts';

/** A place in a text; both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** What is wrong with a model. */
export interface BpmnFault extends Position {
  /** Stable, kebab-case: `bpmn-job-type-expression`. */
  readonly code: string;
  /** Id of the element, or of the nearest one around it that has one. */
  readonly element?: string;
  /** One sentence without a full stop. */
  readonly message: string;
  /** What to do about it. */
  readonly fix: string;
}

/** A fault whose place is that of an element of the document. */
export interface PlacedFault {
  readonly code: string;
  readonly at: XmlElement;
  readonly message: string;
  readonly fix: string;
}

/** Takes a fault; the code without its `bpmn-`. */
export type Report = (at: XmlElement, code: string, message: string, fix: string) => void;

/** For messages. */
export const quoted = (text: string) => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);

/** Faults that are told of one file; the rest is counted. */
export const SHOWN = 50;

/**
 * The faults of one file, in the order of their places, as one error (exit 2); a single one keeps its own code.
 * `total` is how many there are where not all of them are given.
 */
export function bpmnError(path: string, faults: readonly BpmnFault[], total = faults.length): PrimitiveError {
  const lines = faults.map(({ line, column, element, message }) => {
    return `${path}:${line}:${column}:${element === undefined ? '' : ` ${element}:`} ${message}`;
  });
  const suggestions = [...new Set(faults.map(({ fix }) => fix))].slice(0, 10);
  const [first] = faults;
  if (first !== undefined && total === 1)
    return new PrimitiveError(first.code, `${lines[0]}.`, { suggestions });
  const rest = total > faults.length ? [`and ${total - faults.length} more`] : [];
  const why = [...faults.map(({ code }, i) => `${lines[i]} [${code}]`), ...rest].join('\n');
  return new PrimitiveError('bpmn-invalid', `${path} has ${total} faults.`, { why, suggestions });
}
