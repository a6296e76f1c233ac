import { parseJson } from './json.ts';
import { field } from './object.ts';

/** The entry of one package in a `package-lock.json`. */
export interface LockedPackage {
  readonly version: string;
  /** SHA-512 in the form of W3C Subresource Integrity. */
  readonly integrity: string;
  /** Its origin for npm: a URL, or `file:` and a path. */
  readonly resolved: string | undefined;
}

/** The entry of a top-level package in a `package-lock.json` (npm docs, "package-lock.json"); undefined if it has none. */
export function lockedPackage(lock: string, name: string): LockedPackage | undefined {
  const entry = field(field(parseJson(lock), 'packages'), `node_modules/${name}`);
  const [version, integrity, resolved] = ['version', 'integrity', 'resolved'].map((key) => field(entry, key));
  if (typeof version !== 'string' || !isIntegrity(integrity)) return undefined;
  return { version, integrity, resolved: typeof resolved === 'string' ? resolved : undefined };
}

/** Whether a value is one SHA-512 in the form of lock files. */
export function isIntegrity(value: unknown): value is string {
  return typeof value === 'string' && /^sha512-[A-Za-z0-9+/]{86}==$/.test(value);
}
