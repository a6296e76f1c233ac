import { Check } from 'typebox/schema';
import { describe, expect, test, vi } from 'vitest';
import { type Code, PrimitiveError } from '../../../../src/core/errors.ts';
import { doctorSchema } from '../../../../src/features/doctor/document.ts';
import { examine, type Probe } from '../../../../src/features/doctor/examine.ts';
import { type DoctorPorts, runDoctor } from '../../../../src/features/doctor/run.ts';
import { doctorText } from '../../../../src/features/doctor/view.ts';
import { createStyle } from '../../../../src/render/style.ts';

const fine = async () => ({ detail: 'fine' });
const refuse =
  (exit: 1 | 2 | 3, code: Code = 'test/broken') =>
  async () => {
    throw new PrimitiveError(code, 'It is broken.', {
      why: 'It fell.',
      suggestions: ['mend it', 'or buy one'],
      exit,
    });
  };

/** Ports of which these are known; all others answer as `other`. */
function portsOf(known: object, other: () => Promise<never>): DoctorPorts {
  const answering = (own: object): object =>
    new Proxy(own, { get: (target, name) => Reflect.get(target, name) ?? other });
  return answering({ publish: answering({}), setup: async () => undefined, ...known }) as DoctorPorts;
}

const knownTo = (config: object) => async () => ({ location: { path: 'x' }, config });

describe('examine', () => {
  test('everything fine', async () => {
    const { report, exit } = await examine([
      { id: 'config', needs: [], run: fine },
      { id: 'syft', needs: ['config'], run: fine },
    ]);
    expect(exit).toBe(0);
    expect(Check(doctorSchema, report)).toBe(true);
    expect(report).toEqual({
      schema: 'primitive.doctor/v1',
      ok: true,
      notCovered: expect.arrayContaining([expect.stringMatching(/^signing itself/)]),
      checks: [
        { id: 'config', state: 'ok', detail: 'fine', fix: [] },
        { id: 'syft', state: 'ok', detail: 'fine', fix: [] },
      ],
    });
  });

  test('a problem has its code, reason and fix; what builds on it is skipped, the rest is looked at', async () => {
    const { report, exit } = await examine([
      { id: 'config', needs: [], run: refuse(2) },
      { id: 'registry', needs: ['config'], run: fine },
      { id: 'bases', needs: ['registry'], run: fine },
      { id: 'syft', needs: [], run: fine },
    ]);
    expect(exit).toBe(1);
    expect(report.ok).toBe(false);
    expect(report.checks).toEqual([
      {
        id: 'config',
        state: 'fail',
        detail: 'It is broken.',
        why: 'It fell.',
        code: 'test/broken',
        fix: ['mend it', 'or buy one'],
      },
      { id: 'registry', state: 'skipped', detail: 'needs config', fix: [] },
      { id: 'bases', state: 'skipped', detail: 'needs registry', fix: [] },
      { id: 'syft', state: 'ok', detail: 'fine', fix: [] },
    ]);
  });

  test.each([
    [[1], 1],
    [[2], 1],
    [[3], 3],
    [[2, 3], 3],
  ] as const)('problems of exit codes %j end with %i', async (exits, exit) => {
    const ids = ['cosign', 'syft'] as const;
    const probes = exits.map(
      (code, index): Probe => ({ id: ids[index] ?? 'git', needs: [], run: refuse(code) }),
    );
    expect((await examine(probes)).exit).toBe(exit);
  });

  test('a reservation is no failure', async () => {
    const warning = { code: 'trust-key-mode', why: 'A key is a key.', fix: ['sign keyless'] };
    const { report, exit } = await examine([
      { id: 'trust', needs: [], run: async () => ({ detail: 'x', warning }) },
    ]);
    expect(exit).toBe(0);
    expect(report.checks[0]).toEqual({ id: 'trust', state: 'warn', detail: 'x', ...warning });
  });

  test('a GitOps repository that is refused without a reason has none', async () => {
    const refused = () =>
      Promise.reject(new PrimitiveError('gitops-actions-disabled', 'Actions are disabled.'));
    const signing = { trusted: [], accepted: [], signer: { type: 'keyless' } };
    const build = { cache: { trusted: { from: [] } } };
    const config = { registry: 'ghcr.io/acme', gitops: {}, signing, build };
    const { report } = await runDoctor(
      portsOf({ workspace: knownTo(config), programs: { skipped: [] }, checkWorkflow: refused }, refused),
    );
    const { id: _, ...check } = report.checks.find(({ id }) => id === 'gitops') ?? {};
    expect(check).toEqual({
      state: 'warn',
      detail: 'Actions are disabled.',
      code: 'gitops-actions-disabled',
      fix: [],
    });
  });

  test('in a GitOps repository its set-up is all that is examined', async () => {
    const setup = (exitCode: number, stdout: string, stderr = '') =>
      runDoctor(
        portsOf({ setup: async () => async () => ({ exitCode, stdout, stderr }) }, refuse(1) as never),
      );
    const ok = 'ok       a ruleset\n';
    const whole = await setup(0, `${ok}${ok}`);
    expect(whole).toMatchObject({ exit: 0, report: { checks: [{ id: 'setup', state: 'ok' }] } });
    expect(Check(doctorSchema, whole.report)).toBe(true);
    expect(doctorText(whole.report, createStyle(false))).toContain('\nThis GitOps repository is set up.\n');
    const part = await setup(
      1,
      `${ok}missing  the App's key\n         gh secret set KEY\n${ok}missing  owners\n`,
    );
    expect(part).toMatchObject({
      exit: 1,
      report: {
        checks: [
          {
            state: 'fail',
            detail: '2 of 4 points are not set up on GitHub.',
            why: "the App's key\n         gh secret set KEY\nowners",
          },
        ],
      },
    });
    expect(doctorText(part.report, createStyle(false))).toContain('is not set up yet.');
    const unknown = await setup(3, `${ok}missing  owners\n`, 'setup: gh is not on PATH\n');
    expect(unknown).toMatchObject({
      exit: 3,
      report: {
        checks: [
          {
            state: 'fail',
            code: 'gitops-setup-unknown',
            why: 'gh is not on PATH',
            fix: ['Install gh: https://cli.github.com', 'node .github/primitive/setup.mjs --check'],
          },
        ],
      },
    });
    expect(doctorText(unknown.report, createStyle(false))).toContain('Cannot determine whether');
  });

  test('what gives no answer is not checked, which is neither fine nor wrong; what builds on it is skipped', async () => {
    const { report, exit } = await examine([
      { id: 'plan', needs: [], run: refuse(3, 'no-answer') },
      { id: 'bases', needs: ['plan'], run: fine },
      { id: 'syft', needs: [], run: fine },
    ]);
    expect({ exit, ok: report.ok }).toEqual({ exit: 3, ok: false });
    expect(report.checks.map(({ state }) => state)).toEqual(['unknown', 'skipped', 'ok']);
    expect(doctorText(report, createStyle(false))).toMatch(
      /\n\nCannot determine whether a publish can run\.\nNot checked: plan, bases\.\nNot covered by doctor: /,
    );
  });

  test('a GitHub and a registry that do not answer are waited for side by side, for ten seconds', async () => {
    vi.useFakeTimers();
    try {
      const signing = { trusted: [], accepted: [], signer: { type: 'keyless' } };
      const build = { cache: { trusted: { from: [] } } };
      const config = { registry: 'ghcr.io/acme', gitops: { repository: 'acme/gitops' }, signing, build };
      const silent = () => new Promise<never>(() => {});
      const publish = portsOf({}, refuse(1) as () => Promise<never>);
      const ports = portsOf(
        {
          workspace: knownTo(config),
          programs: { skipped: [] },
          publish: Object.assign(publish, { rights: silent }),
          checkWorkflow: silent,
        },
        refuse(1) as () => Promise<never>,
      );
      const running = runDoctor(ports);
      await vi.advanceTimersByTimeAsync(10_000);
      const { report } = await running;
      const of = (id: string) => report.checks.find((check) => check.id === id);
      expect(of('registry')).toMatchObject({ state: 'unknown', code: 'no-answer' });
      expect(of('gitops')).toMatchObject({ state: 'warn', code: 'no-answer' });
      expect(of('gitops')?.detail).toBe('Not checked: acme/gitops gave no answer within 10 s.');
      expect(of('trust')?.state).toBe('warn');
    } finally {
      vi.useRealTimers();
    }
  });

  test('a program that verify lacks is a warning, with each reason and fix', async () => {
    const lacking = (name: string) =>
      new PrimitiveError('tool-not-found', `${name} not found`, {
        why: `it is required to test ${name}`,
        suggestions: [`install ${name}`, 'or not'],
        exit: 3,
      });
    const signing = { trusted: [], accepted: [], signer: { type: 'keyless' } };
    const config = { registry: 'r', signing, build: { cache: { trusted: { from: [] } } } };
    const of = async (verifyTools: DoctorPorts['verifyTools']) => {
      const ports = portsOf(
        { workspace: knownTo(config), programs: { skipped: [] }, verifyTools },
        refuse(1) as () => Promise<never>,
      );
      return (await runDoctor(ports)).report.checks.find(({ id }) => id === 'verify');
    };
    const found = ['buf 1.60.0', 'go 1.26.0'];
    const fine = { id: 'verify', state: 'ok', fix: [] };
    expect(await of(async () => ({ found, problems: [] }))).toEqual({
      ...fine,
      detail: 'buf 1.60.0, go 1.26.0',
    });
    expect(await of(async () => ({ found: [], problems: [] }))).toEqual({
      ...fine,
      detail: 'starts no program here',
    });
    expect(await of(async () => ({ found, problems: [lacking('node'), lacking('uv')] }))).toEqual({
      id: 'verify',
      state: 'warn',
      code: 'verify-tools',
      detail: 'buf 1.60.0, go 1.26.0, node not found, uv not found',
      why: 'it is required to test node\nit is required to test uv',
      fix: ['install node', 'install uv'],
    });
    expect(await of(refuse(2) as DoctorPorts['verifyTools'])).toMatchObject({
      state: 'warn',
      code: 'test/broken',
    });
  });

  test('a bug of ours and an interruption are not findings', async () => {
    const bug = new TypeError('x');
    const run = () => Promise.reject(bug);
    await expect(examine([{ id: 'git', needs: [], run }])).rejects.toBe(bug);
    await expect(examine([{ id: 'git', needs: [], run: refuse(2, 'interrupted') }])).rejects.toMatchObject({
      code: 'interrupted',
    });
  });

  test('for people: a line each, the fix below it, and a verdict', async () => {
    const { report } = await examine([
      { id: 'config', needs: [], run: fine },
      { id: 'syft', needs: [], run: refuse(3) },
      { id: 'bases', needs: ['syft'], run: fine },
    ]);
    expect(doctorText(report, createStyle(false))).toBe(
      `✓ config  fine
✗ syft    It is broken.
          It fell.
          fix: mend it
               or buy one
- bases   needs syft

A publish cannot run yet.
Not checked: bases.
Not covered by doctor: ${report.notCovered.join('; ')}.
`,
    );
  });
});
