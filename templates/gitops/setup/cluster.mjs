// Looks whether the kit would take over what others have in a cluster: `node .github/primitive/cluster.mjs [CONTEXT]`, with
// the login of kubectl for a context; default: the current one. Reads alone. Fails where a name is taken. Run it before
// argocd/bootstrap.yaml is applied for the first time, and before a lane is added, once for each cluster.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const { kit, argocd, parts = [] } = JSON.parse(readFileSync('.github/primitive/kit.json', 'utf8'));
const [context] = process.argv.slice(2);

/** Objects of a kind, in a namespace or everywhere; none where the cluster does not have the kind. */
function list(kind, namespace) {
  const at = context === undefined ? [] : [`--context=${context}`];
  const where = namespace === undefined ? [] : ['--namespace', namespace];
  try {
    const args = [...at, 'get', kind, ...where, '--output=json'];
    const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 256 * 1024 * 1024 };
    return JSON.parse(execFileSync('kubectl', args, options)).items;
  } catch (error) {
    const text = (error.stderr || error.message).trim();
    if (/the server doesn't have a resource type/.test(text)) return [];
    throw new Error(error.code === 'ENOENT' ? 'kubectl is not on PATH' : text);
  }
}

/** The Application that Argo CD keeps an object for; empty where it keeps it for none. */
function ownerOf({ metadata: { annotations, labels } }) {
  const tracked = annotations?.['argocd.argoproj.io/tracking-id']?.split(':')[0];
  return tracked ?? labels?.['app.kubernetes.io/instance'] ?? '';
}

/** Names that are taken, as texts. */
function taken() {
  const { namespace, prefix } = argocd;
  const lanes = kit.lanes.map(({ name }) => name);
  const of = (...ends) => ends.map((end) => `${prefix}-${end}`);
  const kitNames = of('kit');
  const applications = list('applications.argoproj.io', namespace);
  const bootstrap = applications.find(({ metadata }) => kitNames.includes(metadata.name));
  const isOurs = JSON.stringify(bootstrap?.spec ?? '').includes(JSON.stringify(kit.repository));
  const isKept = (object) => isOurs && [...kitNames, ''].includes(ownerOf(object));
  const isMade = ({ metadata: { ownerReferences = [] } }) =>
    isOurs &&
    ownerReferences.some(({ kind, name }) => kind === 'ApplicationSet' && name.startsWith(`${prefix}-`));
  const clusters = kit.clusters.map(({ name }) => `kit.${name}`);
  const projects = of(
    ...[...lanes, ...clusters, 'kit', 'lane-namespaces', 'operators', 'admission'],
    ...['previews', 'preview-namespaces'],
  );
  const perLane = ['components', 'operators', 'namespace', 'admission'];
  const sets = of(
    'admission-previews',
    ...['', ...(kit.previews?.others ?? []).map(({ name }) => `-${name}`)].flatMap((source) => [
      `preview-components${source}`,
      `preview-namespaces${source}`,
    ]),
    ...lanes.flatMap((lane) => perLane.map((what) => `${what}-${lane}`)),
  );
  const isLanes = (name) =>
    lanes.some((lane) => name.startsWith(`${lane}-`) || perLane.some((what) => name === `${what}.${lane}`)) ||
    name === 'admission.previews';
  const shown = (kind, objects) => objects.map(({ metadata }) => `${kind} ${metadata.name} in ${namespace}`);
  const policies = new Map([...lanes, 'previews'].map((lane) => [`${prefix}-${lane}`, `admission.${lane}`]));
  const admission = parts.includes('admission') ? list('imagevalidatingpolicies.policies.kyverno.io') : [];
  const namespaces = new Map(kit.lanes.map((lane) => [lane.namespace, `namespace.${lane.name}`]));
  return [
    ...shown(
      'AppProject',
      list('appprojects.argoproj.io', namespace).filter(
        (object) => projects.includes(object.metadata.name) && !isKept(object),
      ),
    ),
    ...shown(
      'ApplicationSet',
      list('applicationsets.argoproj.io', namespace).filter(
        (object) => sets.includes(object.metadata.name) && !isKept(object),
      ),
    ),
    ...shown(
      'Application',
      applications.filter(
        (object) =>
          (kitNames.includes(object.metadata.name) && !isOurs) ||
          (isLanes(object.metadata.name) && !isMade(object)),
      ),
    ),
    ...list('namespaces')
      .filter(({ metadata }) => namespaces.has(metadata.name))
      .filter((object) => ownerOf(object) !== namespaces.get(object.metadata.name))
      .map(({ metadata }) => `Namespace ${metadata.name}`),
    ...admission
      .filter(({ metadata }) => policies.has(metadata.name))
      .filter((object) => ownerOf(object) !== policies.get(object.metadata.name))
      .map(({ metadata }) => `ImageValidatingPolicy ${metadata.name}`),
  ];
}

try {
  const names = taken();
  for (const name of names) console.log(`taken  ${name}`);
  if (names.length === 0) console.log('No name of the kit is taken.');
  else {
    console.log(
      '\nOthers have these. Give the kit a `prefix` of its own in `argocd` of kit.yaml, or lanes other names and namespaces.',
    );
    process.exitCode = 1;
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 3;
}
