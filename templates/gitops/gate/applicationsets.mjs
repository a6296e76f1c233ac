// What the ApplicationSets of a repository say: Argo CD deploys by them, so the gate renders by them, and refuses those
// that would deploy what it does not judge.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { helmYaml, Refused } from './helm.mjs';

const FOLDER = 'argocd/applicationsets';

/**
 * How components are deployed in each lane and in a preview ({@link previewOf}), and operators (`operators.LANE`): lane -> sources, each with the path of its chart, the
 * name of its release, its values files of which later ones win, and the values after all of them. Undefined where the kit
 * has no ApplicationSets. `kit` are the settings of the same repository.
 */
export async function readDeployments(kit, root = '.') {
  if (!kit.parts.includes('argocd') || !existsSync(join(root, FOLDER))) return undefined;
  const sets = new Map((await readSets(root)).map((set) => [set.metadata?.name, set]));
  const deployments = new Map();
  for (const lane of kit.lanes) {
    const policy = { imagePolicy: { requireDigest: lane.digest, allowed: kit.components.allowed } };
    const place = { project: `${kit.argocd.prefix}-${lane.name}`, namespace: lane.namespace };
    const name = `${kit.argocd.prefix}-components-${lane.name}`;
    deployments.set(lane.name, sourcesOf(sets.get(name), name, place, policy));
    const operators = `${kit.argocd.prefix}-operators-${lane.name}`;
    const theirs = { ...place, project: `${kit.argocd.prefix}-operators` };
    deployments.set(`operators.${lane.name}`, sourcesOf(sets.get(operators), operators, theirs, policy));
  }
  if (kit.parts.includes('previews')) {
    const policy = { imagePolicy: { requireDigest: false, allowed: kit.components.previewAllowed } };
    for (const [source, { namespace }] of Object.entries(kit.components.pulls)) {
      const place = { project: `${kit.argocd.prefix}-previews`, namespace };
      const name = `${kit.argocd.prefix}-preview-components${source === '' ? '' : `-${source}`}`;
      deployments.set(previewOf(source), sourcesOf(sets.get(name), name, place, policy));
    }
  }
  return deployments;
}

/** What previews are called among deployments, by their name among `pulls`. */
export function previewOf(pull = '') {
  return pull === '' ? 'preview' : `preview.${pull}`;
}

/**
 * The code repository of a component, as kit.json has it; that of one without `source` is the first. Undefined for a name that
 * is none. Without `pull` it has no previews.
 */
export function codeOf({ source }, { components: { code } }) {
  if (source === undefined) return code[0] ?? {};
  return code.find(({ names }) => names.includes(source));
}

/** The sources of an ApplicationSet; throws where it would deploy somewhere else, or by another policy, than kit.yaml says. */
function sourcesOf(set, name, { project, namespace }, { imagePolicy }) {
  if (set === undefined) throw new Refused(`${FOLDER}: no ApplicationSet is called ${name}`);
  const { project: own, destination, source, sources = [source] } = set.spec?.template?.spec ?? {};
  const fail = (what, found) => {
    throw new Refused(`${FOLDER}: ${name} has ${JSON.stringify(found)} as \`${what}\``);
  };
  if (own !== project) fail('project', own);
  if (destination?.namespace !== namespace) fail('destination.namespace', destination?.namespace);
  if (!Array.isArray(sources) || sources.some((one) => typeof one?.helm !== 'object'))
    fail('sources', sources);
  return sources.map(({ path, helm }) => {
    const { valueFiles, valuesObject, releaseName, ignoreMissingValueFiles, ...others } = helm;
    if (ignoreMissingValueFiles !== true || Object.keys(others).length > 0) fail('helm', helm);
    const policy = valuesObject?.imagePolicy ?? {};
    const isStrict = policy.requireDigest === true || imagePolicy.requireDigest === policy.requireDigest;
    const isNarrow =
      Array.isArray(policy.allowed) &&
      policy.allowed.length > 0 &&
      policy.allowed.every((one) => imagePolicy.allowed.includes(one));
    if (!isStrict || !isNarrow) fail('helm.valuesObject.imagePolicy', policy);
    if (typeof path !== 'string') fail('path', path);
    if (typeof releaseName !== 'string') fail('helm.releaseName', releaseName);
    if (!Array.isArray(valueFiles) || valueFiles.some((file) => !/^\/[^$]/.test(file)))
      fail('helm.valueFiles', valueFiles);
    return { path, releaseName, valueFiles, valuesObject };
  });
}

/** A source for one component: what is a template there is filled in. Throws for a template that is none of the kit's. */
export function fillSource(source, component) {
  const fill = (value) => {
    if (Array.isArray(value)) return value.map(fill);
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item)]));
    if (typeof value !== 'string') return value;
    return value.replace(/\{\{.*?\}\}/g, (expression) => {
      const [, key] =
        /^\{\{ *(?:\.([a-z_]+)|get \. "([a-z_]+)") *\}\}$/.exec(expression)?.filter(Boolean) ?? [];
      if (key === undefined) throw new Refused(`${FOLDER}: ${expression} cannot be evaluated here`);
      return component[key] ?? '';
    });
  };
  return fill(source);
}

/** All objects in the files of the folder that are ApplicationSets. */
async function readSets(root) {
  const files = readdirSync(join(root, FOLDER)).filter((file) => /\.ya?ml$/.test(file));
  const documents = files
    .sort()
    .flatMap((file) => readFileSync(join(root, FOLDER, file), 'utf8').split(/^---.*$/m));
  // Each as an entry of one list: helm reads no stream of documents.
  const list = documents
    .filter((text) => /^[^#\s]/m.test(text))
    .map((text) => `  -\n${text.replace(/^(?=.)/gm, '    ')}\n`);
  const { objects } = await helmYaml(`objects:\n${list.join('')}`);
  return (objects ?? []).filter(({ kind }) => kind === 'ApplicationSet');
}
