import { openGitopsRepository, yamlBelow } from '../../src/adapters/gitops-repository.ts';
import { createProcesses } from '../../src/adapters/process.ts';
import type { CheckPorts } from '../../src/features/gitops-check/run.ts';
import type { PinPorts } from '../../src/features/gitops-pin/run.ts';
import { sourceContext } from '../../src/gitops/trust.ts';
import { gitEnvironment, gitRepo, type TestRepository } from './git.ts';
import { PublishWorld } from './publish-world.ts';

const REGISTRY = '127.0.0.1:5000/acme';

/** `sources` of its kit.yaml. */
export const SOURCES = [
  {
    repository: 'acme/app',
    registry: REGISTRY,
    trusted: [{ key: 'keys/main.pub' }],
    accepted: [{ key: 'keys/pull-request.pub' }],
  },
] as const;

/** A GitOps repository with real git, beside a registry that releases are published to. */
export interface LanesWorld extends AsyncDisposable {
  readonly world: PublishWorld;
  readonly repo: TestRepository;
  readonly ports: PinPorts & CheckPorts;
  /** Publishes a commit; its id. */
  publish(
    sources: Readonly<Record<string, string>>,
    as?: 'main' | 'pull-request' | 'stranger',
  ): Promise<string>;
  /** What the release of a commit has for an image, as it is deployed. */
  ref(commit: string, component: string): Promise<string>;
}

/** Lanes local, dev, staging and production, the components `orders` and `stock`, and one of somebody else. */
export async function startLanes(kit: Readonly<Record<string, unknown>> = {}): Promise<LanesWorld> {
  const world = new PublishWorld({ prefix: REGISTRY });
  const repo = await gitRepo({
    'kit.yaml': JSON.stringify({ ...kitOf(), ...kit }),
    'keys/main.pub': world.signers.main.publicKey,
    'keys/pull-request.pub': world.signers['pull-request'].publicKey,
    ...componentFiles('domain-orders-v1', 'domain-orders'),
    ...componentFiles('domain-stock-v1', 'domain-stock'),
    'environments/_shared/components/apps/proxy/component.yaml':
      'name: proxy\narea: apps\nchart: sources/charts/raw-manifests\n',
    '.github/primitive/templates/env-values.yaml':
      '# {release} in the lane {env}.\nenabled: false\nimage:\n  ref: ""\n',
  });
  const processes = createProcesses(gitEnvironment);
  return {
    world,
    repo,
    ports: {
      cwd: repo.root,
      gitops: (root) => openGitopsRepository(processes, root),
      sources: (tree) => (source) =>
        sourceContext(source, tree, { registry: world.registry.observer, cache: '/nonexistent' }),
      filesBelow: yamlBelow,
      signal: new AbortController().signal,
    },
    publish: async (sources, as = 'main') => {
      const commit = world.commit(JSON.stringify(sources));
      await world.publish({ as, commit, sources });
      return commit;
    },
    ref: async (commit, component) => {
      const state = await world.record(commit);
      if (state.state !== 'found') throw new Error(`no record of ${commit}`);
      const found = state.record.components.find(({ kind, name }) => `${kind}/${name}` === component);
      return `${found?.image}:${commit}@${found?.digest}`;
    },
    [Symbol.asyncDispose]: () => repo[Symbol.asyncDispose](),
  };
}

/** The file of a component's values in a lane. */
export function valuesFile(lane: string, component: string): string {
  return `sources/values/env/${lane}/apps/${component}.yaml`;
}

function componentFiles(name: string, image: string): Record<string, string> {
  const file = `environments/_shared/components/apps/primitives/${name}/component.yaml`;
  return {
    [file]: `name: ${name}\narea: apps\nchart: sources/charts/primitive-runtime\nkind: domain\nimage: ${image}\n`,
  };
}

function kitOf() {
  const lane = (name: string, more: object = {}) => ({
    name,
    cluster: 'main',
    namespace: `acme-${name}`,
    digest: true,
    ...more,
  });
  return {
    schema: 'primitive.kit/v1',
    organisation: 'acme',
    registry: REGISTRY,
    repository: 'https://github.com/acme/gitops.git',
    branch: 'main',
    apiGroup: 'primitives.acme.internal',
    charts: 'sources/charts',
    kinds: ['domain'],
    clusters: [{ name: 'main', server: 'https://kubernetes.default.svc' }],
    lanes: [
      lane('local', { signers: 'accepted' }),
      lane('dev', { entry: true }),
      lane('staging'),
      lane('production'),
    ],
    sources: SOURCES,
    images: { allowed: ['docker.io/library/busybox'] },
    previews: { repository: 'acme/app', label: 'preview', cluster: 'main' },
  };
}
