import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import type { Digest } from '../../src/core/digest.ts';
import { PrimitiveError } from '../../src/core/errors.ts';
import type { Event } from '../../src/core/events.ts';
import type { PublishPlan, PublishReport } from '../../src/features/publish/document.ts';
import { type PublishPorts, type PublishRequest, runPublish } from '../../src/features/publish/run.ts';
import type { ReleaseReport } from '../../src/features/release/document.ts';
import { type ReleaseRequest, runRelease } from '../../src/features/release/run.ts';
import { joinRepository } from '../../src/oci/reference.ts';
import type { Registry } from '../../src/oci/registry.ts';
import type { ImageRepository } from '../../src/oci/types.ts';
import type { Component } from '../../src/repository/component.ts';
import type { History } from '../../src/repository/history.ts';
import { inspectSeal } from '../../src/seal/inspect.ts';
import { readRecord, writeRecord } from '../../src/seal/record.ts';
import type { TrustPolicy } from '../../src/seal/trust.ts';
import type { ReleaseRecord, SbomGenerator, SealState } from '../../src/seal/types.ts';
import { createVerifier } from '../../src/seal/verifier.ts';
import { createKeySigner, type KeySigner } from './key-signer.ts';
import { createLayoutBuilder, type LayoutBuilder } from './layout-builder.ts';
import { createMemoryRegistry, type MemoryRegistry } from './memory-registry.ts';
import { createMemoryTree } from './memory-tree.ts';
import type { Observed } from './registry-promises.ts';

/** Content of each component, by id: `{ 'domain/orders': 'v1' }`. */
export type Sources = Readonly<Record<string, string>>;

type Publisher = 'main' | 'pull-request' | 'other-pull-request' | 'stranger';

/** One publish in the world. */
export interface PublishAttempt extends Partial<Pick<PublishRequest, 'sealOnly' | 'keepGoing'>> {
  readonly as: Publisher;
  /** Whose key makes the signatures; that of `as` where absent. */
  readonly signedBy?: Publisher;
  readonly commit: string;
  readonly sources: Sources;
  /** Only these; all where absent. */
  readonly select?: readonly string[];
  readonly branch?: string;
  /** Layer caches of main in a config that nobody checked. */
  readonly caches?: { readonly from: readonly string[]; readonly writers?: 'trusted' };
  /** `build.parallel` of the config. */
  readonly parallel?: number;
  readonly builder?: LayoutBuilder;
  /** Templates besides `{sha}`. */
  readonly tags?: readonly string[];
  readonly onEvent?: (event: Event) => void;
  readonly signal?: AbortSignal;
  /** Another than the one in memory. */
  readonly registry?: Registry & { requests(): number };
}

export interface Published {
  readonly plan: PublishPlan;
  readonly report: PublishReport;
}

/** What a world is made of. */
export interface WorldOptions {
  readonly referrersApi?: boolean;
  /** Host and path under which all images stand. */
  readonly prefix?: string;
}

const CONFIG = 'primitive.config.yaml';
const LOCATION = { root: '/repository', path: `/repository/${CONFIG}`, found: 'nearest' as const };

/**
 * Everything around a publish, in memory: a registry, signers with real keys, a history in which each commit follows
 * the one before in `commits`. What is signed is really signed and verified.
 */
export class PublishWorld {
  readonly registry: MemoryRegistry;
  readonly commits: string[] = [];
  /** Digests that a test put there as somebody else. */
  readonly foreign = new Set<Digest>();
  readonly signers: Readonly<Record<Publisher, KeySigner>> = {
    main: createKeySigner(),
    'pull-request': createKeySigner(),
    'other-pull-request': createKeySigner(),
    stranger: createKeySigner(),
  };
  /** How often history was asked to be completed; it never is. */
  deepened = 0;
  readonly releases: ImageRepository;
  readonly #prefix: string;
  readonly #verifier;
  readonly #policy: TrustPolicy;

  constructor({ prefix = '127.0.0.1:5000/acme', ...options }: WorldOptions = {}) {
    this.registry = createMemoryRegistry(options);
    this.#prefix = prefix;
    this.releases = joinRepository(prefix, 'primitive-releases');
    const { main, 'pull-request': first, 'other-pull-request': second, stranger } = this.signers;
    this.#verifier = createVerifier({
      keys: [main, first, second, stranger].map(({ publicKey }) => publicKey),
      root: { type: 'file', path: '/nonexistent' },
    });
    this.#policy = {
      trusted: [{ key: 'main.pub' }],
      accepted: [{ key: 'first.pub' }, { key: 'second.pub' }],
      fingerprints: new Map([
        ['main.pub', main.fingerprint],
        ['first.pub', first.fingerprint],
        ['second.pub', second.fingerprint],
        ['stranger.pub', stranger.fingerprint],
      ]),
    };
  }

  /** A new commit after the last one: 40 hex digits. */
  commit(message: string): string {
    const id = createHash('sha1').update(`${this.commits.length} ${message}`).digest('hex');
    this.commits.push(id);
    return id;
  }

  /** Publishes as the command does, with ports of this world. */
  async publish(attempt: PublishAttempt): Promise<Published> {
    const { select = [], sealOnly = false, keepGoing = false } = attempt;
    const request = { selection: { selectors: select }, sealOnly, keepGoing, dryRun: false };
    const { plan, report } = await runPublish(
      request,
      this.#ports(attempt),
      attempt.onEvent ?? (() => undefined),
    );
    if (!report) throw new Error('only a dry run has no report');
    return { plan, report };
  }

  #ports(attempt: PublishAttempt): PublishPorts {
    const { as, signedBy = as, commit, sources, tags = [], registry = this.registry } = attempt;
    const { builder = createLayoutBuilder(), branch = as === 'main' ? 'main' : 'topic' } = attempt;
    const config = {
      registry: this.#prefix,
      channel: { tag: 'main', branch: 'main' },
      tags: ['{sha}', ...tags],
      sbom: { format: 'spdx-json' as const },
      build: {
        cache: { trusted: { from: [], to: [], ...attempt.caches }, accepted: { from: [], to: [] } },
        ...(attempt.parallel === undefined ? {} : { parallel: attempt.parallel }),
      },
      signing: { signer: { type: 'key' as const, key: `${as}.key` }, ...this.#policyOf(as) },
    };
    const tree = Object.assign(createMemoryTree(filesOf(sources), { commit, branch }), this.#history());
    return {
      cwd: tree.root,
      temporary: tmpdir(),
      processors: 2,
      credentialFiles: [],
      hooks: async () => {},
      realFile: async () => undefined,
      signal: attempt.signal ?? new AbortController().signal,
      workspace: async () => ({ config, location: LOCATION }),
      tree: async () => tree,
      components: async () =>
        Object.keys(sources)
          .sort()
          .map((id) => this.#component(id)),
      registry: async () => registry,
      verifier: async () => this.#verifier,
      policy: async () => this.#policyOf(as),
      identity: async () => ({
        signer: { type: 'key', fingerprint: this.signers[as].fingerprint },
        claims: {},
      }),
      hasToken: async () => false,
      program: async () => undefined,
      signer: async () => this.signers[signedBy],
      builder: async () => ({ builder, info: await builder.probe() }),
      lookForBuilder: async () => undefined,
      sbom: async () => SBOM,
      // A registry in memory shows at once what it was given: looking again is enough.
      sleep: async () => undefined,
    };
  }

  /** The policy of the config; that of a stranger's own copy accepts the stranger, too. */
  #policyOf(as: Publisher): TrustPolicy {
    if (as !== 'stranger') return this.#policy;
    return { ...this.#policy, accepted: [...this.#policy.accepted, { key: 'stranger.pub' }] };
  }

  #component(id: string): Component {
    const [kind = '', name = ''] = id.split('/');
    const path = `primitives/${id}`;
    return {
      id,
      kind,
      name,
      path,
      image: `${kind}-${name}`,
      repository: this.repository(id),
      build: {
        context: path,
        dockerfile: 'Dockerfile',
        platforms: ['amd64', 'arm64'].map((architecture) => ({ os: 'linux', architecture })),
        args: {},
        bases: {},
        secrets: [],
      },
    };
  }

  repository(id: string): ImageRepository {
    return joinRepository(this.#prefix, id.replace('/', '-'));
  }

  /** What any signer of the policy says about an image. */
  async inspect(id: string, reference: string): Promise<SealState | 'absent'> {
    const { observer: registry } = this.registry;
    const manifest = await registry.getManifest(this.repository(id), reference);
    if (!manifest) return 'absent';
    const context = { registry, verifier: this.#verifier, policy: this.#policy };
    return inspectSeal(context, this.repository(id), manifest);
  }

  /** For a look at a real registry by the policy of this world. */
  observed(ids: readonly string[] = ['domain/orders', 'domain/stock']): Observed {
    return { prefix: this.#prefix, ids, verifier: this.#verifier, policy: this.#policy };
  }

  /** Looks a release up as the command does, by the policy of this world, from a checkout of `commit`. */
  release(request: Partial<ReleaseRequest>, commit = this.commits.at(-1) ?? ''): Promise<ReleaseReport> {
    const head = { commit, tree: '0'.repeat(40), objectFormat: 'sha1', shallow: false } as const;
    return runRelease(
      { target: undefined, key: undefined, required: 'trusted', images: true, ...request },
      {
        cwd: tmpdir(),
        workspace: async () => ({ config: { registry: this.#prefix }, location: { root: tmpdir() } }),
        kinds: async () => ({ names: [], get: async () => undefined }),
        workTree: async () => ({
          at: async (revision) => {
            throw new PrimitiveError('revision-unknown', `No commit ${revision} here.`);
          },
        }),
        tree: async () => ({ head }),
        registry: async () => this.registry.observer,
        verifier: async () => this.#verifier,
        policy: async () => this.#policy,
      },
    );
  }

  record(reference: string) {
    return readRecord(
      { registry: this.registry.observer, verifier: this.#verifier, policy: this.#policy },
      this.releases,
      reference,
      { registry: this.#prefix },
    );
  }

  /** Signs a record and puts it under its commit without asking, as whoever has that key and may push can. */
  async putRecord(as: Publisher, record: ReleaseRecord): Promise<void> {
    const policy = this.#policyOf(as);
    const context = { registry: this.registry.observer, verifier: this.#verifier, policy };
    const writer = { signer: this.signers[as], registry: this.#prefix, tier: 'accepted' } as const;
    const { manifest } = await writeRecord(context, this.releases, record, writer);
    this.registry.putForeign(this.releases, record.commit, manifest);
  }

  #history(): History {
    const position = (commit: string) => this.commits.indexOf(commit);
    return {
      async isAncestor(ancestor, descendant) {
        if (position(ancestor) < 0 || position(descendant) < 0) return 'unknown';
        return position(ancestor) <= position(descendant) ? 'yes' : 'no';
      },
      deepen: async () => {
        this.deepened++;
      },
      async remoteUrl() {
        return 'https://github.com/acme/app';
      },
    };
  }
}

const SBOM: SbomGenerator = {
  async generate({ manifest, platform }) {
    return Buffer.from(
      JSON.stringify({
        spdxVersion: 'SPDX-2.3',
        name: manifest,
        comment: `${platform.os}/${platform.architecture}`,
      }),
    );
  },
};

function filesOf(sources: Sources): Record<string, string> {
  const files: Record<string, string> = { [CONFIG]: 'schema: primitive.config/v1\n' };
  for (const [id, content] of Object.entries(sources)) {
    files[`primitives/${id}/Dockerfile`] = 'FROM scratch\nCOPY app.txt /\n';
    files[`primitives/${id}/app.txt`] = content;
  }
  return files;
}
