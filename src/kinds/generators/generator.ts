import type { Finding } from '../../core/finding.ts';
import type { Kind } from '../kind.ts';
import type { ModelSettings } from './bpmn/model.ts';

/** One of a kind's `generators`. */
export type Generator = NonNullable<Kind['generators']>[number];

/** The bytes of a file below the primitive's folder; undefined if it is missing. */
export type ReadFile = (path: string) => Promise<Uint8Array | undefined>;

/** One version of a generator that is part of this package: what it makes depends on the files that it reads alone. */
export interface BuiltIn {
  readonly generate: (generator: Generator, source: GeneratorInput) => Promise<Made>;
}

export interface GeneratorInput {
  readonly read: ReadFile;
  /** Put before paths in messages. */
  readonly shown: string;
  /** Of the primitive's `primitive.yaml`. */
  readonly bpmn?: ModelSettings | undefined;
}

/** Output of a built-in generator. */
export interface Made {
  /** Path below the primitive's folder -> text. */
  readonly files: ReadonlyMap<string, string>;
  /** Of what it read. */
  readonly warnings: readonly Finding[];
}
