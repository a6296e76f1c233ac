import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type {
  PublishedComponent,
  PublishPlan,
  PublishReport,
} from '../../../src/features/publish/document.ts';
import {
  type App,
  keylessSigning,
  type PublishLab,
  pullRequest,
  type Sources,
  startPublishLab,
  tagsOf,
} from '../../support/publish-lab.ts';
import { brokenPromisesAt, recordAt, sealAt } from '../../support/registry-promises.ts';
import { run } from '../../support/services/run.ts';
import { pushSampleImage } from '../../support/services/sample-image.ts';
import { type Sigstore, startSigstore } from '../../support/services/sigstore.ts';
import { tool } from '../../tools/locate.ts';

const ONE: Sources = { 'domain/orders': 'v1' };
const ID = 'domain/orders';

let lab: PublishLab;
let stranger: Sigstore;
beforeAll(async () => {
  [lab, stranger] = await Promise.all([
    startPublishLab({ inProcess: true, lightSyft: true }),
    startSigstore(),
  ]);
});
afterAll(async () => {
  await lab?.[Symbol.asyncDispose]();
  await stranger?.stop();
});

const crane = (...args: string[]) => run(tool('crane'), args);

/** The registry as somebody with the right to push writes to it. */
async function put(reference: string, manifest: string): Promise<void> {
  const [image = '', tag = ''] = reference.split(/[:@](?=[^/]*$)/);
  const [host, ...path] = image.split('/');
  const { mediaType } = JSON.parse(manifest);
  const response = await fetch(`http://${host}/v2/${path.join('/')}/manifests/${tag}`, {
    method: 'PUT',
    headers: { 'content-type': mediaType },
    body: manifest,
  });
  if (!response.ok) throw new Error(`${reference}: ${response.status} ${await response.text()}`);
}

/** Distribution's fallback index: what is attached to a digest. */
const fallback = (image: string, digest: string) => `${image}:${digest.replace(':', '-')}`;

interface Index {
  readonly manifests: readonly {
    readonly digest: string;
    readonly platform?: unknown;
    readonly annotations?: Record<string, string>;
  }[];
}

/** Rewrites what is attached to an image; the undo puts it back. */
async function reattach(
  image: string,
  digest: string,
  change: (manifests: Index['manifests']) => Index['manifests'],
): Promise<() => Promise<void>> {
  const reference = fallback(image, digest);
  const before = await crane('manifest', reference);
  const index = JSON.parse(before) as Index;
  await put(reference, JSON.stringify({ ...index, manifests: change(index.manifests) }));
  return () => put(reference, before);
}

/** Takes a manifest away, and with it its tags, as registries do; the undo puts all of them back. */
async function remove(image: string, digest: string): Promise<() => Promise<void>> {
  const manifest = await crane('manifest', `${image}@${digest}`);
  const tags = Object.entries(await tagsOf(image)).flatMap(([tag, named]) => (named === digest ? [tag] : []));
  await crane('delete', `${image}@${digest}`);
  return async () => {
    for (const reference of [`@${digest}`, ...tags.map((tag) => `:${tag}`)]) {
      await put(`${image}${reference}`, manifest);
    }
  };
}

const isSbom = ({ annotations = {} }: Index['manifests'][number]) =>
  Object.values(annotations).some((value) => value.includes('spdx'));

/** What a publish of main published, and the next commit, which changes nothing. */
async function published(
  platforms = 'linux/amd64',
): Promise<{ app: App; component: PublishedComponent & { digest: string } }> {
  const app = await lab.app({ sources: ONE, platforms });
  const { components } = await app.report();
  await app.repo.commit({ 'README.md': 'nothing that is built' });
  const [component] = components;
  if (!component?.digest) throw new Error('nothing was published');
  return { app, component: { ...component, digest: component.digest } };
}

const decided = ({ components }: PublishPlan) => components.map(({ action, reason }) => ({ action, reason }));

describe('a baseline', () => {
  let app: App;
  let component: Awaited<ReturnType<typeof published>>['component'];
  beforeAll(async () => {
    ({ app, component } = await published('linux/amd64, linux/arm64'));
  });
  afterAll(() => app?.[Symbol.asyncDispose]());

  test('that is whole is reused by its release record, and without one by its input tag', async () => {
    expect(decided(await app.plan())).toMatchObject([
      { action: 'reuse', reason: expect.stringMatching(/inputs unchanged/) },
    ]);
    const undo = await hideRecord();
    expect(decided(await app.plan())).toMatchObject([
      { action: 'reuse', reason: expect.stringMatching(/same inputs/) },
    ]);
    await undo();
  });

  /** Without a record each image must prove itself, by the bundles that are attached to it. */
  async function hideRecord(): Promise<() => Promise<void>> {
    const main = await crane('manifest', `${app.releases}:main`);
    const sample = await pushSampleImage(app.releases, { tag: 'main' });
    expect(sample).toContain(app.releases);
    return () => put(`${app.releases}:main`, main);
  }

  const damages: readonly [string, () => Promise<() => Promise<void>>, RegExp][] = [
    ['with nothing attached', () => reattach(component.image, component.digest, () => []), /no.* signature/],
    [
      'with only a trusted SBOM attestation',
      () => reattach(component.image, component.digest, (all) => all.filter(isSbom)),
      /no.* signature/,
    ],
    ['without its signature', () => drop(component.signature), /no.* signature/],
    ['without its provenance', () => drop(component.provenance), /no.* provenance/],
    ['short of the SBOM of a platform', () => drop(component.sbom?.[1]?.digest), /no.* SBOM of linux\/arm64/],
    ['short of a child', async () => remove(component.image, await childOf(1)), /linux\/arm64 is gone/],
    [
      'that was deleted',
      () => remove(component.image, component.digest),
      /image is gone|release record is not trusted/,
    ],
  ];
  const drop = (digest: string | undefined) =>
    reattach(component.image, component.digest, (all) => all.filter((entry) => entry.digest !== digest));
  const childOf = async (at: number) => {
    const { manifests } = JSON.parse(
      await crane('manifest', `${component.image}@${component.digest}`),
    ) as Index;
    return manifests[at]?.digest ?? '';
  };

  describe.each([['by record'], ['by input tag']])('%s', (by) => {
    test.each(damages)('%s is built anew, with the reason', async (_case, damage, reason) => {
      const undo = [by === 'by input tag' ? await hideRecord() : async () => {}, await damage()];
      try {
        const [plan] = decided(await app.plan());
        expect(plan).toMatchObject({ action: 'build' });
        expect(plan?.reason).toMatch(reason);
      } finally {
        for (const each of undo.reverse()) await each();
      }
    });

    test('once all of it is put back, it is reused', async () => {
      expect(decided(await app.plan())).toMatchObject([{ action: 'reuse' }]);
    });
  });

  test('that lost its signature really is built, sealed and tagged again', async () => {
    await drop(component.signature);
    const report = await app.report();
    expect(report.components).toMatchObject([
      { action: 'built', reason: expect.stringMatching(/no.* signature/) },
    ]);
    expect(report.components[0]?.digest).toBe(component.digest);
    expect(await sealAt(lab.observe(app, [ID]), ID, app.head)).toMatchObject({
      sealed: true,
      image: { tier: 'trusted' },
    });
    expect(await brokenPromisesAt(lab.observe(app, [ID]))).toEqual([]);
  });
});

describe('an image of somebody else', () => {
  test('of a pull request is no baseline for main, nor is its record; main supersedes both', async () => {
    await using app = await lab.app({ sources: ONE });
    const proposed = await app.report({ as: pullRequest(app.head) });
    expect(proposed).toMatchObject({
      tier: 'accepted',
      components: [{ action: 'built' }],
      channel: { moved: false },
    });
    expect(await recordAt(lab.observe(app), app.head)).toMatchObject({ state: 'found', tier: 'accepted' });
    expect(await recordAt(lab.observe(app), 'main')).toEqual({ state: 'absent' });
    // The same commit is pushed to main, as a fast-forward merge does.
    const main = await app.report();
    expect(main.components).toMatchObject([
      { action: 'superseded', superseded: proposed.components[0]?.digest },
    ]);
    expect(await recordAt(lab.observe(app), app.head)).toMatchObject({ state: 'found', tier: 'trusted' });
    expect(await sealAt(lab.observe(app), ID, app.head)).toMatchObject({
      sealed: true,
      image: { tier: 'trusted' },
    });
    // And a pull request takes what main sealed, but replaces nothing.
    const again = await app.report({ as: pullRequest(app.head) });
    expect(again.components).toMatchObject([{ action: 'already-published' }]);
    expect(await brokenPromisesAt(lab.observe(app, [ID]))).toEqual([]);
  });

  test('of a pull request is reused by the same one, not by another, and not by main', async () => {
    await using app = await lab.app({ sources: ONE });
    await app.report({ as: pullRequest(app.head) });
    const next = await app.repo.commit({ 'README.md': 'more' });
    expect(decided(await app.plan({ as: pullRequest(next) }))).toMatchObject([{ action: 'reuse' }]);
    const other = pullRequest(next);
    const eight = { ...other, run: { ...other.run, ref: 'refs/pull/8/merge' } };
    expect(decided(await app.plan({ as: eight }))).toMatchObject([
      { action: 'build', reason: expect.stringMatching(/does not count/) },
    ]);
    expect(decided(await app.plan())).toMatchObject([
      { action: 'build', reason: expect.stringMatching(/does not count/) },
    ]);
  });

  test('of a stranger with the same names is no baseline; a tag that he took is superseded', async () => {
    await using app = await lab.app({ sources: ONE });
    // The stranger has rights to push and a Sigstore of his own that says it is acme/app on main.
    const own = await app.repo.read('primitive.config.yaml');
    const theirs = own
      .replaceAll(lab.sigstore.issuer, stranger.issuer)
      .replaceAll(lab.sigstore.signingConfig, stranger.signingConfig)
      .replaceAll(lab.sigstore.trustedRoot, stranger.trustedRoot);
    await using fake = await lab.app({ sources: ONE });
    await fake.repo.commit({ 'primitive.config.yaml': theirs.replaceAll(fake.prefix, app.prefix) });
    const env = stranger.githubActionsEnv({ sha: fake.head });
    const forged = await fake.report({ env });
    expect(forged.components).toMatchObject([{ action: 'built', image: app.image(ID) }]);
    expect(decided(await app.plan())).toMatchObject([
      { action: 'build', reason: expect.stringMatching(/does not count|cannot be verified|not trusted/) },
    ]);
    await crane('tag', `${app.image(ID)}@${forged.components[0]?.digest}`, app.head);
    await crane('tag', `${app.releases}@${forged.release?.digest}`, app.head);
    const refused = await app.publish({ as: pullRequest(app.head), args: ['--json'] });
    expect(refused.code).toBe(1);
    expect(refused.stdout).toMatch(/"(tag|release)-conflict"/);
    const report = await app.report();
    expect(report).toMatchObject({ components: [{ action: 'superseded' }], release: { written: true } });
    expect(await sealAt(lab.observe(app), ID, app.head)).toMatchObject({
      sealed: true,
      image: { tier: 'trusted' },
    });
    expect(await recordAt(lab.observe(app), 'main')).toMatchObject({
      state: 'found',
      tier: 'trusted',
      record: { commit: app.head },
    });
  });

  describe('whose repository was deleted and created again by somebody else', () => {
    const IDS = { repositoryId: '100200300', ownerId: '400500', runner: 'github-hosted' };
    const NEW = { repository_id: '999', repository_owner_id: '888' };

    /** Has the same code and names, the same Fulcio and a right to push, and its own config: all but the ids. */
    async function publishAsAnother(app: App): Promise<PublishReport> {
      const config = await app.repo.read('primitive.config.yaml');
      const byName = config
        .replaceAll(/"(repositoryId|ownerId|runner)":"[^"]*",?/g, '')
        .replaceAll(',}', '}');
      await app.repo.commit({ 'primitive.config.yaml': byName, 'README.md': 'theirs' });
      const forged = await app.report({ as: { run: { sha: app.head }, claims: NEW } });
      await app.repo.commit({ 'primitive.config.yaml': config, 'README.md': 'ours' });
      return forged;
    }

    test.each([
      ['names', {}, 'reuse'],
      ['ids', IDS, 'build'],
    ])('main by %s: its release and its channel lead to %s', async (_case, ids, action) => {
      await using app = await lab.app({ sources: ONE, signing: keylessSigning(lab.sigstore, ids) });
      const forged = await publishAsAnother(app);
      expect(forged).toMatchObject({ components: [{ action: 'built', image: app.image(ID) }] });
      const [byRecord] = decided(await app.plan());
      expect(byRecord?.action).toBe(action);
      if (action === 'reuse') return;
      expect(byRecord?.reason).toMatch(
        /signed by .* in acme\/app \(id 999\): repositoryId 999 instead of 100200300, ownerId 888 instead of 400500/,
      );
      // Without a record by the tag of the inputs, and as the record and image of this very commit.
      await crane('delete', `${app.releases}@${forged.release?.digest}`);
      const [byInputs] = decided(await app.plan());
      expect(byInputs).toMatchObject({ action: 'build', reason: expect.stringMatching(/repositoryId 999/) });
      await crane('tag', `${app.image(ID)}@${forged.components[0]?.digest}`, app.head);
      const report = await app.report();
      expect(report).toMatchObject({
        signer: IDS,
        components: [{ action: 'superseded' }],
        release: { written: true },
        channel: { moved: true },
      });
      // What is theirs does not move the channel again, and their run is refused before it does anything.
      const refused = await app.publish({
        as: { run: { sha: app.head }, claims: NEW },
        args: ['--json'],
      });
      expect(refused.code).toBe(2);
      expect(JSON.parse(refused.stdout)).toMatchObject({
        code: 'identity-not-allowed',
        why: expect.stringContaining('repositoryId 999 instead of 100200300'),
        suggestions: expect.arrayContaining([expect.stringContaining('recreated')]),
      });
    });

    test('a channel that their record holds is not believed, and moved', async () => {
      await using app = await lab.app({ sources: ONE, signing: keylessSigning(lab.sigstore, IDS) });
      const own = await app.report();
      await publishAsAnother(app);
      expect((await tagsOf(app.releases)).main).not.toBe(own.release?.digest);
      const after = await app.report();
      expect(after).toMatchObject({ release: { written: true }, channel: { moved: true } });
      expect((await tagsOf(app.releases)).main).toBe(after.release?.digest);
    });

    test.each([
      ['a runner of their own', { runner_environment: 'self-hosted' }, 'runner self-hosted instead of'],
      ['a token without ids', { repository_id: '' }, 'no repositoryId instead of 100200300'],
    ])('%s is refused before a build', async (_case, claims, says) => {
      await using app = await lab.app({ sources: ONE, signing: keylessSigning(lab.sigstore, IDS) });
      const refused = await app.publish({ as: { run: { sha: app.head }, claims }, args: ['--json'] });
      expect(refused.code).toBe(2);
      expect(refused.stdout).toContain(says);
      expect(await tagsOf(app.image(ID))).toEqual({});
    });

    test('a pull request of it is no baseline for the same pull request of ours', async () => {
      await using app = await lab.app({ sources: ONE });
      const { run: proposed, event } = pullRequest(app.head);
      await app.report({ as: { run: proposed, event, claims: NEW } });
      const next = await app.repo.commit({ 'README.md': 'more' });
      expect(decided(await app.plan({ as: pullRequest(next) }))).toMatchObject([
        { action: 'build', reason: expect.stringMatching(/does not count/) },
      ]);
    });
  });

  test('copied with all that is attached, from another component or registry path, is no baseline', async () => {
    await using app = await lab.app({ sources: { ...ONE, 'domain/stock': 'v1' } });
    const { components } = await app.report();
    const [orders, stock] = components;
    const next = await app.change({ 'domain/stock': 'v2' });
    const [, planned] = (await app.plan()).components;
    // Orders' image, with everything that seals it, as the image of stock's new inputs.
    await crane('copy', `${orders?.image}@${orders?.digest}`, `${stock?.image}:in-${planned?.inputDigest}`);
    for (const digest of [orders?.signature, orders?.provenance, orders?.sbom?.[0]?.digest]) {
      await crane('copy', `${orders?.image}@${digest}`, `${stock?.image}@${digest}`);
    }
    const attached = fallback('', orders?.digest ?? '').slice(1);
    await crane('copy', `${orders?.image}:${attached}`, `${stock?.image}:${attached}`);
    expect(decided(await app.plan())[1]).toMatchObject({
      action: 'build',
      reason: expect.stringMatching(/belongs elsewhere|built (as|for)/),
    });
    const report = await app.report();
    expect(report.components.map(({ action }) => action)).toEqual(['reused', 'built']);
    expect((await tagsOf(app.image('domain/stock')))[next]).toBe(report.components[1]?.digest);

    // The same components under another path: the record says that it is of elsewhere.
    await using other = await lab.app({ sources: { ...ONE, 'domain/stock': 'v2' } });
    await crane('copy', `${app.releases}:main`, `${other.releases}:main`);
    const bundles = fallback('', report.release?.digest ?? '').slice(1);
    const { manifests } = JSON.parse(await crane('manifest', `${app.releases}:${bundles}`)) as Index;
    for (const { digest } of manifests)
      await crane('copy', `${app.releases}@${digest}`, `${other.releases}@${digest}`);
    await crane('copy', `${app.releases}:${bundles}`, `${other.releases}:${bundles}`);
    expect(await recordAt(lab.observe(other), 'main')).toMatchObject({
      state: 'untrusted',
      reason: 'foreign',
    });
    expect(decided(await other.plan())).toMatchObject([
      { action: 'build', reason: expect.stringMatching(/not of/) },
      { action: 'build', reason: expect.stringMatching(/not of/) },
    ]);
  });
});

describe('the tag of the commit', () => {
  test.each<[string, 'main' | 'pull-request', string]>([
    ['an image that nobody sealed', 'main', 'superseded'],
    ['an image that nobody sealed', 'pull-request', 'tag-conflict'],
  ])('names %s; %s: %s', async (_case, as, outcome) => {
    await using app = await lab.app({ sources: ONE });
    const squatter = await pushSampleImage(app.image(ID), { tag: app.head });
    const publisher = as === 'main' ? {} : { as: pullRequest(app.head) };
    const call = await app.publish({ ...publisher, args: ['--json'] });
    const report = JSON.parse(call.stdout) as PublishReport;
    const [component] = report.components;
    const digest = squatter.slice(squatter.indexOf('@') + 1);
    if (outcome === 'superseded') {
      expect(call.code).toBe(0);
      expect(component).toMatchObject({ action: 'superseded', superseded: digest });
      expect((await tagsOf(app.image(ID)))[app.head]).toBe(component?.digest);
    } else {
      expect(call.code).toBe(1);
      expect(component).toMatchObject({ action: 'failed', error: { code: outcome } });
      expect(await tagsOf(app.image(ID))).toEqual({ [app.head]: digest });
    }
  });

  test('names what a trusted run sealed of other inputs: nobody replaces it', async () => {
    await using app = await lab.app({ sources: ONE });
    const { components } = await app.report();
    const image = app.image(ID);
    const next = await app.change({ 'domain/orders': 'v2' });
    await crane('tag', `${image}@${components[0]?.digest}`, next);
    for (const as of [{}, { as: pullRequest(next) }]) {
      const call = await app.publish({ ...as, args: ['--json'] });
      expect(call.code).toBe(1);
      expect(JSON.parse(call.stdout).components).toMatchObject([
        { action: 'failed', error: { code: 'tag-conflict' } },
      ]);
    }
    expect((await tagsOf(image))[next]).toBe(components[0]?.digest);
  });
});

describe('a release record', () => {
  test('without a signature counts for nothing and is superseded', async () => {
    const { app, component } = await published();
    await using _app = app;
    const record = (await tagsOf(app.releases)).main ?? '';
    await reattach(app.releases, record, () => []);
    const [plan] = decided(await app.plan());
    expect(plan).toMatchObject({ action: 'reuse', reason: expect.stringMatching(/same inputs/) });
    // It is under the new commit, too: somebody wants to be first.
    await crane('tag', `${app.releases}@${record}`, app.head);
    const report = await app.report();
    expect(report.components).toMatchObject([{ action: 'reused', digest: component.digest }]);
    expect(report.release).toMatchObject({ written: true });
    expect(await recordAt(lab.observe(app), app.head)).toMatchObject({
      state: 'found',
      tier: 'trusted',
      record: { commit: app.head },
    });
  });

  test('of another commit, moved under this one, is no record of it', async () => {
    const { app } = await published();
    await using _app = app;
    const record = (await tagsOf(app.releases)).main;
    await crane('tag', `${app.releases}@${record}`, app.head);
    expect(await recordAt(lab.observe(app), app.head)).toMatchObject({
      state: 'untrusted',
      reason: 'foreign',
    });
    const report = await app.report();
    expect(report.release?.digest).not.toBe(record);
    expect(await recordAt(lab.observe(app), app.head)).toMatchObject({
      state: 'found',
      record: { commit: app.head },
    });
  });

  test('and images that were all deleted are built and written again', async () => {
    await using app = await lab.app({ sources: ONE });
    await app.report();
    const record = (await tagsOf(app.releases)).main ?? '';
    const digest = (await tagsOf(app.image(ID)))[app.head] ?? '';
    for (const ref of [`${app.releases}@${record}`, `${app.image(ID)}@${digest}`]) await crane('delete', ref);
    const report = await app.report();
    expect(report).toMatchObject({ components: [{ action: 'built' }], release: { written: true } });
    expect(await brokenPromisesAt(lab.observe(app, [ID]))).toEqual([]);
  });

  test('whose image was deleted binds all the same: a conflict that says what is gone', async () => {
    await using app = await lab.app({ sources: ONE });
    const { components, release } = await app.report();
    await remove(app.image(ID), components[0]?.digest ?? '');
    const call = await app.publish({ args: ['--json'] });
    expect(call.code).toBe(1);
    expect(JSON.parse(call.stdout)).toMatchObject({
      code: 'release-conflict',
      why: expect.stringMatching(/domain\/orders: .*image is gone/),
    });
    expect(call.stderr).not.toMatch(/building/);
    expect((await tagsOf(app.releases))[app.head]).toBe(release?.digest);
    // The next commit is not bound, and builds what is gone.
    await app.repo.commit({ 'README.md': 'more' });
    expect(await app.report()).toMatchObject({ components: [{ action: 'built' }], channel: { moved: true } });
  });
});
