import { formed } from '../core/schema.ts';

// Each text is written into YAML as it is, so no pattern allows what needs quotes there.

/** A DNS label. */
export const Name = (description: string) =>
  formed(/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/, 'a DNS label of at most 40 characters', description);

/** `acme/app`. */
export const RepositoryName = (description: string) =>
  formed(/^[A-Za-z0-9][A-Za-z0-9-]*\/[A-Za-z0-9._-]+$/, 'owner/name', description);
