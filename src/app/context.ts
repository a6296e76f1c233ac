import type { Emit } from '../core/events.ts';
import type { Environment } from './environment.ts';

/** Everything that adapters are created from. */
export interface AppContext extends Environment {
  /** Aborted by SIGINT, SIGTERM or SIGHUP; the reason is a PrimitiveError with the exit code. */
  readonly signal: AbortSignal;
  /** Shows what happens; never throws. */
  readonly emit: Emit;
  /** Asks on the terminal until an answer can be used. Absent without a terminal. Throws `prompt-ended` (exit 2). */
  readonly ask?: (question: Question) => Promise<string>;
}

export interface Question {
  readonly text: string;
  /** The answer if only return is pressed. */
  readonly preset?: string;
  /** Why an answer cannot be used; undefined if it can. */
  readonly fault?: (answer: string) => string | undefined;
}
