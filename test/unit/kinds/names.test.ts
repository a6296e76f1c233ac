import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nameForms, packageNames } from '../../../src/kinds/names.ts';
import { clashOf, nameFault, nameLike } from '../../../src/repository/primitive-names.ts';

const pattern = '^[a-z][a-z0-9-]{0,38}[a-z0-9]$';

test.each([
  ['Orders', 'orders'],
  ['orderLines', 'order-lines'],
  ['order_lines', 'order-lines'],
  ['a--b', 'a-b'],
  ['func', 'func-domain'],
  ['v2', 'v2-domain'],
  ['1st', 'domain-1st'],
  ['x'.repeat(200), 'x'.repeat(30)],
  ['', undefined],
  ['é', undefined],
])('instead of %j: %s', (name, like) => {
  expect(nameLike(name, 'domain', { pattern, reserved: 'go' })).toBe(like);
});

describe('nameFault', () => {
  test.each([
    ['orders', undefined],
    ['order-lines', undefined],
    ['s3-a1b', undefined],
    ['ab', undefined],
    [`a${'b'.repeat(39)}`, undefined],
    // Predeclared identifiers, and packages of the standard library: always a part of a longer word.
    ['string', undefined],
    ['error', undefined],
    ['context', undefined],
    ['v2x', undefined],
    ['a', `does not match ${pattern}`],
    [`a${'b'.repeat(40)}`, `does not match ${pattern}`],
    [`a${'b'.repeat(63)}`, 'has 64 characters, more than a label may have (63)'],
    ['a_b', `does not match ${pattern}`],
    ['2fast', `does not match ${pattern}`],
    ['a-', `does not match ${pattern}`],
    ['a--b', 'has two hyphens in a row'],
    ['Orders', 'has upper-case letters, which image names may not have'],
    ['func', 'is a word that go reserves'],
    ['internal', 'is a word that go reserves'],
    ['vendor', 'is a word that go reserves'],
    ['v2', 'is a major version to Go, at the end of a module path'],
    ['nul', 'is a device name on Windows, so no folder can have it'],
    ['com1', 'is a device name on Windows, so no folder can have it'],
    ['', `does not match ${pattern}`],
    ['a\nb', `does not match ${pattern}`],
  ])('of %j for Go: %s', (name, fault) => {
    expect(nameFault(name, { pattern, reserved: 'go' })).toBe(fault);
  });

  test.each([
    ['python', 'lambda', 'is a word that python reserves'],
    ['python', 'func', undefined],
    // `import email` still finds the standard library's: the package is acme_agent_email.
    ['python', 'email', undefined],
    ['python', 'list', undefined],
    ['ts', 'static', 'is a word that ts reserves'],
    ['ts', 'func', undefined],
  ] as const)('for %s of %s: %s', (reserved, name, fault) => {
    expect(nameFault(name, { pattern, reserved })).toBe(fault);
  });
});

test.each([
  ['orders', 'orders', 'orders', 'orders', 'Orders', 'orders', 'ORDERS'],
  ['order-lines', 'order-lines', 'order_lines', 'orderLines', 'OrderLines', 'orderlines', 'ORDER_LINES'],
  ['s3-a1b', 's3-a1b', 's3_a1b', 's3A1B', 'S3A1B', 's3a1b', 'S3_A1B'],
  ['a-1', 'a-1', 'a_1', 'a1', 'A1', 'a1', 'A_1'],
])('forms of %s', (name, kebab, snake, camel, pascal, flat, upper) => {
  expect(nameForms(name)).toEqual({ kebab, snake, camel, pascal, flat, upper });
});

test('every allowed name has forms that are identifiers', () => {
  const allowed = fc
    .stringMatching(/^[a-z][a-z0-9-]{0,38}[a-z0-9]$/)
    .filter((name) => nameFault(name, { pattern, reserved: 'go' }) === undefined);
  fc.assert(
    fc.property(allowed, (name) => {
      const { snake, camel, pascal, flat, upper } = nameForms(name);
      expect(snake).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
      expect(camel).toMatch(/^[a-z][A-Za-z0-9]*$/);
      expect(pascal).toMatch(/^[A-Z][A-Za-z0-9]*$/);
      expect(flat).toMatch(/^[a-z][a-z0-9]*$/);
      expect(upper).toBe(snake.toUpperCase());
    }),
  );
});

test.each([
  ['a-b', ['ab', 'c'], 'ab'],
  ['a-b', ['a_b'], 'a_b'],
  ['orders', ['Orders'], 'Orders'],
  ['orders', ['orders', 'order'], undefined],
])('%s beside %j: %s', (name, others, clash) => {
  expect(clashOf(name, others)).toBe(clash);
});

describe('packageNames', () => {
  test('come from the languages alone', () => {
    const languages = {
      go: { module: 'github.com/acme/app' },
      ts: { scope: '@acme' },
      python: { prefix: 'acme_shop' },
      proto: { package: 'acme.shop' },
    };
    expect(packageNames({ kind: 'domain', name: 'order-lines' }, languages)).toEqual({
      go: { module: 'github.com/acme/app/primitives/domain/order-lines' },
      ts: { package: '@acme/domain-order-lines' },
      python: { package: 'acme_shop_domain_order_lines', distribution: 'acme-shop-domain-order-lines' },
      proto: { package: 'acme.shop.domain.order_lines.v1', path: 'acme/shop/domain/order_lines/v1' },
    });
  });

  test('are absent for languages without an entry', () => {
    expect(packageNames({ kind: 'domain', name: 'orders' }, {})).toEqual({});
  });
});
