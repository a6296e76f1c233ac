import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseChallenges } from '../../../src/oci/auth.ts';

const plain = (header: string) =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

describe('parseChallenges', () => {
  test.each([
    [
      'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"',
      [
        [
          'bearer',
          {
            realm: 'https://auth.example/token',
            service: 'registry.example',
            scope: 'repository:a/b:pull,push',
          },
        ],
      ],
    ],
    ['Basic realm="Registry"', [['basic', { realm: 'Registry' }]]],
    ['basic', [['basic', {}]]],
    [
      'BEARER Realm=https://a.example/t , Service = x',
      [['bearer', { realm: 'https://a.example/t', service: 'x' }]],
    ],
    [
      'Negotiate, Basic realm="a, b", Bearer realm="https://a.example/t"',
      [
        ['negotiate', {}],
        ['basic', { realm: 'a, b' }],
        ['bearer', { realm: 'https://a.example/t' }],
      ],
    ],
    ['Basic realm="say \\"hi\\" \\\\ now"', [['basic', { realm: 'say "hi" \\ now' }]]],
    ['', []],
    [' , ,', []],
    [
      'Bearer realm="unterminated',
      [
        ['bearer', {}],
        ['realm', {}],
        ['unterminated', {}],
      ],
    ],
  ])('%s', (header, expected) => {
    expect(plain(header)).toEqual(expected);
  });

  test('any parameter value in quotes comes back', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (value) => {
        const quoted = value.replace(/[\\"]/g, '\\$&');
        expect(plain(`Bearer realm="${quoted}", service=x`)).toEqual([
          ['bearer', { realm: value, service: 'x' }],
        ]);
      }),
    );
  });

  test('any header ends', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (header) => void parseChallenges(header)),
    );
  });
});
