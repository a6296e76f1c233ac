import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import {
  type AdmissionImages,
  type AdmissionLab,
  notSealed,
  startAdmissionLab,
} from '../../support/admission-lab.ts';
import { eventually } from '../../support/gitops-cluster.ts';
import { type Kube, startKube } from '../../support/services/kube.ts';
import type { KubeManifest } from '../../support/services/kube-client.ts';
import { type Kyverno, startKyverno } from '../../support/services/kyverno.ts';

/** As the kit labels the namespaces of previews. */
const PREVIEW = 'pr-7-acme';
const FOREIGN = `docker.io/attacker/x@sha256:${'d'.repeat(64)}`;

let admission: AdmissionLab;
let images: AdmissionImages;
let kube: Kube;
let kyverno: Kyverno;

beforeAll(async () => {
  [admission, kube] = await Promise.all([startAdmissionLab(), startKube()]);
  ({ images } = admission);
  kyverno = await startKyverno(kube);
  for (const name of ['acme-local', 'acme-staging', 'acme-production', PREVIEW])
    await create({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name,
        ...(name === PREVIEW ? { labels: { 'app.kubernetes.io/managed-by': 'primitive-previews' } } : {}),
      },
    });
  for (const policy of admission.policies.values()) await kube.apply(policy);
  // The API server learns a moment later whom it has to ask.
  await eventually(async () => {
    for (const namespace of ['acme-local', 'acme-production', PREVIEW])
      expect(await verdict(pod('first', FOREIGN, namespace), { dryRun: true })).toMatch(/ is not admitted/);
  });
});
afterAll(async () => {
  await kyverno?.stop();
  await kube?.stop();
  await admission?.[Symbol.asyncDispose]();
});

const create = (object: KubeManifest) => kube.apply(JSON.stringify(object));

const spec = (image: string) => ({ containers: [{ name: 'serve', image }] });

function pod(name: string, image: string, namespace = 'acme-production') {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec: spec(image) };
}

function deployment(name: string, image: string, replicas = 1) {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'acme-production' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: spec(image) },
    },
  };
}

/** What the API server says to an object: `admitted`, or why it is not. */
async function verdict(object: KubeManifest, options = {}): Promise<string> {
  try {
    await kube.apply(JSON.stringify(object), options);
    return 'admitted';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the API server asks Kyverno, and', () => {
  it('admits what a trusted signer has sealed, in pods and in what makes them', async () => {
    expect(await verdict(pod('sealed', images.sealed))).toBe('admitted');
    expect(await verdict(pod('keyed', images.keyed))).toBe('admitted');
    expect(await verdict(deployment('sealed', images.sealed))).toBe('admitted');
  });

  it('denies what is unsigned, of another signer or for another name, and stores nothing of it', async () => {
    const denied = expect.stringContaining(
      `denied the request: Policy acme-production failed: ${notSealed(admission.app)}`,
    );
    for (const name of ['unsigned', 'proposed', 'otherSigner', 'otherName'] as const) {
      const key = name.toLowerCase();
      expect([name, await verdict(pod(key, images[name]))]).toEqual([name, denied]);
      expect([name, await verdict(deployment(key, images[name]))]).toEqual([name, denied]);
    }
    const stored = await kube.kubectl(['get', 'pods,deployments', '-n', 'acme-production', '-o', 'name']);
    expect(stored.trim().split('\n').sort()).toEqual(['deployment.apps/sealed', 'pod/keyed', 'pod/sealed']);
  });

  it('denies a tag without its digest, and images of nobody', async () => {
    const [tagged = ''] = images.sealed.split('@');
    expect(await verdict(pod('tagged', tagged))).toContain(`image ${tagged} does not have a digest`);
    expect(await verdict(pod('foreign', FOREIGN))).toContain('no source of kit.yaml publishes it');
  });

  it('judges an image that is changed or added later, and no other change', async () => {
    expect(await verdict(deployment('sealed', images.unsigned))).toContain(notSealed(admission.app));
    expect(await verdict(deployment('sealed', images.sealed, 3))).toBe('admitted');
    expect(await verdict(deployment('sealed', images.stock))).toBe('admitted');
    const debug = (image: string) =>
      kube.attempt([
        ...['debug', 'sealed', '-n', 'acme-production', '--image', image, '--container', 'debug'],
        ...['--profile=general', '--image-pull-policy=IfNotPresent'],
      ]);
    expect((await debug(images.unsigned)).stderr).toContain(notSealed(admission.app));
    expect((await debug(images.stock)).stderr).not.toContain('denied');
    const patched = await kube.attempt([
      ...['patch', 'pod', 'sealed', '-n', 'acme-production', '--type=json', '-p'],
      JSON.stringify([{ op: 'replace', path: '/spec/containers/0/image', value: images.unsigned }]),
    ]);
    expect(patched.stderr).toContain(notSealed(admission.app));
  });
});

test('a lane that takes accepted signers, and previews, admit what a pull request has sealed, by its tag', async () => {
  const [tagged = ''] = images.proposed.split('@');
  for (const namespace of ['acme-local', PREVIEW]) {
    expect(await verdict(pod('proposed', tagged, namespace))).toBe('admitted');
    expect(await verdict(pod('unsigned', images.unsigned, namespace))).toContain(
      notSealed(admission.app, 'trusted or accepted'),
    );
  }
});

test('a lane that audits admits all, and reports what it would deny', async () => {
  const namespace = 'acme-staging';
  expect(await verdict(pod('sealed', images.sealed, namespace))).toBe('admitted');
  expect(await verdict(pod('unsigned', images.unsigned, namespace))).toBe('admitted');
  expect(await verdict(pod('foreign', FOREIGN, namespace))).toBe('admitted');
  await eventually(async () => {
    const reports = await kube.get<PolicyReport>(
      `apis/wgpolicyk8s.io/v1alpha2/namespaces/${namespace}/policyreports`,
    );
    const found = reports.map(({ scope, results }) => [
      scope?.name,
      ...results.map(({ policy, result, message }) => [policy, result, message]),
    ]);
    expect(found.sort()).toEqual([
      ['foreign', ['acme-staging', 'fail', expect.stringContaining('no source of kit.yaml publishes it')]],
      ['sealed', ['acme-staging', 'pass', expect.anything()]],
      ['unsigned', ['acme-staging', 'fail', notSealed(admission.app)]],
    ]);
  });
});

/** "Policy Report CRD" of the Kubernetes working group, as far as a test looks at it. */
interface PolicyReport {
  readonly scope?: { readonly name: string };
  readonly results: readonly {
    readonly policy: string;
    readonly result: string;
    readonly message?: string;
  }[];
}

test('namespaces of others are left alone', async () => {
  expect(await verdict(pod('foreign', FOREIGN, 'default'))).toBe('admitted');
});

// The last: it ends Kyverno.
test('without Kyverno nothing new starts in a lane, and what is there scales and ends', async () => {
  await kyverno.fail();
  expect(await verdict(pod('late', images.sealed))).toMatch(/failed calling webhook/);
  expect(await verdict(pod('late', FOREIGN, 'default'))).toBe('admitted');
  expect(await verdict(deployment('sealed', images.stock, 2))).toBe('admitted');
  await kube.setFinalizers(pod('sealed', images.sealed), ['acme.example/hold']);
  await kube.setFinalizers(pod('sealed', images.sealed), []);
  await kube.kubectl(['delete', 'pod', 'sealed', '-n', 'acme-production', '--now']);
});
