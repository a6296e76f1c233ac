import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { postgresOf } from '../../../src/gitops/kit.ts';
import type { Kit } from '../../../src/gitops/kit-document.ts';
import {
  type AdmissionImages,
  type AdmissionLab,
  digestOf,
  notSealed,
  startAdmissionLab,
} from '../../support/admission-lab.ts';
import type { App } from '../../support/publish-lab.ts';
import { attempt, run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

const BUSYBOX = `docker.io/library/busybox@sha256:${'b'.repeat(64)}`;

let admission: AdmissionLab;
let app: App;
let keyed: App;
let images: AdmissionImages;
/** Files of the policies. */
let policies: ReadonlyMap<string, string>;

const crane = (...args: string[]) => run(tool('crane'), args);

beforeAll(async () => {
  admission = await startAdmissionLab();
  ({ app, keyed, images } = admission);
  const written = [...admission.policies].map(async ([name, text]) => {
    const file = join(admission.folder, `${name}.yaml`);
    await writeFile(file, text);
    return [name, file] as const;
  });
  policies = new Map(await Promise.all(written));
});
afterAll(() => admission?.[Symbol.asyncDispose]());

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
  const resources = join(admission.folder, 'resources.yaml');
  await writeFile(resources, objects.map((object) => JSON.stringify(object)).join('\n---\n'));
  const values = join(admission.folder, 'values.yaml');
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
    { env: { HOME: admission.folder, TUF_ROOT: join(admission.folder, 'tuf') } },
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

test('a lane says whether a refusal is one, or is reported alone', () => {
  const actions = [...admission.policies].map(([name, text]) => [name, parse(text).spec.validationActions]);
  expect(Object.fromEntries(actions)).toEqual({
    local: ['Deny'],
    staging: ['Audit'],
    production: ['Deny'],
    previews: ['Deny'],
  });
});

// The last: it ends the registry.
test('a registry that gives no answer admits nothing', async () => {
  await admission.lab.proxy.stop();
  const found = await verdicts('production', { gone: podOf(images.sealed) });
  expect(found.gone).toContain('connection refused');
});
