import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tool } from '../../tools/locate.ts';
import { freePorts } from './ports.ts';
import { attempt, type RunResult, run } from './run.ts';
import { inFolder, removeFolder, type Service, startProgram, stopper, untilReady } from './service.ts';

/**
 * A Kubernetes API server and its etcd on loopback. Nothing runs pods, collects garbage or ends namespaces: an object is
 * deleted once it has no finalizer, and a namespace that was deleted stays `Terminating`.
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
  /** Server-side apply of YAML documents, all of whose fields must be known. */
  apply(manifests: string): Promise<string>;
  /** Applies custom resource definitions, and waits until the server serves all that it has. */
  define(manifests: string): Promise<void>;
  /** Objects as `kubectl get -o json` gives them, such as `get('namespaces', '-l', 'a=b')`. */
  get<T>(...args: readonly string[]): Promise<readonly T[]>;
}

const TOKEN = 'administrator';

/** Starts both with empty storage. */
export function startKube(): Promise<Kube> {
  return inFolder('kube', async (folder) => {
    const [client, peer, port] = await freePorts(3);
    const etcdUrl = `http://127.0.0.1:${client}`;
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
        '--service-account-issuer=https://kubernetes.default.svc',
        `--token-auth-file=${tokens}`,
        '--authorization-mode=RBAC',
        '--service-cluster-ip-range=10.0.0.0/24',
        // It would wait for a controller that makes a service account in each namespace.
        '--disable-admission-plugins=ServiceAccount',
      ],
      { folder },
    );
    const stop = stopper(
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
    const isServed = async () => {
      const wait = ['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all'];
      // Fails at once for a definition that has no condition yet.
      return (await attemptKubectl(wait)).code === 0;
    };
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
    return {
      address: { host: '127.0.0.1', port: String(port) },
      caFile,
      kubeconfig,
      attempt: attemptKubectl,
      kubectl,
      apply: (manifests) => kubectl(APPLY, manifests),
      async define(manifests) {
        await kubectl(APPLY, manifests);
        await untilReady(server, isServed);
      },
      get: async <T>(...args: readonly string[]) =>
        (JSON.parse(await kubectl(['get', ...args, '-o', 'json'])) as { items: T[] }).items,
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
