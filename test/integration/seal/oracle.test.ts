import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCosign } from '../../../src/adapters/cosign.ts';
import { createProcesses } from '../../../src/adapters/process.ts';
import { createRegistryClient, type RegistryClient } from '../../../src/oci/client.ts';
import { joinRepository, parseRepository } from '../../../src/oci/reference.ts';
import { attachSeal } from '../../../src/seal/attach.ts';
import { inspectSeal } from '../../../src/seal/inspect.ts';
import type { SealContext } from '../../../src/seal/search.ts';
import { signatureStatement } from '../../../src/seal/statement.ts';
import { fingerprintOf, type TrustPolicy } from '../../../src/seal/trust.ts';
import type { SealState, Signer } from '../../../src/seal/types.ts';
import { createVerifier } from '../../../src/seal/verifier.ts';
import { type PushedImage, pushImage, signAll, statementsOf } from '../../support/images.ts';
import { startDistribution } from '../../support/services/distribution.ts';
import { githubClaims, type WorkflowRun } from '../../support/services/github-claims.ts';
import { startOlareg } from '../../support/services/olareg.ts';
import { attempt, type RunResult, run } from '../../support/services/run.ts';
import type { Service } from '../../support/services/service.ts';
import { type Sigstore, startSigstore } from '../../support/services/sigstore.ts';
import { createTransparencyLog, type TransparencyLog } from '../../support/transparency-log.ts';
import { tool } from '../../tools/locate.ts';

/**
 * What this product calls sealed, plain cosign accepts, 3 and 2.6, on registries with and without the referrers API; and
 * what is attached by others, or by cosign itself, is judged as a seal only where it is one.
 */

const WORKFLOW = 'https://github.com/acme/app/.github/workflows/publish.yaml';
const PASSWORD = 'password of the tests';
const processes = createProcesses({ ...process.env, PATH: `${dirname(tool('cosign'))}:${process.env.PATH}` });

let folder: string;
let sigstore: Sigstore;
let stranger: Sigstore;
let keyFile: string;
let publicKeyFile: string;
let context: Omit<SealContext, 'registry'>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'primitive-oracle-'));
  [sigstore, stranger] = await Promise.all([startSigstore(), startSigstore()]);
  keyFile = join(folder, 'cosign.key');
  publicKeyFile = join(folder, 'cosign.pub');
  await run(tool('cosign'), ['generate-key-pair'], { cwd: folder, env: { COSIGN_PASSWORD: PASSWORD } });
  const publicKey = await keySigner().publicKey();
  const { issuer } = sigstore;
  const main = {
    issuer,
    identity: `${WORKFLOW}@refs/heads/main`,
    repository: 'acme/app',
    ref: 'refs/heads/main',
    trigger: 'push',
  };
  const policy: TrustPolicy = {
    trusted: [main, { key: 'cosign.pub' }],
    accepted: [
      { issuer, identity: `${WORKFLOW}@refs/pull/*/merge`, repository: 'acme/app', trigger: 'pull_request' },
    ],
    fingerprints: new Map([['cosign.pub', fingerprintOf(publicKey)]]),
  };
  const root = { type: 'file', path: sigstore.trustedRoot } as const;
  context = { policy, verifier: createVerifier({ keys: [publicKey], root }) };
});
afterAll(async () => {
  await Promise.all([sigstore.stop(), stranger.stop()]);
  await rm(folder, { recursive: true });
});

function keySigner() {
  return createCosign({
    processes,
    temporary: folder,
    mode: { type: 'key', key: keyFile, password: PASSWORD },
  });
}

/** Signs as this run of a workflow. */
function workflowSigner(of: WorkflowRun = {}, { token, signingConfig, trustedRoot } = sigstore): Signer {
  const idToken = async () => token(githubClaims(of));
  return createCosign({
    processes,
    temporary: folder,
    mode: { type: 'keyless', idToken, signingConfig, trustedRoot },
  });
}

const identity = (ref: string) => [
  ...['--certificate-identity', `${WORKFLOW}@${ref}`, '--certificate-oidc-issuer', sigstore.issuer],
  ...[
    '--trusted-root',
    sigstore.trustedRoot,
    '--use-signed-timestamps',
    '--insecure-ignore-sct',
    '--insecure-ignore-tlog',
  ],
];
// cosign 2.6 wants a root for a bundle, even where a key vouches for it.
const key = () => ['--key', publicKeyFile, '--trusted-root', sigstore.trustedRoot, '--insecure-ignore-tlog'];

describe.each([
  ['olareg, with the referrers API', () => startOlareg()],
  ['Distribution 3, without it', () => startDistribution()],
])('%s', (_name, start) => {
  let service: Service & { readonly host: string };
  let registry: RegistryClient;
  let images = 0;

  beforeAll(async () => {
    service = await start();
    registry = createRegistryClient({ processes, credentials: {}, access: 'write' });
  });
  afterAll(async () => {
    await registry.close();
    await service.stop();
  });

  const newImage = (): Promise<PushedImage> => {
    images++;
    const repository = joinRepository(`${service.host}/acme`, `domain-${images}`);
    return pushImage(registry, repository, { seed: `image ${images}` });
  };
  const refOf = ({ repository, index }: PushedImage) => `${repository}@${index.digest}`;
  const inspect = (image: PushedImage): Promise<SealState> =>
    inspectSeal({ ...context, registry }, image.repository, image.index.digest, { checkChildren: true });
  const seal = async (image: PushedImage, signer: Signer) =>
    attachSeal(
      { ...context, registry },
      image.repository,
      image.index,
      await signAll(signer, statementsOf(image)),
      {},
    );
  /** Attaches anything, as somebody would who knows no rules. */
  const smuggle = async (image: PushedImage, signer: Signer, statements: readonly Uint8Array[]) => {
    const { bundleBlob, bundleReferrer } = await import('../../../src/seal/bundle.ts');
    const { descriptorOf } = await import('../../../src/oci/manifest.ts');
    const { EMPTY_CONFIG } = await import('../../../src/oci/artifact.ts');
    await registry.pushBlob(image.repository, EMPTY_CONFIG);
    for (const statement of statements) {
      const blob = bundleBlob(await signer.sign(statement));
      await registry.pushBlob(image.repository, blob);
      const { predicateType } = JSON.parse(Buffer.from(statement).toString());
      const referrer = bundleReferrer(blob.descriptor, predicateType, descriptorOf(image.index));
      await registry.attach(image.repository, image.index.digest, [referrer]);
    }
  };
  const cosign = (version: string, args: readonly string[], image: PushedImage): Promise<RunResult> =>
    attempt(tool(version), [...args, refOf(image)]);

  const CHECKS = [
    ['verify'],
    ['verify-attestation', '--type', 'slsaprovenance1'],
    ['verify-attestation', '--type', 'spdxjson'],
  ] as const;

  describe.each([
    ['main', () => workflowSigner(), () => identity('refs/heads/main')],
    ['a key', keySigner, key],
  ])('sealed by %s', (_by, signer, flags) => {
    let image: PushedImage;
    beforeAll(async () => {
      image = await newImage();
      expect(await seal(image, signer())).toMatchObject({ sealed: true, image: { tier: 'trusted' } });
    });

    test.each(['cosign', 'cosign2'].flatMap((version) => CHECKS.map((check) => [version, check] as const)))(
      '%s %j accepts it',
      async (version, check) => {
        const result = await cosign(version, [...check, ...flags()], image);
        expect(result.stderr).not.toMatch(/^Error/m);
        expect(result.code).toBe(0);
      },
    );

    test('a copy under another name is the same to cosign, and foreign to us', async () => {
      const copy = { ...image, repository: parseRepository(`${image.repository}-copy`) };
      const plain = createProcesses(process.env);
      const { exitCode, stderr } = await plain.run(tool('cosign'), [
        'copy',
        '--only=sig,att',
        refOf(image),
        `${copy.repository}:copy`,
      ]);
      expect(stderr).not.toMatch(/^Error/m);
      expect(exitCode).toBe(0);
      await smuggle(
        copy,
        { sign: async (statement) => (await signer()).sign(statement) },
        statementsOf(image),
      );
      expect((await cosign('cosign', ['verify', ...flags()], copy)).code).toBe(0);
      expect(await inspect(copy)).toMatchObject({ sealed: false, reason: 'foreign' });
    });
  });

  test('one signature over many images is accepted for each, and for no other', async () => {
    const sealed = [await newImage(), await newImage(), await newImage()];
    const other = await newImage();
    const signature = await workflowSigner().sign(
      signatureStatement(sealed.map(({ index }) => index.digest)),
    );
    for (const image of sealed) {
      const [provenance, ...sboms] = await signAll(workflowSigner(), statementsOf(image).slice(0, -1));
      if (provenance === undefined) throw new Error('no provenance');
      const bundles = [provenance, ...sboms, signature];
      const state = await attachSeal({ ...context, registry }, image.repository, image.index, bundles, {});
      expect(state).toMatchObject({ sealed: true, image: { tier: 'trusted' } });
      for (const version of ['cosign', 'cosign2']) {
        expect((await cosign(version, ['verify', ...identity('refs/heads/main')], image)).code).toBe(0);
      }
    }
    await smuggle(other, { sign: async () => signature }, [signatureStatement([other.index.digest])]);
    expect((await cosign('cosign', ['verify', ...identity('refs/heads/main')], other)).code).not.toBe(0);
    expect(await inspect(other)).toMatchObject({ sealed: false, reason: 'unsigned' });
  });

  test('a pull request seals for itself: accepted, and never main', async () => {
    const image = await newImage();
    const pull = { ref: 'refs/pull/7/merge', event: 'pull_request' };
    expect(await seal(image, workflowSigner(pull))).toMatchObject({
      sealed: true,
      image: {
        tier: 'accepted',
        signer: { ref: 'refs/pull/7/merge', trigger: 'pull_request', repository: 'acme/app' },
      },
    });
    expect((await cosign('cosign', ['verify', ...identity('refs/heads/main')], image)).code).not.toBe(0);
    expect((await cosign('cosign', ['verify', ...identity('refs/pull/7/merge')], image)).code).toBe(0);
  });

  describe('what cosign takes for main and we do not', () => {
    test.each<[string, WorkflowRun]>([
      [
        'a fork that calls the same workflow',
        { repository: 'mallory/app', workflowRef: 'acme/app/.github/workflows/publish.yaml@refs/heads/main' },
      ],
      [
        'a pull request that calls it at main',
        {
          ref: 'refs/pull/7/merge',
          event: 'pull_request',
          workflowRef: 'acme/app/.github/workflows/publish.yaml@refs/heads/main',
        },
      ],
      ['pull_request_target', { event: 'pull_request_target' }],
    ])('%s', async (_what, of) => {
      const image = await newImage();
      await smuggle(image, workflowSigner(of), statementsOf(image));
      expect((await cosign('cosign', ['verify', ...identity('refs/heads/main')], image)).code).toBe(0);
      expect(await inspect(image)).toMatchObject({ sealed: false, reason: 'untrusted' });
    });
  });

  test('an image with a trusted SBOM alone passes `cosign verify`, and is not sealed', async () => {
    const image = await newImage();
    await smuggle(image, workflowSigner(), statementsOf(image).slice(1, 2));
    expect((await cosign('cosign', ['verify', ...identity('refs/heads/main')], image)).code).toBe(0);
    expect(await inspect(image)).toMatchObject({ sealed: false, reason: 'unsigned' });
  });

  test('a seal by the same names from another Sigstore is none', async () => {
    const image = await newImage();
    await smuggle(image, workflowSigner({}, stranger), statementsOf(image));
    expect((await cosign('cosign', ['verify', ...identity('refs/heads/main')], image)).code).not.toBe(0);
    expect(await inspect(image)).toMatchObject({ sealed: false, reason: 'broken' });
  });

  test('a signature by cosign itself is one; the rest is missing', async () => {
    const image = await newImage();
    const { signingConfig, trustedRoot } = sigstore;
    const args = [
      'sign',
      '--yes',
      '--signing-config',
      signingConfig,
      '--trusted-root',
      trustedRoot,
      refOf(image),
    ];
    await run(tool('cosign'), args, { env: sigstore.signingEnv() });
    expect(await inspect(image)).toMatchObject({ sealed: false, reason: 'no-provenance' });
    await seal(image, workflowSigner());
    expect(await inspect(image)).toMatchObject({ sealed: true, image: { tier: 'trusted' } });
    expect((await cosign('cosign', ['verify', ...identity('refs/heads/main')], image)).code).toBe(0);
  });

  test('legacy signatures neither count nor hide a seal', async () => {
    const image = await newImage();
    const legacy = ['sign', '--yes', '--key', keyFile, '--tlog-upload=false', '--new-bundle-format=false'];
    await run(tool('cosign'), [...legacy, '--use-signing-config=false', refOf(image)], {
      env: { COSIGN_PASSWORD: PASSWORD },
    });
    await run(tool('cosign2'), [...legacy, refOf(image)], { env: { COSIGN_PASSWORD: PASSWORD } });
    expect(await inspect(image)).toMatchObject({ sealed: false, reason: 'unsigned' });
    await seal(image, workflowSigner());
    expect(await inspect(image)).toMatchObject({ sealed: true, image: { tier: 'trusted' } });
  });

  test('an attestation of cosign with other content is not provenance of ours', async () => {
    const image = await newImage();
    const predicate = join(folder, `predicate-${images}.json`);
    await writeFile(predicate, '{"buildDefinition":{"buildType":"https://example.com"},"runDetails":{}}');
    const { signingConfig, trustedRoot } = sigstore;
    const args = [
      'attest',
      '--yes',
      '--signing-config',
      signingConfig,
      '--trusted-root',
      trustedRoot,
      '--type',
      'slsaprovenance1',
    ];
    await run(tool('cosign'), [...args, '--predicate', predicate, refOf(image)], {
      env: sigstore.signingEnv(),
    });
    await smuggle(image, workflowSigner(), statementsOf(image).slice(1));
    const state = await inspect(image);
    expect(state).toMatchObject({ sealed: false });
    expect(['foreign', 'broken', 'no-provenance']).toContain(state.sealed ? '' : state.reason);
  });

  describe('under a root with a transparency log', () => {
    const log = createTransparencyLog();
    let trustedRoot: string;
    let seals: SealContext;

    beforeAll(async () => {
      trustedRoot = join(folder, 'logged-root.json');
      const root = JSON.parse(await readFile(sigstore.trustedRoot, 'utf8'));
      await writeFile(trustedRoot, JSON.stringify({ ...root, tlogs: [log.authority] }));
      const verifier = createVerifier({ root: { type: 'file', path: trustedRoot } });
      seals = { policy: context.policy, registry, verifier };
    });

    const logged = (by: TransparencyLog): Signer => ({
      sign: async (statement) => by.append(await workflowSigner().sign(statement)),
    });
    const verify = (version: string, image: PushedImage) => {
      const flags = identity('refs/heads/main').filter((flag) => flag !== '--insecure-ignore-tlog');
      // The last of a flag that is given twice counts.
      return cosign(version, ['verify', ...flags, '--trusted-root', trustedRoot], image);
    };

    test('what is logged is sealed, and cosign accepts it', async () => {
      const image = await newImage();
      const bundles = await signAll(logged(log), statementsOf(image));
      const state = await attachSeal(seals, image.repository, image.index, bundles, {});
      expect(state).toMatchObject({ sealed: true, image: { tier: 'trusted' } });
      for (const version of ['cosign', 'cosign2']) {
        const { code, stderr } = await verify(version, image);
        expect(stderr).not.toMatch(/^Error/m);
        expect(code).toBe(0);
      }
    });

    test.each<[string, () => Signer]>([
      ['is not logged', () => workflowSigner()],
      ['is in another log', () => logged(createTransparencyLog())],
      ['has the proof of another entry', () => swapped()],
    ])('what %s is not, for neither of us', async (_what, signer) => {
      const image = await newImage();
      await smuggle(image, signer(), statementsOf(image));
      const state = await inspectSeal(seals, image.repository, image.index.digest);
      expect(state).toMatchObject({ sealed: false, reason: 'broken' });
      expect((await verify('cosign', image)).code).not.toBe(0);
    });

    function swapped(): Signer {
      const proof = workflowSigner().sign(signatureStatement([`sha256:${'0'.repeat(64)}`]));
      return {
        async sign(statement) {
          const other = JSON.parse(Buffer.from(log.append(await proof)).toString());
          const bundle = JSON.parse(Buffer.from(await workflowSigner().sign(statement)).toString());
          bundle.verificationMaterial.tlogEntries = other.verificationMaterial.tlogEntries;
          return Buffer.from(JSON.stringify(bundle));
        },
      };
    }
  });

  test('cosign says which digest the provenance is of', async () => {
    const image = await newImage();
    await seal(image, workflowSigner());
    const { stdout } = await cosign('cosign', [...CHECKS[1], ...identity('refs/heads/main')], image);
    const statement = JSON.parse(Buffer.from(JSON.parse(stdout).payload, 'base64').toString());
    expect(statement.subject).toEqual([
      { name: image.repository, digest: { sha256: image.index.digest.slice(7) } },
    ]);
    expect(Object.keys(statement.predicate).sort()).toEqual(['buildDefinition', 'runDetails']);
  });
});
