// Deletes the namespaces of previews that no Argo CD Application uses any more.
//
// A namespace is deleted only when it has both labels of a preview and the name that goes with them, no Application has
// it as its destination or owns anything in it, and it was like that for the whole grace period: the first run marks it,
// a later one deletes. Nothing is deleted in a run that could not read all Applications.
//
// usage: node janitor.mjs --organisation=acme --group=primitives.acme.internal [--cluster=FOLDER] [--grace-seconds=600]
//        [--dry-run]
// `cluster` has the files `server`, `token` and `ca.crt` of the cluster that previews are in; default: that of Argo CD.
import { existsSync, readFileSync } from 'node:fs';
import { request as send } from 'node:https';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { parseArgs } from 'node:util';

const MANAGED_BY = 'primitive-previews';

const { values: args } = parseArgs({
  options: {
    organisation: { type: 'string' },
    group: { type: 'string' },
    cluster: { type: 'string' },
    'grace-seconds': { type: 'string', default: '600' },
    'dry-run': { type: 'boolean', default: false },
  },
});
const grace = Number(args['grace-seconds']);
if (!args.organisation || !args.group || !Number.isInteger(grace) || grace < 0) {
  console.error('--organisation and --group are required, --grace-seconds is a whole number');
  process.exit(2);
}
const NUMBER_LABEL = `${args.group}/pull-request`;
const SOURCE_LABEL = `${args.group}/source`;
const UNUSED_SINCE = `${args.group}/unused-since`;

/** Where Applications are: its certificate is trusted through NODE_EXTRA_CA_CERTS. */
const argocd = {
  folder: process.env.SERVICE_ACCOUNT_DIR ?? '/var/run/secrets/kubernetes.io/serviceaccount',
  server: `https://${process.env.KUBERNETES_SERVICE_HOST}:${process.env.KUBERNETES_SERVICE_PORT}`,
};
/** Where the namespaces of previews are. */
const previews = args.cluster === undefined ? argocd : { folder: args.cluster };

/** One request to an API server. */
async function request(method, path, { cluster = previews, body, type = 'application/json' } = {}) {
  const read = (name) => readFileSync(join(cluster.folder, name), 'utf8').trim();
  const payload = body && JSON.stringify(body);
  const headers = { authorization: `Bearer ${read('token')}`, 'content-type': type };
  if (payload) headers['content-length'] = Buffer.byteLength(payload);
  const own = cluster !== argocd && existsSync(join(cluster.folder, 'ca.crt'));
  const response = await new Promise((resolve, reject) =>
    send(`${cluster.server ?? read('server')}${path}`, {
      method,
      headers,
      signal: AbortSignal.timeout(30_000),
      ...(own && { ca: read('ca.crt') }),
    })
      .on('response', resolve)
      .on('error', reject)
      .end(payload),
  );
  const answer = await json(response);
  if (response.statusCode < 300) return answer;
  throw new RequestFailed(
    `${method} ${path}: ${response.statusCode} ${answer.message}`,
    path,
    response.statusCode,
  );
}

class RequestFailed extends Error {
  constructor(message, path, status) {
    super(message);
    this.path = path;
    this.status = status;
  }
}

const isPreview = ({ metadata: { name, labels = {}, deletionTimestamp } }) =>
  deletionTimestamp === undefined &&
  labels['app.kubernetes.io/managed-by'] === MANAGED_BY &&
  /^[1-9][0-9]*$/.test(labels[NUMBER_LABEL] ?? '') &&
  name === ['pr', labels[NUMBER_LABEL], labels[SOURCE_LABEL], args.organisation].filter(Boolean).join('-');

/** An Application that uses the namespace, on whichever cluster: better one kept too many. */
async function userOf(namespace) {
  const { items } = await request('GET', '/apis/argoproj.io/v1alpha1/applications', {
    cluster: argocd,
  });
  return items.find(
    ({ spec, status }) =>
      spec.destination?.namespace === namespace ||
      status?.resources?.some((resource) => resource.namespace === namespace),
  );
}

/** Keeps, marks, unmarks or deletes one namespace, as it is now; says which. */
async function decide(path) {
  const namespace = await request('GET', path);
  if (!isPreview(namespace)) return 'kept: it is no preview any more';
  const { name, uid, resourceVersion, annotations = {} } = namespace.metadata;
  // Read after the namespace, so that an Application made since the run began counts.
  const user = await userOf(name);
  const unusedSince = annotations[UNUSED_SINCE];
  // With the version that was read, the API server refuses when the namespace was replaced or changed since.
  const mark = async (value) => {
    if (args['dry-run']) return;
    const metadata = { uid, resourceVersion, annotations: { [UNUSED_SINCE]: value } };
    await request('PATCH', path, { body: { metadata }, type: 'application/merge-patch+json' });
  };
  if (user !== undefined) {
    if (unusedSince !== undefined) await mark(null);
    return `kept: ${user.metadata.namespace}/${user.metadata.name} uses it`;
  }
  const age = Date.now() - Date.parse(unusedSince ?? '');
  if (Number.isNaN(age)) {
    await mark(new Date().toISOString());
    return `marked: unused, to be deleted after ${grace} s`;
  }
  if (age < grace * 1000) return `kept: unused since ${unusedSince}`;
  if (args['dry-run']) return 'would be deleted';
  await request('DELETE', path, { body: { preconditions: { uid, resourceVersion } } });
  return `deleted: unused since ${unusedSince}`;
}

/** Gone or changed since it was read: the next run sees to it. */
const isOvertaken = (error, path) =>
  error instanceof RequestFailed && error.path === path && (error.status === 404 || error.status === 409);

try {
  const selector = encodeURIComponent(`app.kubernetes.io/managed-by=${MANAGED_BY},${NUMBER_LABEL}`);
  const { items } = await request('GET', `/api/v1/namespaces?labelSelector=${selector}`);
  for (const { metadata } of items.filter(isPreview)) {
    const path = `/api/v1/namespaces/${metadata.name}`;
    const outcome = await decide(path).catch((error) => {
      if (isOvertaken(error, path)) return 'kept: it changed meanwhile';
      throw error;
    });
    console.log(`${metadata.name} ${outcome}`);
  }
} catch (error) {
  console.error(`Cannot clean up previews: ${error.message}${error.cause ? `: ${error.cause.message}` : ''}`);
  process.exitCode = 1;
}
