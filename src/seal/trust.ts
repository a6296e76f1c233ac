import { createHash, createPublicKey } from 'node:crypto';
import { PrimitiveError } from '../core/errors.ts';
import { field, optional } from '../core/object.ts';
import type { SignerPolicy, TrustTier } from '../repository/signers.ts';
import type { SignerIdentity } from './types.ts';

/** The issuer of the tokens of GitHub Actions. */
export const GITHUB_ISSUER = 'https://token.actions.githubusercontent.com';

/** Whose signatures count, and for how much. */
export interface TrustPolicy {
  readonly trusted: readonly SignerPolicy[];
  readonly accepted: readonly SignerPolicy[];
  /** `key` of a policy -> fingerprint of the public key behind it. A key that is not in here matches nothing. */
  readonly fingerprints: ReadonlyMap<string, string>;
  /** Narrows `accepted` to this signer and to those that ran for exactly its repository and ref. */
  readonly acceptedScope?: SignerIdentity;
}

/** Tier of a signer by the policy; undefined for an unknown one. */
export function tierOf(signer: SignerIdentity, policy: TrustPolicy): TrustTier | undefined {
  if (policy.trusted.some((entry) => matches(signer, entry, policy.fingerprints, exactly))) return 'trusted';
  if (policy.acceptedScope !== undefined && !isOwn(signer, policy.acceptedScope)) return undefined;
  return policy.accepted.some((entry) => matches(signer, entry, policy.fingerprints, byPattern))
    ? 'accepted'
    : undefined;
}

/**
 * The policy by which a run itself relies on what is sealed: a trusted run on trusted signers alone; any other one also
 * on accepted ones, but only on itself and on those of its own repository and ref, so that one pull request never builds
 * on what another one sealed.
 */
export function scopedTo(policy: TrustPolicy, run: SignerIdentity): TrustPolicy {
  return tierOf(run, policy) === 'trusted' ? { ...policy, accepted: [] } : { ...policy, acceptedScope: run };
}

/** One signer as people know it. */
export function describeSigner(signer: SignerIdentity): string {
  if (signer.type === 'key') return `the key ${signer.fingerprint}`;
  const run = [
    signer.trigger && `on ${signer.trigger}`,
    signer.ref && `at ${signer.ref}`,
    signer.repository && `in ${signer.repository}`,
    signer.repositoryId && `(id ${signer.repositoryId})`,
  ];
  return [signer.identity, ...run.filter(Boolean)].join(' ');
}

/**
 * A signer that the policy does not know, with what an entry for the same identity asks for and it lacks: names can be
 * had again by somebody else, and then it looks like one that is known.
 */
export function describeUnknown(signer: SignerIdentity, policy: TrustPolicy): string {
  const missed = missedBy(signer, policy);
  return missed.length === 0
    ? describeSigner(signer)
    : `${describeSigner(signer)}: ${missed.map(describeMissed).join(', ')}`;
}

/** `repositoryId 999 instead of 100200300` */
export function describeMissed({ name, wanted, value }: MissedAttribute): string {
  return value === undefined ? `no ${name} instead of ${wanted}` : `${name} ${value} instead of ${wanted}`;
}

/** One attribute that an entry asks for and a signer does not have. */
export interface MissedAttribute {
  readonly name: (typeof ATTRIBUTES)[number];
  readonly wanted: string;
  readonly value: string | undefined;
}

/** Of the entries for this issuer and identity, the fewest attributes that one asks for in vain; empty without such an entry. */
export function missedBy(
  signer: SignerIdentity,
  { trusted, accepted }: TrustPolicy,
): readonly MissedAttribute[] {
  if (signer.type === 'key') return [];
  const entries = [
    ...trusted.map((entry) => ({ entry, compare: exactly })),
    ...accepted.map((entry) => ({ entry, compare: byPattern })),
  ];
  const all = entries.flatMap(({ entry, compare }) =>
    'key' in entry || !isNamed(signer, entry, compare) ? [] : [missed(signer, entry, compare)],
  );
  return all.sort((a, b) => a.length - b.length)[0] ?? [];
}

/**
 * The identity that a Fulcio certificate for these OIDC claims will carry: of a GitHub Actions job its workflow, of a
 * person the verified address. Undefined for tokens of other make.
 *
 * The claims are not verified here: the result is a forecast; the certificate decides.
 */
export function identityFromClaims(claims: Readonly<Record<string, unknown>>): SignerIdentity | undefined {
  const issuer = text(claims, 'iss');
  if (issuer === undefined) return undefined;
  const workflow = text(claims, 'job_workflow_ref');
  if (workflow === undefined) {
    const identity = claims.email_verified === true ? text(claims, 'email') : undefined;
    return identity === undefined ? undefined : { type: 'keyless', issuer, identity };
  }
  return {
    type: 'keyless',
    issuer,
    identity: `${githubServer(issuer)}/${encodePath(workflow)}`,
    ...optional('repository', text(claims, 'repository')),
    ...optional('ref', text(claims, 'ref')),
    ...optional('trigger', text(claims, 'event_name')),
    ...optional('commit', text(claims, 'sha')),
    ...optional('repositoryId', text(claims, 'repository_id')),
    ...optional('ownerId', text(claims, 'repository_owner_id')),
    ...optional('runner', text(claims, 'runner_environment')),
  };
}

/** `sha256:` of a PEM public key's SPKI DER. Throws `signing-key-invalid` for anything else. */
export function fingerprintOf(publicKey: string): string {
  try {
    // Of a private key Node would take the public half; a config must not name one.
    if (!/^-----BEGIN (RSA )?PUBLIC KEY-----/m.test(publicKey)) throw new Error('no PEM block "PUBLIC KEY"');
    const der = createPublicKey(publicKey).export({ type: 'spki', format: 'der' });
    return `sha256:${createHash('sha256').update(der).digest('hex')}`;
  } catch (cause) {
    throw new PrimitiveError('signing-key-invalid', 'Public key is not in PEM form', {
      why: cause instanceof Error ? cause.message : 'it cannot be read',
      suggestions: ['Write the public key to a file, and name that file: cosign public-key --key …'],
      cause,
    });
  }
}

/** GitHub Enterprise Server issues tokens under its own host, Enterprise Cloud with data residency under `<tenant>.ghe.com`. */
function githubServer(issuer: string): string {
  const tenant = /^https:\/\/token\.actions\.([a-z0-9-]+\.ghe\.com)(\/|$)/.exec(issuer)?.[1];
  if (tenant !== undefined) return `https://${tenant}`;
  return /^(https:\/\/[^/]+)\/_services\/token(\/|$)/.exec(issuer)?.[1] ?? 'https://github.com';
}

/** A certificate holds a URL: a ref of a git repository may have to be escaped in it. */
function encodePath(path: string): string {
  return encodeURI(path).replaceAll('?', '%3F').replaceAll('#', '%23');
}

type Compare = (value: string, wanted: string) => boolean;

function matches(
  signer: SignerIdentity,
  entry: SignerPolicy,
  fingerprints: ReadonlyMap<string, string>,
  compare: Compare,
): boolean {
  if ('key' in entry) return signer.type === 'key' && fingerprints.get(entry.key) === signer.fingerprint;
  return (
    signer.type === 'keyless' &&
    isNamed(signer, entry, compare) &&
    missed(signer, entry, compare).length === 0
  );
}

type Keyless = Extract<SignerIdentity, { type: 'keyless' }>;
type KeylessPolicy = Extract<SignerPolicy, { issuer: string }>;

/** Optional conditions of an entry besides issuer and identity. */
const ATTRIBUTES = ['repository', 'ref', 'trigger', 'repositoryId', 'ownerId', 'runner'] as const;

function isNamed(signer: Keyless, entry: KeylessPolicy, compare: Compare): boolean {
  return signer.issuer === entry.issuer && compare(signer.identity, entry.identity);
}

/** A condition must be met: a certificate without an id does not meet an entry with one. */
function missed(signer: Keyless, entry: KeylessPolicy, compare: Compare): readonly MissedAttribute[] {
  return ATTRIBUTES.flatMap((name) => {
    const [value, wanted] = [signer[name], entry[name]];
    const fits = name === 'ref' ? compare : exactly;
    return wanted === undefined || (value !== undefined && fits(value, wanted))
      ? []
      : [{ name, wanted, value }];
  });
}

/**
 * The same key; or the same issuer, repository and ref; or, unless it names both, the very same identity. Ids
 * are compared if both have them: a private Fulcio may omit claims of the token from a certificate.
 */
function isOwn(signer: SignerIdentity, run: SignerIdentity): boolean {
  if (signer.type === 'key' || run.type === 'key') {
    return signer.type === 'key' && run.type === 'key' && signer.fingerprint === run.fingerprint;
  }
  if (signer.issuer !== run.issuer || signer.repository !== run.repository || signer.ref !== run.ref)
    return false;
  const differ = (a: string | undefined, b: string | undefined) =>
    a !== undefined && b !== undefined && a !== b;
  if (differ(signer.repositoryId, run.repositoryId) || differ(signer.ownerId, run.ownerId)) return false;
  return (run.repository !== undefined && run.ref !== undefined) || signer.identity === run.identity;
}

function exactly(value: string, wanted: string): boolean {
  return value === wanted;
}

/**
 * `*` is any run of characters except `@` and `/`; the rest, and both ends, are literal. Each literal is taken where it
 * comes first, which suffices: what a gap must not hold it would hold just as well if the literal before came later.
 * A regular expression would take exponential time for many stars.
 */
function byPattern(value: string, pattern: string): boolean {
  const [first = '', ...literals] = pattern.split(/\*+/);
  const last = literals.pop();
  if (last === undefined) return value === pattern;
  if (!value.startsWith(first)) return false;
  let at = first.length;
  for (const literal of literals) {
    const next = value.indexOf(literal, at);
    if (next < 0 || !isGap(value.slice(at, next))) return false;
    at = next + literal.length;
  }
  return (
    value.length - last.length >= at &&
    value.endsWith(last) &&
    isGap(value.slice(at, value.length - last.length))
  );
}

function isGap(text: string): boolean {
  return !/[@/]/.test(text);
}

function text(claims: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = field(claims, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
