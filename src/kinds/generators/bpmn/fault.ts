import type { Code, CodeAfter } from '../../../core/errors.ts';
import type { XmlElement } from './xml.ts';

/** A fault of an element of a model; `compile.ts` makes a `Finding` with line and column of it. */
export interface ModelFault {
  /** Stable, kebab-case: `bpmn-job-type-expression`. */
  readonly code: Code;
  readonly at: XmlElement;
  /** One sentence without a full stop. */
  readonly message: string;
  readonly fix: string;
  /** A warning if Zeebe deploys the model all the same, and ignores what is there or knows it only at run time. */
  readonly level?: 'warning';
}

/** Takes a fault; the code without its `bpmn-`. */
export type Report = (
  at: XmlElement,
  code: CodeAfter<'bpmn'>,
  message: string,
  fix: string,
  level?: 'warning',
) => void;

/** For messages. */
export const quoted = (text: string) => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
