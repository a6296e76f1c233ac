import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installPacked, type Packed } from '../../support/packed.ts';
import {
  type App,
  cosignVerifies,
  type LabOptions,
  type PublishLab,
  startPublishLab,
  tagsOf,
} from '../../support/publish-lab.ts';
import { brokenPromisesAt, recordAt } from '../../support/registry-promises.ts';
import { run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

/** syft reads what each builder writes, for the CLI as it is packed; to a registry its SBOM is a blob like another. */
const labs: readonly LabOptions[] = [
  { registry: 'distribution 3', builder: 'buildx' },
  { registry: 'distribution 2', builder: 'buildx', lightSyft: true, inProcess: true },
  { registry: 'olareg', builder: 'buildx', lightSyft: true, inProcess: true },
  { registry: 'distribution 3', builder: 'buildah' },
];

let cli: Packed;
beforeAll(async () => {
  cli = await installPacked();
});
afterAll(() => cli?.[Symbol.asyncDispose]());

/** Whatever asks for or sends something else than a tag or a description of what is there. */
const MOVES_BYTES = /^(?:PUT|PATCH) blobs|^GET blobs/;

describe.each(labs)('$registry and $builder', (options) => {
  let lab: PublishLab;
  let app: App;
  beforeAll(async () => {
    lab = await startPublishLab({ ...options, cli });
    app = await lab.app({ platforms: 'linux/amd64, linux/arm64' });
  });
  afterAll(async () => {
    await app?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  test('the first publish builds everything; cosign 3 and 2.6 agree that it is sealed', async () => {
    const report = await app.report();
    expect(report.components.map(({ action }) => action)).toEqual(['built', 'built']);
    expect(report.channel.moved).toBe(true);
    for (const { image, digest, inputDigest, ref, platforms } of report.components) {
      expect(ref).toBe(`${image}:${app.head}@${digest}`);
      expect(platforms).toEqual(['linux/amd64', 'linux/arm64']);
      expect(await tagsOf(image)).toMatchObject({ [app.head]: digest, [`in-${inputDigest}`]: digest });
    }
    expect(await tagsOf(app.releases)).toMatchObject({
      [app.head]: report.release?.digest,
      main: report.release?.digest,
    });
    const ref = report.components[0]?.ref ?? '';
    await cosignVerifies('cosign', lab.sigstore, ref);
    await cosignVerifies('cosign2', lab.sigstore, ref);
    expect(await brokenPromisesAt(lab.observe(app))).toEqual([]);
  });

  test('a second commit builds what changed and moves no byte of the rest', async () => {
    const first = app.head;
    const before = await tagsOf(app.image('domain/orders'));
    const second = await app.change({ 'domain/stock': 'v2' });
    lab.proxy.reset();
    const report = await app.report();
    expect(report.components.map(({ action }) => action)).toEqual(['reused', 'built']);
    // Of the same size as before: a builder that goes by sizes and times does not see it.
    const built = await run(tool('crane'), [
      'export',
      '--platform=linux/amd64',
      report.components[1]?.ref ?? '',
      '-',
    ]);
    expect(built).toContain('domain/stock v2\n');
    const asked = lab.requests(app.image('domain/orders'));
    expect(asked.filter((request) => MOVES_BYTES.test(request))).toEqual([]);
    expect(asked.filter((request) => request.startsWith('PUT'))).toEqual([`PUT manifests/${second}`]);
    const after = await tagsOf(app.image('domain/orders'));
    expect(after).toEqual({ ...before, [second]: before[first] });
    expect(await brokenPromisesAt(lab.observe(app))).toEqual([]);
  });

  test('a third commit that changes nothing asks per component for what vouches for it, and tags', async () => {
    const third = await app.repo.commit({ 'README.md': 'nothing that is built' });
    lab.proxy.reset();
    const report = await app.report();
    expect(report.components.map(({ action }) => action)).toEqual(['reused', 'reused']);
    expect(report.run.requests).toBe(lab.proxy.requests.length);
    for (const { image, digest } of report.components) {
      const asked = lab.requests(image).map((request) => request.replace('-', ':'));
      expect(asked.slice(0, 3).sort()).toEqual(
        [
          `GET manifests/${digest}`,
          `GET ${options.registry === 'olareg' ? 'referrers' : 'manifests'}/${digest}`,
          `HEAD manifests/${third}`,
        ].sort(),
      );
      // One for each platform's manifest, then the tag.
      expect(asked.slice(3).map((request) => request.split('/')[0])).toEqual([
        'HEAD manifests',
        'HEAD manifests',
        'PUT manifests',
      ]);
    }
    const record = await recordAt(lab.observe(app), third);
    expect(record).toMatchObject({ state: 'found', tier: 'trusted', record: { commit: third } });
    expect(await recordAt(lab.observe(app), 'main')).toEqual(record);
  });

  test('run again it is already published: the record, and one HEAD a component', async () => {
    const before = await tagsOf(app.releases);
    lab.proxy.reset();
    const report = await app.report();
    expect(report.components.map(({ action }) => action)).toEqual(app.ids.map(() => 'already-published'));
    expect(lab.proxy.requests.filter(({ method }) => !['GET', 'HEAD'].includes(method))).toEqual([]);
    for (const { image } of report.components) {
      expect(lab.requests(image)).toEqual([`HEAD manifests/${app.head}`]);
    }
    expect(await tagsOf(app.releases)).toEqual(before);
    const ref = report.components[1]?.ref ?? '';
    await cosignVerifies('cosign', lab.sigstore, ref);
    await cosignVerifies('cosign2', lab.sigstore, ref);
  });
});
