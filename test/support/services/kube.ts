import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { tool } from '../../tools/locate.ts';
import { createKubeClient, type KubeManifest } from './kube-client.ts';
import { freePorts } from './ports.ts';
import { attempt, type RunResult, run } from './run.ts';
import {
  inFolder,
  type Program,
  removeFolder,
  type Service,
  startProgram,
  stopper,
  untilReady,
} from './service.ts';

/**
 * A Kubernetes API server and its etcd on loopback. Without controllers nothing runs pods, collects garbage or ends
 * namespaces: an object is deleted once it has no finalizer, and a namespace that was deleted stays `Terminating`.
 */
export interface Kube extends Service {
  /** `127.0.0.1` and the port, as pods get them. */
  readonly address: { readonly host: string; readonly port: string };
  /** Certificate that the server is trusted by. */
  readonly caFile: string;
  /** Of an administrator. */
  readonly kubeconfig: string;
  /** Runs kubectl as administrator, whatever its exit code. */
  attempt(args: readonly string[], input?: string): Promise<RunResult>;
  /** Runs kubectl as administrator; a failure is an error. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** Server-side apply of YAML documents, all of whose fields must be known; throws what the server says. */
  apply(manifests: string, options?: { readonly dryRun?: boolean }): Promise<void>;
  /** Applies custom resource definitions, and waits until the server serves all that it has. */
  define(manifests: string): Promise<void>;
  /** Changes the status of an object, as its controller would. */
  setStatus(object: KubeManifest, status: object): Promise<void>;
  /** Changes the finalizers of an object, as a controller does that has done its part. */
  setFinalizers(object: KubeManifest, finalizers: readonly string[]): Promise<void>;
  /** Objects of a path of the API, such as `api/v1/namespaces?labelSelector=a`. */
  get<T>(path: string): Promise<readonly T[]>;
}

export interface KubeOptions {
  /**
   * The issuer of the tokens of service accounts has the address of the server, and its keys; otherwise the name that it has
   * in a cluster.
   */
  readonly publishes?: boolean;
  /** For a cluster with a node: the address that its pods reach the API server by. Its controllers and scheduler run. */
  readonly advertise?: string;
}

const TOKEN = 'administrator';

/** A custom resource definition, as far as it says whether it is served. */
interface Definition {
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** Starts both with empty storage. */
export function startKube({ publishes = false, advertise }: KubeOptions = {}): Promise<Kube> {
  return inFolder('kube', async (folder) => {
    const [etcdPort, peer, port] = await freePorts(3);
    const etcdUrl = `http://127.0.0.1:${etcdPort}`;
    const etcd = startProgram(
      tool('etcd'),
      [
        `--data-dir=${join(folder, 'etcd')}`,
        `--listen-client-urls=${etcdUrl}`,
        `--advertise-client-urls=${etcdUrl}`,
        `--listen-peer-urls=http://127.0.0.1:${peer}`,
        // What is kept safe from a power failure here is lost with the folder anyway.
        '--unsafe-no-fsync',
      ],
      { folder },
    );
    const certificates = join(folder, 'certificates');
    const accountKey = join(folder, 'accounts.key');
    const tokens = join(folder, 'tokens.csv');
    await mkdir(certificates);
    await run(tool('openssl'), ['genrsa', '-out', accountKey, '2048']);
    await writeFile(tokens, `${TOKEN},admin,1,"system:masters"\n`);
    const server = startProgram(
      tool('kube-apiserver'),
      [
        `--etcd-servers=${etcdUrl}`,
        `--cert-dir=${certificates}`,
        '--bind-address=127.0.0.1',
        `--secure-port=${port}`,
        `--service-account-key-file=${accountKey}`,
        `--service-account-signing-key-file=${accountKey}`,
        `--service-account-issuer=${publishes ? `https://127.0.0.1:${port}` : 'https://kubernetes.default.svc'}`,
        ...(publishes ? [`--service-account-jwks-uri=https://127.0.0.1:${port}/openid/v1/jwks`] : []),
        `--token-auth-file=${tokens}`,
        '--authorization-mode=RBAC',
        '--service-cluster-ip-range=10.0.0.0/24',
        // Nothing of this machine leads to a kubelet.
        '--kubelet-preferred-address-types=ExternalDNS',
        advertise === undefined
          ? // It would wait for a controller that makes a service account in each namespace.
            '--disable-admission-plugins=ServiceAccount'
          : `--advertise-address=${advertise}`,
      ],
      { folder },
    );
    const controllers: Program[] = [];
    const stop = stopper(
      () => Promise.all(controllers.map((program) => program.stop())),
      () => server.stop(),
      () => etcd.stop(),
      () => removeFolder(folder),
    );
    const caFile = join(certificates, 'apiserver.crt');
    // Where a program looks for it that believes to be in the cluster's home folder.
    const kubeconfig = join(folder, '.kube/config');
    await mkdir(dirname(kubeconfig));
    const attemptKubectl = (args: readonly string[], input?: string) =>
      attempt(tool('kubectl'), ['--cache-dir', join(folder, 'cache'), ...args], {
        env: { KUBECONFIG: kubeconfig },
        ...(input === undefined ? {} : { input }),
      });
    const kubectl = async (args: readonly string[], input?: string) => {
      const { code, stdout, stderr } = await attemptKubectl(args, input);
      if (code !== 0) throw new Error(`kubectl ${args.join(' ')}\n${stderr}${stdout}`);
      return stdout;
    };
    try {
      await untilReady(server, async () => {
        await writeFile(kubeconfig, configOf(port, await readFile(caFile)), { mode: 0o600 });
        return (await attemptKubectl(['get', '--raw', '/readyz'])).code === 0;
      });
    } catch (error) {
      await etcd.stop();
      throw error;
    }
    if (advertise !== undefined) {
      const common = [`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--secure-port=0'];
      const accounts = [`--service-account-private-key-file=${accountKey}`, `--root-ca-file=${caFile}`];
      const manager = tool('kube-controller-manager');
      controllers.push(
        startProgram(manager, [...common, ...accounts, `--cert-dir=${certificates}`], { folder }),
        startProgram(tool('kube-scheduler'), [...common, `--cert-dir=${certificates}`], { folder }),
      );
    }
    const address = { host: '127.0.0.1', port: String(port) };
    const client = createKubeClient({ address, ca: await readFile(caFile), token: TOKEN });
    const apply: Kube['apply'] = async (manifests, options) => {
      for (const document of parseAllDocuments(manifests)) {
        const object = document.toJS();
        // A template that is empty for its values leaves an empty document.
        if (object !== null) await client.apply(object, options);
      }
    };
    const isServed = async () => {
      const definitions = await client.list<Definition>(
        'apis/apiextensions.k8s.io/v1/customresourcedefinitions',
      );
      return definitions.every(({ status }) =>
        status.conditions?.some(
          (condition) => condition.type === 'Established' && condition.status === 'True',
        ),
      );
    };
    return {
      address,
      caFile,
      kubeconfig,
      attempt: attemptKubectl,
      kubectl,
      apply,
      async define(manifests) {
        await apply(manifests);
        await untilReady(server, isServed);
      },
      setStatus: client.setStatus,
      setFinalizers: client.setFinalizers,
      get: client.list,
      stop,
      [Symbol.asyncDispose]: stop,
    };
  });
}

/** Arguments of `kubectl` for a server-side apply from standard input. */
export const APPLY: readonly string[] = [
  'apply',
  '--server-side',
  '--force-conflicts',
  '--validate=strict',
  '-f',
  '-',
];

function configOf(port: number | undefined, authority: Buffer): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'lab',
        cluster: {
          server: `https://127.0.0.1:${port}`,
          'certificate-authority-data': authority.toString('base64'),
        },
      },
    ],
    users: [{ name: 'admin', user: { token: TOKEN } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'admin' } }],
    'current-context': 'lab',
  });
}
