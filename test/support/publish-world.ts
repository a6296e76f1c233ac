import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Event } from '../../src/core/events.ts';
import { executePublish } from '../../src/features/publish/execute.ts';
import { gatherFacts, readRecords } from '../../src/features/publish/facts.ts';
import {
  type PlanOptions,
  type PublishPlan,
  planPublish,
  type Run,
} from '../../src/features/publish/plan.ts';
import { checkBuilds, preflight } from '../../src/features/publish/preflight.ts';
import type { ExecutedPublish } from '../../src/features/publish/report.ts';
import { joinRepository } from '../../src/oci/reference.ts';
import type { Registry } from '../../src/oci/registry.ts';
import type { Digest, Repository } from '../../src/oci/types.ts';
import { inspectSeal } from '../../src/seal/inspect.ts';
import { readRecord, writeRecord } from '../../src/seal/record.ts';
import type { TrustPolicy } from '../../src/seal/trust.ts';
import type { ReleaseRecord, SbomGenerator, SealState, TrustTier } from '../../src/seal/types.ts';
import { createVerifier } from '../../src/seal/verifier.ts';
import type { History } from '../../src/workspace/history.ts';
import { inputDigest } from '../../src/workspace/input-digest.ts';
import type { ComponentInputs } from '../../src/workspace/inputs.ts';
import type { FolderEntry, SourceTree, TreeEntry } from '../../src/workspace/source-tree.ts';
import { createKeySigner, type KeySigner } from './key-signer.ts';
import { createLayoutBuilder, type LayoutBuilder } from './layout-builder.ts';
import { createMemoryRegistry, type MemoryRegistry } from './memory-registry.ts';
import type { Observed } from './registry-promises.ts';

/** Content of each component, by id: `{ 'domain/orders': 'v1' }`. */
export type Sources = Readonly<Record<string, string>>;

/** One publish in the world. */
export interface PublishAttempt extends Partial<PlanOptions> {
  readonly as: 'main' | 'pull-request' | 'other-pull-request' | 'stranger';
  readonly commit: string;
  readonly sources: Sources;
  /** Only these; all where absent. */
  readonly select?: readonly string[];
  readonly branch?: string;
  readonly builder?: LayoutBuilder;
  readonly tags?: readonly string[];
  readonly onEvent?: (event: Event) => void;
  readonly signal?: AbortSignal;
  /** Another than the one in memory. */
  readonly registry?: Registry;
  /** Called between plan and execute. */
  readonly beforeExecute?: (plan: PublishPlan) => void | Promise<void>;
}

export interface Published {
  readonly plan: PublishPlan;
  readonly report: ExecutedPublish;
}

/** What a world is made of. */
export interface WorldOptions {
  readonly referrersApi?: boolean;
  /** Host and path under which all images stand. */
  readonly prefix?: string;
}

/**
 * Everything around a publish, in memory: a registry, signers with real keys, a history in which each commit follows
 * the one before in `commits`. What is signed is really signed and verified.
 */
export class PublishWorld {
  readonly registry: MemoryRegistry;
  readonly commits: string[] = [];
  /** Digests that a test put there as somebody else. */
  readonly foreign = new Set<Digest>();
  readonly signers: Readonly<Record<PublishAttempt['as'], KeySigner>> = {
    main: createKeySigner(),
    'pull-request': createKeySigner(),
    'other-pull-request': createKeySigner(),
    stranger: createKeySigner(),
  };
  /** How often history was asked to be completed; it never is. */
  deepened = 0;
  readonly releases: Repository;
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
      ]),
    };
  }

  /** A new commit after the last one: 40 hex digits. */
  commit(message: string): string {
    const id = createHash('sha1').update(`${this.commits.length} ${message}`).digest('hex');
    this.commits.push(id);
    return id;
  }

  async publish(attempt: PublishAttempt): Promise<Published> {
    const { as, commit, sources, select, registry = this.registry } = attempt;
    const tree = createTree(commit, sources);
    const all = Object.keys(sources).sort();
    const inputs = (select ?? all).map((id) => inputsOf(this.repository(id), id, tree.files.get(id) ?? []));
    const run: Run = {
      tier: (as === 'main' ? 'trusted' : 'accepted') satisfies TrustTier,
      signer: { type: 'key', fingerprint: this.signers[as].fingerprint },
      branch: attempt.branch ?? (as === 'main' ? 'main' : 'topic'),
    };
    const history = this.#history();
    const ports = { registry, verifier: this.#verifier };
    const wanted = {
      commit,
      policy: this.#policy,
      registryPrefix: this.#prefix,
      releases: this.releases,
      channel: { tag: 'main', branch: 'main' },
    };
    const { facts, manifests } = await gatherFacts(
      {
        ...wanted,
        source: 'https://github.com/acme/app',
        run,
        tags: [commit, ...(attempt.tags ?? []).map((template) => template.replaceAll('{sha}', commit))],
        inputs,
        whole: inputs.length === all.length,
        sealOnly: attempt.sealOnly ?? false,
      },
      { ...ports, history, records: readRecords(wanted, ports) },
    );
    const plan = planPublish(facts, {
      sealOnly: attempt.sealOnly ?? false,
      keepGoing: attempt.keepGoing ?? false,
    });
    const builder = attempt.builder ?? createLayoutBuilder();
    const signer = this.signers[as];
    const byId = new Map(inputs.map((entry) => [entry.component.id, entry]));
    await preflight(plan, await checkBuilds(plan, byId, tree), {
      registry,
      builder: () => builder.probe(),
      sbom: async () => SBOM,
      signer: async () => signer,
    });
    await attempt.beforeExecute?.(plan);
    const signal = attempt.signal ?? new AbortController().signal;
    const folder = await mkdtemp(join(tmpdir(), 'publish-world-'));
    try {
      const report = await executePublish(
        plan,
        {
          inputs: byId,
          manifests,
          settings: { sbomFormat: 'spdx-json', cache: { from: [], to: [] } },
          folder,
          parallel: 2,
        },
        {
          registry,
          // A registry in memory shows at once what it was given: looking again is enough.
          seal: {
            registry,
            verifier: this.#verifier,
            policy: this.#policy,
            sleep: async () => undefined,
          },
          build: async () => ({
            registry,
            builder,
            builderInfo: await builder.probe(),
            sbom: SBOM,
            signer,
            tree,
            signal,
          }),
          signer: async () => signer,
          history,
          registryPrefix: this.#prefix,
          signal,
        },
        attempt.onEvent ?? (() => undefined),
      );
      return { plan, report };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  repository(id: string): Repository {
    return joinRepository(this.#prefix, id.replace('/', '-'));
  }

  /** What any signer of the policy says about an image. */
  async inspect(id: string, reference: string): Promise<SealState | 'absent'> {
    const manifest = await this.registry.getManifest(this.repository(id), reference);
    if (!manifest) return 'absent';
    const context = { registry: this.registry, verifier: this.#verifier, policy: this.#policy };
    return inspectSeal(context, this.repository(id), manifest);
  }

  /** For a look at a real registry by the policy of this world. */
  observed(ids: readonly string[] = ['domain/orders', 'domain/stock']): Observed {
    return { prefix: this.#prefix, ids, verifier: this.#verifier, policy: this.#policy };
  }

  record(reference: string) {
    return readRecord(
      { registry: this.registry, verifier: this.#verifier, policy: this.#policy },
      this.releases,
      reference,
      { registry: this.#prefix },
    );
  }

  /** Signs a record and puts it under its commit without asking, as whoever has that key and may push can. */
  async putRecord(as: PublishAttempt['as'], record: ReleaseRecord): Promise<void> {
    const context = { registry: this.registry, verifier: this.#verifier, policy: this.#policy };
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

function createTree(commit: string, sources: Sources) {
  const blobs = new Map<string, Uint8Array>();
  const files = new Map<string, TreeEntry[]>();
  const put = (text: string) => {
    const bytes = Buffer.from(text);
    const object = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
    blobs.set(object, bytes);
    return object;
  };
  for (const [id, content] of Object.entries(sources)) {
    files.set(id, [
      { path: 'Dockerfile', mode: '100644', object: put(`FROM scratch\nCOPY app.txt /\n`) },
      { path: 'app.txt', mode: '100644', object: put(content) },
    ]);
  }
  const folders = foldersOf(files);
  const tree: SourceTree = {
    root: '/nonexistent',
    head: { commit, tree: '', branch: 'main', objectFormat: 'sha1', shallow: false },
    async readFolders(objects) {
      return objects.map((object) => {
        const folder = folders.get(object);
        if (!folder) throw new Error(`no folder ${object}`);
        return [...folder.values()];
      });
    },
    async readWhole(objects) {
      return objects.map((object) => {
        const bytes = blobs.get(object);
        if (!bytes) throw new Error(`no object ${object}`);
        return bytes;
      });
    },
    async changes() {
      return [];
    },
    async readBlobs(objects, receiver) {
      for (const [index, object] of objects.entries()) {
        const bytes = blobs.get(object);
        if (!bytes) throw new Error(`no object ${object}`);
        await receiver.start(index, bytes.length);
        await receiver.data(bytes);
        await receiver.end();
      }
    },
    async filters() {
      return new Map();
    },
  };
  return Object.assign(tree, { files });
}

/** The entries of every folder by name; its object is its path, '' for the root. */
function foldersOf(
  files: ReadonlyMap<string, readonly TreeEntry[]>,
): ReadonlyMap<string, ReadonlyMap<string, FolderEntry>> {
  const folders = new Map([['', new Map<string, FolderEntry>()]]);
  for (const [id, entries] of files) {
    const names = ['primitives', ...id.split('/')];
    for (const [depth, name] of names.entries()) {
      const object = names.slice(0, depth + 1).join('/');
      folders.get(names.slice(0, depth).join('/'))?.set(name, { name, mode: '040000', object });
      if (!folders.has(object)) folders.set(object, new Map());
    }
    for (const { path: name, ...entry } of entries)
      folders.get(names.join('/'))?.set(name, { ...entry, name });
  }
  return folders;
}

function inputsOf(repository: Repository, id: string, entries: readonly TreeEntry[]): ComponentInputs {
  const [kind = '', name = ''] = id.split('/');
  const platforms = [
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'arm64' },
  ];
  const build = {
    context: `primitives/${id}`,
    dockerfile: 'Dockerfile',
    platforms,
    args: {},
    bases: {},
    secrets: [],
  };
  return {
    component: { id, kind, name, path: `primitives/${id}`, image: `${kind}-${name}`, repository, build },
    files: { entries },
    inputDigest: inputDigest({ ...build, kind, name, repository, files: { entries } }),
  };
}
