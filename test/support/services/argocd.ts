import { mkdir, readFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { moduleFolder } from '../../tools/go.ts';
import { tool } from '../../tools/locate.ts';
import type { Kube } from './kube.ts';
import { freePorts } from './ports.ts';
import {
  answers,
  inFolder,
  type Program,
  removeFolder,
  type Service,
  startProgram,
  stopper,
  untilReady,
} from './service.ts';

/** Argo CD's controllers for applications and ApplicationSets, with its repository server and a Redis. */
export interface ArgoCd extends Service {
  /** Where GitHub would send webhooks: `http://127.0.0.1:PORT/api/webhook`. */
  readonly webhook: string;
  /** Secret that webhooks are signed with. */
  readonly webhookSecret: string;
  /** Log of the ApplicationSet controller. */
  readonly logFile: string;
}

export interface ArgoCdOptions {
  /** A git repository over HTTP, and the token that reads it. */
  readonly repository: { readonly url: string; readonly token: string };
  /** Default: argocd. */
  readonly namespace?: string;
}

const WEBHOOK_SECRET = 'webhook-secret';

/**
 * The program of Argo CD, and its folder of custom resources. `PRIMITIVE_ARGOCD` is a checkout of another version than the
 * pinned one, with `dist/argocd` built from it: its module cannot be built alone, as its `go.mod` names folders beside it. A
 * `dist/helm` beside it comes before the pinned one on its PATH, as do the scripts that its image has.
 */
async function findArgoCd(): Promise<{
  readonly program: string;
  readonly crds: string;
  readonly folders: readonly string[];
}> {
  const checkout = process.env.PRIMITIVE_ARGOCD;
  if (checkout) {
    const dist = join(checkout, 'dist');
    const folders = [dist, join(checkout, 'hack')];
    return { program: join(dist, 'argocd'), crds: join(checkout, 'manifests/crds'), folders };
  }
  // The binary does not hold them, the module does.
  const program = tool('argocd');
  const crds = join(await moduleFolder(tool('go'), 'argocd'), 'manifests/crds');
  return { program, crds, folders: [dirname(program)] };
}

/** Installs the custom resources of Argo CD and what its controllers want to find in their namespace. */
export async function installArgoCd(
  kube: Kube,
  { repository, namespace = 'argocd' }: ArgoCdOptions,
): Promise<void> {
  const { crds } = await findArgoCd();
  const names = ['application-crd.yaml', 'applicationset-crd.yaml', 'appproject-crd.yaml'];
  const texts = names.map((file) => readFile(join(crds, file), 'utf8'));
  await kube.define((await Promise.all(texts)).join('\n---\n'));
  const labels = { 'app.kubernetes.io/part-of': 'argocd' };
  const objects = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'argocd-cm', namespace, labels },
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'argocd-secret', namespace, labels },
      stringData: { 'server.secretkey': 'only-for-tests', 'webhook.github.secret': WEBHOOK_SECRET },
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'repository',
        namespace,
        labels: { 'argocd.argoproj.io/secret-type': 'repository' },
      },
      stringData: { type: 'git', url: repository.url, username: 'git', password: repository.token },
    },
  ];
  await kube.apply(objects.map((object) => JSON.stringify(object)).join('\n---\n'));
}

/** Starts the controllers on a server that has had {@link installArgoCd}; `caFile`: an authority that they trust besides. */
export function startArgoCd(
  kube: Kube,
  { caFile, namespace = 'argocd' }: { readonly caFile?: string; readonly namespace?: string } = {},
): Promise<ArgoCd> {
  return inFolder('argocd', async (folder) => {
    const { program: argocd, folders } = await findArgoCd();
    const [redisPort, repoPort, repoMetrics, setMetrics, setProbe, setWebhook, appMetrics] =
      await freePorts(7);
    const redis = `127.0.0.1:${redisPort}`;
    const repoServer = `127.0.0.1:${repoPort}`;
    await mkdir(join(folder, 'tmp'));
    const programs: Program[] = [];
    const stop = stopper(...[0, 1, 2, 3].map((index) => () => programs[3 - index]?.stop()), () =>
      removeFolder(folder),
    );
    /** One binary; a variable says which of Argo CD's programs it is. */
    const start = (name: string, args: readonly string[]) => {
      const program = startProgram(argocd, args, {
        folder,
        name,
        env: {
          ARGOCD_BINARY_NAME: `argocd-${name}`,
          ARGOCD_FAKE_IN_CLUSTER: 'true',
          ARGOCD_GPG_ENABLED: 'false',
          ARGOCD_ASK_PASS_SOCK: join(folder, 'ask-pass.sock'),
          ARGOCD_TLS_DATA_PATH: folder,
          ARGOCD_SSH_DATA_PATH: folder,
          KUBECONFIG: kube.kubeconfig,
          ...(caFile !== undefined && { SSL_CERT_FILE: caFile, GIT_SSL_CAINFO: caFile }),
          HOME: folder,
          TMPDIR: join(folder, 'tmp'),
          PATH: [...folders, dirname(tool('helm')), process.env.PATH ?? ''].join(delimiter),
        },
      });
      programs.push(program);
      return program;
    };
    try {
      const store = ['--save', '', '--appendonly', 'no', '--dir', folder];
      programs.push(
        startProgram(tool('redis'), ['--bind', '127.0.0.1', '--port', `${redisPort}`, ...store], { folder }),
      );
      const repository = start('repo-server', [
        '--address=127.0.0.1',
        `--port=${repoPort}`,
        '--metrics-address=127.0.0.1',
        `--metrics-port=${repoMetrics}`,
        `--redis=${redis}`,
      ]);
      await untilReady(repository, () => answers(`http://127.0.0.1:${repoMetrics}/healthz`));
      const sets = start('applicationset-controller', [
        `--namespace=${namespace}`,
        `--metrics-addr=127.0.0.1:${setMetrics}`,
        `--probe-addr=127.0.0.1:${setProbe}`,
        `--webhook-addr=127.0.0.1:${setWebhook}`,
        `--argocd-repo-server=${repoServer}`,
      ]);
      const applications = start('application-controller', [
        `--namespace=${namespace}`,
        `--metrics-port=${appMetrics}`,
        `--repo-server=${repoServer}`,
        `--redis=${redis}`,
      ]);
      const webhook = `http://127.0.0.1:${setWebhook}/api/webhook`;
      await untilReady(sets, () => answers(webhook, [400, 405]));
      await untilReady(applications, () => answers(`http://127.0.0.1:${appMetrics}/healthz`));
      return {
        webhook,
        webhookSecret: WEBHOOK_SECRET,
        logFile: sets.logFile,
        stop,
        [Symbol.asyncDispose]: stop,
      };
    } catch (error) {
      await stop();
      throw error;
    }
  });
}
