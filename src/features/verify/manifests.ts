import { posix } from 'node:path';
import type { Scan } from './rule.ts';

/** Files that are something by their name. */
const NAMES: Readonly<Record<string, string>> = {
  'Chart.yaml': 'Helm chart',
  'Chart.yml': 'Helm chart',
  'helmfile.yaml': 'Helmfile',
  'kustomization.yaml': 'Kustomization',
  'kustomization.yml': 'Kustomization',
};

/** Files that look like objects and are settings of a program: a catalog entry, the config of a test cluster. */
const CONFIGS =
  /^(?:backstage\.io|kind\.x-k8s\.io|k3d\.io|kubeadm\.k8s\.io|audit\.k8s\.io|(?:apiserver|kubelet|kubeproxy|kubescheduler)\.config\.k8s\.io)\//;

/** Finds charts by their names, and objects of Kubernetes by `apiVersion` and `kind`. */
export const deploymentScan: Scan<'deploymentFile'> = {
  subject: 'deploymentFile',
  version: 3,
  applies: (path) => /\.ya?ml$/.test(path),
  scan({ path, text = '' }) {
    const name = posix.basename(path);
    if (Object.hasOwn(NAMES, name)) return [{ line: 1, what: NAMES[name] ?? '' }];
    let line = 1;
    return text.split(/^---.*$/m).flatMap((document) => {
      const api = /^apiVersion:\s*["']?([^\s"'#]+)/m.exec(document);
      const [, kind] = /^kind:\s*["']?([^\s"'#]+)/m.exec(document) ?? [];
      const start = line;
      line += document.split('\n').length - 1;
      if (api?.[1] === undefined || kind === undefined || CONFIGS.test(api[1])) return [];
      return [{ line: start + document.slice(0, api.index).split('\n').length - 1, what: kind }];
    });
  },
};
