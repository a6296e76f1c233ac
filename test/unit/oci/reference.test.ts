import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatReference,
  joinRepository,
  parseDockerReference,
  parseRepository,
  parseTag,
  repositoryHost,
  repositoryPath,
} from '../../../src/oci/reference.ts';

const hex = 'a'.repeat(64);

describe('parseRepository', () => {
  test.each([
    ['ghcr.io/acme/domain-orders', 'ghcr.io', 'acme/domain-orders'],
    ['127.0.0.1:5000/a', '127.0.0.1:5000', 'a'],
    ['localhost/a/b/c', 'localhost', 'a/b/c'],
    ['localhost:5000/a', 'localhost:5000', 'a'],
    ['[::1]:5000/a', '[::1]:5000', 'a'],
    ['registry.example.com/a__b/c---d/e.f_g', 'registry.example.com', 'a__b/c---d/e.f_g'],
  ])('%s', (text, host, path) => {
    const repository = parseRepository(text);
    expect(repositoryHost(repository)).toBe(host);
    expect(repositoryPath(repository)).toBe(path);
  });

  test.each([
    ['', 'it is empty'],
    ['orders', 'the registry host is missing'],
    ['acme/orders', '"acme" is not a registry host: it has neither a dot nor a port'],
    ['https://ghcr.io/acme/orders', 'a reference has no scheme'],
    ['ghcr.io/Acme/orders', '"Acme" has upper-case letters'],
    ['GHCR.io/acme/orders', 'the host "GHCR.io" has upper-case letters'],
    ['ghcr.io/acme/orders:v1', 'a tag is not part of a repository'],
    [`ghcr.io/acme/orders@sha256:${hex}`, 'a digest is not part of a repository'],
    ['ghcr.io/acme//orders', 'a part between two slashes is empty'],
    ['ghcr.io/acme/orders/', 'a part between two slashes is empty'],
    ['ghcr.io/', 'a part between two slashes is empty'],
    ['ghcr.io/acme/../orders', '".." is not a name'],
    ['ghcr.io/acme/.orders', '".orders" must begin and end with a letter or a digit'],
    ['ghcr.io/acme/orders-', '"orders-" must begin and end with a letter or a digit'],
    [
      'ghcr.io/acme/or..ders',
      '"or..ders" has separators in a row; allowed are one dot, one or two underscores, or dashes',
    ],
    ['ghcr.io/acme/or ders', 'it contains white space'],
    ['ghcr.io/acme/or\u00fcders', '"orüders" contains "ü"'],
    ['ghcr.io/acme/or\nders', 'it contains white space'],
    ['ghcr.io:99999/acme', '99999 is not a port'],
    ['ghcr..io/acme', '"ghcr..io" is not a host name'],
    ['-ghcr.io/acme', '"-ghcr.io" is not a host name'],
  ])('refuses %j: %s', (text, why) => {
    expect(() => parseRepository(text)).toThrow(
      expect.objectContaining({ code: 'reference-invalid', exit: 2, why }),
    );
  });

  test('names the length of a name that is too long', () => {
    expect(() => parseRepository(`ghcr.io/acme/${'a'.repeat(300)}`)).toThrow(
      expect.objectContaining({
        why: 'it has 313 characters, registries take 255 for host and name together',
      }),
    );
    expect(parseRepository(`ghcr.io/acme/${'a'.repeat(200)}`)).toHaveLength(213);
  });

  test('says what to write instead', () => {
    const suggestions = (text: string) => {
      try {
        parseRepository(text);
      } catch (error) {
        return (error as { suggestions: readonly string[] }).suggestions;
      }
      return undefined;
    };
    expect(suggestions('ghcr.io/Acme/Orders')).toEqual(['Use ghcr.io/acme/orders']);
    expect(suggestions('https://ghcr.io/acme')).toEqual(['Use ghcr.io/acme']);
    expect(suggestions('ghcr.io/acme/orders:v1')).toEqual(['Use ghcr.io/acme/orders']);
  });

  test('joins a registry and an image', () => {
    expect(joinRepository('ghcr.io/acme', 'domain-orders')).toBe('ghcr.io/acme/domain-orders');
    expect(joinRepository('ghcr.io/acme/', 'domain-orders')).toBe('ghcr.io/acme/domain-orders');
    expect(() => joinRepository('ghcr.io/acme', '../evil')).toThrow(
      expect.objectContaining({ code: 'reference-invalid' }),
    );
  });
});

describe('parseDockerReference', () => {
  const digest = `sha256:${hex}`;
  test.each([
    ['golang', 'docker.io/library/golang'],
    ['golang:1.26', 'docker.io/library/golang:1.26'],
    [`golang:1.26@${digest}`, `docker.io/library/golang:1.26@${digest}`],
    [`golang@${digest}`, `docker.io/library/golang@${digest}`],
    ['library/golang:1.26', 'docker.io/library/golang:1.26'],
    ['docker.io/golang', 'docker.io/library/golang'],
    ['index.docker.io/golang', 'docker.io/library/golang'],
    ['bitnami/redis:7', 'docker.io/bitnami/redis:7'],
    ['gcr.io/distroless/static', 'gcr.io/distroless/static'],
    ['localhost/x:1', 'localhost/x:1'],
    ['127.0.0.1:5000/x:1', '127.0.0.1:5000/x:1'],
    ['registry:5000/x', 'registry:5000/x'],
  ])('%s is %s', (text, full) => {
    expect(formatReference(parseDockerReference(text))).toBe(full);
  });

  test.each([
    [hex, 'an image id is not a reference'],
    ['golang:', 'the tag is empty'],
    ['golang@sha256:abc', 'the digest is not "sha256:" and 64 lower-case hex digits'],
    [`golang@sha512:${hex}${hex}`, 'the digest algorithm "sha512" is not supported, only sha256 is'],
    ['Golang', '"Golang" has upper-case letters'],
  ])('refuses %j', (text, why) => {
    expect(() => parseDockerReference(text)).toThrow(expect.objectContaining({ why }));
  });
});

describe('tags', () => {
  test.each(['latest', '_x', 'A.b-C_1', 'a'.repeat(128)])('takes %j', (tag) => {
    expect(parseTag(tag)).toBe(tag);
  });
  test.each(['', '.x', '-x', 'a'.repeat(129), 'a/b', 'a:b', 'a b', 'ä'])('refuses %j', (tag) => {
    expect(() => parseTag(tag)).toThrow(expect.objectContaining({ code: 'reference-invalid' }));
  });
});

describe('properties', () => {
  const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  const component = fc
    .tuple(word, fc.array(fc.tuple(fc.constantFrom('.', '_', '__', '-', '---'), word), { maxLength: 2 }))
    .map(([first, rest]) => first + rest.flat().join(''));
  const host = fc
    .tuple(
      fc.constantFrom('ghcr.io', 'localhost', '127.0.0.1', 'r.example.com', '[::1]'),
      fc.option(fc.integer({ min: 1, max: 65535 })),
    )
    .map(([name, port]) => (port === null ? name : `${name}:${port}`));
  const repository = fc
    .tuple(host, fc.array(component, { minLength: 1, maxLength: 4 }))
    .map(([name, path]) => `${name}/${path.join('/')}`);
  const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/);
  const digest = fc.stringMatching(/^[0-9a-f]{64}$/).map((text) => `sha256:${text}`);
  const reference = fc
    .tuple(repository, fc.option(tag), fc.option(digest))
    .map(([name, t, d]) => `${name}${t === null ? '' : `:${t}`}${d === null ? '' : `@${d}`}`);

  test('what the grammar allows comes back as it was', () => {
    fc.assert(
      fc.property(reference, (text) => {
        expect(formatReference(parseDockerReference(text))).toBe(text);
      }),
    );
  });

  test('any text is either refused with our error or means one repository', () => {
    const near = fc
      .tuple(reference, fc.nat(), fc.string({ unit: 'binary', maxLength: 3 }))
      .map(([text, at, more]) => {
        const position = at % (text.length + 1);
        return text.slice(0, position) + more + text.slice(position);
      });
    fc.assert(
      fc.property(fc.oneof(near, fc.string({ unit: 'binary' })), (text) => {
        try {
          const { repository } = parseDockerReference(text);
          expect(parseRepository(repository)).toBe(repository);
        } catch (error) {
          expect(error).toMatchObject({ code: 'reference-invalid', exit: 2 });
        }
      }),
      { numRuns: 500 },
    );
  });

  test('normalising twice changes nothing', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          reference,
          fc.tuple(component, tag).map(([name, t]) => `${name}:${t}`),
        ),
        (text) => {
          const once = formatReference(parseDockerReference(text));
          expect(formatReference(parseDockerReference(once))).toBe(once);
        },
      ),
    );
  });
});
