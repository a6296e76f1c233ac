import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Refusal } from '../../../src/core/finding.ts';
import { checkInputs, filesOf, fillTemplate, type InputsFile } from '../../../src/dispatch/inputs.ts';
import { bundledKinds } from '../../../src/kinds/kind.ts';

const file: InputsFile = JSON.parse(
  readFileSync(join(bundledKinds(), '../gitops/scaffold/inputs.json'), 'utf8'),
);
const orders = { kind: 'domain', name: 'orders', version: 'v1' };

function refused(given: Readonly<Record<string, string>>): Refusal {
  try {
    checkInputs(file, given);
  } catch (error) {
    return error as Refusal;
  }
  throw new Error(`accepted ${JSON.stringify(given)}`);
}

describe('inputs of the scaffold workflow', () => {
  test('are completed with the defaults, all texts', () => {
    expect(checkInputs(file, orders)).toEqual({
      ...orders,
      with_smoke: 'false',
      env: '',
      workload: '',
      source: '',
      force: 'false',
      request_id: '',
    });
  });

  test('are at most 25, as many as GitHub takes, and each says what it is', () => {
    expect(Object.keys(file.inputs).length).toBeLessThanOrEqual(25);
    for (const { help } of Object.values(file.inputs)) expect(help).toMatch(/^[A-Z].*[^.]$/);
  });

  test('fill the templates', () => {
    expect(fillTemplate(file.branch, orders)).toBe('scaffold/domain-orders-v1');
    const files = [
      'environments/_shared/components/apps/primitives/domain-orders-v1/component.yaml',
      'sources/values/_shared/apps/domain-orders-v1.yaml',
    ];
    expect(filesOf(file, checkInputs(file, orders))).toEqual(files);
    expect(filesOf(file, checkInputs(file, { ...orders, env: 'dev' }))).toEqual([
      ...files,
      'sources/values/env/dev/apps/domain-orders-v1.yaml',
    ]);
  });

  test.each([
    ['kind', ''],
    ['kind', 'Domain'],
    ['kind', 'two-words'],
    ['kind', '$(touch x)'],
    ['name', '-orders'],
    ['name', 'orders-'],
    ['name', 'a--b'],
    ['name', '..'],
    ['name', '../../etc'],
    ['name', 'orders/v1'],
    ['name', 'orders; rm -rf .'],
    ['name', '`id`'],
    ['name', '\x24{{ secrets.TOKEN }}'],
    ['name', '{{ .Values.x }}'],
    ['name', '!!js/function'],
    ['name', '*anchor'],
    ['name', 'a: b'],
    ['name', 'orders\n'],
    ['name', 'orders\nenv: x'],
    ['name', 'ordеrs'],
    ['name', 'a'.repeat(41)],
    ['version', '1'],
    ['version', 'v1.2'],
    ['version', 'v1/../..'],
    ['version', 'v1gamma1'],
    ['with_smoke', 'yes'],
    ['env', 'dev/..'],
    ['env', 'dev\r'],
    ['force', '1'],
    ['request_id', 'short'],
  ])('refuse %s %j', (name, value) => {
    const error = refused({ ...orders, [name]: value });
    expect(error).toMatchObject({ code: 'gitops-input-invalid', exit: 2 });
    expect(error.message).toMatch(new RegExp(`^Input ${name} `));
    expect(error.suggestions).toHaveLength(1);
  });

  test('are all named at once where several are wrong', () => {
    const error = refused({ kind: 'Domain', nmae: 'orders', version: 'v1' });
    expect(error.findings.map(({ message }) => message)).toEqual([
      'Input "nmae" is unknown.',
      'Input kind "Domain" is invalid: it does not match ^[a-z][a-z0-9]*$.',
      'Input name is missing.',
    ]);
    expect(error.suggestions).toContain('Did you mean name?');
  });

  test('refuse what makes a release name that Helm does not take', () => {
    const longest = { ...orders, name: 'a'.repeat(53 - 'domain--v1-smoke'.length) };
    expect(checkInputs(file, longest)).toMatchObject(longest);
    expect(refused({ ...orders, name: `${longest.name}a` }).message).toMatch(
      /^Release name domain-a+-v1-smoke is too long: it has 54 characters of at most 53\.$/,
    );
  });
});
