import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCosign, type SigningMode } from '../../src/adapters/cosign.ts';
import { createProcesses } from '../../src/adapters/process.ts';
import { digestOf } from '../../src/core/digest.ts';
import { signatureStatement } from '../../src/seal/statement.ts';
import type { Signer, SignerIdentity } from '../../src/seal/types.ts';
import { type BundleVerifier, bundlePayload, createVerifier } from '../../src/seal/verifier.ts';
import { createKeySigner } from '../support/key-signer.ts';
import { run } from '../support/services/run.ts';
import { type Sigstore, startSigstore } from '../support/services/sigstore.ts';
import { tool } from '../tools/locate.ts';

const PASSWORD = 'a password that must not be seen';

let folder: string;
let sigstore: Sigstore;
const processes = createProcesses({
  ...process.env,
  PATH: `${dirname(tool('cosign'))}:${process.env.PATH}`,
  // What signs is said by the config: these must change nothing.
  COSIGN_KEY: '/nowhere/cosign.key',
  COSIGN_SK: 'true',
  COSIGN_IDENTITY_TOKEN: 'nobody',
  COSIGN_NEW_BUNDLE_FORMAT: 'false',
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'primitive-signer-'));
  sigstore = await startSigstore();
  await run(tool('cosign'), ['generate-key-pair'], { cwd: folder, env: { COSIGN_PASSWORD: PASSWORD } });
});
afterAll(async () => {
  await sigstore.stop();
  await rm(folder, { recursive: true });
});

interface Subject {
  readonly signer: Signer;
  readonly verifier: BundleVerifier;
  readonly identity: Partial<SignerIdentity>;
}

function cosign(mode: SigningMode) {
  return createCosign({ processes, mode, temporary: folder });
}

async function keyMode(): Promise<Subject> {
  const signer = cosign({ type: 'key', key: join(folder, 'cosign.key'), password: PASSWORD });
  return {
    signer,
    verifier: createVerifier({ keys: [await signer.publicKey()] }),
    identity: { type: 'key' },
  };
}

async function keylessMode(): Promise<Subject> {
  const { signingConfig, trustedRoot } = sigstore;
  const idToken = async () => sigstore.token();
  return {
    signer: cosign({ type: 'keyless', idToken, signingConfig, trustedRoot }),
    verifier: createVerifier({ root: { type: 'file', path: trustedRoot } }),
    identity: {
      type: 'keyless',
      issuer: sigstore.issuer,
      identity: 'https://github.com/acme/app/.github/workflows/publish.yaml@refs/heads/main',
      repository: 'acme/app',
      ref: 'refs/heads/main',
      trigger: 'push',
      commit: '1111111111111111111111111111111111111111',
    },
  };
}

/** A key that a private Sigstore timestamps: the bundle then holds more than the signature. */
async function timestampedKeyMode(): Promise<Subject> {
  const { signingConfig, trustedRoot } = sigstore;
  const subject = await keyMode();
  const key = { type: 'key', key: join(folder, 'cosign.key'), password: PASSWORD } as const;
  return { ...subject, signer: cosign({ ...key, signingConfig, trustedRoot }) };
}

async function inProcess(): Promise<Subject> {
  const signer = createKeySigner();
  return { signer, verifier: createVerifier({ keys: [signer.publicKey] }), identity: { type: 'key' } };
}

describe.each([
  ['a key in process', inProcess],
  ['cosign with a key', keyMode],
  ['cosign with a key and a timestamp authority', timestampedKeyMode],
  ['cosign with a certificate', keylessMode],
])('%s', (_name, make) => {
  let subject: Subject;
  const statement = signatureStatement([digestOf('one'), digestOf('two')]);
  beforeAll(async () => {
    subject = await make();
  });

  test('signs exactly the statement, and the bundle proves who did', async () => {
    const bundle = await subject.signer.sign(statement);
    expect(Buffer.from(await bundlePayload(bundle)).toString()).toBe(Buffer.from(statement).toString());
    expect(await subject.verifier.verify(bundle)).toMatchObject({
      verified: true,
      statement: { subjects: [digestOf('one'), digestOf('two')].sort(), signer: subject.identity },
    });
  });

  test('signs several at a time', async () => {
    const statements = ['a', 'b', 'c'].map((seed) => signatureStatement([digestOf(seed)]));
    const bundles = await Promise.all(statements.map((one) => subject.signer.sign(one)));
    const payloads = await Promise.all(bundles.map(bundlePayload));
    expect(payloads.map((payload) => Buffer.from(payload).toString())).toEqual(
      statements.map((one) => Buffer.from(one).toString()),
    );
  });

  test('signs a statement of ten megabytes', async () => {
    const text = Buffer.from(statement)
      .toString()
      .replace('"predicate":{}', `"predicate":{"text":"${'x'.repeat(10_000_000)}"}`);
    const bundle = await subject.signer.sign(Buffer.from(text));
    expect(await subject.verifier.verify(bundle)).toMatchObject({ verified: true });
  });

  test('refuses what is no JSON, and leaves nothing behind', async () => {
    await expect(subject.signer.sign(Buffer.from('no statement'))).rejects.toThrow();
    expect((await readdir(folder)).filter((name) => !name.startsWith('cosign.'))).toEqual([]);
  });

  test('the signer of another is told apart', async () => {
    const stranger = createVerifier({ keys: [createKeySigner().publicKey] });
    expect(await stranger.verify(await subject.signer.sign(statement))).toMatchObject({ verified: false });
  });
});

test('with any bit flipped, a bundle with a certificate is refused or still says the very same', async () => {
  const { signer, verifier } = await keylessMode();
  const bundle = await signer.sign(signatureStatement([digestOf('one')]));
  const good = await verifier.verify(bundle);
  expect(good).toMatchObject({ verified: true });
  for (let bit = 0; bit < bundle.length * 8; bit += 61) {
    const flipped = Uint8Array.from(bundle);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const check = await verifier.verify(flipped);
    if (check.verified) expect(check).toEqual(good);
  }
});

describe('a root demands what it has', () => {
  const certified = async (change: (root: Record<string, unknown[]>) => void) => {
    const { readFile, writeFile } = await import('node:fs/promises');
    const root = JSON.parse(await readFile(sigstore.trustedRoot, 'utf8'));
    change(root);
    const path = join(folder, 'cosign.root.json');
    await writeFile(path, JSON.stringify(root));
    const { signer } = await keylessMode();
    const bundle = await signer.sign(signatureStatement([digestOf('one')]));
    return createVerifier({ root: { type: 'file', path } }).verify(bundle);
  };
  const log = () => {
    const key = createKeySigner().publicKey.replace(/-----[^-]+-----|\s/g, '');
    return {
      baseUrl: 'https://log.example',
      hashAlgorithm: 'SHA2_256',
      publicKey: {
        rawBytes: key,
        keyDetails: 'PKIX_ECDSA_P256_SHA_256',
        validFor: { start: '2020-01-01T00:00:00Z' },
      },
      logId: { keyId: Buffer.alloc(32).toString('base64') },
    };
  };

  test('an entry in its transparency log', async () => {
    const check = await certified((root) => (root.tlogs = [log()]));
    expect(check).toMatchObject({ verified: false, detail: expect.stringContaining('tlog') });
  });

  test('a certificate timestamp of its certificate log', async () => {
    const check = await certified((root) => (root.ctlogs = [log()]));
    expect(check).toMatchObject({ verified: false, detail: expect.stringContaining('SCT') });
  });

  test('and a signed time in any case', async () => {
    const check = await certified((root) => (root.timestampAuthorities = []));
    expect(check).toMatchObject({ verified: false, detail: expect.stringContaining('timestamp') });
  });

  test('by an authority of its own', async () => {
    await using other = await startSigstore();
    const { signer } = await keylessMode();
    const bundle = await signer.sign(signatureStatement([digestOf('one')]));
    const check = await createVerifier({ root: { type: 'file', path: other.trustedRoot } }).verify(bundle);
    expect(check).toMatchObject({ verified: false });
  });
});
