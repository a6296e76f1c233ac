import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { type GitopsRunDocument, gitopsRunSchema } from '../../../src/dispatch/document.ts';
import type { PublishReport } from '../../../src/features/publish/document.ts';
import { joinRepository } from '../../../src/oci/reference.ts';
import { type GitopsWorld, startGitops } from '../../support/gitops.ts';
import { hurried } from '../../support/gitops-cluster.ts';
import { developer, putCli, runWorkflows } from '../../support/kit-workflows.ts';
import { type App, documentOf, type PublishLab, startPublishLab } from '../../support/publish-lab.ts';
import { installArgoCd, startArgoCd } from '../../support/services/argocd.ts';
import { pushShell } from '../../support/services/base-images.ts';
import { type ServerCertificate, serverCertificate } from '../../support/services/certificates.ts';
import { type Engine, startEngine } from '../../support/services/engine.ts';
import type { DoubleRepository } from '../../support/services/github/repository.ts';
import { pushKindBases, pushPostgres } from '../../support/services/kind-bases.ts';
import { type Kube, startKube } from '../../support/services/kube.ts';
import { type KubeNode, NODE_ADDRESS, startKubeNode } from '../../support/services/kube-node.ts';
import { type ModelServer, startModelServer } from '../../support/services/model-server.ts';
import { type Postgres, startPostgres } from '../../support/services/postgres.ts';
import { type KindName, NAMES, scaffoldPrimitives } from '../journey/primitives.ts';

/** The lane that everything here runs in. */
export const NAMESPACE = 'acme-dev';
export const KINDS = Object.keys(NAMES) as KindName[];

/** The name of a component, which is that of its Service: `domain-orders-v1`. */
export const componentOf = (kind: KindName) => `${kind}-${NAMES[kind]}-v1`;

/** The values of a component, or of its smoke test, in the lane. */
export const valuesOf = (component: string) => `sources/values/env/dev/apps/${component}.yaml`;

/**
 * A code repository with a primitive of each kind and a registry with their releases; a GitOps repository, with Argo CD on a
 * cluster that has a node; and what the primitives use: Postgres, doubles of a process engine and a model server.
 */
export interface NodeWorld extends AsyncDisposable {
  readonly kube: Kube;
  readonly node: KubeNode;
  readonly lab: PublishLab;
  readonly app: App;
  readonly gitops: GitopsWorld;
  /** What the GitOps repository's server proves itself by. */
  readonly tls: ServerCertificate;
  /** The code repository on GitHub, which has the pull requests. */
  readonly code: DoubleRepository;
  readonly postgres: Postgres;
  readonly engine: Engine;
  readonly model: ModelServer;
  /** Of the first publish. */
  readonly report: PublishReport;
  /** An image with a shell, which the kit allows. */
  readonly shellImage: string;
  /** A folder for what runs of workflows keep. */
  readonly home: string;
  /** Calls `primitive gitops` in the code repository, as a developer; its document. */
  ask(...args: readonly string[]): Promise<GitopsRunDocument>;
}

/** Starts it all, publishes the primitives, and installs the kit with no component in it. */
export async function startNodeWorld(reply: Parameters<typeof startModelServer>[0]): Promise<NodeWorld> {
  await using started = new AsyncDisposableStack();
  const lab = started.use(await startPublishLab({ hostNetwork: true }));
  const cluster = async () => {
    const kube = started.use(await startKube({ advertise: NODE_ADDRESS }));
    const node = started.use(await startKubeNode(kube, { registry: lab.proxy.host }));
    return { kube, node };
  };
  const [{ kube, node }, { app, nodeImage }] = await both(cluster(), prepareApp(lab, started));
  const postgres = started.use(await startPostgres());
  const model = started.use(await startModelServer(reply));
  const engine = await startEngine();
  started.defer(() => engine.stop());
  const shellImage = await pushShell(joinRepository(lab.proxy.host, 'tools/shell'));
  const deploy = async () => {
    const home = await lab.folder('workflows');
    const tls = await serverCertificate(home);
    const gitops = started.use(await startGitops({ kit: false, tls }));
    runWorkflows(gitops, { ...tls, home });
    const code = await gitops.github.create('acme/app');
    const postgresImage = await pushPostgres(joinRepository(lab.proxy.host, 'tools/postgres'));
    await installKit(gitops, lab, app, { shellImage, nodeImage, postgresImage });
    const url = `${gitops.github.web}/acme/gitops.git`;
    await installArgoCd(kube, { repository: { url, token: gitops.token } });
    await kube.apply(previewToken(gitops.token));
    started.use(await startArgoCd(kube, tls));
    await kube.apply(await gitops.text('argocd/bootstrap.yaml'));
    return { gitops, code, tls, home };
  };
  const [report, deployed] = await both(app.report(), deploy());
  const env = developer(deployed.gitops, deployed.tls);
  const all = started.move();
  return {
    ...{ kube, node, lab, app, postgres, engine, model, report, shellImage, ...deployed },
    async ask(...args) {
      const call = await lab.cli.run(['gitops', ...args, '--json'], { cwd: app.repo.root, env });
      return documentOf<GitopsRunDocument>(call, gitopsRunSchema);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Waits for both also if one fails, so that whatever has started is known, and can be ended. */
async function both<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
}

/** A repository with a primitive of each kind, and the bases of their images. */
async function prepareApp(lab: PublishLab, started: AsyncDisposableStack) {
  const bases = await pushKindBases(lab.proxy.host);
  const config = [
    'languages: { go: {module: github.com/acme/app}, ts: {scope: "@acme"}, python: {prefix: acme}, proto: {package: acme} }',
    `build: ${JSON.stringify({ builder: 'buildx', bases })}`,
    'gitops: { repository: acme/gitops }',
  ];
  const app = started.use(await lab.app({ sources: {}, config: config.join('\n') }));
  await scaffoldPrimitives(lab.cli, app.repo.root);
  await app.repo.commit({}, 'Scaffold');
  const nodeImage = Object.entries(bases).find(([base]) => base.includes('distroless/nodejs'))?.[1] ?? '';
  return { app, nodeImage };
}

function previewToken(token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'preview-github-token', namespace: 'argocd' },
    stringData: { token },
  });
}

/** As the owner installs it, who has the package of the CLI in the repository, and more settings than the first ones. */
async function installKit(
  gitops: GitopsWorld,
  { cli }: PublishLab,
  { repo }: App,
  images: { readonly shellImage: string; readonly nodeImage: string; readonly postgresImage: string },
): Promise<void> {
  const folder = await gitops.clone();
  const init = async (...args: readonly string[]) => {
    const { code, stderr } = await cli.run(['gitops', 'init', ...args], { cwd: folder });
    if (code !== 0) throw new Error(`primitive gitops init: exit code ${code}\n${stderr}`);
  };
  await init('--code', repo.root, '--lanes', 'dev');
  const own = await putCli(folder, cli);
  await gitops.pushAll(folder, 'Install the GitOps kit');
  const file = join(folder, 'kit.yaml');
  const kit = parseDocument(await readFile(file, 'utf8'));
  kit.set('cli', own);
  kit.set('images', { allowed: [images.shellImage.split('@')[0]] });
  kit.setIn(['previews', 'api'], `${gitops.github.web}/`);
  kit.setIn(['previews', 'postgres'], images.postgresImage);
  await writeFile(file, kit.toString());
  await init('--update');
  await hurryJanitor(folder, images.nodeImage);
  const sets = join(folder, 'argocd/applicationsets');
  for (const name of await readdir(sets))
    await writeFile(join(sets, name), hurried(await readFile(join(sets, name), 'utf8')));
  await gitops.pushAll(folder, 'Move releases, and have previews');
}

/** The janitor every minute, with no grace, by what stands for its image here: an edit of the owner. */
async function hurryJanitor(folder: string, image: string): Promise<void> {
  const file = join(folder, 'argocd/janitor/templates/janitor.yaml');
  const text = await readFile(file, 'utf8');
  const edited = text
    .replace('"*/10 * * * *"', '"* * * * *"')
    .replace('--grace-seconds=600', '--grace-seconds=0')
    .replace(/image: gcr\.io\S+/, `image: ${image}`);
  await writeFile(file, edited);
}
