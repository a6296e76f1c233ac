import { describe, expect, test } from 'vitest';
import { type CertificateExtension, certificateIdentity } from '../../../src/seal/certificate.ts';

const FULCIO = '1.3.6.1.4.1.57264.1';
const NAME = '2.5.29.17';
const USAGE = '2.5.29.37';
const WORKFLOW = 'https://github.com/acme/app/.github/workflows/publish.yaml@refs/heads/main';

/** One TLV of DER (X.690, 8.1), of fewer than 64 KiB. */
function der(tag: number, content: Uint8Array): Buffer {
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const utf8 = (text: string) => der(0x0c, Buffer.from(text));
const sequence = (...items: Buffer[]) => der(0x30, Buffer.concat(items));
const uri = (text: string) => der(0x86, Buffer.from(text, 'latin1'));
const email = (text: string) => der(0x81, Buffer.from(text));
const codeSigning = sequence(der(0x06, Buffer.from([0x2b, 6, 1, 5, 5, 7, 3, 3])));
const serverAuthentication = sequence(der(0x06, Buffer.from([0x2b, 6, 1, 5, 5, 7, 3, 1])));

const current = {
  [USAGE]: codeSigning,
  [NAME]: sequence(uri(WORKFLOW)),
  [`${FULCIO}.8`]: utf8('https://issuer.example'),
  [`${FULCIO}.12`]: utf8('https://github.com/acme/app'),
  [`${FULCIO}.13`]: utf8('1111111111111111111111111111111111111111'),
  [`${FULCIO}.14`]: utf8('refs/heads/main'),
  [`${FULCIO}.20`]: utf8('push'),
  [`${FULCIO}.11`]: utf8('github-hosted'),
  [`${FULCIO}.15`]: utf8('100200300'),
  [`${FULCIO}.17`]: utf8('400500'),
};
const legacy = {
  [USAGE]: codeSigning,
  [NAME]: sequence(uri(WORKFLOW)),
  [`${FULCIO}.1`]: Buffer.from('https://issuer.example'),
  [`${FULCIO}.2`]: Buffer.from('push'),
  [`${FULCIO}.3`]: Buffer.from('1111111111111111111111111111111111111111'),
  [`${FULCIO}.5`]: Buffer.from('acme/app'),
  [`${FULCIO}.6`]: Buffer.from('refs/heads/main'),
};
const named = {
  type: 'keyless',
  issuer: 'https://issuer.example',
  identity: WORKFLOW,
  repository: 'acme/app',
  ref: 'refs/heads/main',
  trigger: 'push',
  commit: '1111111111111111111111111111111111111111',
};
const identity = { ...named, repositoryId: '100200300', ownerId: '400500', runner: 'github-hosted' };

function extensions(values: Readonly<Record<string, Uint8Array>>): CertificateExtension[] {
  return Object.entries(values).map(([oid, value]) => ({ oid: { id: oid.split('.').map(Number) }, value }));
}

const read = (values: Readonly<Record<string, Uint8Array>>) => certificateIdentity(extensions(values));

describe('certificateIdentity', () => {
  test('reads the extensions in DER', () => {
    expect(read(current)).toEqual(identity);
  });

  test('reads the first version of them, which has no ids', () => {
    expect(read(legacy)).toEqual(named);
  });

  test('prefers those in DER', () => {
    const both = {
      ...legacy,
      [`${FULCIO}.5`]: Buffer.from('mallory/app'),
      [`${FULCIO}.6`]: Buffer.from('refs/heads/x'),
    };
    expect(read({ ...both, ...current })).toEqual(identity);
  });

  test('a person has an address, and nothing of a run', () => {
    const person = {
      [USAGE]: codeSigning,
      [NAME]: sequence(email('dev@acme.example')),
      [`${FULCIO}.8`]: utf8('https://issuer.example'),
    };
    expect(read(person)).toEqual({
      type: 'keyless',
      issuer: 'https://issuer.example',
      identity: 'dev@acme.example',
    });
  });

  test('a group of GitLab keeps its path', () => {
    const gitlab = { ...current, [`${FULCIO}.12`]: utf8('https://gitlab.com/acme/team/app') };
    expect(read(gitlab)).toMatchObject({ repository: 'acme/team/app' });
  });

  test.each<[string, Record<string, Uint8Array>, RegExp]>([
    ['no name', { [NAME]: sequence() }, /0 names/],
    ['two names', { [NAME]: sequence(uri(WORKFLOW), uri('https://evil.example')) }, /2 names/],
    ['a name of another kind', { [NAME]: sequence(der(0x82, Buffer.from('acme.example'))) }, /neither/],
    ['an empty name', { [NAME]: sequence(uri('')) }, /empty/],
    ['a name with a line break', { [NAME]: sequence(uri(`${WORKFLOW}\n`)) }, /printable/],
    ['a name with a NUL', { [NAME]: sequence(uri(`${WORKFLOW}\0.evil.example`)) }, /printable/],
    // Read as seven bits, this would be the trusted workflow.
    [
      'a name whose bytes have the eighth bit',
      { [NAME]: sequence(uri(WORKFLOW.replace('main', '\xed\xe1\xe9\xee'))) },
      /./,
    ],
    [
      'bytes after the name',
      { [NAME]: Buffer.concat([sequence(uri(WORKFLOW)), Buffer.from([0])]) },
      /trailing/,
    ],
    [
      'an issuer of another type',
      { [`${FULCIO}.8`]: der(0x16, Buffer.from('https://issuer.example')) },
      /UTF8String/,
    ],
    [
      'bytes after the issuer',
      { [`${FULCIO}.8`]: Buffer.concat([utf8('https://issuer.example'), Buffer.from('x')]) },
      /trailing/,
    ],
    ['a ref that is no DER', { [`${FULCIO}.14`]: Buffer.from('refs/heads/main') }, /./],
    ['a certificate of a server', { [USAGE]: serverAuthentication }, /signing code/],
  ])('refuses %s', (_what, values, why) => {
    expect(() => read({ ...current, ...values })).toThrow(why);
  });

  test.each([NAME, USAGE, `${FULCIO}.8`])('refuses a certificate without %s', (oid) => {
    expect(() =>
      certificateIdentity(extensions(current).filter(({ oid: id }) => id?.id.join('.') !== oid)),
    ).toThrow();
  });

  test('refuses an extension that is there twice', () => {
    const again = extensions({ [`${FULCIO}.14`]: utf8('refs/heads/evil') });
    expect(() => certificateIdentity([...extensions(current), ...again])).toThrow(/twice/);
  });
});
