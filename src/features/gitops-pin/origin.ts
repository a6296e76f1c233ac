import { PrimitiveError } from '../../core/errors.ts';
import type { PromoteRequest } from './run.ts';

/** The lane that is written, and what it gets. */
export type Promotion = Pick<PromoteRequest, 'lane' | 'origin'>;

/** Parses `--to`, `--from` and `--rollback`. Throws `invalid-flag` (exit 2) if one of them is missing. */
export function promotionOf({
  to,
  from,
  rollback,
}: {
  readonly to: string | undefined;
  readonly from: string | undefined;
  readonly rollback: string | undefined;
}): Promotion {
  if (to === undefined) throw missing('to', 'It is the lane that is written.');
  if (from !== undefined) return { lane: to, origin: { from } };
  if (rollback !== undefined) return { lane: to, origin: { rollback } };
  throw missing('from', 'A lane is written from the lane before it, or, with --rollback, from its own past.');
}

function missing(flag: string, why: string): PrimitiveError {
  return new PrimitiveError('invalid-flag', `Flag --${flag} is missing.`, {
    why,
    suggestions: ['primitive gitops promote --from dev --to staging'],
  });
}
