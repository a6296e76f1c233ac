import { PrimitiveError } from '../../core/errors.ts';
import type { PromoteRequest } from './run.ts';

/** Parses `--from` and `--rollback`. Throws `invalid-flag` (exit 2) if neither is there. */
export function originOf({
  from,
  rollback,
}: {
  readonly from: string | undefined;
  readonly rollback: string | undefined;
}): PromoteRequest['origin'] {
  if (from !== undefined) return { from };
  if (rollback !== undefined) return { rollback };
  throw new PrimitiveError('invalid-flag', 'Flag --from is missing.', {
    why: 'A lane is written from the lane before it, or, with --rollback, from its own past.',
    suggestions: ['primitive gitops promote --from dev --to staging'],
  });
}
