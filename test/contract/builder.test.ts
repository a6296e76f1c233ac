import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createProcesses } from '../../src/adapters/process.ts';
import type { Builder, BuildRequest, BuildResult } from '../../src/builders/builder.ts';
import { type ChosenBuilder, chooseBuilder } from '../../src/builders/choose.ts';
import { referencesFor } from '../../src/builders/dockerfile/pins.ts';
import { formatPlatform, parsePlatform } from '../../src/core/platform.ts';
import type { Variables } from '../../src/core/variables.ts';
import { readImageLayout } from '../../src/oci/layout.ts';
import { type Buildkit, startBuildkit } from '../support/services/buildkit.ts';
import { type Distribution, startDistribution } from '../support/services/distribution.ts';
import { attempt } from '../support/services/run.ts';
import { pushShellBase } from '../support/shell-base.ts';
import { tool } from '../tools/locate.ts';

/** A request, by the mapping of bases instead of the images that come of it. */
type Asked = Partial<BuildRequest> & { readonly bases?: Readonly<Record<string, string>> };

const NATIVE = `linux/${process.arch === 'x64' ? 'amd64' : 'arm64'}`;
const FOREIGN = NATIVE === 'linux/amd64' ? 'linux/arm64' : 'linux/amd64';
const PINNED = `docker.io/library/shell:1@sha256:${'1'.repeat(64)}`;

let registry: Distribution;
let buildkit: Buildkit;
/** A base with a shell, for both platforms, by digest. */
let base: string;
let folder: string;

beforeAll(async () => {
  registry = await startDistribution();
  buildkit = await startBuildkit({ insecureRegistries: [registry.host] });
  base = await pushShellBase(registry.host);
  folder = await mkdtemp(join(tmpdir(), 'builder-contract-'));
  await writeFile(
    join(folder, 'registries.conf'),
    `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`,
  );
});
afterAll(async () => {
  await Promise.all([buildkit?.stop(), registry?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

const platforms = (...names: string[]) => names.flatMap((name) => parsePlatform(name) ?? []);

describe.each(['buildx', 'buildah'] as const)('%s', (name) => {
  let work: string;
  let temporary: string;
  let environment: Variables;
  let chosen: ChosenBuilder;
  let lines: string[];

  const choose = (variables: Variables = environment): Promise<ChosenBuilder> => {
    const processes = createProcesses(variables);
    const storage = join(folder, 'buildah-storage');
    return chooseBuilder(name, {
      path: variables.PATH,
      platform: 'linux',
      processes,
      variables,
      temporary,
      storage,
    });
  };

  beforeAll(() => {
    environment = {
      ...process.env,
      ...buildkit.env,
      PATH: [dirname(tool(name)), process.env.PATH].join(delimiter),
      CONTAINERS_REGISTRIES_CONF: join(folder, 'registries.conf'),
    };
  });
  beforeEach(async () => {
    work = await mkdtemp(join(folder, 'work-'));
    temporary = join(work, 'tmp');
    await mkdir(temporary);
    lines = [];
    chosen = await choose();
  });
  afterEach(async () => {
    // However the build ended, only what was asked for is left.
    expect(await readdir(temporary)).toEqual([]);
    await rm(work, { recursive: true, force: true });
  });

  let contexts = 0;
  async function context(files: Record<string, string>): Promise<string> {
    const path = join(work, `context-${contexts++}`);
    for (const [file, content] of Object.entries(files)) {
      await mkdir(dirname(join(path, file)), { recursive: true });
      await writeFile(join(path, file), content);
    }
    return path;
  }

  async function request(
    files: Record<string, string>,
    { bases = { [PINNED]: base }, ...rest }: Asked = {},
  ): Promise<BuildRequest> {
    const { dockerfile: file = 'Dockerfile', args = {}, target } = rest;
    const dockerfile = {
      file,
      text: files[file] ?? '',
      args,
      bases,
      platforms: rest.platforms ?? platforms(NATIVE),
      ...(target === undefined ? {} : { target }),
    };
    return {
      context: await context(files),
      dockerfile: file,
      platforms: platforms(NATIVE),
      args: {},
      labels: {},
      images: referencesFor(dockerfile, chosen.info),
      secrets: [],
      cacheNamespace: 'test',
      cacheFrom: [],
      cacheTo: [],
      output: join(work, `layout-${contexts++}`),
      onLine: (line) => lines.push(line),
      ...rest,
    };
  }

  const build = async (files: Record<string, string>, rest: Asked = {}, builder: Builder = chosen.builder) =>
    builder.build(await request(files, rest));

  test('says what it is, its own platform first', () => {
    expect(chosen.info).toMatchObject({ name, version: expect.stringMatching(/^\d+\.\d+/) });
    expect(chosen.info.description).toContain(name);
    expect(chosen.info.platforms.map(formatPlatform)[0]).toBe(NATIVE);
    expect(chosen.why).toBe(`build.builder is ${name}`);
  });

  test('builds several platforms and one', async () => {
    const Dockerfile = 'FROM scratch\nARG TARGETARCH\nLABEL arch=$TARGETARCH\nCOPY a /dir/a\nUSER 65532\n';
    const both = await build(
      { Dockerfile, a: 'content' },
      { platforms: platforms('linux/amd64', 'linux/arm64'), labels: { b: 'two words', a: '1' } },
    );
    const images = await readImages(both);
    expect(images.map(({ platform }) => platform)).toEqual(['linux/amd64', 'linux/arm64']);
    for (const { config, files, platform } of images) {
      expect(config).toMatchObject({ created: '1980-01-01T00:00:00Z', config: { User: '65532' } });
      expect(config.config.Labels).toEqual({ a: '1', b: 'two words', arch: platform.slice('linux/'.length) });
      expect(files.get('dir/a')).toBe('content');
    }
    const one = await build(
      { Dockerfile: 'FROM scratch\nCOPY a /\n', a: '' },
      { platforms: platforms(FOREIGN) },
    );
    expect((await readImages(one)).map(({ platform }) => platform)).toEqual([FOREIGN]);
  });

  test('gives the same digest in another folder, time zone, language and environment', async () => {
    const files = {
      Dockerfile: `FROM ${PINNED} AS build\nRUN mkdir /out && date > /tmp/now && echo x > /out/made\nCOPY b /out/\nFROM scratch\nCOPY --from=build /out /\nCOPY a /\n`,
      a: 'a',
      b: 'b',
      'sub/c': 'c',
    };
    const digest = async (result: BuildResult) => (await readImageLayout(result.layout)).index.digest;
    const first = await digest(await build(files));
    if (name === 'buildx')
      await attempt(tool('buildx'), ['prune', '--all', '--force'], { env: { ...buildkit.env } });
    const elsewhere = {
      TZ: 'Pacific/Kiritimati',
      LC_ALL: 'tr_TR.UTF-8',
      SOURCE_DATE_EPOCH: '1234567890',
      BUILDX_GIT_LABELS: 'full',
      BUILDAH_FORMAT: 'docker',
      BUILDAH_LAYERS: 'true',
    };
    const other = await choose({ ...environment, ...elsewhere });
    expect(await digest(await build(files, {}, other.builder))).toBe(first);
  });

  test('runs steps with secrets that are in no other place', async () => {
    const [fromFile, fromEnv] = ['file-s3cret-8471', 'env-s3cret-5518'];
    await writeFile(join(work, 'a,"b'), fromFile);
    const other = await choose({ ...environment, MY_TOKEN: fromEnv });
    const seen = watchArguments([fromFile, fromEnv]);
    // The step proves by a hash that it has both; the Dockerfile must not name them itself.
    const hash = createHash('sha256').update(fromFile).update(fromEnv).digest('hex');
    const result = await build(
      {
        Dockerfile: `FROM ${PINNED}\nRUN --mount=type=secret,id=f --mount=type=secret,id=e,target=/e cat /run/secrets/f /e && sleep 1 && [ "$(cat /run/secrets/f /e | busybox sha256sum)" = "${hash}  -" ]\nRUN [ ! -s /e ]\n`,
      },
      {
        secrets: [
          { id: 'f', source: { file: join(work, 'a,"b') } },
          { id: 'e', source: { env: 'MY_TOKEN' } },
        ],
      },
      other.builder,
    );
    expect(seen.stop()).toEqual([]);
    expect(lines.join('\n')).toContain('***');
    const everything = `${lines.join('\n')}\n${await allText(result)}`;
    expect(everything).not.toContain(fromFile);
    expect(everything).not.toContain(fromEnv);
  });

  test('a failing step with a secret does not show it either', async () => {
    const other = await choose({ ...environment, MY_TOKEN: 'env-s3cret-5518' });
    const failed = build(
      {
        Dockerfile: `FROM ${PINNED}\nRUN --mount=type=secret,id=e echo token $(cat /run/secrets/e) && false\n`,
      },
      { secrets: [{ id: 'e', source: { env: 'MY_TOKEN' } }] },
      other.builder,
    );
    const error = await failed.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'build-failed', log: expect.stringContaining('token ***') });
    expect(JSON.stringify(error)).not.toContain('5518');
  });

  test('replaces bases wherever they are named, and reports what was used', async () => {
    const other = `docker.io/library/other:2@sha256:${'2'.repeat(64)}`;
    const result = await build(
      {
        Dockerfile: `ARG VERSION=1\nFROM shell:\${VERSION} AS build\nRUN --mount=type=bind,from=${other},target=/other cp /other/platform /mounted\nFROM scratch\nCOPY --from=build /mounted /\nCOPY --from=${PINNED} /platform /copied\n`,
      },
      { bases: { [PINNED]: base, [other]: base, 'docker.io/library/shell:1': base } },
    );
    const [image] = await readImages(result);
    expect(Object.fromEntries(image?.files ?? [])).toEqual({ mounted: NATIVE, copied: NATIVE });
    expect(result.bases).toEqual([{ reference: base, digest: base.slice(base.indexOf('@') + 1) }]);
  });

  test("takes each platform's own image of a base", async () => {
    const both = { platforms: platforms('linux/amd64', 'linux/arm64') };
    const result = await build({ Dockerfile: `FROM ${PINNED}\nCOPY a /\n`, a: '' }, both);
    for (const { files, platform } of await readImages(result)) expect(files.get('platform')).toBe(platform);
  });

  test('cross-compiles for a platform that it cannot run', async () => {
    const Dockerfile = `FROM --platform=$BUILDPLATFORM ${PINNED} AS build\nARG TARGETARCH\nRUN echo for $TARGETARCH > /out\nFROM scratch\nCOPY --from=build /out /\n`;
    const result = await build({ Dockerfile }, { platforms: platforms('linux/amd64', 'linux/arm64') });
    const made = (await readImages(result)).map(({ files }) => files.get('out'));
    expect(made).toEqual(['for amd64\n', 'for arm64\n']);
  });

  test('passes arguments and stops at the target', async () => {
    const result = await build(
      {
        'dir/My.Dockerfile': `FROM ${PINNED} AS one\nARG WORD=default\nRUN echo "$WORD" > /word\nFROM one AS two\nRUN echo no > /no\n`,
      },
      { dockerfile: 'dir/My.Dockerfile', args: { WORD: 'a b="c", $d' }, target: 'one' },
    );
    const [image] = await readImages(result);
    expect(image?.files.get('word')).toBe('a b="c", $d\n');
    expect(image?.files.has('no')).toBe(false);
  });

  test.each([
    ['.dockerignore', { '.dockerignore': '*\n!kept\n' }, ['kept']],
    [
      "the Dockerfile's own",
      { 'Dockerfile.dockerignore': 'left', '.dockerignore': 'kept' },
      ['.dockerignore', 'Dockerfile', 'Dockerfile.dockerignore', 'kept'],
    ],
    [
      'no .containerignore',
      { '.containerignore': 'kept' },
      ['.containerignore', 'Dockerfile', 'kept', 'left'],
    ],
  ])('leaves out what is ignored: %s', async (_name, ignore, expected) => {
    const result = await build({ Dockerfile: 'FROM scratch\nCOPY . /\n', kept: '', left: '', ...ignore });
    const [image] = await readImages(result);
    expect([...(image?.files.keys() ?? [])].sort()).toEqual(expected);
  });

  test('a step that fails is told with the end of its log', async () => {
    const failing = await request({
      Dockerfile: `FROM ${PINNED}\nRUN for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do echo "line $i"; done; printf '\\033[31mred\\033[0m \\007bell\\n'; false\n`,
    });
    const error = await chosen.builder.build(failing).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'build-failed',
      exit: 1,
      message: expect.stringMatching(/^The build failed: .*(exit code: 1|exit status 1)/),
      log: expect.stringContaining('line 25'),
    });
    const { log } = error as { log: string };
    expect(log.split('\n').length).toBeLessThanOrEqual(30);
    expect(log).toContain('red bell');
    await expect(readdir(failing.output)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a Dockerfile that is wrong is told with its place', async () => {
    await expect(build({ Dockerfile: 'FROM scratch\nNONSENSE a b\n' })).rejects.toMatchObject({
      code: 'build-failed',
      log: expect.stringMatching(/NONSENSE/i),
    });
  });

  test.each<[string, Record<string, string>, Partial<BuildRequest>, string]>([
    [
      'secret not set',
      { Dockerfile: 'FROM scratch' },
      { secrets: [{ id: 'x', source: { env: 'NOT_SET_HERE' } }] },
      'build-secret-missing',
    ],
    [
      'no secret file',
      { Dockerfile: 'FROM scratch' },
      { secrets: [{ id: 'x', source: { file: '/no/such' } }] },
      'build-secret-missing',
    ],
    [
      'reserved argument',
      { Dockerfile: 'FROM scratch' },
      { args: { SOURCE_DATE_EPOCH: '1' } },
      'build-argument-reserved',
    ],
  ])('refuses before it starts: %s', async (_name, files, rest, code) => {
    await mkdir(join(work, 'context'), { recursive: true });
    await expect(build({ other: '', ...files }, rest)).rejects.toMatchObject({ code });
    expect(lines).toEqual([]);
  });

  test('an abort ends all that was started and leaves nothing', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const seconds = 1_000_000 + process.pid;
    const aborted = await request(
      { Dockerfile: `FROM ${PINNED}\nRUN echo running-now && sleep ${seconds}\n` },
      {
        signal: controller.signal,
        onLine: (line) => {
          if (/running-now$/.test(line) && !line.includes('echo')) controller.abort(reason);
        },
      },
    );
    await expect(chosen.builder.build(aborted)).rejects.toBe(reason);
    await expect
      .poll(() => argumentLists().filter((args) => args.includes(`sleep ${seconds}`)), { timeout: 60_000 })
      .toEqual([]);
    await expect(readdir(aborted.output)).rejects.toMatchObject({ code: 'ENOENT' });
    // The builder is as good as new.
    await build({ Dockerfile: `FROM ${PINNED}\nRUN true\n` });
  });

  test('a cache of one namespace is not seen in another', async () => {
    const Dockerfile = `FROM ${PINNED}\nARG RUN_NUMBER\nRUN --mount=type=cache,target=/cache cp /cache/* /tmp/; echo poison > /cache/left; ls /tmp > /seen\n`;
    const seen = async (cacheNamespace: string, number: string) => {
      const result = await build({ Dockerfile }, { cacheNamespace, args: { RUN_NUMBER: number } });
      return (await readImages(result))[0]?.files.get('seen');
    };
    expect(await seen('pull-request', '1')).toBe('');
    expect(await seen('main', '2')).toBe('');
    expect(await seen('pull-request', '3')).toBe('left\n');
  });

  test('sends all of a context, whatever an earlier one had of the same name, sizes and times', async () => {
    const NOON = new Date('1990-01-01T12:00:00Z');
    const built = async (word: string) => {
      const files = { Dockerfile: `FROM scratch\nCOPY file /${word}\n`, file: `${word}\n` };
      const asked = await request(files);
      // As publish does, each context has the name of the one before; its files have one time.
      const parent = await mkdtemp(join(work, 'component-'));
      await rename(asked.context, join(parent, 'context'));
      for (const file of Object.keys(files)) await utimes(join(parent, 'context', file), NOON, NOON);
      const [image] = await readImages(
        await chosen.builder.build({ ...asked, context: join(parent, 'context') }),
      );
      return [...(image?.files ?? [])];
    };
    expect(await built('one')).toEqual([['one', 'one\n']]);
    expect(await built('two')).toEqual([['two', 'two\n']]);
  });

  test('no step is taken from a build of other arguments, files or platforms', async () => {
    const Dockerfile = `FROM --platform=$BUILDPLATFORM ${PINNED} AS b\nRUN --mount=type=bind,source=m,target=/m cp /m /made\nFROM scratch\nARG V\nENV V=$V\nARG TARGETARCH\nLABEL arch=$TARGETARCH\nCOPY --from=b /made /\nCOPY a /\n`;
    const made = async (word: string, platform: string) => {
      const files = await context({ Dockerfile, m: `m ${word}`, a: `a ${word}` });
      // Nothing but what is in them tells these files apart.
      for (const file of ['m', 'a']) await utimes(join(files, file), 315_532_800, 315_532_800);
      const asked = { args: { V: word }, platforms: platforms(platform), context: files };
      const [image] = await readImages(await build({ Dockerfile }, asked));
      const { config } = image?.config ?? {};
      return { ...Object.fromEntries(image?.files ?? []), env: config?.Env, labels: config?.Labels };
    };
    for (const [word, platform] of [
      ['1', NATIVE],
      ['2', NATIVE],
      ['2', FOREIGN],
    ] as const) {
      expect(await made(word, platform)).toMatchObject({
        made: `m ${word}`,
        a: `a ${word}`,
        env: expect.arrayContaining([`V=${word}`]),
        labels: { arch: platform.slice('linux/'.length) },
      });
    }
  });

  test('a base may be another one on each platform', async () => {
    const other = await pushShellBase(registry.host);
    const bases = Object.fromEntries(
      ['amd64', 'arm64'].map((arch) => [
        `docker.io/library/shell-${arch}:1`,
        arch === 'amd64' ? base : other,
      ]),
    );
    const Dockerfile = 'ARG TARGETARCH\nFROM shell-$TARGETARCH:1\nCOPY a /\n';
    const both = { platforms: platforms('linux/amd64', 'linux/arm64'), bases };
    const result = await build({ Dockerfile, a: '' }, both);
    for (const { files, platform } of await readImages(result)) expect(files.get('platform')).toBe(platform);
    expect(result.bases.map(({ reference }) => reference)).toEqual([base, other].sort());
  });

  test('several builds at once do not meet', async () => {
    const results = await Promise.all(
      ['one', 'two', 'three'].map((word) =>
        build({
          Dockerfile: `FROM ${PINNED} AS b\nRUN echo ${word} > /word\nFROM scratch\nCOPY --from=b /word /\n`,
        }),
      ),
    );
    const words = await Promise.all(
      results.map(async (result) => (await readImages(result))[0]?.files.get('word')),
    );
    expect(words).toEqual(['one\n', 'two\n', 'three\n']);
  });

  if (name === 'buildx') {
    test.each([
      ['FROM', (image: string) => `FROM ${image}\n`],
      ['COPY --from', (image: string) => `FROM scratch\nCOPY --from=${image} /bin /\n`],
      ['RUN --mount', (image: string) => `FROM ${PINNED}\nRUN --mount=from=${image},target=/m true\n`],
      ['# syntax', (image: string) => `# syntax=${image}\nFROM scratch\n`],
    ])('BuildKit itself refuses an image without a digest: %s', async (_, dockerfile) => {
      const tagged = base.replace(/@.*/, ':1');
      const asked = await request({ Dockerfile: `FROM ${PINNED}\n` });
      // As if the reader of Dockerfiles had missed it.
      await writeFile(join(asked.context, 'Dockerfile'), dockerfile(tagged));
      await expect(chosen.builder.build(asked)).rejects.toMatchObject({
        code: 'build-failed',
        message: expect.stringMatching(/denied by policy/),
      });
    });
  }
});

interface Image {
  readonly platform: string;
  readonly config: { readonly created: string; readonly config: Record<string, unknown> };
  /** Content by path, of all layers. */
  readonly files: ReadonlyMap<string, string>;
}

async function readImages({ layout }: BuildResult): Promise<Image[]> {
  const { images } = await readImageLayout(layout);
  const blob = (digest: string) => readFile(join(layout, 'blobs/sha256', digest.slice('sha256:'.length)));
  return Promise.all(
    images.map(async ({ manifest: { bytes }, platform }) => {
      const { config, layers } = JSON.parse(Buffer.from(bytes).toString());
      const files = new Map<string, string>();
      for (const { digest } of layers)
        for (const [path, content] of await untar(await blob(digest))) files.set(path, content);
      return {
        platform: formatPlatform(platform),
        config: JSON.parse((await blob(config.digest)).toString()),
        files,
      };
    }),
  );
}

/** First byte of a gzip stream (RFC 1952, section 2.3.1). */
const GZIP = 0x1f;

/** Regular files of a layer, compressed or not; the test's own reader, so that it does not rest on what it tests. */
async function untar(layer: Buffer): Promise<Map<string, string>> {
  const { extract } = await import('tar-stream');
  const files = new Map<string, string>();
  const unpack = extract();
  unpack.end(layer[0] === GZIP ? gunzipSync(layer) : layer);
  for await (const entry of unpack) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const { name, type } = entry.header;
    if (type === 'file') files.set(name.replace(/^\.?\//, ''), Buffer.concat(chunks).toString());
  }
  return files;
}

/** Every byte of a layout as text, layers also unpacked. */
async function allText({ layout }: BuildResult): Promise<string> {
  const names = (await readdir(layout, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  const texts = await Promise.all(
    names.map(async (entry) => {
      const bytes = await readFile(join(entry.parentPath, entry.name));
      const unpacked = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : Buffer.alloc(0);
      return bytes.toString('latin1') + unpacked.toString('latin1');
    }),
  );
  return texts.join('\n');
}

/** The argument list of every process that runs, as one text each. */
function argumentLists(): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return [];
      }
    });
}

/** Looks at all argument lists, many times a second, for texts that must not be there. */
function watchArguments(secrets: readonly string[]): { stop(): string[] } {
  const seen = new Set<string>();
  let looks = 0;
  const timer = setInterval(() => {
    looks++;
    for (const list of argumentLists()) if (secrets.some((secret) => list.includes(secret))) seen.add(list);
  }, 10);
  return {
    stop() {
      clearInterval(timer);
      expect(looks).toBeGreaterThan(10);
      return [...seen];
    },
  };
}
