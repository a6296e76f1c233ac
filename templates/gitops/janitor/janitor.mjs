// Deletes the namespaces of previews that no Argo CD Application uses any more.
//
// A namespace is deleted only when it has both labels of a preview and the name that goes with them, no Application has
// it as its destination or owns anything in it, and it was like that for the whole grace period: the first run marks it,
// a later one deletes. Nothing is deleted in a run that could not read all Applications.
//
// usage: node janitor.mjs --organisation=acme --group=primitives.acme.internal [--grace-seconds=600] [--dry-run]
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const MANAGED_BY = 'primitive-previews';

const { values: args } = parseArgs({
  options: {
    organisation: { type: 'string' },
    group: { type: 'string' },
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

const account = process.env.SERVICE_ACCOUNT_DIR ?? '/var/run/secrets/kubernetes.io/serviceaccount';
const server = `https://${process.env.KUBERNETES_SERVICE_HOST}:${process.env.KUBERNETES_SERVICE_PORT}`;

/** One request to the API server; its certificate is trusted through NODE_EXTRA_CA_CERTS. */
async function request(method, path, body, contentType = 'application/json') {
  const response = await fetch(`${server}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${readFileSync(`${account}/token`, 'utf8').trim()}`,
      'content-type': contentType,
    },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
  const answer = await response.json();
  if (response.ok) return answer;
  throw new RequestFailed(`${method} ${path}: ${response.status} ${answer.message}`, path, response.status);
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
  const { items } = await request('GET', '/apis/argoproj.io/v1alpha1/applications');
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
    await request('PATCH', path, { metadata }, 'application/merge-patch+json');
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
  await request('DELETE', path, { preconditions: { uid, resourceVersion } });
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
