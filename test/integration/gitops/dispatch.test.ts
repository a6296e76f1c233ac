import { describe, expect, test } from 'vitest';
import { PrimitiveError } from '../../../src/core/errors.ts';
import type { Refusal } from '../../../src/core/finding.ts';
import { keyOf, showId } from '../../../src/dispatch/asked.ts';
import { resumeDispatch, runDispatch } from '../../../src/dispatch/run.ts';
import { gitopsRunOutcome } from '../../../src/dispatch/view.ts';
import { createStyle } from '../../../src/render/style.ts';
import {
  type GitopsWorld,
  gitopsWorld,
  ordersRequest,
  propose,
  timeLimit,
  WORKFLOW_PATH,
  wiringOf,
  workflowText,
} from '../../support/gitops-world.ts';
import { patientlessClock } from '../../support/patientless-clock.ts';
import type { Fault } from '../../support/services/github/github.ts';

const dispatches = ({ github }: GitopsWorld) => github.requests.filter(({ method }) => method === 'POST');
const idle = { idle: Number.POSITIVE_INFINITY };

/** The id of a request that was made `attempt` times. */
const id = (attempt: number) => expect.stringMatching(new RegExp(`^[0-9a-f]{32}-${attempt}$`));

/** Whoever runs the same command again, on another machine. */
const again = (world: GitopsWorld) => runDispatch(ordersRequest(), 'pr', world.ports());

/** As many looks at a list as a client makes in a minute. */
const MINUTE = 15;

/** Waits for what the double sees, however long that takes. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** A request that waits for the end of a rate limit until it is released. */
async function limited(world: GitopsWorld) {
  const waiting = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const clock = patientlessClock();
  const held: typeof clock = {
    ...clock,
    async sleep(milliseconds, signal) {
      waiting.resolve();
      await released.promise;
      await clock.sleep(milliseconds, signal);
    },
  };
  const headers = { 'retry-after': '600' };
  world.github.fault({ path: /dispatches$/, status: 429, headers, body: { message: 'Slow down.' } });
  const first = runDispatch(ordersRequest(), 'pr', world.ports({ clock: held }));
  await waiting.promise;
  return { first, release: released.resolve };
}

describe.each(['2026-03-10', '2022-11-28', 'plain'] as const)('on a server of the API %s', (generation) => {
  test('a request finds its run, follows it, and ends with its pull request and files', async () => {
    await using world = await gitopsWorld({ generation });
    const document = await runDispatch(ordersRequest({ inputs: { env: 'dev' } }), 'pr', world.ports());
    expect(document).toMatchObject({
      result: 'proposed',
      request: { id: id(1), inputs: { kind: 'domain', name: 'orders', version: 'v1', env: 'dev' } },
      run: {
        status: 'completed',
        conclusion: 'success',
        jobs: [{ name: 'scaffold', steps: [{}, { name: 'Render charts', conclusion: 'success' }, {}] }],
      },
      pull: {
        number: 1,
        state: 'open',
        files: Object.keys(wiringOf({ kind: 'domain', name: 'orders', version: 'v1', env: 'dev' }))
          .sort()
          .map((path) => ({ path, status: 'added' })),
      },
    });
    // What has its default value is not sent.
    expect(world.gitops.runs.map(({ inputs }) => inputs)).toEqual([
      {
        kind: 'domain',
        name: 'orders',
        version: 'v1',
        env: 'dev',
        with_smoke: 'false',
        force: 'false',
        source: '',
        workload: '',
        request_id: document.request.id,
      },
    ]);
    expect(world.events.filter(({ type }) => type === 'item').at(-1)).toEqual({
      type: 'item',
      item: 'scaffold / Open pull request',
      status: 'done',
      state: 'success',
    });
  });

  test('twenty requests at once, half of them equal, each follow a run of what they ask for', async () => {
    await using world = await gitopsWorld({ generation, skew: -3_600_000 });
    const { script } = world.gitops;
    // Lists lag, each run by another number of looks.
    world.gitops.script = (run) => {
      run.hidden = run.number % 4;
      return script(run);
    };
    const names = Array.from({ length: 20 }, (_, index) => `orders-${index % 10}`);
    const documents = await Promise.all(
      names.map((name) => runDispatch(ordersRequest({ inputs: { name } }), 'run', world.ports())),
    );
    expect(new Set(documents.map(({ request }) => request.id)).size).toBe(10);
    for (const [index, { request, run }] of documents.entries()) {
      const own = world.gitops.runs.find(({ id: one }) => one === run?.id);
      expect(own?.inputs).toMatchObject({ request_id: request.id, name: names[index] });
    }
  });

  test.each([500, 502, 'reset'] as const)(
    'a run that was created before %s came is found, and no second one made',
    async (status) => {
      await using world = await gitopsWorld({ generation });
      const accepted = { '2026-03-10': 0, '2022-11-28': 1, plain: 2 }[generation];
      // The refusals of newer ways go through; the one that is taken fails after it took effect.
      for (let count = 0; count < accepted; count += 1)
        world.github.fault({
          path: /dispatches$/,
          status: 400,
          body: { message: 'Version is not supported' },
        });
      world.github.fault({ path: /dispatches$/, status, when: 'after' });
      expect(await runDispatch(ordersRequest(), 'pr', world.ports())).toMatchObject({
        result: 'proposed',
      });
      expect(world.gitops.runs).toHaveLength(1);
      expect(world.events).toContainEqual(
        expect.objectContaining({
          code: 'gitops-dispatch-unknown',
          message: expect.stringMatching(
            /^127\.0\.0\.1:\d+ (failed to answer\. GitHub answered 50\d|did not answer: the connection broke \(\w+\))\. Looking for the run\.$/,
          ),
        }),
      );
    },
  );
});

describe('a request', () => {
  test('that failed before it was taken is sent again, with the same id', async () => {
    await using world = await gitopsWorld();
    world.github.fault({ path: /dispatches$/, status: 503, times: 2 });
    expect(await runDispatch(ordersRequest(), 'pr', world.ports())).toMatchObject({ result: 'proposed' });
    expect(
      dispatches(world).map(({ body }) => (body as { inputs: Record<string, string> }).inputs.request_id),
    ).toEqual(Array(3).fill(id(1)));
    expect(world.gitops.runs).toHaveLength(1);
  });

  test('that is there already is not made again; force goes through to the workflow', async () => {
    await using world = await gitopsWorld();
    await runDispatch(ordersRequest(), 'pr', world.ports());
    expect(await runDispatch(ordersRequest(), 'pr', world.ports())).toMatchObject({
      result: 'exists',
      request: { id: null },
      pull: { number: 1, state: 'open', files: [{}, {}] },
    });
    await world.gitops.merge(1);
    const merged = await runDispatch(ordersRequest(), 'pr', world.ports());
    expect(merged).toMatchObject({ result: 'exists' });
    expect(merged.pull).toBeUndefined();
    expect(world.gitops.runs).toHaveLength(1);

    world.gitops.script = () => ({
      onCompleted: async (run) => {
        const [path = ''] = Object.keys(wiringOf(run.inputs));
        await world.gitops.commit('scaffold/domain-orders-v1', { [path]: 'forced\n' });
        world.gitops.open('scaffold/domain-orders-v1', { created: run.created });
      },
    });
    const forced = ordersRequest({ force: true, inputs: { force: 'true' } });
    expect(await runDispatch(forced, 'pr', world.ports())).toMatchObject({
      result: 'proposed',
      pull: { number: 2 },
    });
    expect(world.gitops.runs.map(({ inputs }) => inputs.force)).toEqual(['false', 'true']);
  });

  describe('with a pull request that others have written to', () => {
    const branch = 'scaffold/domain-orders-v1';
    const hostile = {
      '.github/workflows/lint.yaml': 'on: push\n',
      'sources/values/env/production/globals.yaml': '{}\n',
    };
    const problem = { code: 'gitops-pull-foreign', why: Object.keys(hostile).join('\n') };

    test('fails before anything is sent, and names all files', async () => {
      await using world = await gitopsWorld();
      await world.gitops.commit(branch, {
        ...wiringOf({ kind: 'domain', name: 'orders', version: 'v1' }),
        ...hostile,
      });
      world.gitops.open(branch, { author: 'mallory' });
      const found = await runDispatch(ordersRequest(), 'pr', world.ports());
      expect(found).toMatchObject({ result: 'failed', pull: { author: 'mallory' }, problem });
      expect(found.pull?.files).toHaveLength(4);
      expect(world.gitops.runs).toEqual([]);
    });

    test('fails after the run, and when it was merged', async () => {
      await using world = await gitopsWorld();
      world.gitops.script = () => ({
        onCompleted: async (run) => {
          await propose(world.gitops, run);
          await world.gitops.commit(branch, hostile);
        },
      });
      const ports = world.ports();
      const found = await runDispatch(ordersRequest(), 'pr', ports);
      expect(found).toMatchObject({
        result: 'failed',
        pull: { number: 1, author: 'acme-app[bot]' },
        problem,
      });
      const [pull] = world.gitops.pulls;
      Object.assign(pull ?? {}, { state: 'closed', merged: true, closed: pull?.created });
      const merged = await resumeDispatch(`${found.run?.id}`, ordersRequest(), 'pr', ports);
      expect(merged).toMatchObject({ result: 'failed', pull: { state: 'merged' }, problem });
    });

    test('that removes a file of the wiring fails too', async () => {
      await using world = await gitopsWorld();
      const files = wiringOf({ kind: 'domain', name: 'orders', version: 'v1', env: 'dev' });
      await world.gitops.commit('main', files);
      const [path = ''] = Object.keys(files).slice(-1);
      await world.gitops.commit(branch, { [path]: null });
      world.gitops.open(branch);
      const found = await runDispatch(ordersRequest(), 'pr', world.ports());
      expect(found).toMatchObject({ result: 'failed', problem: { code: 'gitops-pull-foreign', why: path } });
    });

    test('takes none of a fork, or for another branch, for its own; warns of one that no app opened', async () => {
      await using world = await gitopsWorld();
      const fork = await world.github.fork(world.gitops, 'mallory/gitops');
      await fork.commit(branch, hostile);
      world.gitops.open(branch, { author: 'mallory', from: 'mallory/gitops' });
      await world.gitops.git('branch', 'release', 'main');
      await world.gitops.commit(branch, wiringOf({ kind: 'domain', name: 'orders', version: 'v1' }));
      world.gitops.open(branch, { author: 'mallory', base: 'release' });
      const found = await runDispatch(ordersRequest(), 'none', world.ports());
      expect(found).toMatchObject({ result: 'dispatched' });
      world.gitops.open(branch, { author: 'mallory' });
      const other = ordersRequest({ inputs: { env: 'dev' } });
      const pull = await runDispatch(other, 'pr', world.ports());
      expect(pull).toMatchObject({ pull: { number: 3, base: 'main', author: 'mallory' } });
      expect(world.events).toContainEqual(
        expect.objectContaining({ type: 'warning', code: 'gitops-pull-author' }),
      );
    });
  });

  test('for another lane adds to what is wired, and to a pull request that is open', async () => {
    await using world = await gitopsWorld();
    const ask = (env: string) => runDispatch(ordersRequest({ inputs: { env } }), 'pr', world.ports());
    const lane = (env: string) => `sources/values/env/${env}/apps/domain-orders-v1.yaml`;
    await ask('');
    const added = await ask('dev');
    expect(added).toMatchObject({ result: 'proposed', pull: { number: 1 } });
    expect(added.pull?.files.map(({ path }) => path)).toContain(lane('dev'));
    await world.gitops.merge(1);
    const merged = await ask('dev');
    expect(merged).toMatchObject({ result: 'exists' });
    expect(merged.pull).toBeUndefined();
    expect(await ask('staging')).toMatchObject({
      result: 'proposed',
      pull: { number: 2, files: [{ path: lane('staging'), status: 'added' }] },
    });
    // Another one than that of the open pull request.
    expect((await ask('dev')).pull).toBeUndefined();
    expect(world.gitops.runs).toHaveLength(3);
  });

  test('whose pull request was closed can be made again', async () => {
    await using world = await gitopsWorld();
    await runDispatch(ordersRequest(), 'pr', world.ports());
    world.gitops.close(1);
    expect(await runDispatch(ordersRequest(), 'pr', world.ports())).toMatchObject({
      result: 'proposed',
      pull: { number: 2 },
    });
  });

  test('that is under way is followed by whoever makes it again', async () => {
    await using world = await gitopsWorld();
    const started = await runDispatch(ordersRequest(), 'none', world.ports());
    expect(started).toMatchObject({
      result: 'dispatched',
      next: [`primitive gitops scaffold --resume ${started.run?.id}`],
    });
    expect(await again(world)).toMatchObject({
      result: 'proposed',
      request: { id: id(1) },
      run: { id: started.run?.id },
    });
    expect(world.gitops.runs).toHaveLength(1);
  });

  test('made on two machines at the same moment has one pull request', async () => {
    await using world = await gitopsWorld();
    const both = await Promise.all([again(world), again(world)]);
    expect(both).toMatchObject(Array(2).fill({ result: 'proposed', pull: { number: 1 } }));
    expect(both[0]?.request.id).toBe(both[1]?.request.id);
    expect(world.gitops.pulls).toHaveLength(1);
  });

  test('that waits for a rate limit while another machine makes it has one pull request', async () => {
    await using world = await gitopsWorld();
    const { first, release } = await limited(world);
    const second = await again(world);
    expect(second).toMatchObject({ result: 'proposed', request: { id: id(1) } });
    release();
    expect(await first).toMatchObject({ result: 'proposed', request: { id: id(1) }, pull: { number: 1 } });
    expect(world.gitops.pulls).toHaveLength(1);
  });

  test('refused by the workflow because the pull request of an equal one was merged is there', async () => {
    await using world = await gitopsWorld();
    world.gitops.script = () => ({
      conclusion: 'failure',
      onCompleted: (run) => world.gitops.commit('main', wiringOf(run.inputs)),
    });
    expect(await again(world)).toMatchObject({ result: 'exists', run: { conclusion: 'failure' } });
    const forced = ordersRequest({ force: true, inputs: { force: 'true' } });
    expect(await runDispatch(forced, 'pr', world.ports())).toMatchObject({ result: 'failed' });
  });

  test('that was cancelled in the queue by an equal one follows that one', async () => {
    await using world = await gitopsWorld();
    const { script } = world.gitops;
    // GitHub keeps one run of a group waiting, and cancels it if one more comes.
    world.gitops.script = (run) => (run.number === 1 ? { conclusion: 'cancelled' } : script(run));
    world.github.fault({ path: /dispatches$/, status: 502, when: 'after' });
    const documents = await Promise.all([again(world), again(world)]);
    expect(documents).toMatchObject(Array(2).fill({ result: 'proposed', pull: { number: 1 } }));
  });

  test('for one component in two lanes at once has a run for each, and its own outcome', async () => {
    await using world = await gitopsWorld();
    const { script } = world.gitops;
    world.gitops.script = (run) => (run.inputs.env === 'dev' ? { conclusion: 'cancelled' } : script(run));
    const ask = (env: string) => runDispatch(ordersRequest({ inputs: { env } }), 'pr', world.ports());
    const [dev, staging] = await Promise.all([ask('dev'), ask('staging')]);
    expect(dev).toMatchObject({ result: 'failed', problem: { code: 'gitops-run-cancelled' } });
    expect(staging).toMatchObject({ result: 'proposed', pull: { number: 1 } });
    world.gitops.script = script;
    expect(await ask('dev')).toMatchObject({
      result: 'proposed',
      request: { id: id(2) },
      pull: { number: 1 },
    });
  });

  test.each(['failure', 'cancelled', 'timed_out'] as const)(
    'whose run ended with %s is a new attempt when it is made again',
    async (conclusion) => {
      await using world = await gitopsWorld();
      const { script } = world.gitops;
      world.gitops.script = () => ({ conclusion });
      expect(await again(world)).toMatchObject({ result: 'failed', request: { id: id(1) } });
      expect(await again(world)).toMatchObject({ result: 'failed', request: { id: id(2) } });
      world.gitops.script = script;
      expect(await again(world)).toMatchObject({ result: 'proposed', request: { id: id(3) } });
    },
  );

  test('is found although GitHub lists its run a minute after it failed to answer', async () => {
    await using world = await gitopsWorld();
    const { script } = world.gitops;
    world.gitops.script = (run) => {
      run.hidden = MINUTE;
      return script(run);
    };
    world.github.fault({ path: /dispatches$/, status: 502, when: 'after' });
    const clock = patientlessClock();
    const document = await runDispatch(ordersRequest(), 'run', world.ports({ clock }));
    expect(document).toMatchObject({ result: 'passed' });
    expect(clock.slept.reduce((sum, one) => sum + one)).toBeGreaterThan(60_000);
    expect(world.gitops.runs).toHaveLength(1);
  });

  test('that GitHub lists even later is sent again, and has one pull request', async () => {
    await using world = await gitopsWorld();
    const { script } = world.gitops;
    world.gitops.script = (run) => {
      run.hidden = run.number === 1 ? 1000 : 0;
      return script(run);
    };
    world.github.fault({ path: /dispatches$/, status: 502, when: 'after' });
    expect(await again(world)).toMatchObject({ result: 'proposed', request: { id: id(1) } });
    expect(world.gitops.runs.map(({ title }) => title)).toEqual(Array(2).fill(world.gitops.runs[0]?.title));
    expect(world.gitops.pulls).toHaveLength(1);
  });

  test('is made again if the workflow does not name its runs, and has one pull request', async () => {
    await using world = await gitopsWorld();
    const unnamed = workflowText().replace(/^run-name.*$/m, 'run-name: scaffold');
    await world.gitops.commit('main', { [WORKFLOW_PATH]: unnamed });
    const other = await runDispatch(ordersRequest(), 'none', world.ports());
    const own = await again(world);
    expect(own).toMatchObject({ result: 'proposed', request: { id: id(1) }, pull: { number: 1 } });
    expect(own.run?.id).not.toBe(other.run?.id);
  });

  test('follows no run of another branch, whose workflow anybody may have written', async () => {
    await using world = await gitopsWorld();
    world.gitops.script = () => idle;
    const { request, run } = await runDispatch(ordersRequest(), 'none', world.ports());
    await world.gitops.commit('evil', { [WORKFLOW_PATH]: `${workflowText()}# evil\n` });
    const inputs = { kind: 'domain', name: 'orders', version: 'v1', request_id: `${request.id}` };
    await world.client().dispatch('scaffold-primitive-gitops.yaml', { ref: 'evil', inputs });
    const found = await runDispatch(ordersRequest(), 'none', world.ports());
    expect(found.run?.id).toBe(run?.id);
    const evil = `${world.gitops.runs[1]?.id}`;
    const resumed = resumeDispatch(evil, ordersRequest(), 'pr', world.ports());
    await expect(resumed).rejects.toMatchObject({ code: 'gitops-run-foreign', exit: 2 });
  });

  test('whose id somebody else has taken for other inputs does not count as done, and can be made again', async () => {
    await using world = await gitopsWorld();
    const asked = { workflow: 'scaffold-primitive-gitops.yaml', ref: 'main' };
    const inputs = { kind: 'domain', name: 'orders', version: 'v1' };
    const taken = showId({ key: keyOf({ ...asked, inputs }), attempt: 1 });
    const other = { ...inputs, name: 'evil', request_id: taken };
    await world.client().dispatch(asked.workflow, { ref: 'main', inputs: other });
    expect(await again(world)).toMatchObject({
      result: 'failed',
      request: { id: taken },
      problem: { code: 'gitops-pull-missing' },
    });
    expect(await again(world)).toMatchObject({ result: 'proposed', request: { id: id(2) } });
  });

  test('of a process that was killed after it was sent is followed, and not made again', async () => {
    await using world = await gitopsWorld();
    const kill = new AbortController();
    world.github.fault({ path: /dispatches$/, status: 'reset', when: 'after' });
    const ports = world.ports({ signal: kill.signal });
    const killed = runDispatch(ordersRequest(), 'pr', {
      ...ports,
      emit: (event) => event.type === 'warning' && kill.abort(new PrimitiveError('test/killed', 'Killed.')),
    });
    await expect(killed).rejects.toMatchObject({ code: 'test/killed' });
    expect(await again(world)).toMatchObject({ result: 'proposed', request: { id: id(1) } });
    // By now its run has ended.
    expect(await again(world)).toMatchObject({ result: 'exists', pull: { number: 1 } });
    expect(world.gitops.runs).toHaveLength(1);
  });

  test('of a process that was killed before it was sent is made by the next one', async () => {
    await using world = await gitopsWorld();
    const kill = new AbortController();
    const killed = runDispatch(ordersRequest(), 'pr', {
      ...world.ports({ signal: kill.signal }),
      emit: (event) =>
        event.type === 'step' &&
        event.step === 'dispatch' &&
        kill.abort(new PrimitiveError('test/killed', 'Killed.')),
    });
    await expect(killed).rejects.toMatchObject({ code: 'test/killed' });
    expect(world.gitops.runs).toHaveLength(0);
    expect(await runDispatch(ordersRequest(), 'pr', world.ports())).toMatchObject({
      result: 'proposed',
      request: { id: id(1) },
    });
    expect(world.gitops.runs).toHaveLength(1);
  });

  test.each(['before', 'after'] as const)(
    'that GitHub does not answer within the time limit can be made again: %s it took effect',
    async (when) => {
      await using world = await gitopsWorld();
      const late = new AbortController();
      world.github.fault({ path: /dispatches$/, status: 'hang', when });
      const asked = runDispatch(ordersRequest(), 'pr', world.ports({ signal: late.signal }));
      await until(() => (when === 'after' ? world.gitops.runs : dispatches(world)).length > 0);
      late.abort(timeLimit);
      await expect(asked).rejects.toMatchObject({
        code: 'gitops-timeout',
        exit: 3,
        why: 'The request may have been sent; its run continues.',
        suggestions: ['Run the same command again: it follows that run.'],
      });
      expect(await again(world)).toMatchObject({
        result: 'proposed',
        request: { id: id(1) },
      });
      expect(world.gitops.runs).toHaveLength(1);
    },
  );

  test('that is only planned reads, and leaves nothing behind', async () => {
    await using world = await gitopsWorld();
    expect(await runDispatch(ordersRequest({ dryRun: true }), 'pr', world.ports())).toMatchObject({
      result: 'planned',
      request: { id: null, branch: 'scaffold/domain-orders-v1' },
    });
    expect(world.github.requests.map(({ method }) => method)).not.toContain('POST');
  });

  test.each<[string, Fault]>([
    ['cannot be reached', { path: /./, status: 'reset', times: 100 }],
    ['fails', { path: /./, status: 503, times: 100 }],
    ['fails after a while', { path: /pulls/, status: 503, times: 100 }],
  ])('that is only planned says what it could not look up if GitHub %s', async (_, fault) => {
    await using world = await gitopsWorld();
    world.github.fault(fault);
    const document = await runDispatch(ordersRequest({ dryRun: true }), 'pr', world.ports());
    expect(document).toMatchObject({
      result: 'planned',
      request: { branch: 'scaffold/domain-orders-v1', inputs: { kind: 'domain' } },
      unchecked: {
        why: expect.stringMatching(/^127\.0\.0\.1/),
        facts: [{}, {}, {}].map(() => expect.any(String)),
      },
    });
    const { text, exit } = gitopsRunOutcome(document);
    expect(exit).toBe(0);
    expect(text(createStyle(false))).toMatch(/^Not looked up: 127\.0\.0\.1.*\n {2}whether the workflow/m);
  });

  test('that is only planned ends with an interruption all the same', async () => {
    await using world = await gitopsWorld();
    const stop = new AbortController();
    stop.abort(new PrimitiveError('interrupted', 'Stopped.', { exit: 130, retryable: true }));
    const planned = runDispatch(ordersRequest({ dryRun: true }), 'pr', world.ports({ signal: stop.signal }));
    await expect(planned).rejects.toMatchObject({ code: 'interrupted' });
  });

  test('with a wrong input, or a lane that the config does not name, is refused before anything is asked', async () => {
    await using world = await gitopsWorld();
    for (const inputs of [{ name: '../../etc' }, { name: 'a\nb' }, { env: 'prod' }, { version: '$(id)' }]) {
      const refused = runDispatch(ordersRequest({ inputs }), 'pr', world.ports());
      await expect(refused).rejects.toMatchObject({ code: 'gitops-input-invalid', exit: 2 });
    }
    const lane = await runDispatch(ordersRequest({ inputs: { env: 'devv' } }), 'pr', world.ports()).catch(
      (error) => error as Refusal,
    );
    expect(lane).toMatchObject({ suggestions: ['Did you mean dev?'] });
    expect(world.github.requests).toEqual([]);
  });
});

describe('following', () => {
  test('can be resumed on any machine, by the id of the run or its URL', async () => {
    await using world = await gitopsWorld();
    const { run } = await runDispatch(ordersRequest({ inputs: { env: 'dev' } }), 'none', world.ports());
    const resume = (resumed: string, wait: 'run' | 'pr') =>
      resumeDispatch(resumed, ordersRequest(), wait, world.ports());
    expect(await resume(`${run?.id}`, 'run')).toMatchObject({ result: 'passed', request: { id: id(1) } });
    expect(await resume(`${run?.url}`, 'pr')).toMatchObject({
      result: 'proposed',
      request: { inputs: { kind: 'domain', name: 'orders', version: 'v1' } },
      pull: { files: [{}, {}, { path: 'sources/values/env/dev/apps/domain-orders-v1.yaml' }] },
    });
    expect(await resume(`${run?.url}/attempts/1`, 'pr')).toMatchObject({ result: 'proposed' });
  });

  test('that is resumed claims nothing of files that the name of the run does not tell', async () => {
    await using world = await gitopsWorld();
    await world.gitops.commit('main', wiringOf({ kind: 'domain', name: 'orders', version: 'v1' }));
    world.gitops.script = () => ({ conclusion: 'failure' });
    const { run } = await runDispatch(ordersRequest({ inputs: { env: 'dev' } }), 'none', world.ports());
    const document = await resumeDispatch(`${run?.id}`, ordersRequest(), 'pr', world.ports());
    expect(document).toMatchObject({ result: 'failed', problem: { code: 'gitops-run-failed' } });
  });

  test.each([
    ['nothing', 'invalid-flag'],
    ['-1', 'invalid-flag'],
    ['16000000999', 'gitops-run-missing'],
    ['https://github.com/acme/gitops/actions/runs/1', 'gitops-run-missing'],
  ])('does not resume %s', async (resumed, code) => {
    await using world = await gitopsWorld();
    const refused = resumeDispatch(resumed, ordersRequest(), 'pr', world.ports());
    await expect(refused).rejects.toMatchObject({ code, exit: 2 });
  });

  test('does not resume a run that was started by hand', async () => {
    await using world = await gitopsWorld();
    const inputs = { kind: 'domain', name: 'orders', version: 'v1' };
    await world.client().dispatch('scaffold-primitive-gitops.yaml', { ref: 'main', inputs });
    const refused = resumeDispatch(`${world.gitops.runs[0]?.id}`, ordersRequest(), 'pr', world.ports());
    await expect(refused).rejects.toMatchObject({ code: 'gitops-run-foreign', exit: 2 });
  });

  test('goes on if GitHub answers 404 a few times for a run that is there', async () => {
    await using world = await gitopsWorld();
    world.github.fault({ path: /\/runs\/\d+$/, status: 404, body: { message: 'Not Found' }, times: 3 });
    world.github.fault({ path: /\/jobs/, status: 404, body: { message: 'Not Found' }, times: 2 });
    const document = await again(world);
    expect(document).toMatchObject({ result: 'proposed', run: { jobs: [{ name: 'scaffold' }] } });
  });

  test('waits for a pull request that is listed a minute late', async () => {
    await using world = await gitopsWorld();
    world.gitops.script = (run) => ({
      onCompleted: async () => {
        await propose(world.gitops, run);
        for (const pull of world.gitops.pulls) pull.hidden = MINUTE;
      },
    });
    const clock = patientlessClock();
    expect(await runDispatch(ordersRequest(), 'pr', world.ports({ clock }))).toMatchObject({
      result: 'proposed',
    });
    expect(clock.slept.reduce((sum, one) => sum + one)).toBeGreaterThan(60_000);
  });

  test('ends with an interruption, which says how to go on; the run goes on', async () => {
    await using world = await gitopsWorld();
    world.gitops.script = () => idle;
    const stop = new AbortController();
    const ports = world.ports({ signal: stop.signal });
    const stopped = runDispatch(ordersRequest(), 'pr', {
      ...ports,
      emit: (event) =>
        event.type === 'step' &&
        event.step === 'follow' &&
        stop.abort(new PrimitiveError('interrupted', 'Stopped by SIGINT.', { exit: 130 })),
    });
    await expect(stopped).rejects.toMatchObject({
      code: 'interrupted',
      exit: 130,
      why: expect.stringContaining('The run continues: http'),
      suggestions: [expect.stringMatching(/^primitive gitops scaffold --resume \d+$/)],
    });
    expect(world.gitops.runs[0]?.status).not.toBe('completed');
  });

  test.each([
    ['its jobs', /\/jobs/, []],
    ['itself', /\/runs\/\d+$/, [{ name: 'scaffold' }]],
  ])(
    'ends with the time limit while GitHub is asked for %s, with what was read last',
    async (_, path, jobs) => {
      await using world = await gitopsWorld();
      world.gitops.script = () => idle;
      const late = new AbortController();
      const ports = world.ports({ signal: late.signal });
      let asked = Number.POSITIVE_INFINITY;
      const followed = runDispatch(ordersRequest(), 'pr', {
        ...ports,
        emit: (event) => {
          if (event.type !== 'step' || event.step !== 'follow') return;
          world.github.fault({ path, status: 'hang' });
          asked = world.github.requests.length;
        },
      });
      await until(() => world.github.requests.slice(asked).some((request) => path.test(request.path)));
      late.abort(timeLimit);
      const document = await followed;
      expect(document).toMatchObject({
        result: 'unfinished',
        request: { id: id(1) },
        run: { id: world.gitops.runs[0]?.id, conclusion: null, jobs },
        problem: {
          code: 'gitops-timeout',
          why: expect.stringMatching(/^Stopped after 5s\. .* It continues: http/),
        },
        next: [`primitive gitops scaffold --resume ${world.gitops.runs[0]?.id}`],
      });
      expect(gitopsRunOutcome(document).exit).toBe(3);
    },
  );

  test('waits for a runner, and says so once after two minutes', async () => {
    await using world = await gitopsWorld();
    world.gitops.script = () => ({
      before: Array(30).fill('queued'),
      onCompleted: (run) => propose(world.gitops, run),
    });
    expect(await again(world)).toMatchObject({ result: 'proposed' });
    expect(world.events.filter((event) => event.type === 'warning')).toMatchObject([
      { code: 'gitops-run-queued', message: expect.stringMatching(/^Run \d+ waits for a runner: http/) },
    ]);
  });

  test('waits for an approval, and says so once', async () => {
    await using world = await gitopsWorld();
    world.gitops.script = () => ({
      before: ['queued', 'waiting', 'waiting', 'waiting'],
      onCompleted: (run) => propose(world.gitops, run),
    });
    expect(await runDispatch(ordersRequest(), 'pr', world.ports())).toMatchObject({ result: 'proposed' });
    expect(world.events.filter((event) => event.type === 'warning')).toMatchObject([
      { code: 'gitops-run-waiting' },
    ]);
  });

  test('waits as long as a rate limit asks, says so, and sends a refused dispatch again', async () => {
    await using world = await gitopsWorld({ skew: 7_200_000 });
    const reset = Math.floor(world.github.now() / 1000) + 600;
    world.github.fault({
      path: /dispatches$/,
      status: 403,
      headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${reset}` },
      body: { message: 'API rate limit exceeded for installation ID 1.' },
    });
    world.github.fault({
      path: /\/jobs/,
      status: 429,
      headers: { 'retry-after': '90' },
      body: { message: 'You have exceeded a secondary rate limit.' },
    });
    world.github.fault({
      path: /\/runs\/\d+$/,
      status: 403,
      body: { message: 'You have exceeded a secondary rate limit.' },
    });
    expect(await runDispatch(ordersRequest(), 'pr', world.ports())).toMatchObject({ result: 'proposed' });
    const waits = world.events.flatMap((event) =>
      event.type === 'warning' && event.code === 'github-retry'
        ? Number(event.message.split(': ').at(-1))
        : [],
    );
    expect(waits).toHaveLength(3);
    expect(waits[0]).toBeGreaterThan(590_000);
    expect(waits[0]).toBeLessThan(620_000);
    expect(waits.slice(1).toSorted((a, b) => a - b)).toEqual([expect.any(Number), expect.any(Number)]);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(60_000);
    expect(world.gitops.runs).toHaveLength(1);
  });

  test('asks with entity tags, reads every page, and sends no credential to the storage of logs', async () => {
    await using world = await gitopsWorld();
    const jobs = Array.from({ length: 130 }, (_, index) => ({
      name: `job ${index}`,
      steps: [
        index === 129
          ? { name: 'Break', conclusion: 'failure' as const, log: ['one', 'two'] }
          : { name: 'Pass' },
      ],
    }));
    world.gitops.script = () => ({ jobs });
    const document = await runDispatch(ordersRequest(), 'pr', world.ports());
    expect(document).toMatchObject({
      result: 'failed',
      problem: {
        code: 'gitops-run-failed',
        message: expect.stringContaining('failed in step Break of job job 129.'),
        why: 'one\ntwo\nProcess completed with exit code 1.',
        suggestions: expect.arrayContaining([
          expect.stringMatching(/gh run view \d+ --repo 127\.0\.0\.1:\d+\/acme\/gitops --log/),
        ]),
      },
    });
    expect(document.run?.jobs).toHaveLength(130);
    expect(world.github.requests.some(({ headers }) => headers['if-none-match'] !== undefined)).toBe(true);
    expect(world.github.leaks).toEqual([]);
  });

  test('finds a run that is on the second page by now', async () => {
    await using world = await gitopsWorld({ generation: 'plain' });
    world.gitops.script = () => idle;
    const { run } = await runDispatch(ordersRequest(), 'none', world.ports());
    const client = world.client();
    const inputs = { kind: 'domain', name: 'others', version: 'v1' };
    for (let count = 0; count < 120; count += 1)
      await client.dispatch('scaffold-primitive-gitops.yaml', { ref: 'main', inputs });
    expect(await runDispatch(ordersRequest(), 'none', world.ports())).toMatchObject({
      run: { id: run?.id },
    });
  });

  test('takes the pull request of the very branch, not one of a fork or an older one', async () => {
    await using world = await gitopsWorld();
    await world.github.fork(world.gitops, 'mallory/gitops');
    world.gitops.open('scaffold/domain-orders-v1', { from: 'mallory/gitops' });
    world.gitops.open('scaffold/domain-orders-v1', { created: '2020-01-01T00:00:00Z' });
    world.gitops.close(2);
    const { pull } = await runDispatch(ordersRequest(), 'pr', world.ports());
    expect(pull).toMatchObject({ number: 3, state: 'open' });
  });
});
