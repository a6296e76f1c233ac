import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Cosign } from '../adapters/cosign.ts';
import { PrimitiveError } from '../core/errors.ts';
import { optional } from '../core/object.ts';
import { once } from '../core/once.ts';
import type { SigningIdentity } from '../seal/run-identity.ts';
import type { TrustPolicy } from '../seal/trust.ts';
import type { BundleVerifier, TrustRoot } from '../seal/verifier.ts';
import { cacheFolder, given } from './environment.ts';
import type { AdapterBase } from './repository.ts';

/** Who signs here, and whose signatures count. */
export interface SigningAdapters {
  verifier(): Promise<BundleVerifier>;
  policy(): Promise<TrustPolicy>;
  /** Whether there is an OIDC token to sign with. */
  hasToken(): Promise<boolean>;
  signer(): Promise<Cosign>;
  /**
   * Throws `identity-missing` without an OIDC token, `identity-unsupported` for a token without an identity, and
   * `signing-service-unknown` if the token would go to a service that only the checkout names.
   */
  identity(): Promise<SigningIdentity>;
}

export function signingAdapters(base: AdapterBase): SigningAdapters {
  const { variables, temporary, signal, processes, workspace } = base;

  const createSigner = async (
    mode: Parameters<typeof import('../adapters/cosign.ts').createCosign>[0]['mode'],
  ) => {
    const [{ createCosign }, started] = await Promise.all([import('../adapters/cosign.ts'), processes()]);
    return createCosign({ processes: started, mode, temporary, signal });
  };

  /** PEM text of a public key: of a variable, a file or a KMS. */
  const publicKey = async (name: string): Promise<string> => {
    const variable = /^env:\/\/(.+)$/.exec(name)?.[1];
    if (variable !== undefined) return variables[variable] ?? missingKey(name);
    // The config makes paths absolute; anything else is the address of a KMS.
    if (isAbsolute(name)) return readFile(name, 'utf8').catch((cause) => missingKey(name, cause));
    return (await createSigner({ type: 'key', key: name })).publicKey();
  };

  /** PEM texts by the `key` of the policies that name them. */
  const publicKeys = once(async (): Promise<ReadonlyMap<string, string>> => {
    const { trusted, accepted } = (await workspace()).config.signing;
    const names = new Set(
      [...trusted, ...accepted].flatMap((policy) => ('key' in policy ? [policy.key] : [])),
    );
    return new Map(await Promise.all([...names].map(async (name) => [name, await publicKey(name)] as const)));
  });

  const verifier = once(async () => {
    const [{ createVerifier }, { config }, keys] = await Promise.all([
      import('../seal/verifier.ts'),
      workspace(),
      publicKeys(),
    ]);
    const { trusted, accepted, trustedRoot } = config.signing;
    // Without a policy that names an issuer no certificate counts, and no root has to be fetched.
    const keysOnly = ![...trusted, ...accepted].some((policy) => 'issuer' in policy);
    const root: TrustRoot =
      trustedRoot === undefined
        ? { type: 'public-good', cache: join(cacheFolder(base), 'sigstore') }
        : { type: 'file', path: trustedRoot };
    return createVerifier({ keys: [...keys.values()], ...(keysOnly ? {} : { root }) });
  });

  const policy = once(async () => {
    const [{ fingerprintOf }, { config }, keys] = await Promise.all([
      import('../seal/trust.ts'),
      workspace(),
      publicKeys(),
    ]);
    const { trusted, accepted } = config.signing;
    const fingerprints = new Map([...keys].map(([key, pem]) => [key, fingerprintOf(pem)]));
    return { trusted, accepted, fingerprints };
  });

  const ambientIdentity = once(async () => {
    const { findAmbientIdentity } = await import('./ambient-identity.ts');
    return findAmbientIdentity(base, signal);
  });

  const requiredIdentity = async () => (await ambientIdentity()) ?? missingIdentity();

  const signer = once(async () => {
    const { signer: by, signingConfig, trustedRoot } = (await workspace()).config.signing;
    const files = { ...given('signingConfig', signingConfig), ...given('trustedRoot', trustedRoot) };
    return createSigner(
      by.type === 'key'
        ? { type: 'key', key: by.key, ...given('password', variables.COSIGN_PASSWORD), ...files }
        : {
            type: 'keyless',
            idToken: async () => (await requiredIdentity()).idToken(),
            ...given('fulcio', variables.COSIGN_FULCIO_URL),
            ...files,
          },
    );
  });

  /** Checks that each signature repeats, before anything is built. */
  const checkServices = async (path: string) => {
    const [{ checkSigningConfig }, text] = await Promise.all([
      import('../adapters/signing-config.ts'),
      readFile(path, 'utf8').catch((cause) => missingSigningConfig(path, cause)),
    ]);
    checkSigningConfig(text, path, variables.COSIGN_FULCIO_URL || undefined);
  };

  const identity = once(async (): Promise<SigningIdentity> => {
    const [{ fingerprintOf, identityFromClaims }, { config }] = await Promise.all([
      import('../seal/trust.ts'),
      workspace(),
    ]);
    if (config.signing.signer.type === 'key') {
      const fingerprint = fingerprintOf(await (await signer()).publicKey());
      return { signer: { type: 'key', fingerprint }, claims: {} };
    }
    if (config.signing.signingConfig !== undefined) await checkServices(config.signing.signingConfig);
    const { claims, pullRequest } = await requiredIdentity();
    const named = identityFromClaims(claims);
    if (named) return { signer: named, claims, ...optional('pullRequest', pullRequest) };
    throw new PrimitiveError('identity-unsupported', 'The OIDC token has no identity for a certificate.', {
      why: 'It has neither the claims of a GitHub Actions job nor a verified e-mail address.',
      suggestions: ['Use a token of GitHub Actions, or sign with a key: `signing.signer.key`.'],
    });
  });

  return {
    verifier,
    policy,
    hasToken: async () => (await ambientIdentity()) !== undefined,
    signer,
    identity,
  };
}

function missingIdentity(): never {
  throw new PrimitiveError('identity-missing', 'No OIDC token to sign with.', {
    why: 'Keyless signing needs an identity before anything is built, and this process has none.',
    suggestions: [
      'In GitHub Actions: give the job `permissions: { id-token: write, contents: read, packages: write }`.',
      'Elsewhere: publish from CI, or sign with a key (`signing.signer.key` in primitive.config.yaml).',
      'To see the plan: primitive publish --dry-run',
    ],
  });
}

function missingSigningConfig(path: string, cause: unknown): never {
  throw new PrimitiveError('signing-config-invalid', `Cannot read ${path}.`, {
    why: '`signing.signingConfig` is a path relative to the folder of primitive.config.yaml.',
    suggestions: ['Write it: cosign signing-config create --out FILE'],
    cause,
  });
}

function missingKey(name: string, cause?: unknown): never {
  throw new PrimitiveError('signing-key-missing', `Cannot read the public key ${name}.`, {
    why: 'A policy under `signing` names it; the path is relative to the folder of primitive.config.yaml.',
    suggestions: ['Write it with `cosign public-key --key … > cosign.pub` and commit it.'],
    cause,
  });
}
