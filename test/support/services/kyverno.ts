import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { tool } from '../../tools/locate.ts';
import type { Kube } from './kube.ts';
import type { KubeManifest } from './kube-client.ts';
import { freePorts } from './ports.ts';
import { run } from './run.ts';
import {
  inFolder,
  type Program,
  removeFolder,
  type Service,
  startProgram,
  stopper,
  untilReady,
} from './service.ts';

/** Kyverno's admission controller, which the API server asks about all requests, and its reports controller. */
export interface Kyverno extends Service {
  /** Log of the admission controller. */
  readonly logFile: string;
  /** Ends the admission controller alone: the API server goes on to ask it. */
  fail(): Promise<void>;
}

const NAMESPACE = 'kyverno';

/** Names that its chart gives to the service accounts, of a release that is called like the namespace. */
const ACCOUNTS = { admission: 'kyverno-admission-controller', reports: 'kyverno-reports-controller' };

/**
 * Starts both beside an API server, with the service accounts, rights and configuration that Kyverno's own chart gives them.
 * `PRIMITIVE_KYVERNO` is a checkout of Kyverno, with `dist/kyverno` and `dist/reports-controller` built from it; without it
 * this throws.
 */
export function startKyverno(kube: Kube): Promise<Kyverno> {
  const checkout = process.env.PRIMITIVE_KYVERNO;
  if (!checkout) throw new Error('PRIMITIVE_KYVERNO is not set: see Tests in CONTRIBUTING.md');
  return inFolder('kyverno', async (folder) => {
    await define(kube, checkout);
    await kube.apply(
      (await ofChart(checkout, folder)).map((object) => JSON.stringify(object)).join('\n---\n'),
    );
    const [port, metrics, reportMetrics] = await freePorts(3);
    const env = {
      HOME: folder,
      TMPDIR: join(folder, 'tmp'),
      TUF_ROOT: join(folder, 'tuf'),
      KYVERNO_NAMESPACE: NAMESPACE,
      KYVERNO_SERVICEACCOUNT_NAME: ACCOUNTS.admission,
      KYVERNO_ROLE_NAME: 'kyverno:admission-controller',
      KYVERNO_DEPLOYMENT: ACCOUNTS.admission,
      INIT_CONFIG: 'kyverno',
      METRICS_CONFIG: 'kyverno-metrics',
    };
    await mkdir(env.TMPDIR);
    const common = async (account: string) => [
      `--kubeconfig=${await kubeconfigOf(kube, account, folder)}`,
      '--metricsHost=127.0.0.1',
      '--disableLogColor',
    ];
    const programs: Program[] = [];
    const stop = stopper(
      () => Promise.all(programs.map((program) => program.stop())),
      () => removeFolder(folder),
    );
    try {
      // The roles of the chart are made of others by this one.
      programs.push(
        startProgram(
          tool('kube-controller-manager'),
          [
            ...[`--kubeconfig=${kube.kubeconfig}`, '--leader-elect=false', '--secure-port=0'],
            ...[`--cert-dir=${folder}`, '--controllers=clusterrole-aggregation-controller'],
          ],
          { folder },
        ),
      );
      const admission = startProgram(
        join(checkout, 'dist/kyverno'),
        [
          ...(await common(ACCOUNTS.admission)),
          ...[`--metricsPort=${metrics}`, '--controllerRuntimeMetricsAddress=0'],
          // It makes both.
          ...['--caSecretName=kyverno-ca', '--tlsSecretName=kyverno-tls'],
          // Where it is for the API server, and where it listens.
          ...[`--serverIP=127.0.0.1:${port}`, '--webhookServerHost=127.0.0.1', `--webhookServerPort=${port}`],
        ],
        { folder, env: { ...env, KYVERNO_POD_NAME: 'admission' } },
      );
      programs.push(admission);
      const reports = startProgram(
        join(checkout, 'dist/reports-controller'),
        [...(await common(ACCOUNTS.reports)), `--metricsPort=${reportMetrics}`],
        { folder, env: { ...env, KYVERNO_POD_NAME: 'reports' } },
      );
      programs.push(reports);
      await untilReady(admission, () => isReady(port));
      return {
        logFile: admission.logFile,
        fail: () => admission.stop(),
        stop,
        [Symbol.asyncDispose]: stop,
      };
    } catch (error) {
      await stop();
      throw error;
    }
  });
}

/** As a kubelet asks it, which does not look at the certificate either. */
function isReady(port: number | undefined): Promise<boolean> {
  const options = { host: '127.0.0.1', port, path: '/health/readiness', rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    get(options, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    }).on('error', reject);
  });
}

/** Its custom resources. */
async function define(kube: Kube, checkout: string): Promise<void> {
  const crds = join(checkout, 'config/crds');
  const folders = ['kyverno', 'policies.kyverno.io', 'policyreport', 'reports'].map((name) =>
    join(crds, name),
  );
  const files = await Promise.all(
    folders.map(async (folder) => (await readdir(folder)).map((name) => join(folder, name))),
  );
  const texts = await Promise.all(files.flat().map((file) => readFile(file, 'utf8')));
  await kube.define(texts.join('\n---\n'));
  await kube.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }));
}

/** Accounts, rights and configuration that its chart gives it by default. */
async function ofChart(checkout: string, folder: string): Promise<readonly KubeManifest[]> {
  const chart = join(folder, 'chart');
  await cp(join(checkout, 'charts/kyverno'), chart, { recursive: true });
  // Of other charts are custom resources alone, some of which a checkout does not have.
  await rm(join(chart, 'charts'), { recursive: true });
  const file = join(chart, 'Chart.yaml');
  const { dependencies: _, ...own } = parse(await readFile(file, 'utf8'));
  await writeFile(file, stringify(own));
  const flags = ['--namespace', NAMESPACE, '--kube-version', 'v1.34.1', '--no-hooks'];
  const text = await run(tool('helm'), ['template', NAMESPACE, chart, ...flags]);
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubeManifest | null)
    .filter((object) => object !== null)
    .filter(({ kind }) => /^(ServiceAccount|(Cluster)?Role(Binding)?|ConfigMap)$/.test(kind));
}

/** The file by which a program is one of its accounts, as in a pod. */
async function kubeconfigOf(kube: Kube, account: string, folder: string): Promise<string> {
  const config = JSON.parse(await readFile(kube.kubeconfig, 'utf8'));
  const token = await kube.kubectl(['create', 'token', account, '-n', NAMESPACE, '--duration=24h']);
  config.users[0].user = { token: token.trim() };
  const file = join(folder, `${account}.json`);
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}
