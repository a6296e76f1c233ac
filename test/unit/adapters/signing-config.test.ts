import { expect, test } from 'vitest';
import { checkSigningConfig } from '../../../src/adapters/signing-config.ts';

const PRIVATE = 'https://fulcio.acme.example';
const of = (...urls: readonly unknown[]) => ({
  mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
  caUrls: urls.map((url) => ({ url, majorApiVersion: 1, operator: 'test' })),
  tsaUrls: [{ url: 'https://tsa.acme.example/api/v1/timestamp' }],
});
const check = (config: object | string, fulcio?: string) =>
  checkSigningConfig(typeof config === 'string' ? config : JSON.stringify(config), 'sc.json', fulcio);

test.each([
  ['the public Fulcio', ['https://fulcio.sigstore.dev'], undefined],
  ['loopback', ['http://127.0.0.1:5555', 'http://localhost:1'], undefined],
  ['the one of the environment', [PRIVATE], `${PRIVATE}/`],
  ['none', [], undefined],
])('a token goes to %s', (_, urls, fulcio) => {
  expect(JSON.parse(check(of(...urls), fulcio))).toEqual(of(...urls));
});

test('cosign gets the address that was checked', () => {
  const { caUrls } = JSON.parse(check(of('HTTPS://Fulcio.Sigstore.dev:443/', 'http://0x7f.1:5555')));
  expect(caUrls.map(({ url }: { url: string }) => url)).toEqual([
    'https://fulcio.sigstore.dev',
    'http://127.0.0.1:5555',
  ]);
  const twice = '{"caUrls":[{"url":"https://evil.example"}],"caUrls":[{"url":"http://127.0.0.1:1"}]}';
  expect(check(twice)).toBe('{"caUrls":[{"url":"http://127.0.0.1:1"}]}');
});

test.each([
  ['https://fulcio.evil.example', undefined],
  [PRIVATE, undefined],
  [PRIVATE, ''],
  [PRIVATE, 'https://other.acme.example'],
  [`${PRIVATE}:8443`, PRIVATE],
  [PRIVATE.replace('https', 'http'), PRIVATE],
  [`${PRIVATE}/other`, PRIVATE],
  ['http://fulcio.sigstore.dev', undefined],
  ['https://fulcio.sigstore.dev.evil.example', undefined],
  ['https://127.0.0.1.evil.example', undefined],
])('and not to %s where the environment names %s', (url, fulcio) => {
  for (const config of [of(url), of('https://fulcio.sigstore.dev', url)])
    expect(() => check(config, fulcio)).toThrow(
      expect.objectContaining({ code: 'signing-service-unknown', exit: 2 }),
    );
});

test.each<[string, object | string]>([
  ['another name of the key', { ca_urls: [{ url: 'https://evil.example' }] }],
  ['a list that is none', { caUrls: { url: 'https://evil.example' } }],
  ['a URL with a user', of('https://fulcio.sigstore.dev@evil.example')],
  ['a URL with a query', of('https://fulcio.sigstore.dev?x')],
  ['another scheme', of('file:///etc/passwd')],
  ['no URL', of(7)],
  ['a service that is none', { caUrls: [null] }],
  ['no JSON', 'caUrls: []'],
  ['a list', '[]'],
])('what is not understood is refused: %s', (_, config) => {
  expect(() => check(config, 'https://evil.example')).toThrow(
    expect.objectContaining({ code: 'signing-config-invalid', exit: 2 }),
  );
});
