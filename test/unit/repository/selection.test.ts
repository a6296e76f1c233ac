import { expect, test } from 'vitest';
import { PrimitiveError } from '../../../src/core/errors.ts';
import type { ImageRepository } from '../../../src/oci/types.ts';
import type { Component } from '../../../src/repository/component.ts';
import { type Selection, selectComponents } from '../../../src/repository/selection.ts';

const component = (id: string): Component => {
  const [kind = '', name = ''] = id.split('/');
  return {
    id,
    kind,
    name,
    path: `apps/primitives/${id}`,
    image: `${kind}-${name}`,
    repository: `ghcr.io/acme/${kind}-${name}` as ImageRepository,
    build: {
      context: `apps/primitives/${id}`,
      dockerfile: 'Dockerfile',
      platforms: [],
      args: {},
      bases: {},
      secrets: [],
    },
  };
};

const COMPONENTS = ['agent/helper', 'domain/billing', 'domain/orders', 'process/orders'].map(component);
const ALL = COMPONENTS.map(({ id }) => id);

const select = (selection: Partial<Selection>, cwd = '/repo') =>
  selectComponents(COMPONENTS, { selectors: [], ...selection }, { cwd, repositoryRoot: '/repo' }).map(
    ({ id }) => id,
  );

test.each<[Partial<Selection>, string, string[]]>([
  [{}, '/repo', ALL],
  [{}, '/repo/apps/primitives/domain/orders', ALL],
  [{ kind: 'domain' }, '/repo', ['domain/billing', 'domain/orders']],
  [{ kind: 'domain', name: 'orders' }, '/repo', ['domain/orders']],
  [{ name: 'billing' }, '/repo', ['domain/billing']],
  [{ selectors: ['domain/orders'] }, '/elsewhere', ['domain/orders']],
  [
    { selectors: ['process/orders', 'agent/helper', 'process/orders'] },
    '/repo',
    ['agent/helper', 'process/orders'],
  ],
  [{ selectors: ['.'] }, '/repo', ALL],
  [{ selectors: ['.'] }, '/repo/apps', ALL],
  [{ selectors: ['.'] }, '/repo/apps/primitives/domain', ['domain/billing', 'domain/orders']],
  [{ selectors: ['.'] }, '/repo/apps/primitives/domain/orders/internal/deep', ['domain/orders']],
  [{ selectors: ['apps/primitives/domain/orders/'] }, '/repo', ['domain/orders']],
  [{ selectors: ['./cmd/main.go'] }, '/repo/apps/primitives/domain/orders', ['domain/orders']],
  [
    { selectors: ['../orders', '../billing'] },
    '/repo/apps/primitives/domain/orders',
    ['domain/billing', 'domain/orders'],
  ],
  [{ selectors: ['/repo/apps/primitives/agent'] }, '/', ['agent/helper']],
])('%j in %s', (selection, cwd, expected) => {
  expect(select(selection, cwd)).toEqual(expected);
});

test.each<[Partial<Selection>, string, string, string]>([
  [{ selectors: ['domain/odrers'] }, '/repo', 'selection-unknown', 'Did you mean domain/orders?'],
  [{ selectors: ['biling'] }, '/repo', 'selection-unknown', 'Did you mean domain/billing?'],
  [
    { selectors: ['./apps/primitives/domain/ordesr'] },
    '/repo',
    'selection-unknown',
    'Did you mean domain/orders?',
  ],
  [{ selectors: ['domain/orders', 'nonsense'] }, '/repo', 'selection-unknown', 'primitive list'],
  [{ selectors: ['.'] }, '/repo/docs', 'selection-unknown', 'primitive list'],
  [{ selectors: ['.'] }, '/elsewhere', 'selection-unknown', 'primitive list'],
  [{ selectors: ['..'] }, '/repo', 'selection-unknown', 'primitive list'],
  [{ selectors: [''] }, '/repo/docs', 'selection-unknown', 'primitive list'],
  [{ kind: 'domian' }, '/repo', 'selection-unknown', 'Did you mean domain?'],
  [{ kind: 'agent', name: 'orders' }, '/repo', 'selection-unknown', 'primitive list'],
  [{ kind: 'domain', name: 'order' }, '/repo', 'selection-unknown', 'Did you mean orders?'],
  [{ name: 'orders' }, '/repo', 'selection-ambiguous', '--kind domain --name orders'],
  [{ kind: 'domain', selectors: ['agent/helper'] }, '/repo', 'selection-mixed', 'Use one form'],
])('%j in %s is refused as %s: %s', (selection, cwd, code, suggestion) => {
  try {
    expect(select(selection, cwd)).toBe('refused');
  } catch (error) {
    if (!(error instanceof PrimitiveError)) throw error;
    expect([error.code, error.exit]).toEqual([code, 2]);
    expect(error.suggestions[0]).toContain(suggestion);
  }
});
