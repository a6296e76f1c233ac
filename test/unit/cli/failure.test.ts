import { Check } from 'typebox/schema';
import { describe, expect, test } from 'vitest';
import { errorDocument, errorText, stackText } from '../../../src/cli/failure.ts';
import { errorSchema } from '../../../src/core/error-document.ts';
import { errorLine, PrimitiveError, toPrimitiveError } from '../../../src/core/errors.ts';
import { createStyle } from '../../../src/render/style.ts';
import { hangWithin } from '../../../src/render/wrap.ts';

const plain = createStyle(false);

const failure = new PrimitiveError('registry-denied', 'ghcr.io refuses the push.', {
  why: 'The token token-abcdef may only read.',
  suggestions: ['Give the job `packages: write`.', 'docker login ghcr.io\nand try again'],
  exit: 3,
  retryable: true,
  cause: new Error('401 with token-abcdef'),
});

describe('primitive.error/v1', () => {
  test('holds exactly its fields, without secrets', () => {
    Object.assign(failure, { request: { headers: { authorization: 'Bearer token-abcdef' } } });
    expect(errorDocument(failure, ['token-abcdef'])).toEqual({
      schema: 'primitive.error/v1',
      code: 'registry-denied',
      message: 'ghcr.io refuses the push.',
      why: 'The token *** may only read.',
      suggestions: ['Give the job `packages: write`.', 'docker login ghcr.io\nand try again'],
      docs: 'primitive explain registry-denied',
      exit: 3,
      retryable: true,
    });
  });

  test('a full disk is no bug of ours', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device'), {
      code: 'ENOSPC',
      path: '/tmp/x',
    });
    expect(toPrimitiveError(full)).toMatchObject({
      code: 'disk-full',
      exit: 3,
      message: 'Cannot write /tmp/x: no space left.',
    });
  });

  test('is valid; with a field more it is not', () => {
    const document = errorDocument(failure, []);
    expect(Check(errorSchema, document)).toBe(true);
    expect(Check(errorSchema, { ...document, cause: 'x' })).toBe(false);
  });

  test('has every field also where there is nothing to say', () => {
    expect(errorDocument(new PrimitiveError('test/a', 'b'), [])).toEqual({
      schema: 'primitive.error/v1',
      code: 'test/a',
      message: 'b',
      why: null,
      suggestions: [],
      docs: 'primitive explain test/a',
      exit: 2,
      retryable: false,
    });
  });
});

describe('text', () => {
  test('what, why and what next, each on lines of its own', () => {
    expect(errorText(failure, ['token-abcdef'], plain)).toBe(
      `Error: ghcr.io refuses the push. [registry-denied]
  The token *** may only read.
  Try:
  - Give the job \`packages: write\`.
  - docker login ghcr.io
    and try again
`,
    );
  });

  test.each([
    ['it is empty', 'It is empty.'],
    ['It is empty.', 'It is empty.'],
    ['images must not vary (here)', 'Images must not vary (here).'],
    ['build.builder is buildah', 'build.builder is buildah'],
    ['a\nb c', 'a\n  b c'],
  ])('shows the reason %j as a sentence', (why, shown) => {
    expect(errorText(new PrimitiveError('test/a', 'b', { why }), [], plain)).toBe(
      `Error: b [test/a]\n  ${shown}\n`,
    );
  });

  test.each([
    ['X failed.', 'It is empty.', 'X failed. It is empty.'],
    ['X failed.', 'it is empty', 'X failed: it is empty'],
    ['X failed.', 'buf 1.60.0 is needed', 'X failed: buf 1.60.0 is needed'],
    ['X failed.', '`buf` is 1.50.0', 'X failed: `buf` is 1.50.0'],
    ['X failed', 'it is empty', 'X failed: it is empty'],
    ['X failed.', undefined, 'X failed.'],
  ])('%j and %j on one line, the reason as it is written', (message, why, line) => {
    expect(errorLine(new PrimitiveError('test/a', message, why === undefined ? {} : { why }))).toBe(line);
  });

  test('one suggestion stands on the line', () => {
    expect(errorText(new PrimitiveError('test/a', 'b.', { suggestions: ['c'] }), [], plain)).toBe(
      'Error: b. [test/a]\n  Try: c\n',
    );
  });

  test('80 columns: reasons and advices hang, digests and commands stay whole', () => {
    const ref = `ghcr.io/acme/domain-orders@sha256:${'9f'.repeat(32)}`;
    const error = new PrimitiveError('base-unavailable', `Cannot pull ${ref} as the base of this image`, {
      why: 'The registry answers 403: the token of this job may read packages of the repository alone.',
      suggestions: [
        'Let the job read the package: its settings, Manage Actions access, Add repository, role Read.',
        'docker login ghcr.io --username somebody-with-a-long-name --password-stdin < ~/.ghcr-token',
        'Or map it in primitive.config.yaml: build: { bases: { "IMAGE": "IMAGE@sha256:…" } }',
        'Or pull it by hand: docker pull ghcr.io/acme/base/with/a/rather/long/name/that/fits/no/line:1.2.3',
      ],
    });
    expect(errorText(error, [], createStyle(false, hangWithin(80)))).toBe(
      `Error: Cannot pull
       ${ref}
       as the base of this image [base-unavailable]
  The registry answers 403: the token of this job may read packages of the
  repository alone.
  Try:
  - Let the job read the package: its settings, Manage Actions access, Add
    repository, role Read.
  - docker login ghcr.io --username somebody-with-a-long-name --password-stdin < ~/.ghcr-token
  - Or map it in primitive.config.yaml:
    build: { bases: { "IMAGE": "IMAGE@sha256:…" } }
  - Or pull it by hand:
    docker pull ghcr.io/acme/base/with/a/rather/long/name/that/fits/no/line:1.2.3
`,
    );
  });

  test('the log of a program comes after the reason, for people as for programs', () => {
    const error = new PrimitiveError('build-failed', 'The build failed', { log: 'a\ntoken-abcdef', exit: 1 });
    expect(errorText(error, [], plain)).toBe('Error: The build failed [build-failed]\n  a\n  token-abcdef\n');
    expect(errorDocument(error, ['token-abcdef']).why).toBe('a\n***');
  });

  test('nothing from outside can steer the terminal', () => {
    const text = errorText(
      new PrimitiveError('test/a', 'x\u001b[2J', { why: '\u001b]0;t\u0007' }),
      [],
      plain,
    );
    expect(text).toBe('Error: x\\u001b[2J [test/a]\n  \\u001b]0;t\\u0007\n');
  });

  test('stacks of all causes are there for debugging, without secrets', () => {
    const text = stackText(failure, ['token-abcdef']);
    expect(text).toMatch(/PrimitiveError: ghcr.io refuses[\s\S]*caused by Error: 401 with \*\*\*/);
    expect(text).not.toContain('token-abcdef');
  });
});

describe('what nobody foresaw', () => {
  test.each([new TypeError('x is undefined'), 'a string', undefined, { code: 'E' }])(
    '%j is a bug of ours',
    (thrown) => {
      const error = toPrimitiveError(thrown);
      expect(error).toMatchObject({ code: 'internal-error', exit: 70, retryable: false });
      expect(error.why).toMatch(/bug in primitive/);
      expect(error.suggestions.join()).toMatch(/Report/);
    },
  );

  test('the place is named without the folder', () => {
    expect(toPrimitiveError(new TypeError('x')).why).toMatch(/\(TypeError at failure\.test\.ts:\d+:\d+\)/);
  });
});
