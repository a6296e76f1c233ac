// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfile variables are written like this.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkPlatforms,
  pinnedReferences,
  readDockerfile,
  referencesFor,
  runPlatforms,
} from '../../../../src/builders/dockerfile/pins.ts';
import type { DockerfileRequest } from '../../../../src/builders/dockerfile/stages.ts';
import { assignments } from '../../../../src/builders/dockerfile/syntax.ts';
import type { PrimitiveError } from '../../../../src/core/errors.ts';
import { findingText } from '../../../../src/core/finding.ts';
import { formatPlatform, parsePlatform } from '../../../../src/core/platform.ts';

const D = `@sha256:${'1'.repeat(64)}`;
const E = `@sha256:${'2'.repeat(64)}`;
const platforms = (...names: string[]) => names.flatMap((name) => parsePlatform(name) ?? []);
const request = (text: string, rest: Partial<DockerfileRequest> = {}): DockerfileRequest => ({
  file: 'app/Dockerfile',
  text,
  args: {},
  bases: {},
  platforms: platforms('linux/amd64', 'linux/arm64'),
  ...rest,
});
/** `LINE reference` of all that is found, pinned or not. */
const found = (text: string, rest: Partial<DockerfileRequest> = {}) =>
  readDockerfile(request(text, rest)).references.map(({ line, reference }) => `${line} ${reference}`);
const thrown = (action: () => unknown) => {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('images from outside', () => {
  test.each<[string, string, string[], Partial<DockerfileRequest>?]>([
    ['FROM', 'FROM a\nFROM b', ['1 a', '2 b']],
    ['scratch is none', 'FROM scratch', []],
    ['a stage is none', 'FROM a AS x\nFROM x AS y\nFROM y', ['1 a']],
    ['a stage name in another case is one for FROM', 'FROM a AS x\nFROM X', ['1 a', '2 X']],
    ['a later stage is none yet for FROM', 'FROM x\nFROM a AS x', ['1 x', '2 a']],
    ['AS in any case', 'FROM a aS Build\nFROM build', ['1 a']],
    ['quoted', 'FROM "a"', ['1 a']],
    ['COPY from an image', 'FROM scratch\nCOPY --from=a /x /y', ['2 a']],
    ['COPY from a stage in any case', 'FROM a AS x\nFROM scratch\nCOPY --from=X /x /y', ['1 a']],
    ['COPY from a later stage', 'FROM scratch\nCOPY --from=x /x /y\nFROM a AS x', ['3 a']],
    ['COPY from a stage by number', 'FROM a\nFROM scratch\nCOPY --from=0 /x /y', ['1 a']],
    ['COPY from scratch', 'FROM scratch\nCOPY --from=scratch /x /y', []],
    ['COPY from the context', 'FROM scratch\nCOPY a b\nADD c d', []],
    ['ONBUILD COPY', 'FROM scratch\nONBUILD COPY --from=a /x /y', ['2 a']],
    [
      'mounts',
      'FROM scratch\nRUN --mount=type=bind,from=a,target=/a --mount=target=/b,from=b x',
      ['2 a', '2 b'],
    ],
    ['a mount with quoted fields', 'FROM scratch\nRUN --mount=type=cache,\'"from=a"\',target=/a x', ['2 a']],
    ['a mount with its key in capitals', 'FROM scratch\nRUN --mount=FROM=a,target=/a x', ['2 a']],
    ['a mount of a stage', 'FROM a AS x\nRUN --mount=from=X,target=/a y', ['1 a']],
    ['a mount has no numbers', 'FROM a\nRUN --mount=from=0,target=/a y', ['1 a', '2 0']],
    ['flags of the command are none of ours', 'FROM a\nRUN x --mount=from=b', ['1 a']],
    ['ONBUILD RUN', 'FROM scratch\nONBUILD RUN --mount=from=a,target=/a x', ['2 a']],
    ['syntax', '# syntax=s\nFROM a', ['1 s', '2 a']],
    ['each once for all platforms', 'FROM a\nFROM a', ['1 a', '2 a']],
    ['default of ARG', 'ARG V=1\nFROM a:$V', ['2 a:1']],
    ['ARG that is given', 'ARG V=1\nFROM a:${V}', ['2 a:2'], { args: { V: '2' } }],
    ['an argument without ARG', 'FROM a:${V:-1}', ['1 a:1'], { args: { V: '2' } }],
    ['ARG from ARG', 'ARG A=a\nARG B=${A}b\nFROM $B', ['3 ab']],
    ['several in one ARG', 'ARG A=a B="b"\nFROM $A$B', ['2 ab']],
    ['ARG of a stage is not global', 'FROM a AS x\nARG V=1\nFROM b:${V:-2}', ['1 a', '3 b:2']],
    ['by target platform', 'FROM a-$TARGETARCH', ['1 a-amd64', '1 a-arm64']],
    ['stages by platform', 'FROM a AS x-amd64\nFROM b AS x-arm64\nFROM x-$TARGETARCH', ['1 a', '2 b']],
    [
      'by variant',
      'FROM a-$TARGETARCH$TARGETVARIANT',
      ['1 a-armv7'],
      { platforms: platforms('linux/arm/v7') },
    ],
    [
      'arm64 has no variant',
      'FROM a-$TARGETPLATFORM',
      ['1 a-linux/arm64'],
      { platforms: platforms('linux/arm64/v8') },
    ],
    [
      'by build platform',
      'FROM a-$BUILDARCH',
      ['1 a-s390x'],
      { native: { os: 'linux', architecture: 's390x' } },
    ],
    ['nothing in here-documents', 'FROM a\nRUN <<EOF\nFROM b\nCOPY --from=c d e\nEOF', ['1 a']],
  ])('%s', (_name, text, expected, rest = {}) => {
    expect(found(text, rest)).toEqual(expected);
  });
});

describe('pins', () => {
  test.each([
    ['by digest', `FROM a${D}`],
    ['by tag and digest', `FROM a:1${D}`],
    ['by an argument', `ARG B=a:1${D}\nFROM $B`],
    [
      'everywhere',
      `# syntax=s${D}\nFROM a${D} AS b\nCOPY --from=c${D} x y\nRUN --mount=from=d${D},target=/x z\nFROM b`,
    ],
  ])('%s is accepted', (_name, text) => {
    expect(() => pinnedReferences(request(text))).not.toThrow();
  });

  test.each([
    ['a tag', 'FROM a:1'],
    ['no tag', 'FROM a'],
    ['a short digest', 'FROM a@sha256:123'],
    ['a digest in capitals', `FROM a@sha256:${'A'.repeat(64)}`],
    ['a digest of a kind nobody knows', `FROM a@md5:${'1'.repeat(32)}`],
    ['an unused stage', `FROM a AS unused\nFROM b${D}`],
    ['BUILDKIT_SYNTAX', `FROM a${D}`],
  ])('%s is refused', (name, text) => {
    const args = name === 'BUILDKIT_SYNTAX' ? { BUILDKIT_SYNTAX: 'evil/frontend:1 --x' } : {};
    expect(thrown(() => pinnedReferences(request(text, { args })))).toMatchObject({
      code: 'dockerfile-unpinned',
      exit: 2,
    });
  });

  test('the error lists each place and the fix', () => {
    const text =
      '# syntax=docker/dockerfile:1\nFROM golang:1.26 AS build\nRUN --mount=from=tools,target=/t x\nFROM scratch\nCOPY --from=alpine:3 /a /b';
    const { findings } = readDockerfile(request(text));
    const [place] = [{ rule: 'dockerfile-unpinned', level: 'error', path: 'app/Dockerfile' }];
    expect(findings).toMatchObject([
      { ...place, line: 1, message: '# syntax docker/dockerfile:1 has no digest' },
      { ...place, line: 2, message: 'FROM golang:1.26 has no digest' },
      { ...place, line: 3, message: 'RUN --mount tools has no digest' },
      { ...place, line: 5, message: 'COPY --from alpine:3 has no digest' },
    ]);
    const error = thrown(() => pinnedReferences(request(text))) as PrimitiveError;
    expect(error.message).toBe('4 images without a digest in app/Dockerfile');
    expect(error.why?.split('\n')).toEqual(findings.map(findingText));
    expect(error.suggestions).toContain('Pin alpine:3 by digest: alpine:3@sha256:…');
    expect(error.suggestions.join('\n')).toContain('build: { bases: {');
  });
});

test('what the target needs is told from what it does not', () => {
  const text = [
    `# syntax=s${D}`,
    `FROM a${D} AS unused`,
    `COPY --from=b${D} x y`,
    `FROM c${D} AS arm64`,
    `FROM d${D} AS other`,
    `FROM e${D}`,
    'COPY --from=arm64 x y',
    `RUN --mount=from=f${D},target=/x z`,
  ].join('\n');
  const used = (rest: Partial<DockerfileRequest>) =>
    pinnedReferences(request(text, rest)).flatMap((reference) =>
      reference.used ? reference.reference[0] : [],
    );
  expect(used({})).toEqual(['s', 'c', 'e', 'f']);
  expect(used({ target: 'other' })).toEqual(['s', 'd']);
  expect(used({ target: 'other', args: { BUILDKIT_SYNTAX: `t${D}` } })).toEqual(['t', 'd']);
});

describe('build.bases', () => {
  const pinned = (text: string, bases: Record<string, string>) =>
    pinnedReferences(request(text, { bases })).map((reference) => reference.pinned);

  test.each([
    ['the very string', 'FROM golang:1.26', 'golang:1.26'],
    ['the full name for a short one', 'FROM golang:1.26', 'docker.io/library/golang:1.26'],
    ['a short name for the full one', 'FROM docker.io/library/golang:1.26', 'golang:1.26'],
    ['latest for none', 'FROM golang', 'docker.io/library/golang:latest'],
    ['what a variable comes to', 'ARG V=1.26\nFROM golang:${V}', 'golang:1.26'],
    ['a pinned one', `FROM golang:1.26${E}`, `docker.io/library/golang:1.26${E}`],
    ['COPY --from', 'FROM scratch\nCOPY --from=golang:1.26 a b', 'golang:1.26'],
    ['a mount', 'FROM scratch\nRUN --mount=from=golang:1.26,target=/x y', 'golang:1.26'],
    ['syntax', '# syntax=golang:1.26\nFROM scratch', 'golang:1.26'],
  ])('maps %s', (_name, text, from) => {
    expect(pinned(text, { [from]: `mirror.example/go${D}` })).toEqual([`mirror.example/go${D}`]);
  });

  test('another tag is another image', () => {
    expect(thrown(() => pinned('FROM golang:1.26', { 'golang:1.27': `m${D}` }))).toMatchObject({
      code: 'dockerfile-unpinned',
    });
  });

  test('to an unpinned reference is refused, unless nothing uses it', () => {
    expect(thrown(() => pinned('FROM golang:1.26', { 'golang:1.26': 'mirror/go:1' }))).toMatchObject({
      why: expect.stringContaining('FROM golang:1.26 (mapped to mirror/go:1)'),
    });
    expect(pinned(`FROM a${D}`, { 'golang:1.26': 'mirror/go:1' })).toEqual([`a${D}`]);
  });

  test('never maps a stage', () => {
    expect(pinned(`FROM a${D} AS golang\nFROM golang`, { golang: `evil${E}` })).toEqual([`a${D}`]);
  });

  test('keys are no object properties', () => {
    expect(thrown(() => pinned('FROM constructor', {}))).toMatchObject({ code: 'dockerfile-unpinned' });
  });
});

describe('what cannot be read', () => {
  test.each([
    ['', 'no FROM'],
    ['# only a comment', 'no FROM'],
    ['ARG A=1', 'no FROM'],
    ['FROM', 'FROM names no image'],
    ['FROM $NONE', 'FROM names no image'],
    ['FROM a b', 'app/Dockerfile:1: FROM takes'],
    ['FROM a AS b c', 'app/Dockerfile:1: FROM takes'],
    ['ARG A\nFROM ${A:?required}', 'app/Dockerfile:2: A: required'],
    ['FROM ${A', 'app/Dockerfile:1: '],
    ['ARG A=a-b\nFROM ${A%-b}', 'app/Dockerfile:2: the substitution ${A%…} is not supported'],
    ['ARG A=a-b\nFROM ${A//a/b}', 'app/Dockerfile:2: the substitution ${A/…} is not supported'],
  ])('%j', (text, why) => {
    const error = thrown(() => pinnedReferences(request(text)));
    expect(error).toMatchObject({ code: 'dockerfile-invalid', exit: 2, why: expect.stringContaining(why) });
  });

  test('a target that is no stage', () => {
    expect(
      thrown(() => pinnedReferences(request('FROM a AS one\nFROM b AS two', { target: 'three' }))),
    ).toMatchObject({
      code: 'dockerfile-invalid',
      why: expect.stringContaining('named stages: one, two'),
    });
  });
});

describe('what is read for other checks', () => {
  const text = [
    '# escape=`',
    `FROM a${D} AS build`,
    'ENV A=b C="d e"',
    `FROM b${D}`,
    'ARG TOKEN',
    'ENV OLD style value',
    'USER 65532:65532',
  ].join('\n');

  test('stages with their instructions and lines, and the stage that is built', () => {
    const { stages, target, escapeToken } = readDockerfile(request(text));
    expect(escapeToken).toBe('`');
    expect(stages.map(({ line, name, base }) => [line, name, base])).toEqual([
      [2, 'build', `a${D}`],
      [4, '', `b${D}`],
    ]);
    expect(target).toBe(stages[1]);
    expect(target?.instructions.map(({ line, name, rest }) => [line, name, rest])).toEqual([
      [5, 'ARG', 'TOKEN'],
      [6, 'ENV', 'OLD style value'],
      [7, 'USER', '65532:65532'],
    ]);
  });

  test('what ARG and ENV set', () => {
    const { stages, escapeToken } = readDockerfile(request(text));
    const set = stages
      .flatMap(({ instructions }) => instructions)
      .filter(({ name }) => name === 'ARG' || name === 'ENV')
      .flatMap((instruction) => assignments(instruction, escapeToken));
    expect(set).toEqual([
      { name: 'A', value: 'b' },
      { name: 'C', value: '"d e"' },
      { name: 'TOKEN', value: undefined },
      { name: 'OLD', value: 'style value' },
    ]);
  });

  test('a Dockerfile that cannot be read has a finding and no stages', () => {
    expect(readDockerfile(request('RUN x'))).toMatchObject({
      stages: [],
      target: undefined,
      findings: [
        { rule: 'dockerfile-invalid', path: 'app/Dockerfile', message: 'The Dockerfile has no FROM' },
      ],
    });
  });
});

describe('platforms that RUN needs', () => {
  const CROSS =
    'FROM --platform=$BUILDPLATFORM go AS build\nRUN go build\nFROM scratch\nCOPY --from=build /a /a';
  test.each<[string, string, string[], Partial<DockerfileRequest>?]>([
    ['none without RUN', 'FROM a\nCOPY b c', []],
    ['every target with RUN', 'FROM a\nRUN b', ['linux/amd64', 'linux/arm64']],
    ["only the builder's when cross-compiled", CROSS, ['linux/amd64']],
    ['RUN after the cross-compilation', `${CROSS}\nRUN x`, ['linux/amd64', 'linux/arm64']],
    [
      'a stage inherits from its base stage',
      'FROM --platform=linux/s390x a AS x\nFROM x\nRUN b',
      ['linux/s390x'],
    ],
    ['unreachable stages do not count', 'FROM a AS unused\nRUN b\nFROM scratch', []],
    [
      'the target decides',
      'FROM a AS one\nRUN b\nFROM scratch',
      ['linux/amd64', 'linux/arm64'],
      { target: 'ONE' },
    ],
    [
      'through a mount',
      'FROM a AS m\nRUN b\nFROM --platform=$BUILDPLATFORM c\nRUN --mount=from=m,target=/x d',
      ['linux/amd64', 'linux/arm64'],
    ],
    ['an architecture alone', 'FROM --platform=aarch64 a\nRUN b', ['linux/arm64']],
    ['a word that objects have by themselves', 'FROM --platform=constructor a\nRUN b', ['linux/constructor']],
    ['by argument', 'ARG P=linux/s390x\nFROM --platform=$P a\nRUN b', ['linux/s390x']],
    [
      'by argument of an automatic name',
      'FROM --platform=$BUILDPLATFORM a\nRUN b',
      ['linux/arm64'],
      { args: { BUILDPLATFORM: 'linux/arm64' } },
    ],
    ['a here-document runs', 'FROM a\nRUN <<EOF\nb\nEOF', ['linux/amd64', 'linux/arm64']],
    ['ONBUILD does not run', 'FROM a\nONBUILD RUN b', []],
  ])('%s', (_name, text, expected, rest = {}) => {
    expect(runPlatforms(request(text, rest)).map(formatPlatform)).toEqual(expected);
  });

  const builder = (...names: string[]) => ({ description: 'buildx 0.29.1', platforms: platforms(...names) });

  test('are checked against the builder, whose first platform is its own', () => {
    expect(() => checkPlatforms(request(CROSS), builder('linux/s390x'))).not.toThrow();
    expect(() =>
      checkPlatforms(request('FROM a\nRUN b'), builder('linux/arm64', 'linux/amd64')),
    ).not.toThrow();
    expect(thrown(() => checkPlatforms(request('FROM a\nRUN b'), builder('linux/amd64')))).toMatchObject({
      code: 'builder-platform-missing',
      exit: 3,
      message: 'app/Dockerfile has RUN steps for linux/arm64, which the builder cannot run',
      suggestions: [
        expect.stringContaining('binfmt'),
        expect.anything(),
        expect.stringContaining('$BUILDPLATFORM'),
      ],
    });
  });
});

describe('what a builder gets', () => {
  const builder = (...names: string[]) => ({ description: 'buildah', platforms: platforms(...names) });

  test('are the references as it reads them, each with the platforms that name it', () => {
    const text = `ARG BUILDARCH\nARG TARGETARCH\nFROM a-$BUILDARCH${D}\nFROM b-$TARGETARCH${D}\n`;
    const references = referencesFor(request(text), builder('linux/s390x'));
    expect(references.map(({ reference, platforms }) => `${reference} ${Object.keys(platforms)}`)).toEqual([
      `a-s390x${D} linux/amd64,linux/arm64`,
      `b-amd64${D} linux/amd64`,
      `b-arm64${D} linux/arm64`,
    ]);
  });

  test('with the platform of the image that each takes', () => {
    const text = `FROM --platform=$BUILDPLATFORM a${D} AS one\nCOPY --from=b${D} /x /\nFROM a${D}\nCOPY --from=one /x /\n`;
    const references = referencesFor(request(text), builder('linux/s390x'));
    expect(references.map(({ via, platforms }) => [via, platforms])).toEqual([
      ['FROM', { 'linux/amd64': 'linux/s390x', 'linux/arm64': 'linux/s390x' }],
      ['COPY --from', { 'linux/amd64': 'linux/s390x', 'linux/arm64': 'linux/s390x' }],
      ['FROM', { 'linux/amd64': 'linux/amd64', 'linux/arm64': 'linux/arm64' }],
    ]);
  });

  test.each<[string, string, Partial<DockerfileRequest>, string]>([
    ['unpinned', 'FROM golang:1.26', {}, 'dockerfile-unpinned'],
    ['empty', '', {}, 'dockerfile-invalid'],
    ['without the target', 'FROM scratch', { target: 'x' }, 'dockerfile-invalid'],
    ['with steps for another platform', `FROM a${D}\nRUN b`, {}, 'builder-platform-missing'],
  ])('is nothing of a Dockerfile that is %s', (_case, text, rest, code) => {
    expect(thrown(() => referencesFor(request(text, rest), builder('linux/amd64')))).toMatchObject({ code });
  });
});

describe('properties', () => {
  const name = fc.stringMatching(/^[a-z]{1,8}$/).filter((text) => text !== 'scratch');
  const gap = fc.constantFrom(' ', '\t', '  ', ' \\\n ', ' \\\n# FROM hidden\n ');

  test('every image of a generated Dockerfile is found, nothing else', () => {
    const part = fc.oneof(
      fc
        .tuple(name, gap)
        .map(([image, space]) => ({ text: `FROM${space}img-${image}`, image: `img-${image}` })),
      fc.tuple(name, gap).map(([image, space]) => ({
        text: `copy${space}--from=img-${image}${space}a b`,
        image: `img-${image}`,
      })),
      name.map((image) => ({ text: `RUN --mount=from=img-${image},target=/x y`, image: `img-${image}` })),
      name.map((image) => ({ text: `RUN <<${image}\nFROM hidden\n${image}`, image: undefined })),
      fc
        .constantFrom('# FROM hidden', '', 'RUN echo "COPY --from=hidden"', 'COPY --from=base a b')
        .map((text) => ({ text, image: undefined })),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const text = ['FROM img-first AS base', ...parts.map((each) => each.text)].join('\n');
        const images = parts.flatMap(({ image }) => image ?? []);
        expect(found(text).map((line) => line.split(' ')[1])).toEqual(['img-first', ...images]);
      }),
    );
  });

  test('any text is read or refused, never more', () => {
    const piece = fc.constantFrom(
      'FROM ',
      'COPY ',
      'RUN ',
      '--from=',
      '--mount=',
      'a',
      'AS',
      ' ',
      '\n',
      '\\\n',
      '<<',
      'EOF',
      '$',
      '{',
      '}',
      '"',
      "'",
      '#',
      'ARG ',
      '=',
      '0',
      '@',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const error = thrown(() => pinnedReferences(request(pieces.join(''))));
        if (error !== undefined)
          expect(['dockerfile-unpinned', 'dockerfile-invalid']).toContain((error as PrimitiveError).code);
      }),
    );
  });
});
