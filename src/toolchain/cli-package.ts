import { PrimitiveError } from '../core/errors.ts';
import { isIntegrity, lockedPackage } from '../core/npm-lock.ts';
import { optional } from '../core/object.ts';
import { OWN_PACKAGE } from '../core/package.ts';

/** Package data from the npm of this machine, run outside of the repository; undefined if unknown. */
export interface NpmPort {
  /** URL of the registry that it takes a package from. */
  registry(name: string): Promise<string | undefined>;
  /** Of exactly one version, as that registry has it. */
  integrity(name: string, version: string): Promise<string | undefined>;
}

/** Source and integrity of this CLI, for a workflow. */
export interface CliSource {
  readonly version: string;
  /** SHA-512 of the package in the form of W3C Subresource Integrity, as lock files have it. */
  readonly integrity: string;
  /** A package that is committed, relative to the root of the repository; it comes from a registry otherwise. */
  readonly file?: string;
  /** URL; npm in CI knows another one if absent. */
  readonly registry?: string;
}

/**
 * The lock file of the repository decides, for exactly this version; else what npm says.
 *
 * Throws `init-integrity-unknown` (exit 2) if neither knows the bytes of this version.
 */
export async function cliSource(version: string, lock: string | undefined, npm: NpmPort): Promise<CliSource> {
  const locked = lock === undefined ? undefined : ownEntry(lock, version);
  if (locked?.file !== undefined) return { version, ...locked };
  const asked = locked?.integrity ?? (await npm.integrity(OWN_PACKAGE, version));
  const integrity = isIntegrity(asked) ? asked : undefined;
  if (integrity === undefined) throw unknownIntegrity(version);
  return { version, integrity, ...optional('registry', registryUrl(await npm.registry(OWN_PACKAGE))) };
}

/** The entry of `package-lock.json` for this CLI, if it is of this version. */
function ownEntry(
  lock: string,
  version: string,
): { readonly integrity: string; readonly file?: string } | undefined {
  const entry = lockedPackage(lock, OWN_PACKAGE);
  if (entry?.version !== version) return undefined;
  const { integrity, resolved = '' } = entry;
  const file = /^file:(.*)$/s.exec(resolved)?.[1];
  if (file === undefined) return { integrity };
  // It becomes a word of a script; one that lies elsewhere is not in the checkout of CI.
  return /^(?!.*\.\.)[\w.][\w@./-]*\.tgz$/.test(file) ? { integrity, file } : undefined;
}

/** A registry that everybody may read of; credentials in a URL are no one's but the user's. */
function registryUrl(text: string | undefined): string | undefined {
  const url = URL.parse(text ?? '');
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    return undefined;
  return url.href;
}

function unknownIntegrity(version: string): PrimitiveError {
  return new PrimitiveError(
    'init-integrity-unknown',
    `The integrity of ${OWN_PACKAGE} ${version} is unknown.`,
    {
      why: 'The workflow installs it by its integrity, and neither package-lock.json nor the npm registry has it for this version.',
      suggestions: [
        `From a registry: npm install --save-dev --save-exact ${OWN_PACKAGE}@${version}`,
        `From a package of your own: commit it, and npm install --save-dev ./ameide-primitive-${version}.tgz`,
        'Then run init again: it reads package-lock.json at the root of the repository.',
      ],
    },
  );
}
