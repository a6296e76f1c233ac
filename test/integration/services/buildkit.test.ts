import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pushBaseImages } from '../../support/services/base-images.ts';
import { type Buildkit, startBuildkit } from '../../support/services/buildkit.ts';
import { type Distribution, startDistribution } from '../../support/services/distribution.ts';
import { run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

let registry: Distribution;
let buildkit: Buildkit;
let folder: string;
const started = new AsyncDisposableStack();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'primitive-build-'));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  registry = started.use(await startDistribution());
  buildkit = started.use(await startBuildkit({ insecureRegistries: [registry.host], keepCacheMounts: true }));
});
afterAll(() => started.disposeAsync());

interface Index {
  readonly manifests: readonly {
    readonly mediaType: string;
    readonly digest: string;
    readonly platform?: { readonly architecture: string };
  }[];
}

/** Builds for both platforms and returns the image index of the layout. */
async function build(context: string, extra: readonly string[] = []): Promise<Index> {
  const layout = join(context, '..', 'layout');
  await rm(layout, { recursive: true, force: true });
  await run(
    tool('buildx'),
    [
      'build',
      '--platform=linux/amd64,linux/arm64',
      '--provenance=false',
      '--sbom=false',
      '--build-arg=SOURCE_DATE_EPOCH=315532800',
      `--output=type=oci,tar=false,rewrite-timestamp=true,dest=${layout}`,
      ...extra,
      context,
    ],
    { env: buildkit.env },
  );
  const top = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')) as Index;
  const [, hex = ''] = top.manifests[0]?.digest.split(':') ?? [];
  return JSON.parse(await readFile(join(layout, 'blobs/sha256', hex), 'utf8')) as Index;
}

async function contextWith(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const context = join(folder, name, 'context');
  await mkdir(context, { recursive: true });
  for (const [path, text] of Object.entries(files)) await writeFile(join(context, path), text);
  return context;
}

describe('buildkit', () => {
  it('builds a two-platform scratch image to an OCI layout, the same twice', async () => {
    const context = await contextWith('scratch', {
      Dockerfile: 'FROM scratch\nCOPY hello /hello\n',
      hello: 'hello\n',
    });
    const index = await build(context);
    expect(index.manifests.map((manifest) => manifest.platform?.architecture)).toEqual(['amd64', 'arm64']);
    expect(await build(context, ['--no-cache'])).toEqual(index);
  });

  it('builds a Go program from bases made of this machine, for both platforms', async () => {
    const bases = await pushBaseImages(registry.host);
    const golang = 'docker.io/library/golang:1.26';
    const runtime = 'gcr.io/distroless/static:nonroot';
    const context = await contextWith('go', {
      Dockerfile: [
        `FROM --platform=$BUILDPLATFORM ${golang} AS build`,
        'ARG TARGETOS TARGETARCH',
        'WORKDIR /src',
        'COPY . .',
        // Go's library for the other platform takes 15 s of a processor.
        'RUN --mount=type=cache,target=/root/.cache/go-build \\',
        '  GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -o /out/hello .',
        `FROM ${runtime}`,
        'COPY --from=build /out/hello /hello',
        'ENTRYPOINT ["/hello"]',
        '',
      ].join('\n'),
      'go.mod': 'module example.com/hello\n\ngo 1.26\n',
      'main.go': 'package main\n\nfunc main() { println("hello") }\n',
    });
    const index = await build(context, [
      `--build-context=${golang}=docker-image://${bases.go}`,
      `--build-context=${runtime}=docker-image://${bases.runtime}`,
    ]);
    expect(index.manifests.map((manifest) => manifest.platform?.architecture)).toEqual(['amd64', 'arm64']);
  });
});
