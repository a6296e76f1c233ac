import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { bundledKit } from '../../src/features/gitops-init/bundled.ts';
import { renderKit } from '../../src/features/gitops-init/render.ts';
import { kitText } from '../../src/features/gitops-init/settings.ts';
import { tool } from '../tools/locate.ts';
import { type App, keylessPolicy, type PublishLab, pullRequest, startPublishLab } from './publish-lab.ts';
import { run } from './services/run.ts';
import { pushSampleImage } from './services/sample-image.ts';
import { startTufMirror, type TufMirror } from './services/tuf-mirror.ts';

/** Two code repositories that have published, and the policies by which a kit admits their images. */
export interface AdmissionLab extends AsyncDisposable {
  readonly lab: PublishLab;
  /** A folder that ends with it. */
  readonly folder: string;
  /**
   * Text of the policies of the lanes `local` (accepted signers, tags), `staging` (which reports alone) and `production`, and
   * of `previews`.
   */
  readonly policies: ReadonlyMap<string, string>;
  /** Signs by Fulcio. */
  readonly app: App;
  /** Signs by a key. */
  readonly keyed: App;
  readonly images: AdmissionImages;
}

/** References by digest: what was really published, and what only looks so. */
export type AdmissionImages = Readonly<
  Record<
    'sealed' | 'stock' | 'keyed' | 'proposed' | 'unsigned' | 'otherSigner' | 'otherName' | 'signedAlone',
    string
  >
>;

const COSIGN = { COSIGN_PASSWORD: '' };

/** Publishes with real keys and a real Fulcio, into a registry on loopback. */
export async function startAdmissionLab(): Promise<AdmissionLab> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'admission-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const lab = stack.use(await startPublishLab({ inProcess: true, lightSyft: true }));
  const pair = ['generate-key-pair', '--output-key-prefix', join(folder, 'release')];
  await run(tool('cosign'), pair, { env: COSIGN });
  const sources = { 'domain/orders': 'v1' };
  // One signature is for all images of a release.
  const app = await lab.app({ sources: { ...sources, 'domain/stock': 'v1' } });
  const signing = {
    signer: { key: join(folder, 'release.key') },
    trusted: [{ key: join(folder, 'release.pub') }],
  };
  const keyed = await lab.app({ sources, signing: `signing: ${JSON.stringify(signing)}` });
  const trustedRoot = await readFile(lab.sigstore.trustedRoot, 'utf8');
  const mirror = stack.use(await startTufMirror(targetsOf(trustedRoot)));
  const policies = await makePolicies({ lab, folder, app, keyed, mirror, trustedRoot });
  const images = await publishAll({ folder, app, keyed });
  const kept = stack.move();
  return { lab, folder, policies, app, keyed, images, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Kyverno wants keys of logs from the TUF repository, also for a Sigstore that has none. */
function targetsOf(trustedRoot: string): Readonly<Record<string, string>> {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const log = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return { 'trusted_root.json': trustedRoot, 'rekor.pub': log, 'ctfe.pub': log };
}

/** The policies of a kit with both code repositories. */
async function makePolicies({
  lab,
  folder,
  app,
  keyed,
  mirror,
  trustedRoot,
}: Pick<AdmissionLab, 'lab' | 'folder' | 'app' | 'keyed'> & {
  readonly mirror: TufMirror;
  readonly trustedRoot: string;
}): Promise<AdmissionLab['policies']> {
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
  return new Map(
    ['local', 'staging', 'production', 'previews'].map((name) => [
      name,
      files.get(`argocd/admission/${name}/policy.yaml`) ?? '',
    ]),
  );
}

async function publishAll({
  folder,
  app,
  keyed,
}: Pick<AdmissionLab, 'folder' | 'app' | 'keyed'>): Promise<AdmissionImages> {
  const refsOf = async (from: App, options = {}) =>
    (await from.report(options)).components.map(({ ref = '' }) => ref);
  const refOf = async (from: App, options = {}) => (await refsOf(from, options))[0] ?? '';
  const crane = (...args: string[]) => run(tool('crane'), args);
  const [sealed = '', stock = ''] = await refsOf(app);
  await app.change({ 'domain/orders': 'v2' });
  const proposed = await refOf(app, { as: pullRequest(app.head) });
  const unsigned = await pushSampleImage(app.image('domain/orders'));
  // All that a seal has, by a key that counts for another repository.
  const otherSigner = await pushSampleImage(app.image('domain/orders'), { tag: 'other' });
  await sealBy(folder, otherSigner, app.image('domain/orders'));
  const signedAlone = await pushSampleImage(keyed.image('domain/orders'), { tag: 'alone' });
  await sealBy(folder, signedAlone);
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

/** Signs an image by the key of releases; with a name also the provenance of an image of that name. */
async function sealBy(folder: string, reference: string, image?: string): Promise<void> {
  const config = join(folder, 'signing-config.json');
  await run(tool('cosign'), ['signing-config', 'create', '--out', config]);
  const flags = ['--signing-config', config, '--key', join(folder, 'release.key'), '--yes'];
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

/** The digest of a reference by digest. */
export function digestOf(reference: string): string {
  return reference.slice(reference.indexOf('@') + 1);
}

/** How a policy denies an image of a source. */
export function notSealed(from: App, who = 'trusted'): string {
  return `An image of ${from.prefix} is not admitted: no ${who} signer of kit.yaml has sealed it for that name`;
}
