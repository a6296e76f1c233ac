import { PrimitiveError } from '../../errors.ts';
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

/** Of more faults the rest is only counted. */
const SHOWN = 50;

/** All faults of one file as one error (exit 2); a single one keeps its own code. */
export function bpmnError(path: string, faults: readonly BpmnFault[]): PrimitiveError {
  const sorted = faults.toSorted(
    (a, b) => a.line - b.line || a.column - b.column || (a.code < b.code ? -1 : 1),
  );
  const [first] = sorted;
  if (first === undefined) throw new TypeError('an error needs a fault');
  const [shown, more] = [sorted.slice(0, SHOWN), sorted.length - SHOWN];
  const place = (fault: BpmnFault) => {
    const element = fault.element === undefined ? '' : ` ${fault.element}:`;
    return `${path}:${fault.line}:${fault.column}:${element} ${fault.message}`;
  };
  const fixes = [...new Set(shown.map(({ fix }) => fix))].slice(0, 10);
  if (sorted.length === 1) return new PrimitiveError(first.code, `${place(first)}.`, { suggestions: fixes });
  return new PrimitiveError('bpmn-invalid', `${path} has ${sorted.length} faults.`, {
    why: [
      ...shown.map((fault) => `${place(fault)} [${fault.code}]`),
      ...(more > 0 ? [`and ${more} more`] : []),
    ].join('\n'),
    suggestions: fixes,
  });
}
