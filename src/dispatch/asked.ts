import { createHash } from 'node:crypto';
import { byKey } from '../core/order.ts';
import type { RunTarget } from './diagnose.ts';

/** A request and its consequences. Has no secret. */
export interface Asked extends RunTarget {
  /** The inputs that are sent, without the id. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Head branch of the pull request. */
  readonly branch: string;
  /** Paths of the files that the pull request adds; empty if they are not known. */
  readonly files: readonly string[];
  /** Paths that the pull request may change; `*` is a name. Absent if unknown. */
  readonly allowed?: readonly string[];
  /** See `InputsFile.proposes`. */
  readonly proposes?: string;
}

/** The name of a request in GitHub's list of runs: equal requests share the key, on every machine. */
export interface RequestId {
  /** See {@link keyOf}. */
  readonly key: string;
  /** 1, and one more after each end: a request that failed or was cancelled can be made again. */
  readonly attempt: number;
}

/** Hash of a request within its repository, 32 hexadecimal digits: equal requests have the same. */
export function keyOf({ workflow, ref, inputs }: Pick<Asked, 'workflow' | 'ref' | 'inputs'>): string {
  const sorted = Object.entries(inputs).sort(byKey);
  return createHash('sha256')
    .update(JSON.stringify([workflow, ref, sorted]))
    .digest('hex')
    .slice(0, 32);
}

/** As the input `request_id` takes it, and the name of a run has it in brackets. */
export function showId({ key, attempt }: RequestId): string {
  return `${key}-${attempt}`;
}

/** The id in the name of a run; undefined without one. */
export function idIn(title: string): RequestId | undefined {
  const [, key, attempt] = /\[([0-9a-f]{32})-([1-9]\d{0,8})\]/.exec(title) ?? [];
  return key === undefined ? undefined : { key, attempt: Number(attempt) };
}
