import { posix } from 'node:path';
import { readJson } from '../../core/json.ts';
import { isTest } from '../../languages/all.ts';
import type { Scan } from './rule.ts';
import type { DeploymentFile } from './subjects.ts';

/** Files that are something by their name. */
const NAMES: Readonly<Record<string, string>> = {
  'Chart.yaml': 'Helm chart',
  'Chart.yml': 'Helm chart',
  'helmfile.yaml': 'Helmfile',
  'kustomization.yaml': 'Kustomization',
  'kustomization.yml': 'Kustomization',
  Kustomization: 'Kustomization',
};

/** Files that look like objects and are settings of a program: a catalog entry, the config of a test cluster. */
const CONFIGS =
  /^(?:backstage\.io|kind\.x-k8s\.io|k3d\.io|kubeadm\.k8s\.io|audit\.k8s\.io|(?:apiserver|kubelet|kubeproxy|kubescheduler)\.config\.k8s\.io)\//;

/** YAML and JSON, and templates of them. */
const OBJECTS = /\.(?:ya?ml|json)(?:\.(?:tmpl|tpl|gotmpl|j2|erb))?$/i;
const API = /^["']?apiVersion["']?\s*:\s*["']?([^\s"'#,]+)/m;
const KIND = /^["']?kind["']?\s*:\s*["']?([^\s"'#,]+)/m;

/** Finds charts by their names, and objects of Kubernetes by `apiVersion` and `kind`. */
export const deploymentScan: Scan<'deploymentFile'> = {
  subject: 'deploymentFile',
  version: 4,
  applies: (path) => OBJECTS.test(path) || Object.hasOwn(NAMES, posix.basename(path)),
  scan({ path, text = '' }) {
    const name = posix.basename(path);
    if (Object.hasOwn(NAMES, name)) return [{ line: 1, what: NAMES[name] ?? '' }];
    // In JSON, what tests compare with is mostly an answer of an API.
    if (/^\s*\{(?!\{)/.test(text)) return isTest(path) ? [] : objectOf(readJson(text));
    let line = 1;
    return text.split(/^---.*$/m).flatMap((document) => {
      const api = API.exec(document);
      const [, kind] = KIND.exec(document) ?? [];
      const start = line;
      line += document.split('\n').length - 1;
      if (api?.[1] === undefined || kind === undefined || CONFIGS.test(api[1])) return [];
      return [{ line: start + document.slice(0, api.index).split('\n').length - 1, what: kind }];
    });
  },
};

/** An object in JSON. */
function objectOf({ apiVersion, kind }: Readonly<Record<string, unknown>>): readonly DeploymentFile[] {
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || CONFIGS.test(apiVersion)) return [];
  return [{ line: 1, what: kind }];
}
