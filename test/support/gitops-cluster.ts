import { createHmac } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundledKit } from '../../src/features/gitops-init/bundled.ts';
import { type FileTexts, renderKit } from '../../src/features/gitops-init/render.ts';
import { moduleFolder } from '../tools/go.ts';
import { tool } from '../tools/locate.ts';
import { type ArgoCd, installArgoCd, startArgoCd } from './services/argocd.ts';
import { type Github, startGithub } from './services/github/github.ts';
import type { DoublePull, DoubleRepository } from './services/github/repository.ts';
import { type Kube, startKube } from './services/kube.ts';
import { attempt, type RunResult, run } from './services/run.ts';
import { type Service, stopper } from './services/service.ts';

/** API group of the custom resources in the lab. */
export const GROUP = 'primitives.acme.internal';

/** An object of Kubernetes, as far as tests look at it. */
export interface KubeObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
  };
}

/** What an Application is made from. */
export interface ApplicationSource {
  readonly repoURL: string;
  readonly targetRevision: string;
  readonly path: string;
  readonly helm: {
    readonly releaseName?: string;
    readonly valueFiles?: readonly string[];
    readonly valuesObject?: unknown;
  };
}

/** An Application of Argo CD. */
export interface Application extends KubeObject {
  readonly spec: {
    readonly project: string;
    /** Of what is not made from several. */
    readonly source: ApplicationSource;
    readonly sources?: readonly ApplicationSource[];
    readonly destination: { readonly server: string; readonly namespace: string };
  };
  readonly status?: {
    readonly sync?: { readonly status: string };
    readonly health?: { readonly status: string };
    readonly conditions?: unknown;
    readonly operationState?: {
      readonly phase?: string;
      readonly message?: string;
      readonly syncResult?: { readonly resources?: unknown };
    };
  };
}

/** A GitOps repository with the kit, its code repository on the GitHub double, and a control plane with Argo CD's resources. */
export interface GitopsCluster extends Service {
  readonly kube: Kube;
  readonly github: Github;
  /** `acme/gitops`: the kit and two primitives. */
  readonly gitops: DoubleRepository;
  /** `acme/app`. */
  readonly app: DoubleRepository;
  /** `acme/web`: another code repository, whose one primitive is `uisurface-shop-v1`. */
  readonly web: DoubleRepository;
  /** What the kit installed, by path. */
  readonly files: FileTexts;
  /** The text of one of them. */
  installed(path: string): string;
  /** A folder with the files. */
  readonly folder: string;
  /** The credentials of the janitor's service account, as a pod has them. */
  readonly janitorAccount: string;
  /** Starts Argo CD's controllers; they end with the cluster. */
  argocd(): Promise<ArgoCd>;
}

/** Starts it all but Argo CD's controllers. */
export async function startGitopsCluster(): Promise<GitopsCluster> {
  const [kube, github] = await Promise.all([startKube(), startGithub()]);
  const folder = await mkdtemp(join(tmpdir(), 'primitive-gitops-'));
  let argocd: ArgoCd | undefined;
  const stop = stopper(
    () => argocd?.stop(),
    () => kube.stop(),
    () => github.stop(),
    () => rm(folder, { recursive: true, force: true }),
  );
  try {
    const files = await labKit(kitOf(github));
    for (const [path, text] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const token = github.token().value;
    const gitops = await github.create('acme/gitops', {
      files: {
        ...Object.fromEntries(files),
        ...component('domain-orders-v1', 'domain'),
        ...component('process-billing-v1', 'process', 'runtime: operator\n'),
      },
    });
    const app = await github.create('acme/app');
    await kube.define(await readFile(await kyvernoPolicies(), 'utf8'));
    const web = await github.create('acme/web');
    await installArgoCd(kube, { repository: { url: `${github.web}/acme/gitops.git`, token } });
    await kube.apply(
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'preview-github-token', namespace: 'argocd' },
        stringData: { token },
      }),
    );
    await kube.apply(await run(tool('helm'), ['template', 'janitor', join(folder, 'argocd/janitor')]));
    const janitorAccount = join(folder, 'janitor-account');
    await mkdir(janitorAccount);
    const accountToken = await kube.kubectl(['create', 'token', 'preview-janitor', '--namespace=argocd']);
    await writeFile(join(janitorAccount, 'token'), accountToken);
    return {
      kube,
      github,
      gitops,
      app,
      web,
      files,
      installed(path) {
        const text = files.get(path);
        if (text === undefined) throw new Error(`the kit installs no ${path}`);
        return text;
      },
      folder,
      janitorAccount,
      async argocd() {
        argocd ??= await startArgoCd(kube);
        return argocd;
      },
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The kit for settings; what failed is tried again at once, and as often, and fails sooner, so that no test waits for it. */
export async function labKit(text: string): Promise<FileTexts> {
  const files = await renderKit(text, await bundledKit());
  return new Map([...files].map(([path, content]) => [path, hurried(content)]));
}

/** Retries of Argo CD without the time between them, and seconds for what has minutes to get ready. */
export function hurried(text: string): string {
  return text
    .replace(/backoff: \{.*\}/g, 'backoff: { duration: 1s, factor: 1, maxDuration: 2s }')
    .replace(/progressDeadlineSeconds: \d+/g, 'progressDeadlineSeconds: 3');
}

/** The text of its kit.yaml; `more`: settings of previews. */
export function kitOf({ web }: Pick<Github, 'web'>, more = ''): string {
  return `schema: primitive.kit/v1
organisation: acme
registry: ghcr.io/acme
repository: ${web}/acme/gitops.git
branch: main
apiGroup: ${GROUP}
charts: sources/charts
kinds: [domain, process, agent, uisurface, projection, integration]
clusters:
  - { name: main, server: https://kubernetes.default.svc }
lanes:
  - { name: dev, cluster: main, namespace: acme-dev, digest: true, isolation: enforce }
  - { name: staging, cluster: main, namespace: acme-staging, digest: true }
sources:
  - repository: acme/app
    registry: ghcr.io/acme
    trusted:
      - issuer: https://token.actions.githubusercontent.com
        identity: https://github.com/acme/app/.github/workflows/publish.yaml@refs/heads/main
admission: { engine: kyverno }
previews:
  repository: acme/app
  label: preview
  cluster: main
  api: ${web}/
  url: { domain: previews.acme.example }
  others: [{ name: web, repository: acme/web }]
${more}`;
}

/** The custom resource definition of the policies that the kit has for Kyverno. */
async function kyvernoPolicies(): Promise<string> {
  const module = await moduleFolder(tool('go'), 'kyverno');
  return join(module, 'config/crds/policies.kyverno.io/policies.kyverno.io_imagevalidatingpolicies.yaml');
}

/** What the kinds of the lab have to have. */
export const SETTINGS: Readonly<Record<string, object>> = {
  domain: {
    env: { ACCEPT_CALLERS: 'anyone:acme', EVENTS_URL: 'http://projection-orders-v1:8080/v1/events' },
    secrets: { DATABASE_URL: { name: 'orders-database', key: 'url' } },
  },
  uisurface: {
    env: {
      COMMANDS_URL: 'http://domain-orders-v1:8080',
      QUERIES_URL: 'http://projection-orders-v1:8080/v1/',
      ACCEPT_PROXY: 'anyone:acme',
    },
  },
  process: {
    env: { ENGINE_URL: 'http://engine.example', ENGINE_AUTH: 'none', ACCEPT_CALLERS: 'anyone:acme' },
  },
};

/** What the workflow of the kit writes for a primitive, in no lane enabled; and its smoke test, which has no preview. */
export function component(name: string, kind: string, values = '', source?: string): Record<string, string> {
  const image = name.replace(/-v[0-9a-z]+$/, '');
  const folder = `environments/_shared/components/apps/primitives`;
  return {
    [`${folder}/${name}/component.yaml`]: `name: ${name}\narea: apps\nchart: primitive-runtime\nkind: ${kind}\nimage: ${image}\n${source === undefined ? '' : `source: ${source}\n`}`,
    [`${folder}/${name}-smoke/component.yaml`]: `of: ${name}\nname: ${name}-smoke\narea: apps\n`,
    [`sources/values/_shared/apps/${name}.yaml`]: `enabled: false\nkind: ${kind}\n${values}image:\n  ref: ""\n`,
    [`sources/values/_shared/apps/${name}-smoke.yaml`]: 'enabled: false\nimage:\n  ref: ""\n',
    // Databases of previews are thrown away with them.
    [`sources/values/env/preview/apps/${name}.yaml`]: JSON.stringify({ ...SETTINGS[kind], secrets: {} }),
  };
}

/** Arguments of Node that run the janitor without a grace period. */
export function janitorCommand({ folder }: GitopsCluster, ...more: readonly string[]): string[] {
  const script = join(folder, 'argocd/janitor/janitor.mjs');
  return [script, '--organisation=acme', `--group=${GROUP}`, '--grace-seconds=0', ...more];
}

/** Its environment, as in a pod, with the API server or a proxy before it. */
export function janitorEnvironment(
  { kube, janitorAccount }: GitopsCluster,
  { address, caFile }: Pick<Kube, 'address' | 'caFile'> = kube,
) {
  return {
    KUBERNETES_SERVICE_HOST: address.host,
    KUBERNETES_SERVICE_PORT: address.port,
    NODE_EXTRA_CA_CERTS: caFile,
    SERVICE_ACCOUNT_DIR: janitorAccount,
  };
}

/** Runs the janitor once. */
export function runJanitor(lab: GitopsCluster, ...more: readonly string[]): Promise<RunResult> {
  return attempt(process.execPath, janitorCommand(lab, ...more), { env: janitorEnvironment(lab) });
}

/** Calls `look` until it does not throw; then what it returned. Its last error when minutes have passed. */
export async function eventually<T>(look: () => Promise<T>, minutes = 3): Promise<T> {
  const deadline = performance.now() + minutes * 60_000;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(300);
    }
  }
}

/** Sends what GitHub would send for a pull request ("Webhook events and payloads"); the status of the answer. */
export async function sendWebhook(
  { github }: Pick<GitopsCluster, 'github'>,
  app: DoubleRepository,
  { webhook }: ArgoCd,
  secret: string,
  action: 'opened' | 'labeled' | 'unlabeled' | 'synchronize' | 'closed',
  pull: DoublePull,
): Promise<number> {
  const [login, name] = app.name.split('/');
  const body = JSON.stringify({
    action,
    number: pull.number,
    pull_request: { number: pull.number, state: pull.state },
    repository: { name, full_name: app.name, owner: { login }, url: `${github.api}/repos/${app.name}` },
  });
  const response = await fetch(webhook, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'pull_request',
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    },
    body,
  });
  await response.body?.cancel();
  return response.status;
}
