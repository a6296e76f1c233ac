import { Type } from 'typebox';
import { type DataOf, strictObject } from '../core/schema.ts';
import type { JudgedAdvisory } from './advisories.ts';

/** An advisory in the documents of `list` and `release show`. */
export const advisorySchema = strictObject({
  id: Type.String(),
  severity: Type.Enum(['low', 'medium', 'high', 'critical']),
  summary: Type.String(),
  url: Type.Optional(Type.String()),
  state: Type.Enum(['affected', 'unknown'], {
    description: 'unknown: what is recorded does not say which template files it has.',
  }),
  files: Type.Array(Type.String(), { description: 'Template files, sorted.' }),
});

export type ReportedAdvisory = DataOf<typeof advisorySchema>;

/** An advisory as documents have it. */
export function reportedAdvisory({ url, files, ...advisory }: JudgedAdvisory): ReportedAdvisory {
  return { ...advisory, ...(url !== undefined && { url }), files: [...files] };
}

/** `ACME-2026-001 (high): Tokens are compared in variable time. https://…`, or that it is not known. */
export function advisoryText({ id, severity, summary, url, state }: ReportedAdvisory): string {
  const known = state === 'affected' ? '' : ', unknown whether it has it';
  return `${id} (${severity}${known}): ${summary}${url === undefined ? '' : ` ${url}`}`;
}
