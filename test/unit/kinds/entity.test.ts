import { expect, test } from 'vitest';
import { entityFault, entityNames, entityOf } from '../../../src/kinds/entity.ts';

test.each([
  ['orders', 'order', 'orders'],
  ['order-lines', 'order-line', 'order-lines'],
  ['stories', 'story', 'stories'],
  ['boxes', 'box', 'boxes'],
  ['branches', 'branch', 'branches'],
  ['billing', 'billing', 'billings'],
  ['address', 'address', 'addresses'],
  ['status', 'status', 'statuses'],
  ['key', 'key', 'keys'],
])('%s keeps %s, of which there are many: %s', (name, entity, plural) => {
  expect(entityOf(name)).toBe(entity);
  expect(entityNames(entity).plural.kebab).toBe(plural);
});

test.each(['s3-a1b', 'string', 'x', 'strings'])('%s does not name what it keeps', (name) => {
  expect(entityOf(name)).toBe('item');
});

test('reserved names are those of generated code, and those of the kind', () => {
  expect(entityFault('order')).toBeUndefined();
  expect(entityFault('stream', ['stream'])).toContain('meaning of its own');
  expect(entityOf('streams', ['stream'])).toBe('item');
  for (const text of ['', 'Order', 'order_line', '-order', 'order-', 'order--line', '1st', 'a'.repeat(41)])
    expect(entityFault(text), text).toContain('lower-case letters');
});

test('every spelling of an entity', () => {
  expect(entityNames('order-line')).toMatchObject({
    kebab: 'order-line',
    camel: 'orderLine',
    pascal: 'OrderLine',
    words: 'order line',
    plural: { snake: 'order_lines', flat: 'orderlines', words: 'order lines' },
  });
});
