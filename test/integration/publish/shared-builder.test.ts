import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PublishReport } from '../../../src/features/publish/document.ts';
import { type App, type PublishLab, pullRequest, startPublishLab } from '../../support/publish-lab.ts';
import { brokenPromisesAt } from '../../support/registry-promises.ts';
import { run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

/**
 * Of one size, and with the same first 48 bits of SHA-256, of which the times of files in a build context are made: a pair
 * is found in a minute. BuildKit compares path, size and time with the context that it received before.
 */
const PAIR = ['domain/orders v103d5d5f\n', 'domain/orders v117b9e3a\n'] as const;
const DOCKERFILES = [
  'FROM scratch\nCOPY app.txt /018dd285\n',
  'FROM scratch\nCOPY app.txt /0242d5d5\n',
] as const;

const FILE = 'primitives/domain/orders/app.txt';

test.each([[PAIR], [DOCKERFILES]])('the two files have one size and one time', (pair) => {
  const first48 = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12);
  expect(new Set(pair.map((text) => `${text.length} ${first48(text)}`)).size).toBe(1);
});

describe.each(['buildx', 'buildah'] as const)('a builder that others use too: %s', (builder) => {
  let lab: PublishLab;

  beforeAll(async () => {
    lab = await startPublishLab({ builder, inProcess: true, lightSyft: true });
  });
  afterAll(() => lab?.[Symbol.asyncDispose]());

  const text = async (report: PublishReport, id: string) => {
    const [kind, name] = id.split('/');
    const found = report.components.find((component) => component.kind === kind && component.name === name);
    return run(tool('crane'), ['export', '--platform=linux/amd64', found?.ref ?? '', '-']);
  };
  const keepsItsPromises = async (app: App) => expect(await brokenPromisesAt(lab.observe(app))).toEqual([]);

  test("main's image holds main's bytes after a pull request built a file of the same size and time", async () => {
    await using app = await lab.app({ sources: { 'domain/orders': 'v1' } });
    await app.repo.commit({ [FILE]: PAIR[0] });
    const proposed = await app.report({ as: pullRequest(app.head) });
    expect(await text(proposed, 'domain/orders')).toContain(PAIR[0]);

    await app.repo.commit({ [FILE]: PAIR[1] });
    const released = await app.report();
    expect(released.components).toMatchObject([{ action: 'built' }]);
    expect(await text(released, 'domain/orders')).toContain(PAIR[1]);
    await keepsItsPromises(app);
  });

  test('two components of one run hold their own bytes', async () => {
    await using app = await lab.app({
      files: { [FILE]: PAIR[0], 'primitives/domain/stock/app.txt': PAIR[1] },
    });
    const report = await app.report();
    expect(await text(report, 'domain/orders')).toContain(PAIR[0]);
    expect(await text(report, 'domain/stock')).toContain(PAIR[1]);
    await keepsItsPromises(app);
  });

  test('a Dockerfile of the same size and time is not that of another build', async () => {
    await using app = await lab.app({ sources: { 'domain/orders': 'v1' } });
    await app.repo.commit({ 'primitives/domain/orders/Dockerfile': DOCKERFILES[0] });
    await app.report({ as: pullRequest(app.head) });
    await app.repo.commit({ 'primitives/domain/orders/Dockerfile': DOCKERFILES[1] });
    const released = await app.report();
    const path = join(await lab.folder('image'), 'image.tar');
    await run(tool('crane'), ['export', '--platform=linux/amd64', released.components[0]?.ref ?? '', path]);
    expect(await run('tar', ['--list', '--file', path])).toContain('0242d5d5');
    await keepsItsPromises(app);
  });
});
