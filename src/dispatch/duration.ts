import { PrimitiveError } from '../core/errors.ts';

/** How long a request to the GitOps repository may take, unless `--timeout` says otherwise. */
export const TIME_LIMIT = '30m';

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** `90s`, `30m`, `2h` in milliseconds. Throws `invalid-flag` (exit 2), which names `flag`. */
export function parseDuration(text: string, flag: string): number {
  const [, number, unit] = /^(\d{1,6})([smh])$/.exec(text) ?? [];
  const milliseconds = Number(number) * UNITS[unit as keyof typeof UNITS];
  if (milliseconds > 0) return milliseconds;
  throw new PrimitiveError('invalid-flag', `--${flag} ${JSON.stringify(text)} is not a duration.`, {
    suggestions: [`--${flag} 30m`, `--${flag} 90s`],
  });
}
