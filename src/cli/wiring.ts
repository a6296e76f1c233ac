import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cosign } from '../adapters/cosign.ts';
import type { GitRepository } from '../adapters/git.ts';
import type { ChosenBuilder } from '../builders/choose.ts';
import { PrimitiveError } from '../core/errors.ts';
import { findingText } from '../core/finding.ts';
import type { PullRequestEvent } from '../features/publish/identity.ts';
import type { Kinds } from '../kinds/kind.ts';
import type { RegistryClient } from '../oci/client.ts';
import type { TrustPolicy } from '../seal/trust.ts';
import type { SbomGenerator, SignerIdentity } from '../seal/types.ts';
import type { BundleVerifier, TrustRoot } from '../seal/verifier.ts';
import type { Program } from '../toolchain/find.ts';
import type { Processes } from '../toolchain/process.ts';
import type { ProgramName } from '../toolchain/programs.ts';
import type { Config } from '../workspace/config.ts';
import type { ConfigLocation } from '../workspace/discovery.ts';
import type { Component } from '../workspace/primitives.ts';
import type { AmbientIdentity } from './ambient-identity.ts';
import { type Environment, given, networkOf } from './environment.ts';

/** The config that applies, and where it was found. */
export interface Workspace {
  readonly location: ConfigLocation;
  readonly config: Config;
}

/** Who a signature of this process would name. */
export interface SigningIdentity {
  readonly signer: SignerIdentity;
  /** Claims of the OIDC token; empty for a key. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly pullRequest?: PullRequestEvent;
}

/**
 * The composition root: makes adapters from the environment, each one once and when it is first asked for, and loads
 * its module only then. Every method throws the PrimitiveError of what it makes.
 */
export class Wiring {
  readonly #environment: Environment;
  readonly #signal: AbortSignal;
  readonly #warn: (code: string, message: string) => void;
  readonly #made = new Map<string, Promise<unknown>>();
  readonly #closers: (() => Promise<void>)[] = [];

  constructor(environment: Environment, signal: AbortSignal, warn: (code: string, message: string) => void) {
    this.#environment = environment;
    this.#signal = signal;
    this.#warn = warn;
  }

  processes(): Promise<Processes> {
    return this.#once('processes', async () => {
      const { createProcesses } = await import('../adapters/process.ts');
      return createProcesses(this.#environment.variables, this.#environment.secrets);
    });
  }

  /** A program on PATH, in a version that is new enough; looked for once. Throws as `requireProgram`. */
  program(name: ProgramName): Promise<Program> {
    return this.#once(`program ${name}`, async () => {
      const [{ requireProgram }, processes] = await Promise.all([
        import('../toolchain/find.ts'),
        this.processes(),
      ]);
      const { variables, platform } = this.#environment;
      return requireProgram(name, { path: variables.PATH, platform, processes, signal: this.#signal });
    });
  }

  workspace(): Promise<Workspace> {
    return this.#once('workspace', async () => {
      const [{ loadConfig }, location] = await Promise.all([
        import('../workspace/config.ts'),
        this.#location(),
      ]);
      return { location, config: await loadConfig(location, this.#environment.version) };
    });
  }

  #location(): Promise<ConfigLocation> {
    return this.#once('location', async () => {
      const { cwd, configFile } = this.#environment;
      const { findConfig } = await import('../workspace/discovery.ts');
      return findConfig({ cwd, configFile });
    });
  }

  repository(): Promise<GitRepository> {
    return this.#once('repository', async () => {
      const [{ openRepository }, processes, location] = await Promise.all([
        import('../adapters/git.ts'),
        this.processes(),
        this.#location(),
      ]);
      const opened = openRepository(processes, location.root, this.#signal);
      // Git starts while the config is read; if both are wrong, the config is told.
      opened.catch(() => {});
      await this.workspace();
      return opened;
    });
  }

  /** All kinds: ours, and those of the packages that the config names. */
  kinds(): Promise<Kinds> {
    return this.#once('kinds', async () => {
      const [{ openAllKinds }, { config, location }] = await Promise.all([
        import('../kinds/packages.ts'),
        this.workspace(),
      ]);
      return openAllKinds(config.plugins, location);
    });
  }

  /** All components of the repository at HEAD. */
  components(): Promise<readonly Component[]> {
    return this.#once('components', async () => {
      const { readComponents } = await import('../workspace/primitives.ts');
      const [tree, workspace, kinds] = await Promise.all([this.repository(), this.workspace(), this.kinds()]);
      const { components, warnings } = await readComponents(tree, { ...workspace, kinds });
      for (const warning of warnings) this.#warn(warning.rule, findingText(warning));
      return components;
    });
  }

  /** `retryBudget` in milliseconds, of the first call; minutes unless told. */
  registry(options: { readonly retryBudget?: number } = {}): Promise<RegistryClient> {
    return this.#once('registry', async () => {
      const [{ createRegistryClient }, { createRetrySummary }, processes, { config }] = await Promise.all([
        import('../oci/client.ts'),
        import('../oci/retry-summary.ts'),
        this.processes(),
        this.workspace(),
      ]);
      const { variables, home } = this.#environment;
      const retries = createRetrySummary(({ host, reason, count, delay }) => {
        const what = count === 1 ? 'retrying' : `retrying ${count} requests`;
        this.#warn('registry-retry', `${host}: ${reason}; ${what} in up to ${Math.ceil(delay / 1000)} s`);
      });
      const client = createRegistryClient({
        processes,
        access: 'write',
        plainHttp: config.insecureRegistries,
        credentials: {
          home,
          ...given('dockerConfig', variables.DOCKER_CONFIG),
          ...given('xdgRuntimeDir', variables.XDG_RUNTIME_DIR),
          ...given('xdgConfigHome', variables.XDG_CONFIG_HOME),
          ...given('registryAuthFile', variables.REGISTRY_AUTH_FILE),
          fallbacks: githubFallback(variables),
        },
        ...networkOf(variables),
        signal: this.#signal,
        ...options,
        onRetry: retries.add,
      });
      this.#closers.push(() => {
        retries.close();
        return client.close();
      });
      return client;
    });
  }

  verifier(): Promise<BundleVerifier> {
    return this.#once('verifier', async () => {
      const [{ createVerifier }, { config }, keys] = await Promise.all([
        import('../seal/verifier.ts'),
        this.workspace(),
        this.#publicKeys(),
      ]);
      const { trusted, accepted, trustedRoot } = config.signing;
      // Without a policy that names an issuer no certificate can count, and a root need not be fetched.
      const keysOnly = ![...trusted, ...accepted].some((policy) => 'issuer' in policy);
      const root: TrustRoot =
        trustedRoot === undefined
          ? { type: 'public-good', cache: join(this.#cache(), 'sigstore') }
          : { type: 'file', path: trustedRoot };
      return createVerifier({ keys: [...keys.values()], ...(keysOnly ? {} : { root }) });
    });
  }

  policy(): Promise<TrustPolicy> {
    return this.#once('policy', async () => {
      const [{ fingerprintOf }, { config }, keys] = await Promise.all([
        import('../seal/trust.ts'),
        this.workspace(),
        this.#publicKeys(),
      ]);
      const { trusted, accepted } = config.signing;
      const fingerprints = new Map([...keys].map(([key, pem]) => [key, fingerprintOf(pem)]));
      return { trusted, accepted, fingerprints };
    });
  }

  /** The OIDC identity at hand; undefined on a machine that has none. */
  ambientIdentity(): Promise<AmbientIdentity | undefined> {
    return this.#once('ambientIdentity', async () => {
      const { findAmbientIdentity } = await import('./ambient-identity.ts');
      return findAmbientIdentity(this.#environment, this.#signal);
    });
  }

  signer(): Promise<Cosign> {
    return this.#once('signer', async () => {
      const [{ createCosign }, processes, { config }] = await Promise.all([
        import('../adapters/cosign.ts'),
        this.processes(),
        this.workspace(),
      ]);
      const { signer, signingConfig, trustedRoot } = config.signing;
      const files = { ...given('signingConfig', signingConfig), ...given('trustedRoot', trustedRoot) };
      const mode =
        signer.type === 'key'
          ? {
              type: 'key' as const,
              key: signer.key,
              ...given('password', this.#environment.variables.COSIGN_PASSWORD),
              ...files,
            }
          : {
              type: 'keyless' as const,
              idToken: async () => (await this.#requiredIdentity()).idToken(),
              ...files,
            };
      return createCosign({ processes, mode, temporary: this.#environment.temporary, signal: this.#signal });
    });
  }

  /** Throws `identity-missing` on a machine without an OIDC token, `identity-unsupported` for one of unknown make. */
  identity(): Promise<SigningIdentity> {
    return this.#once('identity', async () => {
      const { config } = await this.workspace();
      const { fingerprintOf, identityFromClaims } = await import('../seal/trust.ts');
      if (config.signing.signer.type === 'key') {
        const fingerprint = fingerprintOf(await (await this.signer()).publicKey());
        return { signer: { type: 'key' as const, fingerprint }, claims: {} };
      }
      const { claims, pullRequest } = await this.#requiredIdentity();
      const signer = identityFromClaims(claims);
      if (signer) return { signer, claims, ...(pullRequest ? { pullRequest } : {}) };
      throw new PrimitiveError(
        'identity-unsupported',
        'The OIDC token says nothing that a certificate could name.',
        {
          why: 'It has neither the claims of a GitHub Actions job nor a verified e-mail address.',
          suggestions: ['Use a token of GitHub Actions, or sign with a key: `signing.signer.key`.'],
        },
      );
    });
  }

  sbom(): Promise<SbomGenerator> {
    return this.#once('sbom', async () => {
      const [{ createSyft }, processes] = await Promise.all([
        import('../adapters/syft.ts'),
        this.processes(),
      ]);
      return createSyft({ processes, temporary: this.#environment.temporary });
    });
  }

  builder(): Promise<ChosenBuilder> {
    return this.#once('builder', async () => {
      const [{ chooseBuilder }, processes, { config }] = await Promise.all([
        import('../builders/choose.ts'),
        this.processes(),
        this.workspace(),
      ]);
      const { variables, platform, temporary } = this.#environment;
      return chooseBuilder(config.build.builder, {
        path: variables.PATH,
        platform,
        processes,
        variables,
        temporary,
        storage: join(this.#cache(), 'buildah'),
        signal: this.#signal,
      });
    });
  }

  /** Ends connections, so that the process can end; safe to call again. */
  async close(): Promise<void> {
    await Promise.all(this.#closers.splice(0).map((close) => close()));
  }

  async #requiredIdentity(): Promise<AmbientIdentity> {
    const ambient = await this.ambientIdentity();
    if (ambient) return ambient;
    throw new PrimitiveError('identity-missing', 'There is no OIDC token to sign with.', {
      why: 'Keyless signing needs to know who signs before anything is built, and this process has no identity.',
      suggestions: [
        'In GitHub Actions: give the job `permissions: { id-token: write, contents: read, packages: write }`.',
        'Elsewhere: publish from CI, or sign with a key (`signing.signer.key` in primitive.config.yaml).',
        'To see what would be done: primitive publish --dry-run',
      ],
    });
  }

  /** PEM text by `key` of the policies that name one. */
  #publicKeys(): Promise<ReadonlyMap<string, string>> {
    return this.#once('publicKeys', async () => {
      const { config } = await this.workspace();
      const { trusted, accepted } = config.signing;
      const names = [...trusted, ...accepted].flatMap((policy) => ('key' in policy ? [policy.key] : []));
      const entries = [...new Set(names)].map(
        async (name): Promise<[string, string]> => [name, await this.#publicKey(name)],
      );
      return new Map(await Promise.all(entries));
    });
  }

  /** PEM text of one key: a variable's, a file's, or asked of a KMS. */
  async #publicKey(name: string): Promise<string> {
    const variable = /^env:\/\/(.+)$/.exec(name)?.[1];
    if (variable !== undefined) return this.#environment.variables[variable] ?? missingKey(name);
    if (!/^[a-z0-9]+:\/\//.test(name))
      return readFile(name, 'utf8').catch((cause) => missingKey(name, cause));
    const [{ createCosign }, processes] = await Promise.all([
      import('../adapters/cosign.ts'),
      this.processes(),
    ]);
    const { temporary } = this.#environment;
    return createCosign({
      processes,
      mode: { type: 'key', key: name },
      temporary,
      signal: this.#signal,
    }).publicKey();
  }

  #cache(): string {
    const { variables, home } = this.#environment;
    return join(variables.XDG_CACHE_HOME || join(home, '.cache'), 'primitive');
  }

  #once<T>(name: string, make: () => Promise<T>): Promise<T> {
    const made = (this.#made.get(name) as Promise<T> | undefined) ?? make();
    this.#made.set(name, made);
    return made;
  }
}

/** What a GitHub Actions job has for its own packages without logging in. */
function githubFallback({ GITHUB_TOKEN, GITHUB_ACTOR, GITHUB_ACTIONS }: Environment['variables']) {
  if (GITHUB_ACTIONS !== 'true' || !GITHUB_TOKEN) return [];
  const username = GITHUB_ACTOR || 'x-access-token';
  return [{ host: 'ghcr.io', username, password: GITHUB_TOKEN, source: 'GITHUB_TOKEN' }];
}

function missingKey(name: string, cause?: unknown): never {
  throw new PrimitiveError('signing-key-missing', `The public key ${name} cannot be read.`, {
    why: 'A policy under `signing` names it, relative to the folder of primitive.config.yaml.',
    suggestions: ['Write it with `cosign public-key --key … > cosign.pub` and commit it.'],
    cause,
  });
}
