import type { ChildProcess } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Event } from '../../../src/core/events.ts';
import { watchDescendants } from '../../support/descendants.ts';
import { openTestRepository } from '../../support/git.ts';
import { collect } from '../../support/packed.ts';
import {
  type App,
  mainRun,
  type PublishLab,
  SOURCES,
  startPublishLab,
  tagsOf,
} from '../../support/publish-lab.ts';
import { brokenPromisesAt, recordAt } from '../../support/registry-promises.ts';
import { partOf } from '../../support/sample.ts';
import { type Buildkit, startBuildkit } from '../../support/services/buildkit.ts';
import { pushShellBase } from '../../support/shell-base.ts';
import { tool } from '../../tools/locate.ts';

let lab: PublishLab;
let shell: string;
beforeAll(async () => {
  // What is killed, and what publishes beside another, are processes all the same: those that are started.
  lab = await startPublishLab({ inProcess: true, lightSyft: true });
  shell = await pushShellBase(lab.proxy.host);
});
afterAll(() => lab?.[Symbol.asyncDispose]());

/** Calls back for every line of `--events ndjson`, in order; logs of builders left out. */
function onEvent(child: ChildProcess, listener: (event: Event, index: number) => void): void {
  if (!child.stderr) throw new Error('the child has no stderr');
  let index = 0;
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (!line.startsWith('{')) return;
    const event = JSON.parse(line) as Event;
    if (event.type !== 'log') listener(event, ++index);
  });
}

function nameOf(event: Event): string {
  if (event.type === 'item') return event.state;
  return event.type === 'step' ? event.step : event.type;
}

/** A full publish after whatever happened before: everything is there, and nothing that was sealed is built again. */
async function expectToEndRight(app: App, sealed: ReadonlySet<string>): Promise<void> {
  const { components, release, channel } = await app.report();
  const rebuilt = components.filter(
    ({ kind, name, action }) => action === 'built' && sealed.has(`${kind}/${name}`),
  );
  expect.soft(rebuilt).toEqual([]);
  expect.soft(components.map(({ tags }) => tags)).toEqual(components.map(() => [app.head]));
  expect
    .soft(await recordAt(lab.observe(app), app.head))
    .toMatchObject({ state: 'found', digest: release?.digest });
  expect
    .soft(await recordAt(lab.observe(app), 'main'))
    .toMatchObject({ state: 'found', digest: release?.digest });
  expect.soft(channel.tag).toBe('main');
  expect.soft(await brokenPromisesAt(lab.observe(app))).toEqual([]);
}

describe('a signal', () => {
  /** One component takes half a minute to build, so that the other is done long before. */
  const slow = () => ({
    'primitives/domain/stock/Dockerfile': `FROM ${shell}\nRUN echo started && sleep 30\nCOPY app.txt /\n`,
  });

  const cases = [
    ['SIGINT', 130, 'building', slow],
    ['SIGINT', 130, 'describing', () => ({})],
    ['SIGTERM', 143, 'attesting', () => ({})],
    ['SIGTERM', 143, 'signing', () => ({})],
    ['SIGINT', 130, 'tag', () => ({})],
    ['SIGINT', 130, 'record', () => ({})],
  ] as const;

  test.each(partOf(cases, 3))('%s ends with %i while %s', async (signal, exit, at, files) => {
    await using app = await lab.app({ files: files() });
    const temporary = await lab.folder('tmp');
    // The light syft would end before the signal comes.
    const programs = at === 'describing' ? await lab.programs({ syft: tool('syft') }) : lab.bin;
    const child = app.start({
      args: ['--events', 'ndjson', '--json'],
      env: { TMPDIR: temporary, PATH: `${programs}:${lab.bin}:/usr/sbin:/usr/bin:/sbin:/bin` },
    });
    const family = watchDescendants(child.pid ?? -1);
    let sent = 0;
    onEvent(child, (event) => {
      if (nameOf(event) !== at || sent > 0) return;
      // In the middle of what the event announces.
      setTimeout(() => child.kill(signal), at === 'building' ? 500 : 50);
      sent = performance.now();
    });
    const { code, stdout, stderr } = await collect(child);
    await family.stop();
    expect(code, stderr).toBe(exit);
    expect(performance.now() - sent).toBeLessThan(20_000);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 'primitive.error/v1', code: 'interrupted', exit });
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(family.survivors()).toEqual([]);
    // Node's own cache of compiled modules is made to stay.
    expect((await readdir(temporary)).filter((name) => name !== 'node-compile-cache')).toEqual([]);
    expect(await brokenPromisesAt(lab.observe(app))).toEqual([]);
    for (const image of app.ids.map(app.image)) {
      if (at !== 'record' && at !== 'tag') expect(await tagsOf(image)).not.toHaveProperty(app.head);
    }
    if (at !== 'building') await expectToEndRight(app, new Set());
  });
});

test('kill -9 at any event, then again: the same end, and nothing sealed is built twice', async () => {
  const run = async (kill: number): Promise<readonly string[]> => {
    // More than are built at a time.
    await using app = await lab.app({ sources: { ...SOURCES, 'process/billing': 'v1' } });
    const child = app.start({ args: ['--events', 'ndjson'] });
    const seen: string[] = [];
    const sealed = new Set<string>();
    onEvent(child, (event, index) => {
      if (index > kill) return;
      seen.push(nameOf(event));
      if (event.type === 'item' && event.state === 'sealed') sealed.add(event.item);
      if (index === kill) child.kill('SIGKILL');
    });
    const { code } = await collect(child);
    if (kill !== Number.POSITIVE_INFINITY) {
      expect.soft(await brokenPromisesAt(lab.observe(app)), `killed at ${kill} ${seen.at(-1)}`).toEqual([]);
      await expectToEndRight(app, sealed);
    } else expect(code).toBe(0);
    return seen;
  };
  const events = await run(Number.POSITIVE_INFINITY);
  expect(events.length).toBeGreaterThan(30);
  const limit = pLimit(2);
  const kills = partOf(
    events.map((_, index) => index + 1),
    12,
  );
  await Promise.all(kills.map((kill) => limit(() => run(kill))));
  const at = kills.map((kill) => `${kill} ${events[kill - 1]}`).join(', ');
  console.log(`kill -9 at ${kills.length} of ${events.length} events: ${at}`);
}, 900_000);

describe('at once', () => {
  let other: Buildkit;
  beforeAll(async () => {
    other = await startBuildkit({ insecureRegistries: [lab.proxy.host] });
  });
  afterAll(() => other?.stop());

  test('two publishers of one commit, whose builders make different images, end on one sealed digest each', async () => {
    const random = `FROM ${shell}\nRUN cat /proc/sys/kernel/random/uuid > /id\nCOPY app.txt /\n`;
    await using app = await lab.app({
      files: Object.fromEntries(Object.keys(SOURCES).map((id) => [`primitives/${id}/Dockerfile`, random])),
    });
    const calls = await Promise.all([
      collect(app.start({ args: ['--json'] })),
      collect(app.start({ args: ['--json'], env: other.env })),
    ]);
    for (const { code, stdout } of calls) {
      expect([0, 1]).toContain(code);
      const document = JSON.parse(stdout);
      if (code === 1) expect(JSON.stringify(document)).toMatch(/-conflict"/);
    }
    expect(await brokenPromisesAt(lab.observe(app))).toEqual([]);
    await expectToEndRight(app, new Set(Object.keys(SOURCES)));
    const { components } = await app.report();
    expect(components.map(({ action }) => action)).toEqual(app.ids.map(() => 'already-published'));
  });

  test('main publishes two commits; the channel ends at the newer one and stays there when the old run is repeated', async () => {
    await using app = await lab.app();
    const first = app.head;
    const second = await app.change({ 'domain/stock': 'v2' });
    const worktree = await lab.folder('old');
    app.repo.git('worktree', 'add', '--quiet', '--detach', worktree, first);
    const old = { cwd: worktree, as: mainRun(first) };
    await Promise.all([app.report(old), app.report()]);
    expect(await brokenPromisesAt(lab.observe(app))).toEqual([]);
    await app.report();
    expect(await recordAt(lab.observe(app), 'main')).toMatchObject({ record: { commit: second } });
    const again = await app.report(old);
    expect(again.channel).toMatchObject({ moved: false, from: second });
    expect(await recordAt(lab.observe(app), 'main')).toMatchObject({ record: { commit: second } });
  });

  test('a revert finds the images of before; the old run again leaves the channel at the revert', async () => {
    await using app = await lab.app();
    const { components: before } = await app.report();
    const changed = await app.change({ 'domain/stock': 'v2' });
    await app.report();
    const reverted = await app.change({ 'domain/stock': 'v1' });
    const { components } = await app.report();
    expect(components.map(({ action, digest }) => [action, digest])).toEqual(
      before.map(({ digest }) => ['reused', digest]),
    );
    const worktree = openTestRepository(await lab.folder('old'));
    app.repo.git('worktree', 'add', '--quiet', '--detach', worktree.root, changed);
    const old = await app.report({ cwd: worktree.root, as: mainRun(changed) });
    expect(old.channel).toMatchObject({ moved: false, from: reverted });
    expect(await recordAt(lab.observe(app), 'main')).toMatchObject({ record: { commit: reverted } });
  });
});
