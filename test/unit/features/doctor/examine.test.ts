import { Check } from 'typebox/schema';
import { describe, expect, test } from 'vitest';
import { PrimitiveError } from '../../../../src/core/errors.ts';
import { doctorSchema } from '../../../../src/features/doctor/document.ts';
import { examine, type Probe } from '../../../../src/features/doctor/examine.ts';
import { type DoctorPorts, runDoctor } from '../../../../src/features/doctor/run.ts';
import { doctorText } from '../../../../src/features/doctor/view.ts';
import { createStyle } from '../../../../src/render/style.ts';

const fine = async () => ({ detail: 'fine' });
const refuse =
  (exit: 1 | 2 | 3, code = 'broken') =>
  async () => {
    throw new PrimitiveError(code, 'It is broken.', {
      why: 'It fell.',
      suggestions: ['mend it', 'or buy one'],
      exit,
    });
  };

describe('examine', () => {
  test('everything fine', async () => {
    const { report, exit } = await examine([
      { id: 'config', needs: [], look: fine },
      { id: 'syft', needs: ['config'], look: fine },
    ]);
    expect(exit).toBe(0);
    expect(Check(doctorSchema, report)).toBe(true);
    expect(report).toEqual({
      schema: 'primitive.doctor/v1',
      ok: true,
      checks: [
        { id: 'config', state: 'ok', detail: 'fine', fix: [] },
        { id: 'syft', state: 'ok', detail: 'fine', fix: [] },
      ],
    });
  });

  test('a problem has its code, reason and fix; what builds on it is skipped, the rest is looked at', async () => {
    const { report, exit } = await examine([
      { id: 'config', needs: [], look: refuse(2) },
      { id: 'registry', needs: ['config'], look: fine },
      { id: 'bases', needs: ['registry'], look: fine },
      { id: 'syft', needs: [], look: fine },
    ]);
    expect(exit).toBe(1);
    expect(report.ok).toBe(false);
    expect(report.checks).toEqual([
      {
        id: 'config',
        state: 'fail',
        detail: 'It is broken.',
        why: 'It fell.',
        code: 'broken',
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
      (code, index): Probe => ({ id: ids[index] ?? 'git', needs: [], look: refuse(code) }),
    );
    expect((await examine(probes)).exit).toBe(exit);
  });

  test('a reservation is no failure', async () => {
    const warning = { code: 'trust-key-mode', why: 'A key is a key.', fix: ['sign keyless'] };
    const { report, exit } = await examine([
      { id: 'trust', needs: [], look: async () => ({ detail: 'x', warning }) },
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
    const workspace = async () => ({ location: { path: 'x' }, config });
    const known: Record<string, unknown> = { workspace, skipped: [] };
    const ports = new Proxy(known, { get: (target, name: string) => target[name] ?? refused });
    const { report } = await runDoctor(ports as unknown as DoctorPorts);
    const { id, ...check } = report.checks.at(-1) ?? {};
    expect(check).toEqual({
      state: 'warn',
      detail: 'Actions are disabled.',
      code: 'gitops-actions-disabled',
      fix: [],
    });
  });

  test('a bug of ours and an interruption are not findings', async () => {
    const bug = new TypeError('x');
    const look = () => Promise.reject(bug);
    await expect(examine([{ id: 'git', needs: [], look }])).rejects.toBe(bug);
    await expect(examine([{ id: 'git', needs: [], look: refuse(2, 'interrupted') }])).rejects.toMatchObject({
      code: 'interrupted',
    });
  });

  test('for people: a line each, the fix below it, and a verdict', async () => {
    const { report } = await examine([
      { id: 'config', needs: [], look: fine },
      { id: 'syft', needs: [], look: refuse(3) },
      { id: 'bases', needs: ['syft'], look: fine },
    ]);
    expect(doctorText(report, createStyle(false))).toBe(
      `✓ config  fine
✗ syft    It is broken.
          It fell.
          fix: mend it
               or buy one
- bases   needs syft

A publish cannot run yet.
`,
    );
  });
});
