import type { Processes } from '../core/process.ts';
import type { Files } from './source-tree.ts';

export interface TestedPrimitive {
  readonly id: string;
  /** Relative to the root of the repository. */
  readonly path: string;
  /** Relative to `path`, sorted. */
  readonly files: readonly string[];
}

export interface RunnerPorts {
  readonly tree: Files;
  readonly processes: Processes;
  /** Variables that a suite may name besides those that it inherits: no credentials. */
  readonly grantable: Readonly<Record<string, string | undefined>>;
  /** A folder for what runners write, which does not exist yet and is made when it is needed; absolute. */
  readonly output: string;
  /** Milliseconds that a suite may take. */
  readonly limit: number;
  readonly signal: AbortSignal;
}
