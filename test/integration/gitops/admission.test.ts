import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { bundledKit } from '../../../src/features/gitops-init/bundled.ts';
import { renderKit } from '../../../src/features/gitops-init/render.ts';
import { kitText } from '../../../src/features/gitops-init/settings.ts';
import { postgresOf } from '../../../src/gitops/kit.ts';
import type { Kit } from '../../../src/gitops/kit-document.ts';
import {
  type App,
  keylessPolicy,
  type PublishLab,
  pullRequest,
  startPublishLab,
} from '../../support/publish-lab.ts';
import { attempt, run } from '../../support/services/run.ts';
import { pushSampleImage } from '../../support/services/sample-image.ts';
import { startTufMirror, type TufMirror } from '../../support/services/tuf-mirror.ts';
import { tool } from '../../tools/locate.ts';

const COSIGN = { COSIGN_PASSWORD: '' };
const BUSYBOX = `docker.io/library/busybox@sha256:${'b'.repeat(64)}`;

let lab: PublishLab;
let folder: string;
let mirror: TufMirror;
/** Files of the policies. */
let policies: ReadonlyMap<string, string>;
let app: App;
let keyed: App;
/** What was really published, and what only looks so. */
let images: Readonly<
  Record<
    'sealed' | 'stock' | 'keyed' | 'proposed' | 'unsigned' | 'otherSigner' | 'otherName' | 'signedAlone',
    string
  >
>;

const crane = (...args: string[]) => run(tool('crane'), args);
const digestOf = (reference: string) => reference.slice(reference.indexOf('@') + 1);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'admission-'));
  lab = await startPublishLab({ inProcess: true, lightSyft: true });
  for (const name of ['release', 'other'])
    await run(tool('cosign'), ['generate-key-pair', '--output-key-prefix', join(folder, name)], {
      env: COSIGN,
    });
  const sources = { 'domain/orders': 'v1' };
  // One signature is for all images of a release.
  app = await lab.app({ sources: { ...sources, 'domain/stock': 'v1' } });
  const signing = {
    signer: { key: join(folder, 'release.key') },
    trusted: [{ key: join(folder, 'release.pub') }],
  };
  keyed = await lab.app({ sources, signing: `signing: ${JSON.stringify(signing)}` });
  policies = await writePolicies();
  images = await publishAll();
});
afterAll(async () => {
  await mirror?.stop();
  await lab?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** The policies of a kit with both code repositories. */
async function writePolicies(): Promise<ReadonlyMap<string, string>> {
  const trustedRoot = await readFile(lab.sigstore.trustedRoot, 'utf8');
  // Kyverno wants keys of logs from the TUF repository, also for a Sigstore that has none.
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const log = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  mirror = await startTufMirror({ 'trusted_root.json': trustedRoot, 'rekor.pub': log, 'ctfe.pub': log });
  const kit = await bundledKit();
  const settings = kitText({}, { remote: 'https://github.com/acme/gitops' }, kit.resources);
  const lane = (name: string, more: object) => ({
    name,
    cluster: 'main',
    namespace: `acme-${name}`,
    ...more,
  });
  const files = await renderKit(
    stringify({
      ...parse(settings),
      lanes: [
        lane('local', { digest: false, signers: 'accepted' }),
        lane('staging', { digest: true, admission: 'audit' }),
        lane('production', { digest: true }),
      ],
      sources: [
        {
          repository: 'acme/app',
          registry: app.prefix,
          ...{ ...keylessPolicy(lab.sigstore), fingerprints: undefined },
          trustedRoot: 'keys/root.json',
        },
        { repository: 'acme/other', registry: keyed.prefix, trusted: [{ key: 'keys/release.pub' }] },
      ],
      images: { allowed: ['docker.io/library/busybox', 'registry.k8s.io/'] },
      admission: { engine: 'kyverno', tuf: { mirror: mirror.url, root: 'keys/tuf.json' } },
    }),
    kit,
    async () =>
      new Map([
        ['keys/root.json', trustedRoot],
        ['keys/tuf.json', mirror.root],
        ['keys/release.pub', await readFile(join(folder, 'release.pub'), 'utf8')],
      ]),
  );
  const names = ['local', 'staging', 'production', 'previews'];
  const written = names.map(async (name) => {
    const file = join(folder, `${name}.yaml`);
    await writeFile(file, files.get(`argocd/admission/${name}/policy.yaml`) ?? '');
    return [name, file] as const;
  });
  return new Map(await Promise.all(written));
}

async function publishAll() {
  const refsOf = async (from: App, options = {}) =>
    (await from.report(options)).components.map(({ ref = '' }) => ref);
  const refOf = async (from: App, options = {}) => (await refsOf(from, options))[0] ?? '';
  const [sealed = '', stock = ''] = await refsOf(app);
  await app.change({ 'domain/orders': 'v2' });
  const proposed = await refOf(app, { as: pullRequest(app.head) });
  const unsigned = await pushSampleImage(app.image('domain/orders'));
  // All that a seal has, by a key that counts for another repository.
  const otherSigner = await pushSampleImage(app.image('domain/orders'), { tag: 'other' });
  await sealBy('release', otherSigner, app.image('domain/orders'));
  const signedAlone = await pushSampleImage(keyed.image('domain/orders'), { tag: 'alone' });
  await sealBy('release', signedAlone);
  // With what is attached to it.
  const [name, digest] = [app.image('domain/payments'), digestOf(sealed)];
  await crane('copy', `${app.image('domain/orders')}@${digest}`, `${name}:copied`);
  const attached = digest.replace(':', '-');
  await crane('copy', `${app.image('domain/orders')}:${attached}`, `${name}:${attached}`);
  return {
    sealed,
    stock,
    proposed,
    unsigned,
    otherSigner,
    signedAlone,
    keyed: await refOf(keyed),
    otherName: `${name}@${digest}`,
  };
}

/** Signs an image by a key; with a name also the provenance of an image of that name. */
async function sealBy(key: string, reference: string, image?: string): Promise<void> {
  const config = join(folder, 'signing-config.json');
  await run(tool('cosign'), ['signing-config', 'create', '--out', config]);
  const flags = ['--signing-config', config, '--key', join(folder, `${key}.key`), '--yes'];
  if (image !== undefined) {
    const predicate = join(folder, 'provenance.json');
    const parameters = { component: { kind: 'domain', name: 'orders', image } };
    await writeFile(
      predicate,
      JSON.stringify({ buildDefinition: { externalParameters: parameters }, runDetails: {} }),
    );
    const type = ['--type', 'https://slsa.dev/provenance/v1', '--predicate', predicate];
    await run(tool('cosign'), ['attest', ...flags, ...type, reference], { env: COSIGN });
  }
  await run(tool('cosign'), ['sign', ...flags, reference], { env: COSIGN });
}

type Pod = Readonly<Record<string, unknown>>;

const podOf = (image: string): Pod => ({ containers: [{ name: 'serve', image }] });

/** Kyverno's own verdict on pods in the namespace of a lane: name -> `pass`, or its message. */
async function verdicts(
  lane: string,
  pods: Readonly<Record<string, Pod | { readonly kind: string; readonly spec: object }>>,
  labels: Readonly<Record<string, string>> = {},
): Promise<Readonly<Record<string, string>>> {
  const namespace = lane === 'previews' ? 'pr-7-acme' : `acme-${lane}`;
  const objects = Object.entries(pods).map(([name, pod]) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    spec: pod,
    ...('kind' in pod ? { apiVersion: pod.kind === 'Deployment' ? 'apps/v1' : 'batch/v1', ...pod } : {}),
    metadata: { name, namespace },
  }));
  const resources = join(folder, 'resources.yaml');
  await writeFile(resources, objects.map((object) => JSON.stringify(object)).join('\n---\n'));
  const values = join(folder, 'values.yaml');
  await writeFile(
    values,
    stringify({
      apiVersion: 'cli.kyverno.io/v1alpha1',
      kind: 'Values',
      metadata: { name: 'values' },
      namespaceSelector: [
        { name: namespace, labels: { 'kubernetes.io/metadata.name': namespace, ...labels } },
      ],
    }),
  );
  const { code, stdout, stderr } = await attempt(
    tool('kyverno'),
    [
      ...['apply', policies.get(lane) ?? '', '--resource', resources, '--values-file', values],
      ...['--registry', '--continue-on-fail', '--policy-report', '--output-format', 'json', '--remove-color'],
    ],
    { env: { HOME: folder, TUF_ROOT: join(folder, 'tuf') } },
  );
  const at = stdout.indexOf('{"kind"');
  // It writes no report of pods that no policy is for.
  if (at < 0 && code === 0) return {};
  if (at < 0) throw new Error(`${stdout}\n${stderr}`);
  const { results = [] }: { results?: { result: string; message: string; resources: { name: string }[] }[] } =
    JSON.parse(stdout.slice(at));
  return Object.fromEntries(
    results.map(({ result, message, resources: [resource] }) => [
      resource?.name ?? '',
      result === 'pass' ? 'pass' : message,
    ]),
  );
}

const UNKNOWN = expect.stringMatching(/^Image .* is not admitted: no source of kit.yaml publishes it/);
const notSealed = (from: App, who = 'trusted') =>
  `An image of ${from.prefix} is not admitted: no ${who} signer of kit.yaml has sealed it for that name`;

describe('pods in a lane that asks for trusted signers and digests', () => {
  it('have images that such a signer has sealed, or that are allowed, and no others', async () => {
    const { sealed, keyed: byKey } = images;
    const template = (image: string) => ({ template: { spec: podOf(image) } });
    expect(
      await verdicts('production', {
        keyless: podOf(sealed),
        another: podOf(images.stock),
        key: podOf(byKey),
        both: { initContainers: [{ name: 'migrate', image: byKey }], ...podOf(sealed) },
        several: {
          initContainers: [
            { name: 'a', image: sealed },
            { name: 'b', image: sealed },
            { name: 'c', image: byKey },
          ],
          ...podOf(sealed),
        },
        'no-tag': podOf(`${app.image('domain/orders')}@${digestOf(sealed)}`),
        allowed: podOf(BUSYBOX),
        'allowed-folder': podOf(`registry.k8s.io/pause:3.10@sha256:${'c'.repeat(64)}`),
        deployment: { kind: 'Deployment', spec: template(sealed) },
        'cron-job': { kind: 'CronJob', spec: { jobTemplate: { spec: template(sealed) } } },
      }),
    ).toEqual({
      keyless: 'pass',
      another: 'pass',
      key: 'pass',
      both: 'pass',
      several: 'pass',
      'no-tag': 'pass',
      allowed: 'pass',
      'allowed-folder': 'pass',
      deployment: 'pass',
      'cron-job': 'pass',
    });
  });

  it('have none that is unsigned, of another signer, of a pull request or for another name', async () => {
    const { unsigned, otherSigner, proposed, otherName, signedAlone, sealed } = images;
    const template = { template: { spec: podOf(unsigned) } };
    const refused = notSealed(app);
    expect(
      await verdicts('production', {
        unsigned: podOf(unsigned),
        'other-signer': podOf(otherSigner),
        proposed: podOf(proposed),
        'other-name': podOf(otherName),
        'signed-alone': podOf(signedAlone),
        init: { initContainers: [{ name: 'a', image: unsigned }], ...podOf(sealed) },
        debug: { ephemeralContainers: [{ name: 'a', image: unsigned }], ...podOf(sealed) },
        volume: { volumes: [{ name: 'a', image: { reference: unsigned } }], ...podOf(sealed) },
        deployment: { kind: 'Deployment', spec: template },
        'cron-job': { kind: 'CronJob', spec: { jobTemplate: { spec: template } } },
      }),
    ).toEqual({
      unsigned: refused,
      'other-signer': refused,
      proposed: refused,
      'other-name': refused,
      'signed-alone': notSealed(keyed),
      init: refused,
      debug: refused,
      volume: refused,
      deployment: refused,
      'cron-job': refused,
    });
  });

  it('have none that nobody knows, however it is written', async () => {
    const { sealed } = images;
    const hash = `@sha256:${'d'.repeat(64)}`;
    const [tagged = ''] = sealed.split('@');
    const found = await verdicts('production', {
      'short-name': podOf('nginx'),
      foreign: podOf(`docker.io/attacker/x${hash}`),
      longer: podOf(`docker.io/library/busybox-evil${hash}`),
      below: podOf(`docker.io/library/busybox/evil${hash}`),
      port: podOf(`registry.k8s.io:5000/pause${hash}`),
      dots: podOf(`registryxk8s.io/pause${hash}`),
      'allowed-by-tag': podOf('docker.io/library/busybox:1.36'),
      'sealed-by-tag': podOf(tagged),
      sibling: podOf(`${app.prefix}-evil/domain-orders${hash}`),
      'no-image': { containers: [{ name: 'serve', image: '' }] },
    });
    expect(Object.keys(found)).toHaveLength(10);
    for (const message of Object.values(found)) expect(message).not.toBe('pass');
    expect(found).toMatchObject({
      'short-name': UNKNOWN,
      foreign: UNKNOWN,
      longer: UNKNOWN,
      below: UNKNOWN,
      port: UNKNOWN,
      dots: UNKNOWN,
      'allowed-by-tag': UNKNOWN,
      sibling: UNKNOWN,
      'sealed-by-tag': `image ${tagged} does not have a digest`,
    });
  });

  it('are judged in its namespace alone', async () => {
    expect(
      await verdicts(
        'production',
        { elsewhere: podOf('nginx') },
        { 'kubernetes.io/metadata.name': 'default' },
      ),
    ).toEqual({});
  });
});

describe('pods in a lane that takes accepted signers, and tags', () => {
  it('have images of pull requests', async () => {
    const { proposed, sealed, unsigned, otherSigner } = images;
    expect(
      await verdicts('local', {
        proposed: podOf(proposed),
        'proposed-by-tag': podOf(proposed.split('@')[0] ?? ''),
        sealed: podOf(sealed),
        unsigned: podOf(unsigned),
        'other-signer': podOf(otherSigner),
      }),
    ).toEqual({
      proposed: 'pass',
      'proposed-by-tag': 'pass',
      sealed: 'pass',
      unsigned: notSealed(app, 'trusted or accepted'),
      'other-signer': notSealed(app, 'trusted or accepted'),
    });
  });

  it('have no tag that was moved', async () => {
    const { proposed, unsigned } = images;
    const [tagged = ''] = proposed.split('@');
    await crane(
      'tag',
      `${app.image('domain/orders')}@${digestOf(unsigned)}`,
      tagged.slice(tagged.lastIndexOf(':') + 1),
    );
    const found = await verdicts('local', { moved: podOf(tagged) });
    await crane(
      'tag',
      `${app.image('domain/orders')}@${digestOf(proposed)}`,
      tagged.slice(tagged.lastIndexOf(':') + 1),
    );
    expect(found).toEqual({ moved: notSealed(app, 'trusted or accepted') });
  });
});

test('previews have what trusted and accepted signers have sealed', async () => {
  const [tagged = ''] = images.proposed.split('@');
  const labels = { 'app.kubernetes.io/managed-by': 'primitive-previews' };
  const pods = {
    proposed: podOf(tagged),
    unsigned: podOf(images.unsigned),
    database: podOf(postgresOf({} as Kit).image),
  };
  expect(await verdicts('previews', pods, labels)).toEqual({
    proposed: 'pass',
    database: 'pass',
    unsigned: notSealed(app, 'trusted or accepted'),
  });
});

test('a lane says whether a refusal is one, or is reported alone', async () => {
  const actions = ['local', 'staging', 'production', 'previews'].map(async (name) => [
    name,
    parse(await readFile(policies.get(name) ?? '', 'utf8')).spec.validationActions,
  ]);
  expect(Object.fromEntries(await Promise.all(actions))).toEqual({
    local: ['Deny'],
    staging: ['Audit'],
    production: ['Deny'],
    previews: ['Deny'],
  });
});

// The last: it ends the registry.
test('a registry that gives no answer admits nothing', async () => {
  await lab.proxy.stop();
  const found = await verdicts('production', { gone: podOf(images.sealed) });
  expect(found.gone).toContain('connection refused');
});
