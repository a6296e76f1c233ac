import { mkdir, readdir, readFile } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import type { Kube } from './kube.ts';
import { freePorts } from './ports.ts';
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
/**
 * Starts both beside an API server, whose administrator they are. `PRIMITIVE_KYVERNO` is a checkout of Kyverno, with
 * `dist/kyverno` and `dist/reports-controller` built from it; without it this throws.
 */
export function startKyverno(kube: Kube): Promise<Kyverno> {
  const checkout = process.env.PRIMITIVE_KYVERNO;
  if (!checkout) throw new Error('PRIMITIVE_KYVERNO is not set: see Tests in CONTRIBUTING.md');
  return inFolder('kyverno', async (folder) => {
    await install(kube, checkout);
    const [port, metrics, reportMetrics] = await freePorts(3);
    const env = {
      HOME: folder,
      TMPDIR: join(folder, 'tmp'),
      TUF_ROOT: join(folder, 'tuf'),
      KYVERNO_NAMESPACE: NAMESPACE,
      KYVERNO_SERVICEACCOUNT_NAME: 'kyverno',
      KYVERNO_DEPLOYMENT: 'kyverno',
      INIT_CONFIG: 'kyverno',
      METRICS_CONFIG: 'kyverno-metrics',
    };
    await mkdir(env.TMPDIR);
    const common = [`--kubeconfig=${kube.kubeconfig}`, '--metricsHost=127.0.0.1', '--disableLogColor'];
    const programs: Program[] = [];
    const stop = stopper(
      () => Promise.all(programs.map((program) => program.stop())),
      () => removeFolder(folder),
    );
    try {
      const admission = startProgram(
        join(checkout, 'dist/kyverno'),
        [
          ...[...common, `--metricsPort=${metrics}`, '--controllerRuntimeMetricsAddress=0'],
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
        [...common, `--metricsPort=${reportMetrics}`],
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

/** Its custom resources, and what it wants to find in its namespace. */
async function install(kube: Kube, checkout: string): Promise<void> {
  const crds = join(checkout, 'config/crds');
  const folders = ['kyverno', 'policies.kyverno.io', 'policyreport', 'reports'].map((name) =>
    join(crds, name),
  );
  const files = await Promise.all(
    folders.map(async (folder) => (await readdir(folder)).map((name) => join(folder, name))),
  );
  const texts = await Promise.all(files.flat().map((file) => readFile(file, 'utf8')));
  await kube.define(texts.join('\n---\n'));
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } };
  const configs = ['kyverno', 'kyverno-metrics'].map((name) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: NAMESPACE },
  }));
  await kube.apply([namespace, ...configs].map((object) => JSON.stringify(object)).join('\n---\n'));
}
