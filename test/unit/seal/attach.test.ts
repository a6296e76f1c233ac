import { beforeEach, describe, expect, test } from 'vitest';
import { PrimitiveError } from '../../../src/core/errors.ts';
import { attachSeal } from '../../../src/seal/attach.ts';
import { type PushedImage, pushImage, signAll, statementsOf } from '../../support/images.ts';
import { createSealing, type Sealing } from '../../support/sealing.ts';

describe.each([
  ['with the referrers API', true],
  ['with a fallback index', false],
])('on a registry %s', (_name, referrersApi) => {
  let sealing: Sealing;
  let image: PushedImage;
  let bundles: Uint8Array[];
  let waited: number[];

  beforeEach(async () => {
    sealing = createSealing({ referrersApi });
    image = await pushImage(sealing.registry, sealing.repository);
    bundles = await signAll(sealing.trusted, statementsOf(image));
    waited = [];
  });
  const sleep = async (milliseconds: number) => void waited.push(milliseconds);
  const attach = () => attachSeal({ ...sealing.context, sleep }, image.repository, image.index, bundles, {});
  const writes = () =>
    sealing.registry.operations.filter(({ name }) => /^(push|put|attach)/.test(name)).length;

  test('what is attached is read back and verified', async () => {
    expect(await attach()).toMatchObject({ sealed: true, image: { tier: 'trusted' } });
  });

  test('the signature comes after all the rest: cut off before it, there is none', async () => {
    let attached = 0;
    const cut = new PrimitiveError('registry-failed', 'cut off', { exit: 3 });
    sealing.registry.hook(({ name }) => (name === 'attach' && ++attached === 2 ? cut : undefined));
    await expect(attach()).rejects.toBe(cut);
    const listed = await sealing.registry.getReferrers(image.repository, image.index.digest);
    expect(
      listed.map(({ annotations }) => annotations?.['dev.sigstore.bundle.predicateType']).sort(),
    ).toEqual(['https://slsa.dev/provenance/v1', 'https://spdx.dev/Document', 'https://spdx.dev/Document']);
  });

  test('attaching the same again changes nothing', async () => {
    const state = await attach();
    const listed = await sealing.registry.getReferrers(image.repository, image.index.digest);
    expect(await attach()).toEqual(state);
    expect(await sealing.registry.getReferrers(image.repository, image.index.digest)).toEqual(listed);
  });

  test('a bundle of somebody else is refused before anything is written', async () => {
    bundles = await signAll(sealing.stranger, statementsOf(image));
    const before = writes();
    await expect(attach()).rejects.toMatchObject({
      code: 'seal-bundle-refused',
      exit: 2,
      why: expect.stringContaining(sealing.stranger.fingerprint),
    });
    expect(writes()).toBe(before);
  });

  test('a bundle that does not verify is refused before anything is written', async () => {
    bundles[1] = Buffer.from(
      Buffer.from(bundles[1] ?? [])
        .toString()
        .replace('"sig":"', '"sig":"AAAA'),
    );
    const before = writes();
    await expect(attach()).rejects.toMatchObject({ code: 'seal-bundle-refused' });
    expect(writes()).toBe(before);
  });

  test('a registry that shows late what it was given is looked at again', async () => {
    let stale = 2;
    sealing.registry.hook(({ name }) => (name === 'getReferrers' && stale-- > 0 ? 'stale' : undefined));
    expect(await attach()).toMatchObject({ sealed: true });
    expect(waited).toEqual([250, 1_000]);
    expect(stale).toBeLessThan(0);
  });

  test('a seal of less worth that was there before does not pass for the one just attached', async () => {
    await sealing.attach(image, sealing.accepted);
    let stale = 2;
    sealing.registry.hook(({ name }) => (name === 'getReferrers' && stale-- > 0 ? 'stale' : undefined));
    expect(await attach()).toMatchObject({ sealed: true, image: { tier: 'trusted' } });
    expect(waited.length).toBeGreaterThan(0);
  });

  test('a registry that loses what it was given is not believed', async () => {
    sealing.registry.hook(({ name }) => (name === 'attach' ? 'lost' : undefined));
    const refusal = { code: 'seal-not-confirmed', exit: 3, retryable: true };
    await expect(attach()).rejects.toMatchObject(refusal);
    expect(waited.length).toBeGreaterThan(3);
    expect(waited).toEqual([...waited].sort((a, b) => a - b));
  });
});
