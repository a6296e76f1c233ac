import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Check } from 'typebox/schema';
import { describe, expect, it } from 'vitest';
import { type ReleaseReport, releaseReportSchema } from '../../../src/features/release/document.ts';
import { releaseOutcome } from '../../../src/features/release/view.ts';
import { parseManifest } from '../../../src/oci/manifest.ts';
import { createStyle } from '../../../src/render/style.ts';
import { temporaryFolder } from '../../support/git.ts';
import { PublishWorld } from '../../support/publish-world.ts';

const sources = { 'domain/orders': 'v1', 'domain/stock': 'v1' };

async function published(as: 'main' | 'pull-request' = 'main') {
  const world = new PublishWorld();
  const commit = world.commit('first');
  const { report } = await world.publish({ as, commit, sources });
  return { world, commit, report };
}

const outcomeOf = (report: ReleaseReport) => {
  const outcome = releaseOutcome(report);
  expect(Check(releaseReportSchema, report)).toBe(true);
  return { exit: outcome.exit, text: outcome.text(createStyle(false)) };
};
const problemsOf = ({ images }: ReleaseReport) => images.map(({ problem }) => problem?.reason ?? null);

describe('a release', () => {
  it('is verified image by image: of HEAD, of its commit, of its channel', async () => {
    const { world, commit, report } = await published();
    for (const target of [undefined, 'HEAD', commit, 'main']) {
      const found = await world.release({ target });
      expect([found.verdict, found.record?.commit, problemsOf(found)]).toEqual([
        'trusted',
        commit,
        [null, null],
      ]);
      expect(found.images.map(({ ref }) => ref)).toEqual(
        report.components.map(({ ref }) => ref?.replace(`:${commit}`, '')),
      );
      expect(outcomeOf(found).exit).toBe(0);
    }
    const { text } = outcomeOf(await world.release({}));
    expect(text).toContain('release: trusted');
    expect(text).toContain(`127.0.0.1:5000/acme/domain-orders@${report.components[0]?.digest}`);
  });

  it('is shown by its record alone, and says so', async () => {
    const { world, commit } = await published();
    world.registry.deleteManifest(world.repository('domain/stock'), digestAt(await world.release({}), 1));
    const shown = await world.release({ images: false, required: 'accepted' }, commit);
    expect([shown.checked, shown.verdict, shown.images.map(({ seal }) => seal)]).toEqual([
      'record',
      'trusted',
      [null, null],
    ]);
    expect(outcomeOf(shown).text).toContain('To verify each image: primitive release verify');
  });

  it('of a pull request counts only if accepted signers do', async () => {
    const { world } = await published('pull-request');
    const found = await world.release({});
    expect([found.verdict, outcomeOf(found).exit]).toEqual(['accepted', 1]);
    expect(outcomeOf(found).text).toContain('release: accepted, but trusted is required');
    expect(outcomeOf(await world.release({ required: 'accepted' })).exit).toBe(0);
  });

  it('is rejected with the reason if one image lost a part of its seal, was exchanged, or is gone', async () => {
    const lose = async (
      part: (image: ReleaseReport['images'][number]) => string | undefined,
    ): Promise<ReleaseReport> => {
      const { world } = await published();
      const [, stock] = (await world.release({})).images;
      if (stock === undefined) throw new Error('two images were published');
      world.registry.deleteManifest(
        world.repository('domain/stock'),
        (part(stock) ?? '') as `sha256:${string}`,
      );
      return world.release({});
    };
    const cases: readonly (readonly [string, Parameters<typeof lose>[0]])[] = [
      ['absent', ({ digest }) => digest ?? ''],
      ['no-provenance', ({ bundles }) => bundles?.provenance],
      ['no-sbom', ({ bundles }) => bundles?.sbom[1]?.digest],
    ];
    for (const [reason, part] of cases) {
      const found = await lose(part);
      expect([found.verdict, problemsOf(found), outcomeOf(found).exit]).toEqual([
        'rejected',
        [null, reason],
        1,
      ]);
    }
  });

  it('that nobody published, or that a stranger recorded, shows nothing of its content', async () => {
    const { world, commit } = await published();
    const unknown = await world.release({ target: '0'.repeat(40) });
    expect([unknown.verdict, unknown.problem?.reason, unknown.images]).toEqual(['rejected', 'absent', []]);
    expect(outcomeOf(unknown)).toMatchObject({
      exit: 1,
      text: expect.stringContaining('there is no release record'),
    });
    const state = await world.record(commit);
    if (state.state !== 'found') throw new Error('it was published');
    const forged = world.commit('forged');
    await world.putRecord('stranger', { ...state.record, commit: forged });
    const found = await world.release({ target: forged });
    expect([found.verdict, found.problem?.reason, found.record, found.images]).toEqual([
      'rejected',
      'untrusted',
      null,
      [],
    ]);
  });

  it('is verified by one key alone if it is given', async () => {
    const { world } = await published();
    await using folder = await temporaryFolder();
    const [own, other] = [join(folder.path, 'own.pub'), join(folder.path, 'other.pub')];
    await writeFile(own, world.signers.main.publicKey);
    await writeFile(other, world.signers.stranger.publicKey);
    expect((await world.release({ key: own })).verdict).toBe('trusted');
    const found = await world.release({ key: other });
    expect([found.verdict, found.images]).toEqual(['rejected', []]);
    await expect(world.release({ key: join(folder.path, 'none.pub') })).rejects.toMatchObject({
      code: 'release-key-missing',
      exit: 2,
    });
  });
});

describe('an image', () => {
  it('is verified by tag and by digest', async () => {
    const { world, commit, report } = await published();
    const repository = world.repository('domain/orders');
    const digest = report.components[0]?.digest;
    for (const target of [`${repository}:${commit}`, `${repository}@${digest}`]) {
      const found = await world.release({ target });
      expect([found.verdict, found.record, found.images[0]?.ref, found.images[0]?.kind]).toEqual([
        'trusted',
        null,
        `${repository}@${digest}`,
        'domain',
      ]);
      expect(outcomeOf(found).text).toContain('image: trusted');
    }
  });

  it('under a tag that is not there, of another repository, or of a single platform is rejected', async () => {
    const { world, commit, report } = await published();
    const repository = world.repository('domain/orders');
    const absent = await world.release({ target: `${repository}:none` });
    expect([absent.verdict, absent.images[0]?.digest, problemsOf(absent)]).toEqual([
      'rejected',
      null,
      ['absent'],
    ]);
    const { registry } = world;
    const digest = report.components[0]?.digest;
    const index = digest && (await registry.observer.getManifest(repository, digest));
    if (!index) throw new Error('it was published');
    const parsed = parseManifest(index);
    const child = parsed.type === 'index' ? parsed.manifests[0]?.digest : undefined;
    const single = await world.release({ target: `${repository}@${child}` });
    expect([single.verdict, problemsOf(single)]).toEqual(['rejected', ['broken']]);
    registry.putForeign(world.repository('domain/stock'), 'copied', index);
    const copied = await world.release({ target: `${world.repository('domain/stock')}:copied` });
    expect(copied.verdict).toBe('rejected');
    await expect(world.release({ target: repository })).rejects.toMatchObject({ code: 'reference-invalid' });
    expect((await world.release({ target: commit })).verdict).toBe('trusted');
  });
});

function digestAt({ images }: ReleaseReport, index: number): `sha256:${string}` {
  return (images[index]?.digest ?? '') as `sha256:${string}`;
}
