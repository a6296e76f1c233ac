import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { digestOf } from '../../../src/core/digest.ts';
import { signatureStatement } from '../../../src/seal/statement.ts';
import { bundlePayload, createVerifier } from '../../../src/seal/verifier.ts';
import { createKeySigner } from '../../support/key-signer.ts';

const image = digestOf('an image');
const statement = signatureStatement([image]);
const signer = createKeySigner();
const verifier = createVerifier({ keys: [signer.publicKey] });
let bundle: Uint8Array;
let folder: string;

beforeAll(async () => {
  bundle = await signer.sign(statement);
  folder = await mkdtemp(join(tmpdir(), 'primitive-verifier-'));
});
afterAll(() => rm(folder, { recursive: true }));

const good = {
  verified: true,
  statement: {
    predicateType: 'https://sigstore.dev/cosign/sign/v1',
    subjects: [image],
    predicate: {},
    signer: { type: 'key', fingerprint: signer.fingerprint },
  },
};

test('a bundle says what was signed, and by whom', async () => {
  expect(await verifier.verify(bundle)).toEqual(good);
  expect(Buffer.from(await bundlePayload(bundle))).toEqual(Buffer.from(statement));
});

test('a key that is not configured vouches for nothing', async () => {
  const other = createVerifier({ keys: [createKeySigner().publicKey] });
  expect(await other.verify(bundle)).toEqual({
    verified: false,
    detail: 'it is signed with a key that is not configured',
  });
});

test('a bundle under the name of a configured key must be signed with it', async () => {
  const json = parsed(await createKeySigner().sign(statement));
  json.verificationMaterial = parsed(bundle).verificationMaterial;
  expect(await verifier.verify(encoded(json))).toEqual({
    verified: false,
    detail: 'the signature does not match',
  });
});

test('with any bit flipped, a bundle is refused or still says the very same', async () => {
  let refused = 0;
  for (let bit = 0; bit < bundle.length * 8; bit += 3) {
    const flipped = Uint8Array.from(bundle);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const check = await verifier.verify(flipped);
    if (check.verified) expect(check).toEqual(good);
    else refused++;
  }
  // What remains are unused bits of base64.
  expect(refused).toBeGreaterThan((bundle.length * 8) / 3 - 40);
});

test('cut short anywhere, a bundle is refused', async () => {
  for (let length = 0; length < bundle.length; length += 7) {
    expect(await verifier.verify(bundle.subarray(0, length))).toMatchObject({ verified: false });
  }
});

describe('what is not a bundle is refused without a crash', () => {
  test.each<[string, (json: Json) => unknown]>([
    ['null', () => null],
    ['a list', () => []],
    ['an empty object', () => ({})],
    [
      'an older bundle',
      (json) => ({ ...json, mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.2' }),
    ],
    ['an unknown field', (json) => ({ ...json, extra: true })],
    ['no material', ({ verificationMaterial: _, ...json }) => json],
    ['no envelope', ({ dsseEnvelope: _, ...json }) => json],
    [
      'a message signature',
      ({ dsseEnvelope: _, ...json }) => ({ ...json, messageSignature: { signature: 'AAAA' } }),
    ],
    [
      'two signatures',
      (json) =>
        envelope(json, { signatures: [...json.dsseEnvelope.signatures, ...json.dsseEnvelope.signatures] }),
    ],
    ['no signature', (json) => envelope(json, { signatures: [] })],
    ['an empty signature', (json) => envelope(json, { signatures: [{ sig: '' }] })],
    ['a payload of another type', (json) => envelope(json, { payloadType: 'text/plain' })],
    ['a payload that is no base64', (json) => envelope(json, { payload: '*' })],
    ['a number for a payload', (json) => envelope(json, { payload: 7 })],
    ['no key hint', (json) => ({ ...json, verificationMaterial: { publicKey: {} } })],
    [
      'the hint __proto__',
      (json) => ({ ...json, verificationMaterial: { publicKey: { hint: '__proto__' } } }),
    ],
    [
      'the hint constructor',
      (json) => ({ ...json, verificationMaterial: { publicKey: { hint: 'constructor' } } }),
    ],
    [
      'key and certificate',
      (json) => ({
        ...json,
        verificationMaterial: { ...json.verificationMaterial, certificate: { rawBytes: 'AAAA' } },
      }),
    ],
    ['a certificate', (json) => ({ ...json, verificationMaterial: { certificate: { rawBytes: 'AAAA' } } })],
    [
      'a hundred timestamps',
      (json) => ({
        ...json,
        verificationMaterial: {
          ...json.verificationMaterial,
          timestampVerificationData: { rfc3161Timestamps: Array(100).fill({ signedTimestamp: 'AAAA' }) },
        },
      }),
    ],
  ])('%s', async (_name, change) => {
    expect(await verifier.verify(encoded(change(parsed(bundle))))).toMatchObject({ verified: false });
  });

  test.each([
    ['bytes that are no text', Uint8Array.of(0xff, 0xfe)],
    ['nothing', new Uint8Array()],
    ['deep nesting', Buffer.from(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)],
    ['a __proto__ that would be a bundle', Buffer.from('{"__proto__":{"mediaType":"x"}}')],
  ])('%s', async (_name, bytes) => {
    expect(await verifier.verify(bytes)).toMatchObject({ verified: false });
  });
});

describe('what is signed must be a statement', () => {
  test.each<[string, unknown]>([
    [
      'an older statement',
      { _type: 'https://in-toto.io/Statement/v0.1', subject: [{ digest: {} }], predicateType: 'x' },
    ],
    ['no subject', { _type: 'https://in-toto.io/Statement/v1', subject: [], predicateType: 'x' }],
    ['no predicate type', { _type: 'https://in-toto.io/Statement/v1', subject: [{ digest: {} }] }],
    [
      'a digest that is no text',
      { _type: 'https://in-toto.io/Statement/v1', subject: [{ digest: { sha256: 1 } }], predicateType: 'x' },
    ],
    ['a list', []],
  ])('%s', async (_name, payload) => {
    expect(await verifier.verify(await signer.sign(encoded(payload)))).toMatchObject({ verified: false });
  });

  test('subjects without a sha256 digest name nothing that could be meant', async () => {
    const subject = [
      { digest: { sha512: 'ab' } },
      { digest: { sha256: 'AB'.repeat(32) } },
      { digest: { sha256: image.slice(7) } },
    ];
    const signed = await signer.sign(
      encoded({ _type: 'https://in-toto.io/Statement/v1', subject, predicateType: 'x' }),
    );
    expect(await verifier.verify(signed)).toMatchObject({ verified: true, statement: { subjects: [image] } });
  });
});

describe('keys of other kinds', () => {
  test.each([
    ['ECDSA P-384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' }), 'sha384'],
    ['ECDSA P-521', () => generateKeyPairSync('ec', { namedCurve: 'P-521' }), 'sha512'],
    ['RSA 2048', () => generateKeyPairSync('rsa', { modulusLength: 2048 }), 'sha256'],
    ['Ed25519', () => generateKeyPairSync('ed25519'), null],
  ])('%s', async (_name, generate, hash) => {
    const { publicKey, privateKey } = generate();
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const hint = createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest('base64');
    const json = parsed(bundle);
    const { payloadType } = json.dsseEnvelope;
    const signed = Buffer.concat([
      Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${statement.length} `),
      statement,
    ]);
    json.verificationMaterial = { publicKey: { hint } };
    json.dsseEnvelope.signatures = [{ sig: sign(hash, signed, privateKey).toString('base64') }];
    expect(await createVerifier({ keys: [pem] }).verify(encoded(json))).toMatchObject({ verified: true });
  });
});

describe('the root', () => {
  const certificateBundle = () =>
    encoded({ ...parsed(bundle), verificationMaterial: { certificate: { rawBytes: 'AAAA' } } });

  test('is not loaded for what a key signed', async () => {
    const root = { type: 'file', path: join(folder, 'nowhere.json') } as const;
    expect(await createVerifier({ keys: [signer.publicKey], root }).verify(bundle)).toEqual(good);
  });

  test('of the public instance is fetched by way of the proxy that is set, or it is said what went wrong', async () => {
    const asked: string[] = [];
    const proxy = createServer((socket) => {
      socket
        .on('error', () => {})
        .once('data', (data) => {
          asked.push(data.toString().split('\r\n')[0] ?? '');
          socket.destroy();
        });
    });
    await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
    const { port } = proxy.address() as AddressInfo;
    vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${port}`);
    try {
      const root = { type: 'public-good', cache: join(folder, 'tuf') } as const;
      const checking = createVerifier({ root }).verify(certificateBundle());
      await expect(checking).rejects.toMatchObject({
        code: 'trust-root-unavailable',
        exit: 3,
        why: expect.stringMatching(/^error refreshing TUF metadata: ./),
      });
      expect(asked[0]).toBe('CONNECT tuf-repo-cdn.sigstore.dev:443 HTTP/1.1');
    } finally {
      vi.unstubAllEnvs();
      proxy.close();
    }
  });

  test.each([
    ['is not there', undefined],
    ['is no JSON', 'no'],
    [
      'holds a certificate that is none',
      '{"certificateAuthorities":[{"certChain":{"certificates":[{"rawBytes":"AAAA"}]}}],"tlogs":[],"ctlogs":[],"timestampAuthorities":[]}',
    ],
  ])('that %s stops everything: there is nothing to judge by', async (name, content) => {
    const path = join(folder, `${name}.json`);
    if (content !== undefined) await writeFile(path, content);
    const checking = createVerifier({ root: { type: 'file', path } }).verify(certificateBundle());
    await expect(checking).rejects.toMatchObject({ code: 'trust-root-invalid', exit: 2 });
  });
});

interface Json {
  mediaType: string;
  verificationMaterial: object;
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string }[] };
}

function parsed(bytes: Uint8Array): Json {
  return JSON.parse(Buffer.from(bytes).toString());
}

function encoded(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function envelope(json: Json, change: object): unknown {
  return { ...json, dsseEnvelope: { ...json.dsseEnvelope, ...change } };
}
